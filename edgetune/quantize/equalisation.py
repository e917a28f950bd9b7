"""Cross-layer equalisation: channels between two layers brought to one range.

A channel divided by s behind the first layer and multiplied by s in the second changes nothing
in float, as long as only RELU lies between.  s is chosen so that the channel's weights have the
same largest magnitude in both layers.  It helps where layers have one scale for all channels
whose ranges differ widely.

Source: Nagel, van Baalen, Blankevoort, Welling, *Data-Free Quantization Through Weight
Equalization and Bias Correction*, arXiv 1906.04721.
"""

from __future__ import annotations

import numpy as np

from edgetune.model.graph import Graph, Operator
from edgetune.model.kinds import REDUCING, WEIGHTED
from edgetune.model.rewrite import Rewriter
from edgetune.quantize.weights import along_input

ROUNDS = 3  # pairs overlap, so ranges settle in a few
LARGEST = 1e3  # factor; beyond, a channel is as good as dead
BETWEEN = ("PAD", "MAX_POOL_2D", "AVERAGE_POOL_2D", *REDUCING, "RESHAPE")  # scale as their input


def equalise(graph: Graph) -> Graph:
    """A canonical float Graph that computes the same with evened-out weights."""
    rewriter = Rewriter(graph)
    pairs = [(op, behind) for op in rewriter.operators if (behind := _partner(rewriter, op))]
    for _ in range(ROUNDS):
        for first, second in pairs:
            _even_out(rewriter, first, second)
    return rewriter.graph()


def _partner(rewriter: Rewriter, op: Operator) -> Operator | None:
    """The layer that alone reads what ``op`` computes, directly or through BETWEEN."""
    if op.kind not in WEIGHTED or op.options["fused_activation_function"] == "RELU6":
        return None
    behind = op
    while True:
        readers = rewriter.readers(behind.outputs[0])
        if len(readers) != 1 or behind.outputs[0] in rewriter.outputs:
            return None
        behind = readers[0]
        if behind.kind in WEIGHTED:
            return behind
        if behind.kind not in BETWEEN or behind.options.get(
            "fused_activation_function", "NONE"
        ) == "RELU6" or not _keeps_channels(rewriter, op, behind):
            return None


def _keeps_channels(rewriter: Rewriter, op: Operator, behind: Operator) -> bool:
    """Whether what goes into one value of a reduction is of one channel of ``op``, and padding
    adds no channels."""
    shape = rewriter.shape(behind.inputs[0])
    kept = shape[-1] == rewriter.shape(op.outputs[0])[-1]
    if behind.kind == "PAD":
        return kept and rewriter.shape(behind.outputs[0])[-1] == shape[-1]
    if behind.kind in REDUCING:
        axes = rewriter.data(behind.inputs[1]).reshape(-1) % len(shape)
        return kept and len(shape) - 1 not in axes
    return True


def _even_out(rewriter: Rewriter, first: Operator, second: Operator) -> None:
    one, two = (rewriter.data(op.inputs[1]) for op in (first, second))
    channels = rewriter.shape(first.outputs[0])[-1]
    made, read = _made(first, one), _read(second, two, channels)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.sqrt(made / read)
    factor = np.where((made > 0) & (read > 0), factor, 1)
    factor = np.clip(factor, 1 / LARGEST, LARGEST).astype(np.float32)
    bias = rewriter.data(first.inputs[2]) if len(first.inputs) > 2 else None
    _replace(rewriter, first, 1, one / _along_output(first, factor, one.ndim))
    if bias is not None:
        _replace(rewriter, first, 2, bias / factor)
    _replace(rewriter, second, 1, two * along_input(second.kind, two, factor))


def _made(op: Operator, weights: np.ndarray) -> np.ndarray:
    """The largest weight of every output channel."""
    axes = (0, 1, 2) if op.kind == "DEPTHWISE_CONV_2D" else tuple(range(1, weights.ndim))
    return np.abs(weights).max(axis=axes)


def _read(op: Operator, weights: np.ndarray, channels: int) -> np.ndarray:
    """The largest weight on every input channel; a dense layer may read several images' worth."""
    depth = weights.shape[-1]
    if op.kind == "DEPTHWISE_CONV_2D":
        return np.abs(weights).reshape(-1, channels, depth // channels).max(axis=(0, 2))
    groups = max(1, channels // depth)
    return np.abs(weights).reshape(groups, -1, depth).max(axis=1).reshape(-1, channels).max(axis=0)


def _along_output(op: Operator, factor: np.ndarray, rank: int) -> np.ndarray:
    return factor if op.kind == "DEPTHWISE_CONV_2D" else factor.reshape(-1, *[1] * (rank - 1))


def _replace(rewriter: Rewriter, op: Operator, place: int, values: np.ndarray) -> None:
    name = rewriter.tensors[op.inputs[place]].name
    index = rewriter.constant(name, values.astype(np.float32))
    op.inputs = tuple(index if i == place else t for i, t in enumerate(op.inputs))
