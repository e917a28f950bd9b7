"""Scale and zero point of every activation, shared where the int8 operators demand it."""

from __future__ import annotations

import numpy as np

from edgetune.model.graph import Graph, Operator, Quantization
from edgetune.model.kinds import KINDS
from edgetune.model.rewrite import Rewriter
from edgetune.model.scales import Fixed, Same
from edgetune.quantize.calibration import Calibration
from edgetune.quantize.floors import raise_scales
from edgetune.quantize.histogram import Histogram
from edgetune.quantize.ranges import affine, choose_range, quantization

LOST = 8.0  # e**-8 is a sixth of half a step of SOFTMAX's int8 output
SAME_SCALE = [name for name, kind in KINDS.items() if isinstance(kind.scaling, Same)]
FIXED = {  # the TFLite int8 specification's output quantisation
    name: quantization(kind.scaling.scale, kind.scaling.zero_point)
    for name, kind in KINDS.items() if isinstance(kind.scaling, Fixed)
}


def separate_fixed_scales(graph: Graph) -> Graph:
    """Puts a QUANTIZE between a fixed scale and an operator that others share it with."""
    rewriter = Rewriter(graph)
    for op in [op for op in rewriter.operators if _shares(rewriter, op)]:
        sources = [_source(rewriter, i) for i in op.inputs]
        apart = any(_another_grid(rewriter, i, op.outputs[0]) for i in op.inputs)
        if len(set(sources)) == 1 and not apart:
            continue
        inputs = list(op.inputs)
        for place, (index, source) in enumerate(zip(op.inputs, sources)):
            if source in FIXED or _another_grid(rewriter, index, op.outputs[0]):
                tensor = rewriter.tensors[index]
                inputs[place] = rewriter.activation(f"{tensor.name}/rescaled", tensor.shape)
                rewriter.insert(op, "QUANTIZE", (index,), (inputs[place],))
        op.inputs = tuple(inputs)
    return rewriter.graph()


def _shares(rewriter: Rewriter, op: Operator) -> bool:
    """Whether it reads several activations, which must have one scale."""
    several = len({i for i in op.inputs if i >= 0 and rewriter.data(i) is None}) > 1
    return op.kind == "CONCATENATION" or (op.kind in SAME_SCALE and several)


def _another_grid(rewriter: Rewriter, one: int, other: int) -> bool:
    """Whether a quantised file has two activations on different grids."""
    a, b = (rewriter.tensors[i].quantization for i in (one, other))
    if a is None or b is None or rewriter.data(one) is not None:
        return False
    return (a.scale[0], a.zero_point[0]) != (b.scale[0], b.zero_point[0])


def _source(rewriter: Rewriter, tensor: int) -> str:
    """The kind whose fixed scale ``tensor`` has; "" where the scale is free."""
    op = rewriter.producer(tensor)
    while op is not None and op.kind in SAME_SCALE and op.kind != "CONCATENATION":
        op = rewriter.producer(op.inputs[0])
    return op.kind if op is not None and op.kind in FIXED else ""


def choose_scales(
    graph: Graph, calibration: Calibration, rule: str, percentile: float
) -> dict[int, Quantization]:
    """The quantisation of every activation, by tensor index, and of constants they are joined to.

    The graph's output and what a SOFTMAX or LOG_SOFTMAX reads keep the largest values seen,
    whatever the rule: there they decide the prediction.  None is below what TFLite's kernels take
    (``floors``).
    """
    fixed = {op.outputs[0]: FIXED[op.kind] for op in graph.operators if op.kind in FIXED}
    logits = {op.inputs[0]: op.options["beta"] for op in graph.operators if op.kind == "SOFTMAX"}
    kept = {op.inputs[0] for op in graph.operators if op.kind == "LOG_SOFTMAX"}
    result: dict[int, Quantization] = {}
    groups = _groups(graph)
    for group in groups:
        shared = next((fixed[i] for i in sorted(group) if i in fixed), None)
        shared = shared or _of_the_file(graph, group)
        if shared is None:
            seen = _seen(graph, calibration.histograms, group)
            exact = group & {*graph.outputs, *logits, *kept}
            low, high = choose_range(seen, "minmax" if exact else rule, percentile)
            if _only_for_softmax(graph, group):
                low = max(low, _lowest_logit(calibration, logits, group))
            shared = affine(low, high)
        result |= dict.fromkeys(group, shared)
    raise_scales(graph, result, groups)
    return result


def _of_the_file(graph: Graph, group: set[int]) -> Quantization | None:
    """The grid that a quantised file has for a group; its widest, where they differ."""
    grids = [q for i in sorted(group) if (q := graph.tensors[i].quantization) is not None]
    return max(grids, key=lambda q: float(q.scale[0]), default=None)


def softmax_inputs(graph: Graph) -> set[int]:
    """Tensors that only SOFTMAX reads, as they are or reshaped: their low end may be clipped."""
    groups = [group for group in _groups(graph) if _only_for_softmax(graph, group)]
    return set().union(*groups)


def _only_for_softmax(graph: Graph, group: set[int]) -> bool:
    """Whether the tensors of ``group`` end in SOFTMAX operators and nowhere else."""
    readers = [op for op in graph.operators if group & set(op.inputs)]
    inside = all(op.kind == "SOFTMAX" or op.outputs[0] in group for op in readers)
    return inside and bool(readers) and not group & set(graph.outputs)


def _lowest_logit(calibration: Calibration, logits: dict[int, float], group: set[int]) -> float:
    """Below, a logit's probability is 0 in int8 for every sample seen: it may be clipped."""
    return min(0.0, *(calibration.least_winner[i] - LOST / logits[i] for i in group & {*logits}))


def _groups(graph: Graph) -> list[set[int]]:
    """Tensors that must have one scale, together; every activation is in one group."""
    group_of = {t.index: {t.index} for t in graph.tensors if t.data is None}
    for op in graph.operators:
        for index in op.operands if op.kind in SAME_SCALE else ():
            one = group_of.setdefault(index, {index})
            other = group_of[op.outputs[0]]
            if one is not other:
                one |= other
                for member in other:
                    group_of[member] = one
    return list({id(g): g for g in group_of.values()}.values())


def _seen(graph: Graph, histograms: dict[int, Histogram], group: set[int]) -> Histogram:
    """All values of the group; outputs of pools and the like only repeat their inputs'."""
    repeated = {op.outputs[0] for op in graph.operators if op.kind in SAME_SCALE}
    total = Histogram()
    for index in sorted(group - repeated):
        if index in histograms:
            total.merge(histograms[index])
        else:
            total.add(graph.tensors[index].data)
    return total


def constant_scale(values: np.ndarray) -> Quantization:
    """For a constant operand of ADD, SUB or MUL: all its values."""
    return affine(min(float(values.min()), 0.0), max(float(values.max()), 1e-6))
