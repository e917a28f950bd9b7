"""Whether a model is of a size that a microcontroller could run; others cost time and memory."""

from __future__ import annotations

import math

from edgetune.errors import ModelError
from edgetune.model.graph import Graph, Operator
from edgetune.model.kinds import WEIGHTED

MAX_OPERATORS = 4000
MAX_READ = 1 << 24  # values of its input that an operator reads, each as often as it is read
MAX_WORK = 1 << 31  # of the same, times output channels, in one forward pass


def too_large(cause: str) -> ModelError:
    """The error for a model that no microcontroller could hold or run."""
    return ModelError("The model is too large.", cause, "Name a smaller model.")


def check_count(graph: Graph) -> None:
    """ModelError where there are too many operators."""
    if len(graph.operators) > MAX_OPERATORS:
        raise too_large(
            f"It has {len(graph.operators)} operators; edgetune takes up to {MAX_OPERATORS}."
        )


def check_work(graph: Graph) -> None:
    """ModelError where windows overlap without measure, or a forward pass would not end.

    Args:
        graph: of supported operators whose operands have been checked.
    """
    work = 0
    for operator in graph.operators:
        read, channels = _reads(graph, operator)
        if read > MAX_READ:
            raise too_large(
                f"Operator {operator.index} {operator.kind} reads {read:.3g} values; "
                f"edgetune takes up to {MAX_READ:.3g}."
            )
        work += read * channels
    if work > MAX_WORK:
        raise too_large(f"One forward pass takes {work:.3g} multiplications or more.")


def _reads(graph: Graph, operator: Operator) -> tuple[int, int]:
    """Values read for one output channel, or for all together, and how often that is done."""
    output = graph.tensors[operator.outputs[0]]
    if operator.kind not in WEIGHTED:
        options = operator.options
        taps = options.get("filter_height", 1) * options.get("filter_width", 1)
        return max(output.size * taps, graph.tensors[operator.inputs[0]].size), 1
    weights = graph.tensors[operator.inputs[1]].shape
    if operator.kind == "DEPTHWISE_CONV_2D":
        return output.size * weights[1] * weights[2], 1
    return output.size // weights[0] * math.prod(weights[1:]), weights[0]
