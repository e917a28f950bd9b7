"""Vectors laid one under another, [n, c], as cells of one sample, [1, n, c].

Dense layers over a sequence are written with two dimensions, the first of which counts cells; the
float Graph's first dimension is the batch.
"""

from __future__ import annotations

from edgetune.model.kinds import OF_VECTORS
from edgetune.model.rewrite import Rewriter


def count_vectors_as_cells(rewriter: Rewriter) -> None:
    """Puts a batch of one before activations of two dimensions that hold several vectors, where
    only operators touch them that take each cell on its own."""
    ends = {*rewriter.inputs, *rewriter.outputs}
    for tensor in rewriter.tensors:
        rows = tensor.data is None and len(tensor.shape) == 2 and tensor.shape[0] > 1
        if rows and tensor.index not in ends and _is_of_vectors(rewriter, tensor.index):
            tensor.shape = (1, *tensor.shape)
    for op in rewriter.operators:
        if op.kind == "FULLY_CONNECTED" and len(rewriter.shape(op.outputs[0])) == 3:
            op.options = dict(op.options, keep_num_dims=True)


def _is_of_vectors(rewriter: Rewriter, tensor: int) -> bool:
    touching = [rewriter.producer(tensor), *rewriter.readers(tensor)]
    return all(op is not None and op.kind in OF_VECTORS for op in touching)
