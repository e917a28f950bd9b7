"""Batch normalisation and scaling by constants, folded into the weights beside them.

ADD, SUB and MUL with a constant a channel become y = factor * x + offset.  The layer before takes
that over if nothing else reads it, else the layers behind; what is left becomes a depthwise
convolution with a 1x1 kernel, which has one scale a channel and can be trained.
"""

from __future__ import annotations

import numpy as np

from edgetune.model.graph import Operator
from edgetune.model.kinds import ARITHMETIC, ELEMENTWISE, FUSED_OPTION, UNCLAMPED, WEIGHTED
from edgetune.model.rewrite import Rewriter
from edgetune.quantize.weights import along_input

AFFINE = "AFFINE"  # inputs x, factor [c], offset [c]; only inside this module


def fold_affine(rewriter: Rewriter) -> None:
    """Folds all there are; none is left as an operator of its own kind."""
    for op in list(rewriter.operators):
        if op.kind in ARITHMETIC:
            _as_affine(rewriter, op)
    for op in [op for op in rewriter.operators if op.kind == AFFINE]:
        _fold_backward(rewriter, op)
    for op in [op for op in rewriter.operators if op.kind == AFFINE]:
        if _fold_forward(rewriter, op):
            continue
        if _in_chain(rewriter, op):
            _as_scalars(rewriter, op)
        else:
            _as_depthwise(rewriter, op)


def _as_affine(rewriter: Rewriter, op: Operator) -> None:
    constants = [rewriter.data(i) for i in op.inputs]
    if (constants[0] is None) == (constants[1] is None):
        return
    place = 0 if constants[1] is not None else 1  # of the activation
    x, constant = op.inputs[place], constants[1 - place]
    channels = rewriter.shape(x)[-1]
    vector = constant.size == 1 or constant.size == constant.shape[-1] == channels
    if not vector or rewriter.shape(x) != rewriter.shape(op.outputs[0]):
        return
    values = np.broadcast_to(constant.reshape(-1), channels).astype(np.float32)
    one, zero = np.ones(channels, np.float32), np.zeros(channels, np.float32)
    factor, offset = {
        "MUL": (values, zero),
        "ADD": (one, values),
        "SUB": (one, -values) if place == 0 else (-one, values),
    }[op.kind]
    name = rewriter.tensors[op.outputs[0]].name
    parameters = [rewriter.constant(f"{name}/{r}", v)
                  for r, v in (("factor", factor), ("offset", offset))]
    op.kind, op.inputs = AFFINE, (x, *parameters)
    op.options = {FUSED_OPTION: op.options.get(FUSED_OPTION, "NONE")}


# ---- into the layer before


def _fold_backward(rewriter: Rewriter, op: Operator) -> None:
    before = rewriter.producer(op.inputs[0])
    if before is None or before.kind not in (*WEIGHTED, AFFINE):
        return
    if before.options[FUSED_OPTION] != "NONE" or not rewriter.only_reader(op.inputs[0], op):
        return
    factor, offset = (rewriter.data(i) for i in op.inputs[1:])
    if before.kind == AFFINE:
        first, second = (rewriter.data(i) for i in before.inputs[1:])
        _replace(rewriter, before, first * factor, second * factor + offset)
    else:
        weights, bias = _weights(rewriter, before)
        if len(bias) != len(factor):
            return
        _replace(rewriter, before, _times_output(before, weights, factor), bias * factor + offset)
    fused = op.options[FUSED_OPTION]
    if fused != "NONE" and before.kind in UNCLAMPED:
        op.kind, op.inputs, op.options = fused, op.inputs[:1], {}
        return
    before.options = dict(before.options, **{FUSED_OPTION: fused})
    rewriter.absorb(op, before)


