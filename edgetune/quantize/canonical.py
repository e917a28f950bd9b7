"""One form for what float files write in many ways.

After ``canonical`` a float Graph has only CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV,
FULLY_CONNECTED (flat), MAX_POOL_2D, AVERAGE_POOL_2D (not of everything), MEAN, REDUCE_MAX, PAD with
four pairs, RESHAPE, what moves values, RESIZE_BILINEAR, ADD, SUB, MUL, CONCATENATION, SOFTMAX,
RELU, RELU6, LEAKY_RELU, LOGISTIC, TANH and HARD_SWISH. Tensors of three dimensions have become
images one row high, as 1-D convolutions want them; batch normalisation and standalone activations
are in the operators before them where they can be.
"""

from __future__ import annotations

import numpy as np

from edgetune.model.graph import Graph, Operator
from edgetune.model.kinds import FUSED_OPTION, MOVED, REDUCING, UNCLAMPED, VIEWS
from edgetune.model.moves import places, stays
from edgetune.model.rewrite import Rewriter
from edgetune.quantize.affine import fold_affine
from edgetune.quantize.fusion import fuse_activations
from edgetune.quantize.reshapes import hoist_over_reshapes, merge_reshapes

POINTWISE = {
    "padding": "VALID", "stride_h": 1, "stride_w": 1, "dilation_h_factor": 1,
    "dilation_w_factor": 1,
}


def canonical(graph: Graph) -> Graph:
    """``graph`` in the form above; it computes the same, up to float rounding."""
    rewriter = Rewriter(graph)
    kept: set[int] = set()  # tensors that keep three dimensions
    for op in [op for op in rewriter.operators if op.kind in UNCLAMPED]:
        _unfuse(rewriter, op)
    for op in list(rewriter.operators):
        if op.kind in VIEWS or (op.kind in MOVED and _is_view(graph, op)):
            op.kind, op.inputs, op.options = "RESHAPE", op.inputs[:1], {}
        elif op.kind in MOVED:
            kept |= _stand_apart(rewriter, op)
        elif op.kind == "CONCATENATION":
            op.options["axis"] %= len(rewriter.shape(op.outputs[0]))
    _lift(rewriter, kept)
    for op in list(rewriter.operators):
        if op.kind in REDUCING:
            _reduction(rewriter, op)
        elif op.kind == "AVERAGE_POOL_2D":
            _global_average(rewriter, op)
        elif op.kind == "FULLY_CONNECTED" and op.options["keep_num_dims"]:
            _dense_everywhere(rewriter, op)
    merge_reshapes(rewriter)
    hoist_over_reshapes(rewriter)
    fold_affine(rewriter)
    fuse_activations(rewriter)
    merge_reshapes(rewriter)
    return rewriter.graph()


def _unfuse(rewriter: Rewriter, op: Operator) -> None:
    """An operator of its own for a function that the int8 kernel would leave out."""
    fused, (result,) = op.options[FUSED_OPTION], op.outputs
    if fused != "NONE":
        name = f"{rewriter.tensors[result].name}/linear"
        op.outputs = (rewriter.activation(name, rewriter.shape(result)),)
        op.options[FUSED_OPTION] = "NONE"
        rewriter.insert_after(op, fused, op.outputs, (result,))


def _is_view(graph: Graph, op: Operator) -> bool:
    return stays(places(graph, op)[0], graph.tensors[op.inputs[0]].size)


def _stand_apart(rewriter: Rewriter, op: Operator) -> set[int]:
    """Keeps the dimensions that a move counts: where they are three, RESHAPEs stand around it.
    Returns the tensors in between."""
    source, result = op.inputs[0], op.outputs[0]
    shapes, name = [rewriter.shape(i) for i in (source, result)], rewriter.tensors[result].name
    constants = [rewriter.tensors[i] for i in op.inputs[1:]]
    small = [rewriter.constant(t.name, t.values.astype(np.int32)) for t in constants]
    op.inputs = (source, *small)
    if 3 not in map(len, shapes):
        return set()
    before, behind = (rewriter.activation(f"{name}/{role}", shape)
                      for role, shape in zip(("before", "moved"), shapes))
    rewriter.insert(op, "RESHAPE", (source,), (before,))
    op.inputs, op.outputs = (before, *small), (behind,)
    rewriter.insert_after(op, "RESHAPE", (behind,), (result,))
    return {before, behind}


def _then_reshape(rewriter: Rewriter, op: Operator, shape: tuple[int, ...]) -> None:
    """Lets ``op`` yield ``shape``, and a RESHAPE behind it what it yielded before."""
    result = op.outputs[0]
    op.outputs = (rewriter.activation(f"{rewriter.tensors[result].name}/{op.kind.lower()}", shape),)
    rewriter.insert_after(op, "RESHAPE", op.outputs, (result,))


# ---- three dimensions to four


