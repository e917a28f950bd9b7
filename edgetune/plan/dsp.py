"""Where the DSP extension's kernels run, of which gradients of convolutions serve every core, and
the scratch that they need beside their tensors.

The sizes are those that the functions of firmware/engine/*_dsp.c take of it.
"""

from __future__ import annotations

import math

from edgetune.boards import Core
from edgetune.learn import operators as p
from edgetune.learn.program import Layer, Shape
from edgetune.plan.windows import Axis, axes

COLUMNS, FEWEST = 4096, 8  # of conv_2d_dsp.h
TILE, PAIRS, COPIES = 16, 48, 4096  # of conv_2d_gradient_dsp.h
PLANE_LINE, PLANE_PAIRS, PLANE_LINES = 18, 17, 12  # of planes_dsp.h
FORETELLING = 8  # of conv_2d_input_error_dsp.c
BLOCK = 8192  # bytes: blocks of more rows than 4 take no more
SHORT_RUN = 16  # of windows_dsp.c
LARGEST_WINDOW = 1152  # values: a panel of 9 KB
FEWEST_CELLS = 4  # for which a panel is worth its making


def conv_2d_forward_fits(layer: p.Conv2D, x: Shape, y: Shape, core: Core) -> bool:
    return core.dsp and layer.row_size <= LARGEST_WINDOW and y[0] * y[1] >= FEWEST_CELLS


def conv_2d_forward_scratch(layer: p.Conv2D, x: Shape, y: Shape, core: Core) -> int:
    """A panel of four channels, two windows, and windows copied beside each other."""
    size = padded(layer.row_size)
    return (4 * width(core) + 2 + copies_at_once(layer, x, y)) * size


def conv_2d_input_error_fits(layer: p.Conv2D, x: Shape, y: Shape, core: Core) -> bool:
    return core.dsp and _reach(layer, y) <= LARGEST_WINDOW and x[0] * x[1] >= FEWEST_CELLS


def conv_2d_input_error_scratch(layer: p.Conv2D, x: Shape, y: Shape, core: Core) -> int:
    """A panel of four channels and two windows over the errors."""
    return (4 * width(core) + 2) * padded(_reach(layer, y))


def conv_2d_gradient_fits(layer: p.Conv2D, x: Shape, y: Shape, core: Core) -> bool:
    """By bytes on cores without the extension."""
    return layer.row_size <= LARGEST_WINDOW and y[0] * y[1] >= FEWEST_CELLS


def conv_2d_gradient_scratch(layer: p.Conv2D, x: Shape, y: Shape, core: Core) -> int:
    return _gradient_scratch(layer, x, y, core, block_rows(layer))


def conv_2d_gradient_whole_scratch(layer: p.Conv2D, x: Shape, y: Shape, core: Core) -> int:
    return _gradient_scratch(layer, x, y, core, layer.rows)