def _times_output(op: Operator, weights: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Weights whose output channels are multiplied."""
    if op.kind == "DEPTHWISE_CONV_2D":
        return weights * factor
    return weights * factor.reshape(-1, *[1] * (weights.ndim - 1))


def _weights(rewriter: Rewriter, op: Operator) -> tuple[np.ndarray, np.ndarray]:
    """Weights and bias; zeros where there is none."""
    weights = rewriter.data(op.inputs[1])
    channels = weights.shape[3] if op.kind == "DEPTHWISE_CONV_2D" else len(weights)
    bias = rewriter.data(op.inputs[2]) if len(op.inputs) > 2 else None
    return weights, np.zeros(channels, np.float32) if bias is None else bias


def _replace(rewriter: Rewriter, op: Operator, *values: np.ndarray) -> None:
    """Gives ``op`` new constants for its operands after the first; names stay."""
    names = [rewriter.tensors[i].name for i in op.inputs[1:] if i >= 0]
    output = rewriter.tensors[op.outputs[0]].name
    names += [f"{output}/bias"] * (len(values) - len(names))
    new = [rewriter.constant(n, v.astype(np.float32)) for n, v in zip(names, values)]
    op.inputs = (op.inputs[0], *new)


# ---- into the layers behind


def _fold_forward(rewriter: Rewriter, op: Operator) -> bool:
    """Whether all readers have taken it over: an offset they can only take without padding."""
    if op.options[FUSED_OPTION] != "NONE" or op.outputs[0] in rewriter.outputs:
        return False
    readers = _weighted_readers(rewriter, op.outputs[0])
    factor, offset = (rewriter.data(i) for i in op.inputs[1:])
    if readers is None or (offset.any() and any(_pads(rewriter, r) for r in readers)):
        return False
    for reader in readers:
        weights, bias = _weights(rewriter, reader)
        scaled, shifted = (weights * along_input(reader.kind, weights, v) for v in (factor, offset))
        axes = (0, 1, 2) if reader.kind == "DEPTHWISE_CONV_2D" else tuple(range(1, weights.ndim))
        _replace(rewriter, reader, scaled, bias + shifted.sum(axis=axes))
    rewriter.remove(op)
    rewriter.reconnect(op.outputs[0], op.inputs[0])
    return True


def _weighted_readers(rewriter: Rewriter, tensor: int) -> list[Operator] | None:
    """The layers that read ``tensor``, dense ones also through a RESHAPE; None if others do."""
    found = []
    for reader in rewriter.readers(tensor):
        if reader.kind in WEIGHTED:
            found.append(reader)
            continue
        flat = reader.outputs[0] if reader.kind == "RESHAPE" else -1
        behind = rewriter.readers(flat) if flat not in (-1, *rewriter.outputs) else []
        if not behind or any(r.kind != "FULLY_CONNECTED" for r in behind):
            return None
        found += behind
    return found or None


def _pads(rewriter: Rewriter, op: Operator) -> bool:
    """Whether windows reach beyond the input, or not all outputs read as many cells."""
    if op.kind == "TRANSPOSE_CONV":
        return True
    if op.kind == "FULLY_CONNECTED" or op.options["padding"] == "VALID":
        return False
    kernel = rewriter.shape(op.inputs[1])[1:3]
    sizes, outs = rewriter.shape(op.inputs[0])[1:3], rewriter.shape(op.outputs[0])[1:3]
    strides = op.options["stride_h"], op.options["stride_w"]
    steps = op.options["dilation_h_factor"], op.options["dilation_w_factor"]
    return any(
        (out - 1) * stride + (k - 1) * step + 1 > size
        for out, stride, k, step, size in zip(outs, strides, kernel, steps, sizes)
    )


# ---- left over


def _in_chain(rewriter: Rewriter, op: Operator) -> bool:
    """Whether it does the same to every channel beside another link of a chain (``one_value``):
    one table will serve them all."""
    before, behind = rewriter.producer(op.inputs[0]), rewriter.readers(op.outputs[0])
    links = [*([before] if before else []), *behind]
    return all(np.ptp(rewriter.data(i)) == 0 for i in op.inputs[1:]) and any(
        link.kind in ELEMENTWISE for link in links
    )


def _as_scalars(rewriter: Rewriter, op: Operator) -> None:
    """A MUL and an ADD, as far as they do anything."""
    x, name = op.inputs[0], rewriter.tensors[op.outputs[0]].name
    factor, offset = (rewriter.data(i)[:1] for i in op.inputs[1:])
    fused = {FUSED_OPTION: op.options[FUSED_OPTION]}
    if offset[0] == 0:
        op.kind, op.inputs, op.options = "MUL", (x, rewriter.constant(f"{name}/f", factor)), fused
        return
    if factor[0] != 1:
        scaled = rewriter.activation(f"{name}/scaled", rewriter.shape(x))
        constant = rewriter.constant(f"{name}/f", factor)
        rewriter.insert(op, "MUL", (x, constant), (scaled,), {FUSED_OPTION: "NONE"})
        x = scaled
    op.kind, op.inputs, op.options = "ADD", (x, rewriter.constant(f"{name}/o", offset)), fused


def _as_depthwise(rewriter: Rewriter, op: Operator) -> None:
    x, factor, offset = op.inputs
    shape, channels = rewriter.shape(x), rewriter.shape(factor)[0]
    name = rewriter.tensors[op.outputs[0]].name
    weights = rewriter.constant(f"{name}/weights", rewriter.data(factor).reshape(1, 1, 1, -1))
    options = {
        "padding": "VALID", "stride_h": 1, "stride_w": 1, "depth_multiplier": 1,
        "dilation_h_factor": 1, "dilation_w_factor": 1, FUSED_OPTION: op.options[FUSED_OPTION],
    }
    op.kind, op.options = "DEPTHWISE_CONV_2D", options
    op.inputs = (x, weights, offset)
    if len(shape) == 4:
        return
    image = (1, 1, int(np.prod(shape)) // channels, channels)
    before, behind = (rewriter.activation(f"{name}/{r}", image) for r in ("image", "scaled"))
    rewriter.insert(op, "RESHAPE", (x,), (before,))
    rewriter.insert_after(op, "RESHAPE", (behind,), op.outputs)
    op.inputs, op.outputs = (before, weights, offset), (behind,)
