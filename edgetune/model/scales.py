"""What TFLite's int8 kernels demand of an operator's scales; ``kinds`` says which rule is whose."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from edgetune.dataclass import dataclass

if TYPE_CHECKING:  # a Graph's operators look up their kind, which knows these rules
    from edgetune.model.graph import Graph, Operator

MAX_MULTIPLIER = 2.0**30  # input scale * weight scale / output scale: fits a left shift


@dataclass(frozen=True)
class Same:
    """Every input from ``first`` on has the output's scale and zero point."""

    first: int = 0


@dataclass(frozen=True)
class Fixed:
    """The output's scale and zero point, by TFLite's specification."""

    scale: float
    zero_point: int


@dataclass(frozen=True)
class Factor:
    """Bounds under which no sum or product of TFLite's kernels leaves its bits.

    ``of(graph, operator, scales, to)`` is what the kernel multiplies by, from the scales of the
    operands and of the output; it is at least ``low`` and below ``high``.  The first operand's
    scale lies in ``inputs``, the end excluded.
    """

    of: Callable[[Graph, Operator, list[float], float], float]
    high: float
    low: float = 0.0
    inputs: tuple[float, float] = (0.0, math.inf)


Rule = Same | Fixed | Factor


def _ratio(graph: Graph, operator: Operator, scales: list[float], to: float) -> float:
    return scales[0] / to


def _weighted(graph: Graph, operator: Operator, scales: list[float], to: float) -> float:
    weights = graph.tensors[operator.inputs[1]].grid.scale
    return scales[0] / to * float(weights.max())


def _sum(graph: Graph, operator: Operator, scales: list[float], to: float) -> float:
    return max(scales) / to


def _product(graph: Graph, operator: Operator, scales: list[float], to: float) -> float:
    return scales[0] * scales[1] / to


def _square(graph: Graph, operator: Operator, scales: list[float], to: float) -> float:
    return max(scales) ** 2 / to


def _sloped(graph: Graph, operator: Operator, scales: list[float], to: float) -> float:
    return scales[0] / to * max(1.0, abs(operator.options["alpha"]))


def _sloped_by_constant(
    graph: Graph, operator: Operator, scales: list[float], to: float
) -> float:
    slopes = graph.tensors[operator.inputs[1]]
    grid = slopes.grid
    largest = max(1.0, grid.scale[0] * abs(slopes.values - grid.zero_point[0]).max())
    return scales[0] / to * float(largest)


def _exponential(graph: Graph, operator: Operator, scales: list[float], to: float) -> float:
    highest = 127 - int(graph.tensors[operator.inputs[0]].grid.zero_point[0])
    return math.exp(min(scales[0] * highest, 700.0)) / to


def _root(graph: Graph, operator: Operator, scales: list[float], to: float) -> float:
    return math.sqrt(255 * scales[0]) / to


def _logarithm(graph: Graph, operator: Operator, scales: list[float], to: float) -> float:
    return max(abs(math.log(scales[0])), abs(math.log(255 * scales[0]))) / to


def _inverse_root(graph: Graph, operator: Operator, scales: list[float], to: float) -> float:
    return 1 / (math.sqrt(scales[0]) * to)


SAME = Same()
CHOSEN = Same(first=2)
WEIGHTED = Factor(_weighted, MAX_MULTIPLIER)
SUM = Factor(_sum, 2.0**19)
PRODUCT = Factor(_product, 2.0**15)
SQUARE = Factor(_square, 2.0**12)
FUNCTION = Factor(_ratio, 2.0**22)
SLOPED = Factor(_sloped, 2.0**22)
SLOPES = Factor(_sloped_by_constant, 2.0**22)
EXP = Factor(_exponential, 2.0**31)  # beyond, the kernel's cast to an integer overflows
SQRT = Factor(_root, 2.0**31)
LOG = Factor(_logarithm, 2.0**31)
RSQRT = Factor(_inverse_root, 2.0**20, 2.0**-10)  # of roots in 20 bits after the point
SWISH = Factor(_ratio, 2.0**7, 2.0**-9, inputs=(2.0**-22, 2.0**20))  # 16 bits here
UNIT = Fixed(1 / 256, -128)
LOG_UNIT = Fixed(1 / 16, 127)
TANH = Fixed(1 / 128, 0)
