"""Raw samples of any source, checked and brought into the model's input."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from edgetune.data.declaration import Declaration
from edgetune.data.preprocessing import (
    Preprocessing,
    as_input,
    misfit,
    takes_real,
    undeclared_error,
)
from edgetune.data.several_inputs import Joined, listed, numbered_names, parted
from edgetune.data.source import BLOCK_VALUES, LazySamples, Samples, Source, blocks
from edgetune.errors import DataError, UsageError
from edgetune.model.graph import Tensor

DTYPES = ("float16", "float32", "float64", "uint8", "uint16", "int16", "int8")


class Prepared(LazySamples):
    """Samples in the model's input shape and type, prepared when they are asked for.

    ``rows``: which of the raw samples these are, in their order.
    """

    def __init__(self, raw: Samples, rows: np.ndarray, tensor: Tensor, how: Preprocessing):
        self._raw, self._rows, self._tensor, self._how = raw, rows, tensor, how
        self.shape = (len(rows), *tensor.shape[1:])
        self.dtype = _input_dtype(tensor)

    def sample(self, row: int) -> np.ndarray:
        if not -len(self) <= row < len(self):
            raise IndexError(row)
        one = np.asarray(self._raw[int(self._rows[row])])[None]
        return _made(one, self._tensor, self._how)[0]

    def __getitem__(self, rows):
        """One sample for a number; for a slice or indices again samples not yet prepared."""
        if np.ndim(rows) == 0 and not isinstance(rows, slice):
            return self.sample(int(rows))
        return Prepared(self._raw, self._rows[rows], self._tensor, self._how)

    def __iter__(self):
        return (self.sample(row) for row in range(len(self)))

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.stack(list(self)).astype(dtype or self.dtype, copy=False)


def check_form(source: Source, tensor: Tensor, order: str) -> None:
    """DataError where the samples' shape or type cannot be the model's."""
    if isinstance(source.x, Joined):
        for array, name, part in zip(source.x.arrays, source.x.names, tensor.parts):
            _check_array(array, name, part, order)
    else:
        _check_array(source.x, source.x_name, tensor, order)


def _check_array(x: Samples, name: str, tensor: Tensor, order: str) -> None:
    shape, expected = tuple(x.shape[1:]), tuple(tensor.shape[1:])
    if _significant(_moved(shape, order)) != _significant(expected):
        cause, next_step = (
            _several_advice(tensor) if tensor.parts else _shape_advice(x.shape, expected, order)
        )
        raise DataError(
            f"{name} holds samples of shape {shape}; the model takes {expected}.",
            cause, next_step,
        )
    if np.dtype(x.dtype).name not in DTYPES:
        raise DataError(
            f"{name} is of type {x.dtype}.",
            f"Samples are {', '.join(DTYPES[:-1])} or {DTYPES[-1]}.",
            f"Convert {name}, for example with {name}.astype('float32').",
        )


def decide(
    source: Source, tensor: Tensor, declared: Declaration, stored: Preprocessing | None
) -> tuple[Preprocessing, list[str]]:
    """The preprocessing, and sentences about how it suits the samples.

    The declared one comes first, then the file's own, then ``stored``, the model's.  Without
    any, int8 is quantised already and all else real values if they suit the input's range.
    """
    how = Preprocessing(
        order=declared.order or "hwc", fit=declared.fit or "",
        sample_rate=source.sample_rate, frame=declared.frame, window=declared.window,
        features=declared.features,
    )  # fmt: skip
    glance = _glance(source)
    values = declared.values or source.declared.values
    if values is None and stored is not None and not stored.quantized:
        values = stored.scale, stored.offset
    if values is None:
        return _undeclared(source, glance, tensor, how), []
    how = _with(how, scale=values[0], offset=values[1])
    _check_channels(how, tensor)
    reasons = [f"With the declared scale and offset {reason}{_of(part, tensor)}."
               for reason, part, _ in _misfits(glance, tensor, how)]
    return how, reasons


def prepare(source: Source, tensor: Tensor, how: Preprocessing, memory: int):
    """All samples as the model takes them: an array where it has at most ``memory`` bytes, else
    `Prepared`, whose samples have all been looked at once.

    Raises:
        DataError: a sample cannot be read, or holds NaN or infinity.
    """
    x, dtype = source.x, _input_dtype(tensor)
    size = len(x) * math.prod(tensor.shape[1:]) * dtype.itemsize
    result = np.empty((len(x), *tensor.shape[1:]), dtype) if size <= memory else None
    if result is None and getattr(x, "checked", False):
        return Prepared(x, np.arange(len(x)), tensor, how)
    for rows in blocks(x):
        block = x[rows]
        if block.dtype.kind == "f" and not np.isfinite(block).all():
            raise _not_finite(source)
        if result is not None:
            result[rows] = _made(block, tensor, how)
    return Prepared(x, np.arange(len(x)), tensor, how) if result is None else result


def _made(raw: np.ndarray, tensor: Tensor, how: Preprocessing) -> np.ndarray:
    """A block of raw samples as the model takes them; of several inputs rows of all values."""
    made = [as_input(arranged(block, part, own), part, own)
            for block, part, own in parted(raw, tensor, how)]
    return np.concatenate([m.reshape(len(m), -1) for m in made], 1) if tensor.parts else made[0]


def types_of(source: Source) -> list[np.dtype]:
    """Of the samples; of several inputs one each, where each has an array."""
    arrays = source.x.arrays if isinstance(source.x, Joined) else [source.x]
    return [np.dtype(array.dtype) for array in arrays]


def arranged(raw: np.ndarray, tensor: Tensor, how: Preprocessing) -> np.ndarray:
    """A block of raw samples in the input's shape, channels last and in its order."""
    if how.order == "chw":
        raw = np.moveaxis(raw, 1, -1)
    raw = raw.reshape(len(raw), *tensor.shape[1:])
    return raw[..., ::-1] if how.order == "bgr" else raw


