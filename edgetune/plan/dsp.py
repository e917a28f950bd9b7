"""Where the DSP extension's kernels run, and the scratch that they need beside their tensors.

The sizes are those that the functions of firmware/engine/*_dsp.c take of it.
"""

from __future__ import annotations

import math

from edgetune.boards import Core
from edgetune.learn import operators as p
from edgetune.learn.program import Shape
from edgetune.plan.windows import Axis, axes

COLUMNS, FEWEST = 4096, 8  # of conv_2d_dsp.h
SHORT_RUN = 16  # of windows_dsp.c
LARGEST_WINDOW = 1152  # values: a panel of 9 KB
FEWEST_CELLS = 4  # for which a panel is worth its making


def conv_2d_forward_fits(layer: p.Conv2D, x: Shape, y: Shape, core: Core) -> bool:
    return core.dsp and layer.row_size <= LARGEST_WINDOW and y[0] * y[1] >= FEWEST_CELLS


def conv_2d_forward_scratch(layer: p.Conv2D, x: Shape, y: Shape, core: Core) -> int:
    """A panel of four channels, two windows, and windows copied beside each other."""
    size = padded(layer.row_size)
    return (8 + 2 + _copies_at_once(layer, x, y)) * size


def conv_2d_input_error_fits(layer: p.Conv2D, x: Shape, y: Shape, core: Core) -> bool:
    return core.dsp and _reach(layer, y) <= LARGEST_WINDOW and x[0] * x[1] >= FEWEST_CELLS


def conv_2d_input_error_scratch(layer: p.Conv2D, x: Shape, y: Shape, core: Core) -> int:
    """A panel of four channels and two windows over the errors."""
    return (8 + 2) * padded(_reach(layer, y))


def padded(values: int) -> int:
    return -(-values // 4) * 4


def _reach(layer: p.Conv2D, y: Shape) -> int:
    """The most values that a window over the errors has."""
    return math.prod(layer.window.kernel) * y[2]


def _copies_at_once(layer: p.Conv2D, x: Shape, y: Shape) -> int:
    """``copies_at_once`` of conv_2d_dsp.c."""
    down, along = _joined(axes(layer.window, x, y))
    size, positions = padded(layer.row_size), down.out * along.out
    most = COLUMNS // size
    if 4 * _pairs_in_place(down, along, x[2]) >= along.out or most < FEWEST:
        return 0
    times = -(-positions // most)
    count = -(-positions // times)
    return count + count % 2


def _joined(window: tuple[Axis, Axis]) -> tuple[Axis, Axis]:
    """``et_join_windows`` of windows_dsp.c."""
    down, along = window
    one = Axis(size=1, out=1, kernel=1, stride=1, pad=0)
    if all((a.kernel, a.stride, a.pad, a.size) == (1, 1, 0, a.out) for a in window):
        size = down.size * along.size
        return one, Axis(size, size, 1, 1, 0)
    if (along.size, along.kernel, along.out, along.pad) == (1, 1, 1, 0):
        return one, down
    return down, along


def _pairs_in_place(down: Axis, along: Axis, depth: int) -> int:
    """Pairs of windows of a row that are read where they lie."""
    run = along.kernel * depth
    if run % 4 or (run < SHORT_RUN and down.kernel > 1) or along.kernel > along.size:
        return 0
    first = along.outputs_inside(0)[0]
    count = max(0, along.outputs_inside(along.kernel - 1)[1] - first)
    return max(0, (count - first % 2) // 2)
