"""How often the loops over sliding windows turn: the engine's loops, counted by their bounds."""

from __future__ import annotations

from collections import Counter

from edgetune.dataclass import dataclass
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
    def inside(self) -> list[int]:
        """Taps of each output whose input exists."""
        spans = [self.outputs_inside(tap) for tap in range(self.kernel)]
        return [sum(first <= output < last for first, last in spans)
                for output in range(self.out)]

    @property
    def pairs(self) -> int:
        """Pairs of an output and a tap whose input exists."""
        return sum(self.inside)

    @property
    def squares(self) -> int:
        """Over the outputs, the sum of their taps squared."""
        return sum(taps**2 for taps in self.inside)

    @property
    def reached(self) -> int:
        """Outputs that read at least one input: the others' windows lie in the padding."""
        return sum(taps > 0 for taps in self.inside)

    @property
    def even(self) -> bool:
        """Whether all outputs read as many inputs."""
        return len(set(self.inside)) == 1


def axes(window: Window, x: tuple, y: tuple) -> tuple[Axis, Axis]:
    """The axes of height and width, for an input of shape ``x`` and an output of shape ``y``."""
    down, along = (
        Axis(x[i], y[i], window.kernel[i], window.stride[i], window.pad[i], window.dilation[i])
        for i in (0, 1)
    )
    return down, along


def gradient_loops(down: Axis, along: Axis, depth: int, lane: int = 1) -> Counter:
    """Turns of the loops of et_window_gradient for one output channel.

    Args:
        depth: input channels that the output channel reads.
        lane: distance in the input from one weight's value to the next one's.
    """
    loops: Counter = Counter()
    weights = along.kernel * depth
    for tap in range(down.kernel):
        first, last = down.outputs_inside(tap)
        kernel_row = _KernelRow(loops, down, along, depth, lane, last - first)
        loops["kernel_rows"] += 1
        for start in range(0, weights, LANES):
            kernel_row.block(start, min(LANES, weights - start))
    return loops + Counter({"positions": down.out * along.out})


@dataclass(frozen=True)
class _KernelRow:
    """One row of the kernel, and the ``rows`` of outputs whose input it reads."""

    loops: Counter
    down: Axis
    along: Axis
    depth: int
    lane: int
    rows: int

    def block(self, start: int, width: int) -> None:
        """sum_block: weights of one tap or of several, which share some outputs."""
        taps = [(start + k) // self.depth for k in range(width)]
        first, last = self.along.outputs_inside(taps[0])
        last = max(first, self.along.outputs_inside(taps[-1])[1])
        self.loops["blocks"] += 1
        self.loops["weights"] += width
        self._rectangle(last - first, width)
        if taps[0] == taps[-1]:
            return
        self.loops["split_blocks"] += 1
        for tap in taps:
            begin, end = self.along.outputs_inside(tap)
            self.loops["split_weights"] += 1
            self._rectangle(min(first, end) - begin, 1)
            self._rectangle(end - max(last, begin), 1)

    def _rectangle(self, columns: int, width: int) -> None:
        """sum_outputs: along the longer side; in one go where rows of outputs join up."""
        if self.rows <= 0 or columns <= 0:
            return
        turned = self.rows > columns
        joined = not turned and self._joins(columns)
        kind = f"{width}" if width < LANES or self.lane == 1 else f"{width}_apart"
        self.loops["rectangles"] += 1
        self.loops["added"] += width
        self.loops["turned"] += turned
        self.loops["starts"] += 1 if joined else min(self.rows, columns)
        self.loops[f"sums_{kind}"] += self.rows * columns

    def _joins(self, columns: int) -> bool:
        """Whether the next row begins where this one ends, in the errors and in the input."""
        next_row = self.down.stride * self.along.size
        return columns == self.along.out and columns * self.along.stride == next_row