def _lift(rewriter: Rewriter, kept: set[int]) -> None:
    """Gives every activation of three dimensions a height of one; not at the graph's ends, nor
    those that are ``kept``."""
    _free_the_ends(rewriter)
    ends = {*rewriter.inputs, *rewriter.outputs, *kept}
    for op in rewriter.operators:
        if len(rewriter.shape(op.inputs[0])) == 3 and op.inputs[0] not in kept:
            _lift_operands(rewriter, op)
    for tensor in rewriter.tensors:
        if tensor.data is None and len(tensor.shape) == 3 and tensor.index not in ends:
            tensor.shape = (1, 1, *tensor.shape[1:])


def _free_the_ends(rewriter: Rewriter) -> None:
    """The file's inputs and output keep their shapes, so a RESHAPE goes in between."""
    (sink,) = rewriter.outputs
    if len(rewriter.shape(sink)) == 3:
        _then_reshape(rewriter, rewriter.producer(sink), rewriter.shape(sink))
        inner = rewriter.producer(sink).inputs[0]
        for op in rewriter.readers(sink):
            op.inputs = tuple(inner if i == sink else i for i in op.inputs)
    for source in [i for i in rewriter.inputs if len(rewriter.shape(i)) == 3]:
        shape = rewriter.shape(source)
        inner = rewriter.activation(f"{rewriter.tensors[source].name}/image", shape)
        rewriter.reconnect(source, inner)
        rewriter.insert(rewriter.operators[0], "RESHAPE", (source,), (inner,))


def _lift_operands(rewriter: Rewriter, op: Operator) -> None:
    """Moves what counts dimensions one further."""
    rows = {"PAD": [(0, 0)]}.get(op.kind, [])
    for place, row in enumerate(rows, start=1):
        old = rewriter.tensors[op.inputs[place]]
        new = rewriter.constant(old.name, np.insert(old.data, 1, row, axis=0))
        op.inputs = tuple(new if i == place else t for i, t in enumerate(op.inputs))
    if op.kind in REDUCING:
        old = rewriter.tensors[op.inputs[1]]
        axes = old.data.reshape(-1) % 3
        op.inputs = (op.inputs[0], rewriter.constant(old.name, axes + (axes > 0)))
    if op.kind == "CONCATENATION" and op.options["axis"] > 0:
        op.options["axis"] += 1
        for place, index in enumerate(op.inputs):
            _lift_constant(rewriter, op, place, index)


def _lift_constant(rewriter: Rewriter, op: Operator, place: int, index: int) -> None:
    data = rewriter.data(index)
    if data is not None and data.ndim == 3:
        new = rewriter.constant(rewriter.tensors[index].name, data[:, None])
        op.inputs = tuple(new if i == place else t for i, t in enumerate(op.inputs))


# ---- operators that TFLite has in several guises


def _reduction(rewriter: Rewriter, op: Operator) -> None:
    """Over the axes that are longer than one, and all of height and width together."""
    data, shape = rewriter.shape(op.inputs[0]), rewriter.shape(op.outputs[0])
    axes = {int(a) % len(data) for a in rewriter.data(op.inputs[1]).reshape(-1)}
    axes = {axis for axis in axes if data[axis] > 1}
    if not axes:
        op.kind, op.inputs, op.options = "RESHAPE", op.inputs[:1], {}
        return
    if len(data) == 4 and all(data[axis] == 1 for axis in {1, 2} - axes):
        axes |= {1, 2}
    name = rewriter.tensors[op.outputs[0]].name
    order = np.array(sorted(axes), np.int32)
    op.inputs = (op.inputs[0], rewriter.constant(f"{name}/axes", order))
    left = tuple(n for axis, n in enumerate(data) if axis not in axes)
    op.options = {"keep_dims": shape != left}
    kept = tuple(1 if axis in axes else n for axis, n in enumerate(data))
    if shape not in (left, kept):
        _then_reshape(rewriter, op, kept)


def _global_average(rewriter: Rewriter, op: Operator) -> None:
    """A pool over everything is a MEAN, whose output may have a scale of its own.

    An int8 AVERAGE_POOL_2D has its input's scale, and means are much smaller than peaks.
    """
    size = rewriter.shape(op.inputs[0])[1:3]
    kernel = op.options["filter_height"], op.options["filter_width"]
    fused = op.options["fused_activation_function"]
    if kernel == size and rewriter.shape(op.outputs[0])[1:3] == (1, 1) and fused == "NONE":
        name = rewriter.tensors[op.outputs[0]].name
        axes = rewriter.constant(f"{name}/axes", np.array([1, 2], np.int32))
        op.kind, op.inputs, op.options = "MEAN", (op.inputs[0], axes), {"keep_dims": True}


def _dense_everywhere(rewriter: Rewriter, op: Operator) -> None:
    """A dense layer at every place of an image is a convolution with a 1x1 kernel."""
    op.options = dict(op.options, keep_num_dims=False)
    if len(rewriter.shape(op.inputs[0])) != 4:
        return
    weights = rewriter.tensors[op.inputs[1]]
    kernel = weights.data.reshape(len(weights.data), 1, 1, -1)
    fused = op.options["fused_activation_function"]
    op.kind = "CONV_2D"
    op.inputs = (op.inputs[0], rewriter.constant(weights.name, kernel), *op.inputs[2:])
    op.options = POINTWISE | {"fused_activation_function": fused}
