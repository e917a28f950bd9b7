"""Shapes over which kernels write over what they read, for the sweep on cores and the walk in
Python; and a network that fits by it."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from types import SimpleNamespace

from tiny_tflite import ModelBuilder

from edgetune.learn.program import Shape, Window
from edgetune.model.graph import Graph
from edgetune.model.read import read_tflite
from edgetune.plan.overlap import distances

WINDOWED = (
    "et_conv_2d_forward", "et_depthwise_conv_2d_forward", "et_max_pool_2d_forward",
    "et_average_pool_2d_forward", "et_conv_2d_input_error", "et_depthwise_conv_2d_input_error",
    "et_average_pool_2d_input_error",
)
PLANES = "et_depthwise_conv_2d_dsp_forward", "et_depthwise_conv_2d_lines_forward"
SIDE_BY_SIDE = "et_average_pool_2d_dsp_input_error"
VALUES = (
    "et_add_forward", "et_add_dsp_forward", "et_mul_forward", "et_lookup_forward",
    "et_prelu_forward", "et_extreme_forward", "et_squared_difference_forward",
    "et_add_input_error", "et_mul_input_error", "et_lookup_input_error",
    "et_prelu_input_error", "et_extreme_input_error", "et_squared_difference_input_error",
)


def stem() -> Graph:
    """A widening layer below what is trained, at the peak, as in MobileNetV1."""
    b = ModelBuilder((1, 16, 16, 3), seed=9).conv(4, 3, 2, activation="RELU").conv(24, 1)
    return read_tflite(b.depthwise(3, stride=2).conv(8, 1).mean().dense(3).softmax().build())


@dataclass(frozen=True)
class Case:
    """A kernel and its shapes; ``multiplicity``: of a depthwise one."""

    kernel: str
    x: Shape
    y: Shape
    window: Window
    multiplicity: int = 1

    @property
    def distances(self) -> dict[str, int]:
        kind = re.sub("^et_|(_dsp)?(_forward|_input_error)$", "", self.kernel)
        layer = SimpleNamespace(window=self.window, kind=kind, by_value=self.kernel in VALUES)
        return distances(self.kernel, layer, self.x, self.y)

    def c_text(self, role: str, distance: int) -> str:
        """An element of the sweep's table: over what ``role`` reads, ``distance`` bytes apart."""
        w = self.window
        window = ", ".join(map(str, (*w.kernel, *w.stride, *w.pad)))
        x, y = (", ".join(map(str, shape)) for shape in (self.x, self.y))
        return (f'{{"{self.kernel}", {{{x}}}, {{{y}}}, {{{window}}}, {self.multiplicity}, '
                f"OVER_{role.upper()}, {distance}}},")


def cases(seed: int = 1, each: int = 8) -> list[Case]:
    """``each`` of every kernel: widening and narrowing, odd numbers of channels, one position,
    strides and paddings."""
    source = random.Random(seed)
    point = Window((1, 1), (1, 1), (0, 0))
    found = [
        Case("et_conv_2d_forward", (h, w, c), (h, w, o), point)
        for h, w, c, o in ((5, 6, 4, 9), (5, 6, 9, 4), (1, 1, 5, 12), (7, 3, 1, 16), (6, 6, 8, 8))
    ]
    found += [Case("et_conv_2d_input_error", c.x, c.y, point) for c in found]
    found += [_windowed(kernel, source) for kernel in WINDOWED for _ in range(each)]
    same = Window((3, 3), (1, 1), (1, 1))
    for kernel in PLANES:
        shapes = [(source.randint(1, 12), source.randint(1, 20), 4 * source.randint(1, 4))
                  for _ in range(each)]
        found += [Case(kernel, shape, shape, same) for shape in [*shapes, (12, 14, 8), (9, 12, 12)]]
    for _ in range(each):
        h, w, c = (source.randint(1, 4) for _ in range(3))
        kernel = source.randint(1, 3), source.randint(1, 3)
        large = h * kernel[0], w * kernel[1], c * 3
        found.append(Case(SIDE_BY_SIDE, large, (h, w, c * 3), Window(kernel, kernel, (0, 0))))
    shape = 5, 7, 11
    return found + [Case(kernel, shape, shape, point) for kernel in VALUES]


def _windowed(kernel: str, source: random.Random) -> Case:
    size, taps, stride, pad, out = [], [], [], [], []
    for _ in range(2):
        k, s, n = source.randint(1, 4), source.randint(1, 3), source.randint(1, 9)
        before = source.randint(0, 2)
        behind = max(source.randint(0, 2), k - n - before)
        size.append(n), taps.append(k), stride.append(s), pad.append(before)
        out.append((n + before + behind - k) // s + 1)
    window = Window(tuple(taps), tuple(stride), tuple(pad))
    channels, multiplicity = source.choice((1, 2, 3, 4, 7, 8)), 1
    outputs = channels
    if "depthwise" in kernel:
        multiplicity = source.choice((1, 1, 2, 4))
        outputs = channels * multiplicity
    elif "conv" in kernel:
        outputs = source.choice((1, 3, 4, 5, 12, 17))
    return Case(kernel, (*size, channels), (*out, outputs), window, multiplicity)
