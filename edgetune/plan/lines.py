"""Where depthwise kernels go one channel at a time, line by line, with MVE's vectors or without the
DSP extension; the scratch that they need beside their tensors, and the loops that they make.

The sizes are those that the functions of firmware/engine/depthwise_conv_2d_lines.c take of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from edgetune.boards import Core
from edgetune.learn import operators as p
from edgetune.learn.program import Shape
from edgetune.plan import dsp
from edgetune.plan.work import Work, repeated

LANES = 4  # sums at once
PICKED = 8  # bytes at once, of those that lie apart
SLACK = 16  # bytes behind the last cell, which loads reach into


def depthwise_conv_2d_fits(layer: p.DepthwiseConv2D, x: Shape, y: Shape, core: Core) -> bool:
    """3x3 windows side by side; on cores without the DSP extension its plain loops are the
    quickest."""
    return (core.mve or not core.dsp) and dsp.side_by_side(layer)


depthwise_conv_2d_forward_fits = depthwise_conv_2d_fits
depthwise_conv_2d_input_error_fits = depthwise_conv_2d_fits
depthwise_conv_2d_gradient_fits = depthwise_conv_2d_fits
depthwise_conv_2d_gradient_rows = dsp.depthwise_conv_2d_gradient_rows


def depthwise_conv_2d_forward_scratch(
    layer: p.DepthwiseConv2D, x: Shape, y: Shape, core: Core
) -> int:
    """A line's sums, and the cells of one channel's windows."""
    return _sums(y) + _cells(y, core) + SLACK


def depthwise_conv_2d_input_error_scratch(
    layer: p.DepthwiseConv2D, x: Shape, y: Shape, core: Core
) -> int:
    return _sums(x) + _cells(x, core) + SLACK


def depthwise_conv_2d_gradient_scratch(
    layer: p.DepthwiseConv2D, x: Shape, y: Shape, core: Core
) -> int:
    """And errors on lines of the same pitch."""
    lines, outputs = _lines(y)
    return _sums(y) + _cells(y, core) + lines * (outputs + 2) + SLACK


depthwise_conv_2d_gradient_whole_scratch = depthwise_conv_2d_gradient_scratch


def _lines(outputs: Shape) -> tuple[int, int]:
    """How many, and what each has: they lie along the longer side."""
    return min(outputs[:2]), max(outputs[:2])


def _sums(outputs: Shape) -> int:
    return 4 * LANES * -(-max(outputs[:2]) // LANES)


def _cells(outputs: Shape, core: Core) -> int:
    lines, length = _lines(outputs)
    return cell_bytes(core) * (lines + 2) * (length + 2)


def cell_bytes(core: Core) -> int:
    """Bytes of a cell: words where the DSP extension is not, and no vectors that take bytes."""
    return 1 if core.dsp else 4


# -- loops ------------------------------------------------------------------------------------


def _planes(data: Shape, outputs: Shape, pad: tuple[int, int]) -> Counter:
    """Of one channel: cells that are filled, and lines of outputs; by vectors, and one by one."""
    along, across = (0, 1) if outputs[0] >= outputs[1] else (1, 0)
    lines, length = outputs[across], outputs[along]
    inside = min(data[along], length + 2 - pad[along])
    exist = sum(0 <= line - pad[across] < data[across] for line in range(lines + 2))
    return Counter({
        "lines": lines, "cell_lines": lines + 2, "data_lines": exist,
        "picked": exist * -(-inside // PICKED), "fours": lines * -(-length // LANES),
        "cells": exist * inside, "pairs": lines * -(-length // 2), "outputs": lines * length,
    })


def depthwise_forward(work: Work) -> Counter:
    loops = _planes(work.x, work.y, work.layer.window.pad) + Counter({"channels": 1})
    return repeated(loops, work.y[2])


def depthwise_input_error(work: Work) -> Counter:
    """The same under the errors."""
    pad = work.layer.window.pad
    loops = _planes(work.y, work.x, (2 - pad[0], 2 - pad[1])) + Counter({"channels": 1})
    return repeated(loops, work.x[2])


def depthwise_gradient(work: Work, rows: int) -> Counter:
    """``rows`` channels of the gradient, formed once."""
    planes = _planes(work.x, work.y, work.layer.window.pad)
    lines, length = _lines(work.y)
    count = lines * (length + 2) - 2
    loops = Counter({
        "put_rows": 1, "cell_lines": planes["cell_lines"],
        "picked": planes["picked"] + lines * -(-length // PICKED), "error_lines": lines,
        "sixteens": -(-count // 16),
        "cells": planes["cells"], "errors": lines * length, "places": count,
    })
    return repeated(loops, rows) + Counter({"forms": 1})


LINE_FEATURES: dict[str, Callable[[Work], dict]] = {
    "depthwise_conv_2d_lines_forward": depthwise_forward,
    "depthwise_conv_2d_lines_input_error": depthwise_input_error,
}
