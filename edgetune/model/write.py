"""Trained weights back into the file they came from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from edgetune.errors import ModelError
from edgetune.model.compare import same_but_for, users_of
from edgetune.model.extend import Extension, not_writable
from edgetune.model.graph import Graph, Operator, Place, Quantization, Tensor
from edgetune.model.kinds import KINDS, WEIGHTED
from edgetune.model.read import read_tflite
from edgetune.model.transposed import place_in_file

WEIGHTS, BIAS = 1, 2  # inputs of an operator that has weights


def write_weights(graph: Graph, weights: dict[Place, np.ndarray]) -> bytes:
    """The model file with new weights and biases of some operators.

    Where the file keeps an old value for this operator alone, its bytes are replaced.  Else the
    new one gets a place of its own: a bias that the operator lacks is added, and what shares its
    tensor or the bytes of its buffer with others parts from them.  Values that do not change
    stay where they are.

    Args:
        graph: as ``read_tflite`` gave it.
        weights: new values by place, of the shape and dtype that ``read_weights`` gives.

    Returns:
        The whole file, with all its outputs.  It differs from ``graph.content`` in the data of
        these places only; one in which something got a place of its own ends with the old file
        (see ``extend``).  It is read again before it is given back, and holds these values and
        else the same model.

    Raises:
        ModelError: no such place, another shape or dtype, or a file that cannot be changed so.
    """
    old = {place: read_weights(graph, place) for place in weights}
    extension, users = Extension(graph.content), users_of(graph)
    for place, values in weights.items():
        _check_values(graph, place, old[place], values)
        if not np.array_equal(values, old[place]):
            _put(graph, extension, place, values, users)
    content = extension.build()
    _check_written(graph, weights, content)
    return content


def check_writable(graph: Graph, places: Iterable[Place]) -> None:
    """Whether all ``places`` can be given new values, by trying it.

    Raises:
        ModelError: the file cannot be changed so.
    """
    write_weights(graph, {place: read_weights(graph, place) ^ 1 for place in places})


def read_weights(graph: Graph, place: Place) -> np.ndarray:
    """Weights (int8) or biases (int32 [channels]) of an operator, in the file's shape; zeros for
    a bias that it lacks.

    Raises:
        ModelError: no operator with weights is there.
    """
    operator = _operator(graph, place)
    tensor = _tensor(graph, operator, place)
    return np.zeros(_channels(graph, operator), np.int32) if tensor is None else tensor.values


def _operator(graph: Graph, place: Place) -> Operator:
    index, which = place
    found = [op for op in graph.operators if op.index == index and op.kind in WEIGHTED]
    if not found or which not in (WEIGHTS, BIAS):
        raise _refused(f"Operator {index} has no weights as its input {which} in this model.")
    return found[0]


def _tensor(graph: Graph, operator: Operator, place: Place) -> Tensor | None:
    """The tensor at a place, None for a bias that is absent."""
    index = dict(enumerate(operator.inputs)).get(place[1], -1)
    return graph.tensors[index] if index >= 0 else None


def _channels(graph: Graph, operator: Operator) -> int:
    axis = KINDS[operator.kind].channel_axis
    assert axis is not None
    return graph.tensors[operator.inputs[WEIGHTS]].shape[axis]


def _check_values(graph: Graph, place: Place, old: np.ndarray, new: np.ndarray) -> None:
    if new.shape != old.shape or new.dtype.name != old.dtype.name:
        operator = _operator(graph, place)
        raise _refused(
            f"Input {place[1]} of operator {operator.index} {operator.kind} is {old.dtype.name} "
            f"{list(old.shape)}; the new values are {new.dtype.name} {list(new.shape)}."
        )


def _put(graph: Graph, extension: Extension, place: Place, values: np.ndarray, users: dict) -> None:
    operator = _operator(graph, place)
    tensor = _tensor(graph, operator, place)
    data = values.astype(values.dtype.newbyteorder("<")).tobytes()
    if tensor is not None and not tensor.folded and users[tensor.index] == {place}:
        if not _shares_bytes(graph, tensor):
            extension.content[tensor.offset : tensor.offset + len(data)] = data
            return
        if extension.move_tensor(tensor.index, data):
            return
    own = extension.add_tensor(_own_tensor(graph, operator, place), data)
    extension.connect(operator.index, place_in_file(operator, place[1]), own)


def _shares_bytes(graph: Graph, tensor: Tensor) -> bool:
    """Whether the data of another tensor lies in the same bytes, or may do."""
    start, end = tensor.offset, tensor.offset + tensor.values.nbytes
    return tensor.buffer in graph.other_buffers or any(
        other.buffer == tensor.buffer
        or (other.data is not None and other.offset < end
            and start < other.offset + other.data.nbytes)
        for other in graph.tensors if other.index != tensor.index and not other.folded
    )  # fmt: skip


def _own_tensor(graph: Graph, operator: Operator, place: Place) -> Tensor:
    """A new tensor for a place: as the one that is shared; a bias has the scale of the sums that
    it is added to."""
    old = _tensor(graph, operator, place)
    if place[1] == WEIGHTS and old is not None:
        return replace(old, name=f"{old.name}_{operator.index}")
    data, weights = (graph.tensors[i].grid for i in operator.inputs[:2])
    scale = data.scale * weights.scale
    return Tensor(
        -1,
        f"{'bias' if old is None else old.name}_{operator.index}",
        (_channels(graph, operator),),
        "int32",
        Quantization(scale, np.zeros(len(scale), np.int64)),
    )


def _check_written(graph: Graph, weights: dict[Place, np.ndarray], content: bytes) -> None:
    """The file, read again, holds its new values and else what it held."""
    try:
        found = read_tflite(content, graph.choice)
    except ModelError as error:
        raise not_writable(f"With new values it could not be read: {error.cause}") from None
    for place, values in weights.items():
        if not np.array_equal(read_weights(found, place), values):
            raise not_writable(f"Operator {place[0]} would not keep its new values.")
    if not same_but_for(graph, found, weights):
        raise not_writable("Other parts of the file use the same bytes and would change with them.")


def _refused(cause: str) -> ModelError:
    return ModelError(
        "These weights cannot be written into the model file.",
        cause,
        "Write weights into the model they were trained from.",
    )
