"""How often the loops over sliding windows turn: the engine's loops, counted by their bounds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from edgetune.learn.program import Window

LANES = 4  # weights that the gradient's innermost loop serves at a time


@dataclass(frozen=True)
class Axis:
    """One axis of a window over an input: sizes in cells; taps lie ``dilation`` apart."""

    size: int
    out: int
    kernel: int
    stride: int
    pad: int
    dilation: int = 1

    def outputs_inside(self, tap: int) -> tuple[int, int]:
        """First output, and the one past the last, whose input at ``tap`` exists."""
        offset = tap * self.dilation - self.pad
        first = max(0, -(offset // self.stride))
        last = min(self.out, (self.size - 1 - offset) // self.stride + 1)
        return first, max(first, last)

    @property
    def pairs(self) -> int:
        """Pairs of an output and a tap whose input exists."""
        spans = [self.outputs_inside(tap) for tap in range(self.kernel)]
        return sum(last - first for first, last in spans)

    @property
    def covered(self) -> int:
        """Inputs that at least one window reads."""
        return len({
            output * self.stride + tap * self.dilation - self.pad
            for tap in range(self.kernel) for output in range(*self.outputs_inside(tap))
        })


def axes(window: Window, x: tuple, y: tuple) -> tuple[Axis, Axis]:
    """The axes of height and width, for an input of shape ``x`` and an output of shape ``y``."""
    return tuple(
        Axis(x[i], y[i], window.kernel[i], window.stride[i], window.pad[i], window.dilation[i])
        for i in (0, 1)
    )


def gradient_loops(down: Axis, along: Axis, depth: int) -> Counter:
    """Turns of the loops of et_window_gradient for one output channel.

    Args:
        depth: input channels that the output channel reads.
    """
    loops: Counter = Counter()
    weights = along.kernel * depth
    for tap in range(down.kernel):
        first, last = down.outputs_inside(tap)
        loops["kernel_rows"] += 1
        for start in range(0, weights, LANES):
            _block(loops, along, last - first, depth, start, min(LANES, weights - start))
    return loops + Counter({"positions": down.out * along.out})


def _block(loops: Counter, along: Axis, rows: int, depth: int, start: int, width: int):
    taps = [(start + k) // depth for k in range(width)]
    first, last = along.outputs_inside(taps[0])
    last = max(first, along.outputs_inside(taps[-1])[1])
    loops["blocks"] += 1
    _rectangle(loops, rows, last - first, width, along, depth)
    if taps[0] == taps[-1]:
        return
    loops["split_blocks"] += 1
    for tap in taps:
        begin, end = along.outputs_inside(tap)
        loops["split_weights"] += 1
        _rectangle(loops, rows, min(first, end) - begin, 1, along, depth)
        _rectangle(loops, rows, end - max(last, begin), 1, along, depth)


def _rectangle(loops: Counter, rows: int, columns: int, width: int, along: Axis, depth: int):
    if rows <= 0 or columns <= 0:
        return
    joined = columns == along.out and columns * along.stride == along.size * along.stride
    kind = f"{width}" if depth > 1 or width == 1 else f"{width}_apart"
    loops["rectangles"] += 1
    loops["turned"] += rows > columns
    loops["starts"] += 1 if joined else min(rows, columns)
    loops[f"sums_{kind}"] += rows * columns
