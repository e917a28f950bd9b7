"""How many errors are halved because larger ones come: the writers of error_block.h and
error_words.h, on errors of the simulation."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from edgetune.learn.operators import Conv2D, DepthwiseConv2D
from edgetune.learn.program import Layer, Shape
from edgetune.plan.dsp import FORETELLING, PLANE_LINES, PLANE_PAIRS
from edgetune.plan.dsp_windows import backward_phases

PLACES = 64  # layers whose places are remembered, from one step to the next


def halved_errors(kernel: str, layer: Layer, acc: np.ndarray, x: Shape, y: Shape) -> int:
    """Errors that an input error's ``kernel`` halves; ``acc`` [x]: the sums, 0 where masked."""
    sizes = np.abs(acc.reshape(-1))
    if kernel in FORETOLD:
        foretold = sizes[FORETOLD[kernel](layer, x, y)].max(initial=0)
        first, last = _shifts(np.array([foretold, sizes.max()]))
        return int(last - first) * sizes.size
    grown = np.diff(_shifts(np.maximum.accumulate(sizes)), prepend=0)
    at = np.flatnonzero(grown)
    if kernel in ("fully_connected_dsp_input_error", "fully_connected_mve_input_error"):
        return int((grown[at] * (at & ~3)).sum())
    return int(at.sum())


def _shifts(sizes: np.ndarray) -> np.ndarray:
    """The shift that a mantissa of 7 bits needs."""
    return np.maximum(np.ceil(np.log2(sizes + 1.0)) - 7, 0)


@lru_cache(PLACES)
def _middle_pairs(layer: Conv2D, x: Shape, y: Shape) -> np.ndarray:
    """Places in ``x`` whose sums conv_2d_input_error_dsp.c foretells its shift from."""
    windows, _ = next(backward_phases(layer, x, y))
    first, last = windows.inside
    row, pairs, depth = windows.down.out // 2, (last - first) // 2, x[2]
    if depth < 4 or pairs < 1 or not windows.row_inside(row):
        return np.zeros(0, int)
    stride = layer.window.stride
    row_step = stride[0] * x[1] * depth
    step = stride[1] * depth if -(-x[1] // stride[1]) > 1 else row_step
    columns = first + 2 * (pairs * np.arange(FORETELLING) // FORETELLING)
    cells = row * row_step + step * np.concatenate([columns, columns + 1])
    return (cells[:, None] + np.arange(4)).reshape(-1)


@lru_cache(PLACES)
def _middle_line(layer: DepthwiseConv2D, x: Shape, y: Shape) -> np.ndarray:
    """The same of depthwise_conv_2d_dsp.c."""
    down, across = x[1] * x[2], x[2]
    along, line = (down, across) if x[0] >= x[1] else (across, down)
    positions = np.arange(min(2 * PLANE_PAIRS, max(x[:2])))
    cells = min(PLANE_LINES, min(x[:2])) // 2 * line + positions * along
    return (cells[:, None] + np.arange(4)).reshape(-1)


@lru_cache(PLACES)
def _middle_channel(layer: DepthwiseConv2D, x: Shape, y: Shape) -> np.ndarray:
    """The same of depthwise_conv_2d_lines.c."""
    cells = np.arange(x[0] * x[1]).reshape(x[:2])
    line = cells[:, x[1] // 2] if x[0] >= x[1] else cells[x[0] // 2]
    return line * x[2]


FORETOLD: dict[str, Callable[..., np.ndarray]] = {
    "conv_2d_dsp_input_error": _middle_pairs,
    "depthwise_conv_2d_dsp_input_error": _middle_line,
    "depthwise_conv_2d_lines_input_error": _middle_channel,
}
