"""Dilated convolutions as TensorFlow writes them: SPACE_TO_BATCH_ND, a convolution, back.

Cells that lie a block apart become images of their own, which a convolution with VALID padding
runs over.  That is the convolution with the block as its dilation, over the input with the
paddings, without what is cropped behind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgetune.model.graph import Graph, Operator, Tensor

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
SPREAD, GATHERED = "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"


@dataclass(frozen=True)
class _Part:
    """The three operators of one dilated convolution, and what is padded in height and width."""

    spread: Operator
    convolution: Operator
    gathered: Operator
    block: tuple[int, int]
    pads: np.ndarray  # [2, 2]: before and after


def join_dilated(graph: Graph) -> None:
    """Makes one convolution of three operators, where it computes exactly the same.

    A padding that is neither SAME nor none becomes a PAD in the place of SPACE_TO_BATCH_ND, whose
    paddings stand in the tensor that was the convolution's output.
    """
    for op in [op for op in graph.operators if op.kind == SPREAD]:
        part = _part(graph, op)
        if part is not None:
            _join(graph, part)


def _part(graph: Graph, spread: Operator) -> _Part | None:
    convolution = _only_reader(graph, spread)
    gathered = None if convolution is None else _only_reader(graph, convolution)
    if convolution is None or gathered is None:
        return None
    if convolution.kind not in CONVOLUTIONS or gathered.kind != GATHERED:
        return None
    if convolution.inputs[0] != spread.outputs[0] or not _keeps_scales(graph, spread, gathered):
        return None
    block, paddings = _numbers(graph, spread)
    same_block, crops = _numbers(graph, gathered)
    options = convolution.options
    plain = options["padding"] == "VALID" and all(
        options[name] == 1
        for name in ("stride_h", "stride_w", "dilation_h_factor", "dilation_w_factor")
    )
    if not plain or block is None or block != same_block or paddings is None or crops is None:
        return None
    pads = paddings - crops
    if crops[:, 0].any() or (pads < 0).any() or min(block) < 1:
        return None
    return _Part(spread, convolution, gathered, block, pads)


def _only_reader(graph: Graph, op: Operator) -> Operator | None:
    if len(op.outputs) != 1 or op.outputs[0] in graph.outputs:
        return None
    readers = [r for r in graph.operators if op.outputs[0] in r.inputs]
    return readers[0] if len(readers) == 1 and readers[0].inputs[0] == op.outputs[0] else None


def _keeps_scales(graph: Graph, *operators: Operator) -> bool:
    """Whether operators that only move values have one scale on both sides."""
    for op in operators:
        grids = [graph.tensors[i].quantization for i in (op.inputs[0], op.outputs[0])]
        one, other = (None if q is None else (*q.scale, *q.zero_point) for q in grids)
        if one != other:
            return False
    return True


def _numbers(graph: Graph, op: Operator) -> tuple[tuple[int, int] | None, np.ndarray | None]:
    """The block and the pairs of an operator over height and width."""
    if len(op.inputs) != 3 or -1 in op.inputs or len(graph.tensors[op.inputs[0]].shape) != 4:
        return None, None
    block, pairs = (graph.tensors[i].data for i in op.inputs[1:])
    if block is None or pairs is None or block.shape != (2,) or pairs.shape != (2, 2):
        return None, None
    height, width = block.tolist()
    return (int(height), int(width)), pairs.astype(np.int64)


def _join(graph: Graph, part: _Part) -> None:
    op, source = part.convolution, part.spread.inputs[0]
    unused, padded = op.outputs[0], part.spread.outputs[0]
    size = np.array(graph.tensors[source].shape[1:3])
    graph.operators.remove(part.gathered)
    op.outputs = part.gathered.outputs
    op.options |= {"dilation_h_factor": part.block[0], "dilation_w_factor": part.block[1]}
    reach = (np.array(graph.tensors[op.inputs[1]].shape[1:3]) - 1) * part.block
    same = np.stack([reach // 2, reach - reach // 2], axis=1)
    if not part.pads.any() or (part.pads == same).all():
        op.inputs = (source, *op.inputs[1:])
        op.options["padding"] = "SAME" if part.pads.any() else "VALID"
        graph.operators.remove(part.spread)
        return
    rows = np.zeros((4, 2), np.int32)
    rows[1:3] = part.pads
    name = graph.tensors[unused].name
    graph.tensors[unused] = Tensor(
        unused, f"{name}/paddings", rows.shape, "int32", data=rows, folded=True
    )
    height, width = size + part.pads.sum(axis=1)
    batch, *_, channels = graph.tensors[source].shape
    graph.tensors[padded].shape = (batch, int(height), int(width), channels)
    part.spread.kind, part.spread.inputs = "PAD", (source, unused)
    part.spread.options = {}
