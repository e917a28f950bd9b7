"""RESHAPE operators moved out of the way and merged."""

from __future__ import annotations

from edgetune.model.graph import Operator
from edgetune.model.kinds import ARITHMETIC, FUNCTIONS
from edgetune.model.rewrite import Rewriter


def hoist_over_reshapes(rewriter: Rewriter) -> None:
    """Moves element-wise operators in front of a RESHAPE, next to the layer that they follow."""
    for op in list(rewriter.operators):
        before = rewriter.producer(op.inputs[0])
        if before is None or before.kind != "RESHAPE" or not _commutes(rewriter, op, before):
            continue
        shape, result = rewriter.shape(before.inputs[0]), op.outputs[0]
        op.inputs = (before.inputs[0], *op.inputs[1:])
        name = f"{rewriter.tensors[result].name}/{op.kind.lower()}"
        op.outputs = (rewriter.activation(name, shape),)
        rewriter.insert_after(op, "RESHAPE", op.outputs, (result,))


def _commutes(rewriter: Rewriter, op: Operator, reshape: Operator) -> bool:
    if op.kind in FUNCTIONS:
        return True
    if op.kind not in ARITHMETIC or rewriter.data(op.inputs[1]) is None:
        return False
    constant = rewriter.data(op.inputs[1])
    before, after = (rewriter.shape(i) for i in (reshape.inputs[0], reshape.outputs[0]))
    per_channel = constant.size == 1 or constant.size == constant.shape[-1] == after[-1]
    return per_channel and before[-1] == after[-1] and rewriter.shape(op.outputs[0]) == after


def merge_reshapes(rewriter: Rewriter) -> None:
    """A RESHAPE of a RESHAPE becomes one, one that changes nothing goes."""
    for op in [op for op in rewriter.operators if op.kind == "RESHAPE"]:
        before = rewriter.producer(op.inputs[0])
        if before is not None and before.kind == "RESHAPE":
            op.inputs = before.inputs
        if rewriter.shape(op.inputs[0]) == rewriter.shape(op.outputs[0]):
            _remove(rewriter, op)


def _remove(rewriter: Rewriter, op: Operator) -> None:
    source, result = op.inputs[0], op.outputs[0]
    producer = rewriter.producer(source)
    if result not in rewriter.outputs:
        rewriter.remove(op)
        rewriter.reconnect(result, source)
    elif producer is not None:  # the graph's output keeps its name
        rewriter.remove(op)
        rewriter.reconnect(source, result)
        producer.outputs = (result,)
