"""Inputs that are always the same: constants of the file, before anything else is read of it.

A device is then sent the other inputs alone, and all that follows from the constants is worked
out beforehand.  The file that comes back is the old one with these tensors filled, so a tuned
file has them as well.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import numpy as np

from edgetune.errors import UsageError
from edgetune.files import check_regular
from edgetune.model.consistency import check_order
from edgetune.model.decode import NUMPY_TYPES, decode, quoted
from edgetune.model.extend import Extension
from edgetune.model.graph import Graph, Tensor
from edgetune.model.inputs import signature_name
from edgetune.model.numbers import quantized_values

Value = float | str | os.PathLike | np.ndarray  # a number for all elements, an .npy file, an array
Constants = Mapping[str, Value] | Iterable[tuple[str, Value] | str]
LIST = "Say which is meant with --input NAME=VALUE or NAME=FILE.npy."


def pairs_of(given: Constants | str) -> tuple[tuple[str, Value], ...]:
    """Names of inputs and their values; "NAME=VALUE" is one of both, with commas several.

    Raises:
        UsageError: a text without name or value, or a name that stands twice.
    """
    items = given.split(",") if isinstance(given, str) else given
    items = items.items() if isinstance(items, Mapping) else items
    pairs = tuple(_pair(item) if isinstance(item, str) else tuple(item) for item in items)
    names = [name for name, _ in pairs]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(
            f"The input {quoted(twice[0])} is given twice.", "An input has one value.",
            "Leave one of them out.",
        )
    return pairs


def _pair(text: str) -> tuple[str, Value]:
    name, equals, value = (part.strip() for part in text.partition("="))
    if not (name and value):
        raise UsageError(
            f"{quoted(text)} says of no input what it is.", "It has no name or no value.", LIST
        )
    try:
        return name, float(value)
    except ValueError:
        return name, value


def plain(value: Value) -> float | str | list:
    """A value as JSON can hold it."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    return str(value) if isinstance(value, os.PathLike) else value


def with_constants(content: bytes, given: Constants) -> bytes:
    """A .tflite file whose inputs of these names are constants.

    Args:
        content: the file; ``given`` are real numbers where it is quantised, but for arrays of the
            input's own integers.

    Raises:
        ModelError: the file cannot be read, or is of a newer schema.
        UsageError: there is no such input, no other one is left, or a value does not fit.
    """
    pairs = pairs_of(given)
    if not pairs:
        return content
    graph = decode(content)
    check_order(graph)
    places = {name: graph.inputs[i] for i, name in enumerate(graph.input_names)}
    check_names([name for name, _ in pairs], places)
    extension = Extension(content)
    for name, value in pairs:
        tensor = graph.tensors[places[name]]
        _put(graph, extension, tensor, _as_stored(name, tensor, value))
    return extension.build()


def check_names(names: Iterable[str], inputs: Iterable[str]) -> None:
    """UsageError where a name is no input's, or all inputs are named."""
    inputs, names = list(inputs), [signature_name(name) for name in names]
    listed = f"The model's inputs are {', '.join(map(quoted, inputs))}."
    if unknown := [name for name in names if name not in inputs]:
        raise UsageError(f"The model has no input {quoted(unknown[0])}.", listed, LIST)
    if set(inputs) <= set(names):
        raise UsageError(
            "All inputs of the model are given.", f"{listed} A sample would be empty.",
            "Leave the input out that comes from the data.",
        )


def constant_value(name: str, shape: tuple[int, ...], value: Value) -> np.ndarray:
    """A value as an array of ``shape``, in its own type.

    Raises:
        UsageError: an .npy file that cannot be read, or values of another shape.
    """
    array = np.asarray(_loaded(name, value) if isinstance(value, (str, os.PathLike)) else value)
    if array.dtype.kind not in "fiub" or (array.dtype.kind == "f" and not np.isfinite(array).all()):
        raise UsageError(
            f"The input {quoted(name)} cannot be {quoted(str(value)[:80])}.",
            "Its values are not finite numbers.", "Give numbers.",
        )
    if min(shape, default=1) < 1 or array.size != 1 and array.shape not in (shape, shape[1:]):
        raise UsageError(
            f"The value for the input {quoted(name)} has the shape {array.shape}.",
            f"The input has the shape {shape}, the batch with it.",
            "Give an array of this shape, or one number for all elements.",
        )
    return np.broadcast_to(array.reshape(() if array.size == 1 else shape), shape)


def _loaded(name: str, path: str | os.PathLike) -> np.ndarray:
    try:
        return np.load(check_regular(path), allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(
            f"The value for the input {quoted(name)} cannot be read from {path}.", str(error),
            "Give a number, or an .npy file of numbers.",
        ) from None


def _as_stored(name: str, tensor: Tensor, value: Value) -> bytes:
    """The data of a tensor, in its type."""
    if tensor.dtype not in (*NUMPY_TYPES, "bool"):
        raise UsageError(
            f"The input {quoted(name)} is of type {tensor.dtype}.",
            "A constant of this type cannot be written.", "Leave it to the data.",
        )
    array, dtype = constant_value(name, tensor.shape, value), np.dtype(tensor.dtype)
    if dtype.kind == "f" or array.dtype == dtype and not isinstance(value, float):
        stored = array.astype(dtype)
    elif tensor.quantization is not None:
        stored = quantized_values(array, tensor)
    else:
        stored = array.astype(dtype)
        if not np.array_equal(stored, array):
            raise UsageError(
                f"The input {quoted(name)} is of type {tensor.dtype}.",
                "The values are other numbers than that type has.", "Give whole numbers.",
            )
    return stored.tobytes()


def _put(graph: Graph, extension: Extension, tensor: Tensor, data: bytes) -> None:
    """In the tensor itself, or in a new one that all its readers get."""
    extension.drop_input(tensor.index)
    if extension.move_tensor(tensor.index, data):
        return
    own = extension.add_tensor(tensor, data)
    for op in graph.operators:
        for place, index in enumerate(op.inputs):
            if index == tensor.index:
                extension.connect(op.index, place, own)
