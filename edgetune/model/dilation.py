"""Dilated convolutions as TensorFlow writes them: SPACE_TO_BATCH_ND, a convolution, back.

Cells that lie a block apart become images of their own, which a convolution with VALID padding
runs over.  That is the convolution with the block as its dilation, over the input with the
paddings, without what is cropped behind.  Of a sequence the two stand in three dimensions, and
views to four and back around the convolution.
"""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.model.graph import Graph, Operator, Tensor
from edgetune.model.kinds import VIEWS

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
SPREAD, GATHERED = "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"


@dataclass(frozen=True)
class _Part:
    """The three operators of one dilated convolution, and what is padded in height and width;
    of a sequence the views before and behind the convolution too."""

    spread: Operator
    convolution: Operator
    gathered: Operator
    block: tuple[int, int]
    pads: np.ndarray  # [2, 2]: before and after
    views: tuple[Operator, ...] = ()


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
    chain = _chain(graph, spread)
    if chain is None or not _keeps_scales(graph, *chain[:-2], *chain[-1:]):
        return None
    *views, convolution, gathered = chain[1:]
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
    return _Part(spread, convolution, gathered, block, pads, tuple(views))


def _chain(graph: Graph, spread: Operator) -> list[Operator] | None:
    """``spread``, the views if there are some, the convolution, and what gathers; each is read by
    the next one alone."""
    chain = [spread]
    while chain[-1].kind != GATHERED:
        reader = _only_reader(graph, chain[-1]) if len(chain) < 5 else None
        if reader is None or len(reader.outputs) != 1:
            return None
        chain.append(reader)
    kinds = ["view" if op.kind in VIEWS else op.kind for op in chain[1:-1]]
    if len(kinds) == 1 and kinds[0] in CONVOLUTIONS:
        return chain
    if len(kinds) == 3 and kinds[::2] == ["view"] * 2 and kinds[1] in CONVOLUTIONS:
        return [spread, chain[1], chain[3], chain[2], chain[4]] if _of_rows(graph, chain) else None
    return None


def _of_rows(graph: Graph, chain: list[Operator]) -> bool:
    """Whether the convolution's images are the sequences, one row high."""
    shapes = [graph.tensors[op.outputs[0]].shape for op in chain[:4]]
    return all(
        len(one) == 3 and image == (one[0], 1, *one[1:])
        for one, image in ((shapes[0], shapes[1]), (shapes[3], shapes[2]))
    )


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
    """The block and the pairs of an operator over height and width; a sequence is one row."""
    if len(op.inputs) != 3 or -1 in op.inputs:
        return None, None
    axes = len(graph.tensors[op.inputs[0]].shape) - 2
    block, pairs = (graph.tensors[i].data for i in op.inputs[1:])
    if axes not in (1, 2) or block is None or pairs is None:
        return None, None
    if block.shape != (axes,) or pairs.shape != (axes, 2):
        return None, None
    height, width = [1] * (2 - axes) + block.tolist()
    rows = np.zeros((2, 2), np.int64)
    rows[2 - axes :] = pairs
    return (int(height), int(width)), rows


def _join(graph: Graph, part: _Part) -> None:
    op, source = part.convolution, part.spread.inputs[0]
    last = part.views[1] if part.views else op
    unused, padded = last.outputs[0], part.spread.outputs[0]
    shape = list(graph.tensors[source].shape)
    graph.operators.remove(part.gathered)
    last.outputs = part.gathered.outputs
    op.options |= {"dilation_h_factor": part.block[0], "dilation_w_factor": part.block[1]}
    reach = (np.array(graph.tensors[op.inputs[1]].shape[1:3]) - 1) * part.block
    same = np.stack([reach // 2, reach - reach // 2], axis=1)
    if not part.pads.any() or (part.pads == same).all():
        op.options["padding"] = "SAME" if part.pads.any() else "VALID"
        first = part.views[0] if part.views else op
        first.inputs = (source, *first.inputs[1:])
        graph.operators.remove(part.spread)
    else:
        _pad(graph, part, unused)
        shape = list(graph.tensors[padded].shape)
    _reshape_views(graph, part, shape)


def _pad(graph: Graph, part: _Part, unused: int) -> None:
    """A PAD in the place of SPACE_TO_BATCH_ND; its paddings stand in the tensor ``unused``."""
    source = graph.tensors[part.spread.inputs[0]]
    rows = np.zeros((len(source.shape), 2), np.int32)
    rows[1:-1] = part.pads[2 - (len(rows) - 2) :]
    name = graph.tensors[unused].name
    graph.tensors[unused] = Tensor(
        unused, f"{name}/paddings", rows.shape, "int32", data=rows, folded=True
    )
    sizes = (int(n) for n in np.array(source.shape) + rows.sum(axis=1))
    graph.tensors[part.spread.outputs[0]].shape = tuple(sizes)
    part.spread.kind, part.spread.inputs = "PAD", (source.index, unused)
    part.spread.options = {}


def _reshape_views(graph: Graph, part: _Part, shape: list[int]) -> None:
    """The views now lead from the sequence to its one row, and back."""
    if not part.views:
        return
    before, behind = part.views
    result = graph.tensors[behind.outputs[0]].shape
    graph.tensors[before.outputs[0]].shape = (shape[0], 1, *shape[1:])
    graph.tensors[behind.inputs[0]].shape = (result[0], 1, *result[1:])
    for view in part.views:
        view.kind, view.inputs, view.options = "RESHAPE", view.inputs[:1], {}
