"""Raw samples of any source, checked and brought into the model's input."""

from __future__ import annotations

import math

import numpy as np

from edgetune.data.declaration import Declaration
from edgetune.data.preprocessing import Preprocessing, as_input, misfit, undeclared_error
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
        return as_input(arranged(one, self._tensor, self._how), self._tensor, self._how)[0]

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
    shape, expected, name = tuple(source.x.shape[1:]), tuple(tensor.shape[1:]), source.x_name
    if _significant(_moved(shape, order)) != _significant(expected):
        cause, next_step = _shape_advice(source.x.shape, expected, order)
        raise DataError(
            f"{name} holds samples of shape {shape}; the model takes {expected}.",
            cause, next_step,
        )
    if np.dtype(source.x.dtype).name not in DTYPES:
        raise DataError(
            f"{name} is of type {source.x.dtype}.",
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
        sample_rate=source.sample_rate, frame=declared.frame,
    )  # fmt: skip
    glance = arranged(_glance(source), tensor, how)
    values = declared.values or source.declared.values
    if values is None and stored is not None and not stored.quantized:
        values = stored.scale, stored.offset
    if values is None:
        return _undeclared(glance, tensor, how), []
    how = _with(how, scale=values[0], offset=values[1])
    _check_channels(how, tensor)
    reason = misfit(glance, tensor, how)
    return how, [f"With the declared scale and offset {reason}."] if reason else []


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
            result[rows] = as_input(arranged(block, tensor, how), tensor, how)
    return Prepared(x, np.arange(len(x)), tensor, how) if result is None else result


def arranged(raw: np.ndarray, tensor: Tensor, how: Preprocessing) -> np.ndarray:
    """A block of raw samples in the input's shape, channels last and in its order."""
    if how.order == "chw":
        raw = np.moveaxis(raw, 1, -1)
    raw = raw.reshape(len(raw), *tensor.shape[1:])
    return raw[..., ::-1] if how.order == "bgr" else raw


def _input_dtype(tensor: Tensor) -> np.dtype:
    return np.dtype(np.float32 if tensor.quantization is None else np.int8)


def _glance(source: Source) -> np.ndarray:
    """Samples spread evenly over all, enough of them to judge the values by."""
    count = max(1, min(len(source.x), 4 * BLOCK_VALUES // math.prod(source.x.shape[1:])))
    rows = np.linspace(0, len(source.x) - 1, count).astype(np.int64)
    glance = np.asarray(source.x[rows])
    if glance.dtype.kind == "f" and not np.isfinite(glance).all():
        raise _not_finite(source)
    return glance


def _undeclared(glance: np.ndarray, tensor: Tensor, how: Preprocessing) -> Preprocessing:
    """The default: int8 is quantised already, all else real values if they suit the range."""
    if glance.dtype == np.int8 and tensor.quantization is not None:
        return _with(how, quantized=True)
    if glance.dtype.kind != "f" and tensor.quantization is None:
        raise DataError(
            f"Raw values of type {glance.dtype} need a declaration for a float model.",
            "Nothing tells which real values they stand for.",
            "Declare how the training data was scaled: --scale, --offset; "
            "--scale 1 takes the values as they are.",
        )
    if reason := misfit(glance, tensor, how):
        raise undeclared_error(glance, tensor, reason)
    return how


def _with(how: Preprocessing, **values) -> Preprocessing:
    return Preprocessing(**{**how.__dict__, **values})


def _check_channels(how: Preprocessing, tensor: Tensor):
    for name in ("scale", "offset"):
        value = getattr(how, name)
        if isinstance(value, tuple) and len(value) != tensor.shape[-1]:
            raise UsageError(
                f"The declared {name} has {len(value)} values.",
                f"The model's input has {tensor.shape[-1]} channels: its shape is {tensor.shape}.",
                "Give one value, or one a channel.",
            )


def _not_finite(source: Source) -> DataError:
    """The error that counts all values that are not finite, and names the first."""
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
