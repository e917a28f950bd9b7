"""What a float model works out from constants alone, worked out once.

Reading has folded what integers and shapes come to; this is for whole branches that begin with
an input that is always the same.
"""

from __future__ import annotations

import numpy as np

from edgetune.floats.engine import FloatEngine
from edgetune.floats.operators import OPERATORS, evaluate
from edgetune.model.folding import CONTRADICTIONS
from edgetune.model.graph import Graph, Operator
from edgetune.model.kinds import WEIGHTED
from edgetune.model.rewrite import Rewriter

MAX_PRODUCTS = 1 << 30  # elements of an output times those of its operands


def fold_branches(graph: Graph) -> Graph:
    """The graph without operators that read constants alone; what contradicts itself stays, to
    be refused."""
    rewriter, engine = Rewriter(graph), FloatEngine(graph)
    for op in list(rewriter.operators):
        values = _values(rewriter, op)
        if values is not None:
            rewriter.tensors[op.outputs[0]].data = engine.clamped(op.outputs[0], values)
            rewriter.remove(op)
    return rewriter.graph()


def _values(rewriter: Rewriter, op: Operator) -> np.ndarray | None:
    if op.kind not in OPERATORS or len(op.outputs) != 1:
        return None
    operands, output = [rewriter.data(i) for i in op.inputs], rewriter.tensors[op.outputs[0]]
    needed = operands if op.kind not in WEIGHTED or op.inputs[2:] != (-1,) else operands[:2]
    absent = any(data is None for data in needed)
    read = sum(data.size for data in operands if data is not None)
    if absent or output.index in rewriter.outputs or output.size * read > MAX_PRODUCTS:
        return None
    try:
        with np.errstate(all="ignore"):
            values = evaluate(op, operands, output.shape)
    except (*CONTRADICTIONS, ZeroDivisionError):
        return None
    return values.astype(np.float32) if values.shape == output.shape else None
