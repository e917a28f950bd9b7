"""Dilated convolutions as TensorFlow writes them: SPACE_TO_BATCH_ND, a convolution, back.

Cells that lie a block apart become images of their own, which a convolution with VALID padding
runs over.  That is the convolution with the block as its dilation, over the input with the
paddings, without what is cropped behind.  Of a sequence the convolution stands between two views:
it runs over images one row high.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgetune.model.graph import Graph, Operator, Tensor
from edgetune.model.kinds import VIEWS

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
SPREAD, GATHERED = "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"


@dataclass(frozen=True)
class _Part:
    """The operators of one dilated convolution, and what is padded in height and width.

    ``views``: of a sequence, around the convolution.
    """

    spread: Operator
    views: tuple[Operator, Operator] | None
    convolution: Operator
    gathered: Operator
    block: tuple[int, int]
    pads: np.ndarray  # [2, 2]: before and after
    padding: str | None  # TFLite's word for them, where it has one


def join_dilated(graph: Graph) -> None:
    """Makes one convolution of three operators, where it computes exactly the same; views stay.

    A padding that is neither SAME nor none becomes a PAD in the place of SPACE_TO_BATCH_ND; of a
    sequence, which TensorFlow pads before, it is left alone.
    """
    for op in [op for op in graph.operators if op.kind == SPREAD]:
        part = _part(graph, op)
        if part is not None:
            _join(graph, part)


def _part(graph: Graph, spread: Operator) -> _Part | None:
    block, paddings = _numbers(graph, spread)
    if block is None or paddings is None:
        return None
    length = 4 if len(graph.tensors[spread.inputs[0]].shape) == 3 else 2
    *around, gathered = _chain(graph, spread, length) or [spread]
    if len(around) != length - 1 or gathered.kind != GATHERED or len(gathered.outputs) != 1:
        return None
    convolution = around.pop(length // 4)
    if convolution.kind not in CONVOLUTIONS or not _has_kernel(graph, convolution):
        return None
    if not _keeps_scales(graph, spread, *around, gathered) or not _rows(graph, around):
        return None
    same_block, crops = _numbers(graph, gathered)
    options = convolution.options
    plain = options["padding"] == "VALID" and all(
        options[name] == 1
        for name in ("stride_h", "stride_w", "dilation_h_factor", "dilation_w_factor")
    )
    if not plain or block != same_block or crops is None:
        return None
    pads = paddings - crops
    if crops[:, 0].any() or (pads < 0).any() or min(block) < 1:
        return None
    padding = _padding(graph.tensors[convolution.inputs[1]].shape, block, pads)
    if around and padding is None:
        return None
    views = (around[0], around[1]) if around else None
    return _Part(spread, views, convolution, gathered, block, pads, padding)


def _padding(kernel: tuple[int, ...], block: tuple[int, int], pads: np.ndarray) -> str | None:
    """VALID or SAME where ``pads`` are what it means for weights of the shape ``kernel``."""
    reach = (np.array(kernel[1:3]) - 1) * block
    if not pads.any():
        return "VALID"
    same = np.stack([reach // 2, reach - reach // 2], axis=1)
    return "SAME" if (pads == same).all() else None


def _chain(graph: Graph, op: Operator, length: int) -> list[Operator]:
    """Up to ``length`` operators behind ``op``, each the only reader of the one before."""
    found: list[Operator] = []
    while len(found) < length and (reader := _only_reader(graph, op)):
        found.append(op := reader)
    return found


def _has_kernel(graph: Graph, op: Operator) -> bool:
    return len(op.inputs) > 1 and op.inputs[1] >= 0 and len(graph.tensors[op.inputs[1]].shape) == 4


def _rows(graph: Graph, views: list[Operator]) -> bool:
    """Whether they make images one row high of sequences, and sequences of images."""
    for view, place in zip(views, (0, -1)):
        ends = [graph.tensors[i].shape for i in (view.inputs[0], view.outputs[0])]
        sequence, image = ends[place], ends[-1 - place]
        if view.kind not in VIEWS or image != (*sequence[:1], 1, *sequence[1:]):
            return False
    return True


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
    """The block and the pairs of an operator over height and width, or over a sequence."""
    if len(op.inputs) != 3 or -1 in op.inputs:
        return None, None
    block, pairs = (graph.tensors[i].data for i in op.inputs[1:])
    axes = len(graph.tensors[op.inputs[0]].shape) - 2
    if axes not in (1, 2) or block is None or pairs is None:
        return None, None
    if block.shape != (axes,) or pairs.shape != (axes, 2):
        return None, None
    height, width = [1] * (2 - axes) + [int(n) for n in block]
    return (height, width), np.concatenate([np.zeros((2 - axes, 2)), pairs]).astype(np.int64)


def _join(graph: Graph, part: _Part) -> None:
    op, source = part.convolution, part.spread.inputs[0]
    first, last = part.views or (op, op)
    unused, padded = last.outputs[0], part.spread.outputs[0]
    graph.operators.remove(part.gathered)
    last.outputs = part.gathered.outputs
    op.options |= {"dilation_h_factor": part.block[0], "dilation_w_factor": part.block[1]}
    if part.padding is None:
        _pad(graph, part, source, padded, unused)
        return
    first.inputs = (source, *first.inputs[1:])
    op.options["padding"] = part.padding
    graph.operators.remove(part.spread)
    if part.views:
        _reshape(graph, first, padded, of=(first.inputs[0], first.outputs[0]))
        _reshape(graph, last, unused, of=(last.outputs[0], last.inputs[0]))


def _pad(graph: Graph, part: _Part, source: int, padded: int, unused: int) -> None:
    """PAD in the place of SPACE_TO_BATCH_ND."""
    rows = np.zeros((4, 2), np.int32)
    rows[1:3] = part.pads
    _hold(graph, unused, "paddings", rows)
    batch, height, width, channels = graph.tensors[source].shape
    height, width = np.array([height, width]) + part.pads.sum(axis=1)
    graph.tensors[padded].shape = (batch, int(height), int(width), channels)
    part.spread.kind, part.spread.inputs = "PAD", (source, unused)
    part.spread.options = {}


def _reshape(graph: Graph, view: Operator, unused: int, of: tuple[int, int]) -> None:
    """A view between a sequence and its image one row high, ``of`` these; its shape stands in
    ``unused``."""
    batch, *cells = graph.tensors[of[0]].shape
    graph.tensors[of[1]].shape = (batch, 1, *cells)
    _hold(graph, unused, "shape", np.array(graph.tensors[view.outputs[0]].shape, np.int32))
    view.kind, view.inputs, view.options = "RESHAPE", (view.inputs[0], unused), {}


def _hold(graph: Graph, unused: int, role: str, values: np.ndarray) -> None:
    """Puts a constant into a tensor that nothing uses: tensors keep their numbers."""
    name = f"{graph.tensors[unused].name}/{role}"
    graph.tensors[unused] = Tensor(
        unused, name, values.shape, str(values.dtype), data=values, folded=True
    )
