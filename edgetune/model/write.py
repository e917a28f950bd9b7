"""Trained weights back into the file they came from."""

from __future__ import annotations

import numpy as np

from edgetune.errors import ModelError
from edgetune.model.decode import quoted
from edgetune.model.graph import Graph, Tensor


def write_weights(graph: Graph, weights: dict[int, np.ndarray]) -> bytes:
    """The model file with new values in some of its constants.

    Args:
        graph: as ``read_tflite`` gave it.
        weights: new values by tensor index, of the tensor's own shape and dtype.

    Returns:
        A file that differs from ``graph.content`` in the data of these tensors only.

    Raises:
        ModelError: no such constant, another shape or dtype, or a tensor whose data another
            tensor shares and would lose.
    """
    content = bytearray(graph.content)
    for index, values in weights.items():
        tensor = _constant(graph, index)
        data = _as_stored(tensor, np.asarray(values))
        content[tensor.offset : tensor.offset + len(data)] = data
    _check_the_others(graph, weights, content)
    return bytes(content)


def _constant(graph: Graph, index: int) -> Tensor:
    if not 0 <= index < len(graph.tensors) or graph.tensors[index].data is None:
        raise _refused(f"Tensor {index} is not a constant of this model.")
    return graph.tensors[index]


def _as_stored(tensor: Tensor, values: np.ndarray) -> bytes:
    if values.shape != tensor.shape or str(values.dtype) != tensor.dtype:
        raise _refused(
            f"Tensor {quoted(tensor.name)} is {tensor.dtype} {list(tensor.shape)}; "
            f"the new values are {values.dtype} {list(values.shape)}."
        )
    return values.astype(tensor.data.dtype).tobytes()  # little-endian, as the file keeps it


def _check_the_others(graph: Graph, weights: dict, content: bytearray) -> None:
    """Every constant holds what it should: its new values, or its old ones."""
    for tensor in graph.tensors:
        if tensor.data is None:
            continue
        wanted = np.asarray(weights.get(tensor.index, tensor.data))
        wanted = wanted.astype(tensor.data.dtype).tobytes()
        if content[tensor.offset : tensor.offset + len(wanted)] != wanted:
            raise _refused(
                f"Tensor {quoted(tensor.name)} shares its data with another one, "
                "and the new values of the two differ."
            )


def _refused(cause: str) -> ModelError:
    return ModelError(
        "These weights cannot be written into the model file.",
        cause,
        "Write weights into the model they were trained from.",
    )