def _input_dtype(tensor: Tensor) -> np.dtype:
    return np.dtype(np.float32 if takes_real(tensor) else np.int8)


def _glance(source: Source) -> np.ndarray:
    """Samples spread evenly over all, enough of them to judge the values by."""
    count = max(1, min(len(source.x), 4 * BLOCK_VALUES // math.prod(source.x.shape[1:])))
    rows = np.linspace(0, len(source.x) - 1, count).astype(np.int64)
    glance = np.asarray(source.x[rows])
    if glance.dtype.kind == "f" and not np.isfinite(glance).all():
        raise _not_finite(source)
    return glance


def _undeclared(
    source: Source, glance: np.ndarray, tensor: Tensor, how: Preprocessing
) -> Preprocessing:
    """The default: int8 is quantised already, all else real values if they suit the range."""
    types, real = types_of(source), takes_real(tensor)
    if not real and set(types) == {np.dtype(np.int8)}:
        return _with(how, quantized=True)
    if not real and np.int8 in types:
        raise DataError(
            f"The arrays of the inputs are {', '.join(map(str, types))}.",
            "int8 is quantised already, and other types are real values.",
            "Save all inputs as int8, or none; or declare --scale and --offset.",
        )
    if integers := [kind for kind in types if kind.kind != "f" and real]:
        raise DataError(
            f"Raw values of type {integers[0]} need a declaration for a float model.",
            "Nothing tells which real values they stand for.",
            "Declare how the training data was scaled: --scale, --offset; "
            "--scale 1 takes the values as they are.",
        )
    for reason, part, block in _misfits(glance, tensor, how):
        raise undeclared_error(block, part, reason, bool(tensor.parts))
    return how


def _misfits(
    glance: np.ndarray, tensor: Tensor, how: Preprocessing
) -> Iterator[tuple[str, Tensor, np.ndarray]]:
    """Why values cannot be what the model was made for: the reason, the input, its values."""
    for raw, part, own in parted(glance, tensor, how):
        block = arranged(raw, part, own)
        if reason := misfit(block, part, own):
            yield reason, part, block


def _of(part: Tensor, tensor: Tensor) -> str:
    """Which of several inputs is meant."""
    return f" (input {part.name})" if tensor.parts else ""


def _with(how: Preprocessing, **values) -> Preprocessing:
    return Preprocessing(**{**how.__dict__, **values})


def _check_channels(how: Preprocessing, tensor: Tensor):
    for name in ("scale", "offset"):
        value = getattr(how, name)
        if isinstance(value, tuple) and tensor.parts and len(value) != len(tensor.parts):
            raise UsageError(
                f"The declared {name} has {len(value)} values.", listed(tensor.parts),
                "Give one value, or one an input.",
            )
        if isinstance(value, tuple) and not tensor.parts and len(value) != tensor.shape[-1]:
            raise UsageError(
                f"The declared {name} has {len(value)} values.",
                f"The model's input has {tensor.shape[-1]} channels: its shape is {tensor.shape}.",
                "Give one value, or one a channel.",
            )


def _not_finite(source: Source) -> DataError:
    """The error that counts all values that are not finite, and names the first."""
    if isinstance(source.x, Joined):
        single = (Source(a, None, name) for a, name in zip(source.x.arrays, source.x.names))
        source = next(s for s in single if not _finite(s))
    count, at = 0, None
    for rows in blocks(source.x):
        wrong = ~np.isfinite(source.x[rows])
        count += int(wrong.sum())
        if at is None and wrong.any():
            first = np.argwhere(wrong)[0]
            at = [int(rows.start + first[0]), *map(int, first[1:])]
    return DataError(
        f"{source.x_name} holds {count} values that are NaN or infinite.",
        f"The first is {source.x_name}{at}.",
        "Remove or repair those samples.",
    )


def _finite(source: Source) -> bool:
    kind = np.dtype(source.x.dtype).kind
    return kind != "f" or all(np.isfinite(source.x[rows]).all() for rows in blocks(source.x))


def _several_advice(tensor: Tensor) -> tuple[str, str]:
    """Cause and next step of samples that are no rows of several inputs' values."""
    names = ", ".join(f"tune_{part.name}" for part in tensor.parts)
    numbers = ", ".join(numbered_names("tune_", tensor.parts))
    return listed(tensor.parts), (
        f"Save an .npz with an array an input, {names} or {numbers}; or let each sample hold "
        f"the values of all inputs in a row, {tensor.size}."
    )


def _significant(shape: tuple[int, ...]) -> tuple[int, ...]:
    """``shape`` without trailing dimensions of one."""
    while shape and shape[-1] == 1:
        shape = shape[:-1]
    return tuple(shape)


def _moved(shape: tuple[int, ...], order: str) -> tuple[int, ...]:
    return (*shape[1:], *shape[:1]) if order == "chw" else shape


def _shape_advice(
    shape: tuple[int, ...], expected: tuple[int, ...], order: str
) -> tuple[str, str]:
    """Cause and next step of samples of the wrong shape, by how their dimensions lie."""
    sample, wanted = shape[1:], _significant(expected)
    if order != "chw" and len(sample) > 2 and _significant(_moved(sample, "chw")) == wanted:
        return "Channels come first in the data and last in the model.", "Declare --order chw."
    if order == "chw" and _significant(sample) == wanted:
        return "Channels come last in the data already.", "Leave --order chw out."
    if len(sample) > 1 and _significant((sample[1], sample[0], *sample[2:])) == wanted:
        return (
            "The first two dimensions of a sample are exchanged.",
            "Save the data with them exchanged back: numpy.swapaxes(x, 1, 2).",
        )
    return (
        f"The array's shape is {tuple(shape)}, its first dimension counts the samples.",
        "Reshape or transpose the data; channels come last.",
    )
