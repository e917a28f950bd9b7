"""Samples of a model of several inputs: one array an input, joined into rows of all values.

A row holds the values of all inputs, one input after another in the model's order
(``edgetune.model.inputs``).  Data that has no arrays (a CSV file, one array) holds such rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from edgetune.data.preprocessing import Preprocessing
from edgetune.data.source import LazySamples, Samples
from edgetune.errors import DataError
from edgetune.model.graph import Tensor
from edgetune.model.inputs import places, signature_name

LABELS = "y"  # what archives call them: no input is found by this name


class Joined(LazySamples):
    """Raw samples [n, elements of all inputs] from ``arrays``, one an input.

    Args:
        names: what messages call the arrays.

    Raises:
        DataError: they have not as many samples each.
    """

    def __init__(self, arrays: Sequence[Samples], names: Sequence[str]):
        self.arrays, self.names = list(arrays), list(names)
        _check_counts(self.arrays, self.names)
        self.shape = (len(arrays[0]), sum(math.prod(a.shape[1:]) for a in arrays))
        self.dtype = np.result_type(*(a.dtype for a in arrays))
        self.checked = all(getattr(a, "checked", False) for a in arrays)

    def sample(self, row: int) -> np.ndarray:
        return self[np.array([row])][0]

    def __getitem__(self, rows) -> np.ndarray:
        if np.ndim(rows) == 0 and not isinstance(rows, slice):
            return self.sample(int(rows))
        parts = [np.asarray(a[rows]) for a in self.arrays]
        return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)


def array_names(held: Mapping | Sequence, prefix: str, inputs: Sequence[Tensor]) -> list[str]:
    """Under which names a set is held: ``PREFIXx``, ``PREFIX`` and the input's name; of several
    inputs one each, by name or as ``PREFIXx_0``, ``PREFIXx_1`` ...  [] where it is not."""
    whole, named = [f"{prefix}x"], [prefix + signature_name(t.name) for t in inputs]
    ways = [whole, named] if len(inputs) == 1 else [named, numbered_names(prefix, inputs), whole]
    if LABELS in [signature_name(t.name) for t in inputs]:
        ways.remove(named)
    return next((names for names in ways if names and all(n in held for n in names)), [])


def numbered_names(prefix: str, inputs: Sequence[Tensor]) -> list[str]:
    return [f"{prefix}x_{i}" for i in range(len(inputs))]


def joined_by_name(arrays: Mapping, inputs: Sequence[Tensor], origin: str) -> Joined:
    """What a function gives as arrays by the names of inputs.

    Raises:
        DataError: an input is missing.
    """
    names = [t.name for t in inputs]
    if absent := [name for name in names if name not in arrays]:
        raise DataError(
            f"{origin} lacks the input {', '.join(absent)}.",
            f"It gives {', '.join(map(str, arrays)) or 'nothing'}. {listed(inputs)}",
            "Return an array for each input under its name.",
        )
    return Joined([np.asarray(arrays[name]) for name in names], names)


def parted(
    raw: np.ndarray, tensor: Tensor, how: Preprocessing
) -> Iterator[tuple[np.ndarray, Tensor, Preprocessing]]:
    """A block of raw samples by input: its own values in the shape that data has them in, its
    tensor, and its part of ``how``."""
    if not tensor.parts:
        yield raw, tensor, how
        return
    rows = raw.reshape(len(raw), -1)
    for number, (part, place) in enumerate(zip(tensor.parts, places(tensor.parts))):
        shape, own = part.shape[1:], _of_part(how, number, len(part.shape))
        if own.order == "chw":
            shape = (*shape[-1:], *shape[:-1])
        yield rows[:, place].reshape(len(raw), *shape), part, own


def _of_part(how: Preprocessing, number: int, rank: int) -> Preprocessing:
    """What is declared for one input: its own scale and offset; images alone have an order."""
    scale, offset = (v[number] if isinstance(v, tuple) else v for v in (how.scale, how.offset))
    order = "hwc" if how.order == "bgr" and rank != 4 else how.order
    return replace(how, scale=scale, offset=offset, order=order)


def listed(inputs: Sequence[Tensor]) -> str:
    """A sentence that names a model's inputs."""
    each = ", ".join(f"{t.name} {t.shape[1:]}" for t in inputs)
    return f"The model's inputs are {each}, in this order."


def _check_counts(arrays: Sequence[Samples], names: Sequence[str]) -> None:
    for name, array in zip(names, arrays):
        if len(array.shape) == 0 or len(array) != len(arrays[0]):
            count = len(array) if len(array.shape) else "no"
            raise DataError(
                f"{names[0]} holds {len(arrays[0])} samples, {name} {count}.",
                "A sample has one row in the array of each input.",
                "Save all of them with as many rows.",
            )
