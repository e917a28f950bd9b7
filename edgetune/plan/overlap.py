"""How far a kernel's output may run over what it reads, by the order of its reads and writes.

A kernel that goes position by position is done with what it reads once it has passed it.  Where
its output begins ``distance`` bytes before such an input, each byte is written only after its last
read: the output takes the input's place from behind (diagonal memory optimisation, Blacker et al.
2020, arXiv 2010.01668).  A layer that widens then has its input at the end of its output, one that
narrows at its beginning, and the same walk serves both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

from edgetune.learn import operators as p
from edgetune.learn.program import Layer, Shape
from edgetune.plan.dsp import PLANE_LINES, PLANE_PAIRS
from edgetune.plan.windows import Axis, axes

if TYPE_CHECKING:
    from edgetune.plan.schedule import Buffer

Distances = dict[str, int]  # role of what is read -> bytes from the output's start to its own
_Firsts = list[int | None]  # of what each place reads the first, along one axis
WRITTEN = "y", "e_in"


def distances(symbol: str, layer: Layer | None, x: Shape, y: Shape) -> Distances:
    """By how much the output of the kernel ``symbol`` must begin before each of its inputs that
    dies as it runs; {} where all must lie apart.  A further distance is as safe unless it is 0.

    Args:
        x, y: shapes of the layer's input, of an input error the operand's, and of its output.
    """
    if layer is not None and symbol in _by_value(layer.kind if layer.by_value else ""):
        return {"e": 0, "x": 0} if symbol.endswith("_error") else {"x": 0, "x1": 0}
    return _WALKS[symbol](layer, x, y) if symbol in _WALKS else {}


def _by_value(kind: str) -> tuple[str, ...]:
    """Kernels of a kind of layer that goes value by value.  An operand that repeats reads further
    errors behind its own place."""
    parts = "forward", "dsp_forward", "input_error"
    return tuple(f"et_{kind}_{part}" for part in parts) if kind else ()


def overlapping(
    buffers: Mapping[str, Buffer], stage: int, found: Distances
) -> tuple[Buffer, Buffer, int] | None:
    """What the call ``stage`` writes, and what of its ``buffers`` saves most where that runs over
    it, and their distance; None where nothing does.

    A second operand that repeats is read again from its start, and never written over.
    """
    written = next(buffers[role] for role in WRITTEN if role in buffers)
    best, most = None, 0
    for role, distance in found.items():
        read = buffers.get(role, written)
        whole = role != "x1" or read.size == buffers["x"].size
        dies = read is not written and read.last == stage == written.first
        saved = written.size + read.size - max(written.size, distance + read.size)
        if whole and dies and not read.outside and saved > most:
            best, most = (written, read, distance), saved
    return best


def _forward(layer: Any, x: Shape, y: Shape) -> Distances:
    """Windows in the order of their outputs, all channels of one after the other."""
    down, along = axes(layer.window, x, y)
    firsts = _first_inputs(down), _first_inputs(along)
    return {"x": _distance(_places(*firsts, along.size), y[2], x[2])}


def _input_error(layer: Any, x: Shape, y: Shape) -> Distances:
    """Cells in order.  A cell's value, which says whether its error is let through, is read just
    before the error is written."""
    down, along = axes(layer.window, x, y)
    firsts = _first_readers(down), _first_readers(along)
    return {"e": _distance(_places(*firsts, along.out), x[2], y[2]), "x": 0}


def _distance(lowest: _Firsts, written: int, read: int) -> int:
    """Of a walk that writes ``written`` bytes a position, and of the ``read`` bytes of each place
    in its input reads those from ``lowest`` on."""
    distance, least = 0, None
    for position in range(len(lowest) - 1, -1, -1):
        place = lowest[position]
        if place is not None:
            least = place if least is None else min(place, least)
        if least is not None:
            distance = max(distance, (position + 1) * written - least * read)
    return distance


def _places(down: _Firsts, along: _Firsts, width: int) -> _Firsts:
    """The first place that each position reads, of rows of ``width``; None where there is none."""
    return [
        None if row is None or column is None else row * width + column
        for row, column in product(down, along)
    ]


def _first_inputs(axis: Axis) -> _Firsts:
    """Of each output; None where its window lies in the padding."""
    starts = (output * axis.stride - axis.pad for output in range(axis.out))
    return [
        max(0, start) if max(0, start) < min(axis.size, start + axis.kernel) else None
        for start in starts
    ]


def _first_readers(axis: Axis) -> _Firsts:
    """Of each input the first output whose window reads it."""
    firsts: _Firsts = [None] * axis.size
    for output in range(axis.out - 1, -1, -1):
        start = output * axis.stride - axis.pad
        for place in range(max(0, start), min(axis.size, start + axis.kernel)):
            firsts[place] = output
    return firsts


def _planes(layer: p.DepthwiseConv2D, x: Shape, y: Shape) -> Distances:
    """Channel by channel in place: each is copied whole before any of it is written."""
    return {"x": 0} if x == y else {}


def _four_planes(layer: p.DepthwiseConv2D, x: Shape, y: Shape) -> Distances:
    """Four channels at a time, none of them twice, of which one patch holds all cells."""
    lines, length = sorted(y[:2])
    one_patch = lines <= PLANE_LINES and length <= 2 * PLANE_PAIRS
    return _planes(layer, x, y) if one_patch and y[2] % 4 == 0 else {}


# By the kernel's symbol.  Not here: what takes all positions for each few channels (the DSP
# extension's convolutions, whose errors also halve what is not yet written), and what reads all of
# its input for every output.
_WALKS: dict[str, Callable[[Any, Shape, Shape], Distances]] = {
    "et_conv_2d_forward": _forward,
    "et_depthwise_conv_2d_forward": _forward,
    "et_depthwise_conv_2d_dsp_forward": _four_planes,
    "et_depthwise_conv_2d_lines_forward": _planes,
    "et_max_pool_2d_forward": _forward,
    "et_average_pool_2d_forward": _forward,
    "et_conv_2d_input_error": _input_error,
    "et_depthwise_conv_2d_input_error": _input_error,
    "et_average_pool_2d_input_error": _input_error,
    "et_average_pool_2d_dsp_input_error": _input_error,
}