def _gradient_scratch(layer: p.Conv2D, x: Shape, y: Shape, core: Core, at_once: int) -> int:
    """``walk_of`` of conv_2d_gradient_dsp.c: pairs of positions of four weights' inputs and of a
    tile's errors, and windows copied beside each other; for ``at_once`` rows, of which the copies
    ask no less than a tile."""
    size, copied = padded(layer.row_size), x[2] % 4 != 0
    rows = min(TILE, padded(layer.rows if copied else at_once))
    down, along = axes(layer.window, x, y)
    flat = all((a.kernel, a.stride, a.pad, a.size) == (1, 1, 0, a.out) for a in (down, along))
    if copied or flat:
        most = min(2 * PAIRS, max(8, COPIES // size & ~1)) if copied else 2 * PAIRS
        pairs = _halves(_share(down.out * along.out, most))
    else:
        lines, length = sorted((down.out, along.out))
        pairs = _halves(_share(length, 2 * PAIRS))
        pairs *= min(lines, PAIRS // pairs) if length <= 2 * PAIRS else 1
    return 2 * pairs * (width(core) * (4 + rows) + (size if copied else 0))


def conv_2d_gradient_rows(layer: p.Conv2D, x: Shape, y: Shape, core: Core) -> int:
    return block_rows(layer)


def depthwise_conv_2d_fits(layer: p.DepthwiseConv2D, x: Shape, y: Shape, core: Core) -> bool:
    """3x3 windows side by side, of channels that come in fours, the last ones perhaps twice."""
    return core.dsp and layer.rows >= 4 and side_by_side(layer)


def side_by_side(layer: p.DepthwiseConv2D) -> bool:
    window = layer.window
    return (
        layer.multiplicity == 1 and max(window.pad) <= 2
        and (window.kernel, window.stride) == ((3, 3), (1, 1))
    )


depthwise_conv_2d_forward_fits = depthwise_conv_2d_fits
depthwise_conv_2d_input_error_fits = depthwise_conv_2d_fits
depthwise_conv_2d_gradient_fits = depthwise_conv_2d_fits


def depthwise_conv_2d_forward_scratch(
    layer: p.DepthwiseConv2D, x: Shape, y: Shape, core: Core
) -> int:
    """Planes of four channels, and a line of sums of each."""
    return _planes(y) + 4 * 4 * 2 * PLANE_PAIRS


def depthwise_conv_2d_input_error_scratch(
    layer: p.DepthwiseConv2D, x: Shape, y: Shape, core: Core
) -> int:
    return _planes(x) + 4 * 4 * 2 * PLANE_PAIRS


def depthwise_conv_2d_gradient_scratch(
    layer: p.DepthwiseConv2D, x: Shape, y: Shape, core: Core
) -> int:
    """Planes of four channels, and a line of errors of each."""
    return _planes(y) + 4 * 4 * PLANE_LINE


depthwise_conv_2d_gradient_whole_scratch = depthwise_conv_2d_gradient_scratch


def depthwise_conv_2d_gradient_rows(
    layer: p.DepthwiseConv2D, x: Shape, y: Shape, core: Core
) -> int:
    return min(layer.rows, BLOCK // (4 * (layer.row_size + 1)))


def _planes(outputs: Shape) -> int:
    """Of four channels, for windows of ``outputs``: lines lie along the longer side."""
    lines = min(outputs[:2])
    return 4 * 4 * PLANE_LINE * (min(PLANE_LINES, lines) + 2)


def fully_connected_forward_fits(
    layer: p.FullyConnected, x: Shape, y: Shape, core: Core
) -> bool:
    return core.dsp and layer.row_size >= 8


def fully_connected_input_error_fits(
    layer: p.FullyConnected, x: Shape, y: Shape, core: Core
) -> bool:
    return core.dsp and layer.rows >= 4


def average_pool_2d_input_error_fits(
    layer: p.AveragePool2D, x: Shape, y: Shape, core: Core
) -> bool:
    """Windows that lie side by side and cover the input: no cell has two readers."""
    return core.dsp and all(
        a.pad == 0 and a.kernel * a.out == a.size and (a.stride == a.kernel or a.out == 1)
        for a in axes(layer.window, x, y)
    )


def add_forward_fits(layer: p.Add, x: Shape, y: Shape, core: Core) -> bool:
    return core.dsp and layer.shift < 0 and all(term.shift <= 0 for term in layer.terms)


def error_scale_fits(layer: p.WeightedLayer, x: Shape, y: Shape, core: Core) -> bool:
    return core.dsp and layer.rows >= 4


def no_scratch(layer: Layer, x: Shape, y: Shape, core: Core) -> int:
    return 0


fully_connected_forward_scratch = fully_connected_input_error_scratch = no_scratch
average_pool_2d_input_error_scratch = add_forward_scratch = no_scratch


def width(core: Core) -> int:
    """Bytes of a value of panels and pairs: bytes in lanes, else halves."""
    return 1 if core.lanes else 2


def block_rows(layer: p.WeightedLayer) -> int:
    """Rows of the gradient that are formed at once."""
    row = 4 * (layer.row_size + 1)
    return min(layer.rows, next(n for n in (TILE, 8, 4) if n * row <= BLOCK or n == 4))


def _share(count: int, most: int) -> int:
    """What each part has of ``count``, divided evenly among parts of at most ``most``."""
    return -(-count // -(-count // most))


def _halves(count: int) -> int:
    return -(-count // 2)


def padded(values: int) -> int:
    return -(-values // 4) * 4


def _reach(layer: p.Conv2D, y: Shape) -> int:
    """The most values that a window over the errors has."""
    return math.prod(layer.window.kernel) * y[2]


def copies_at_once(layer: p.Conv2D, x: Shape, y: Shape) -> int:
    """``copies_at_once`` of conv_2d_dsp.c: how many windows are copied beside each other."""
    down, along = joined(axes(layer.window, x, y))
    size, positions = padded(layer.row_size), down.out * along.out
    most = COLUMNS // size
    if 4 * _pairs_in_place(down, along, x[2]) >= along.out or most < FEWEST:
        return 0
    times = -(-positions // most)
    count = -(-positions // times)
    return count + count % 2


def joined(window: tuple[Axis, Axis]) -> tuple[Axis, Axis]:
    """``et_join_windows`` of windows_dsp.c."""
    down, along = window
    one = Axis(size=1, out=1, kernel=1, stride=1, pad=0)
    if all((a.kernel, a.stride, a.pad, a.size) == (1, 1, 0, a.out) for a in window):
        size = down.size * along.size
        return one, Axis(size, size, 1, 1, 0)
    if (along.size, along.kernel, along.out, along.pad) == (1, 1, 1, 0):
        return one, down
    return down, along


def columns_inside(down: Axis, along: Axis, depth: int) -> tuple[int, int]:
    """``et_columns_inside``: the first column of windows that lie inside, and the one past the
    last; none where rows are too short to be read in place."""
    run = along.kernel * depth
    if run % 4 or (run < SHORT_RUN and down.kernel > 1) or along.kernel > along.size:
        return 0, 0
    first = along.outputs_inside(0)[0]
    return first, max(first, along.outputs_inside(along.kernel - 1)[1])


def _pairs_in_place(down: Axis, along: Axis, depth: int) -> int:
    """Pairs of windows of a row that are read where they lie."""
    first, last = columns_inside(down, along, depth)
    return max(0, (last - first - first % 2) // 2)
