"""From raw samples to the model's input: one declaration, checked against the input's range."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.errors import DataError
from edgetune.model.graph import Tensor

CLIPPED_LIMIT = 0.05  # a larger share of values outside the input's range is implausible
SPAN_LIMIT = 1 / 8  # so is a smaller share of the input's range in use
ORDERS = ("hwc", "chw", "bgr")
FITS = ("resize", "crop", "pad", "crop-pad")


@dataclass(frozen=True)
class Preprocessing:
    """``real = scale * raw + offset``, then quantised as the model's input is.

    ``scale``, ``offset``: a number, or one a channel (the last dimension of the input); of
    several inputs one an input.
    ``quantized``: raw values are int8 in the model's input quantisation already and are used
    as they are; scale and offset then play no part.
    ``order``: of a raw sample's dimensions: "hwc" as the model's; "chw": channels first, moved
    to the end; "bgr": as the model's, but the channels in the opposite order.
    ``fit``: what becomes of files of another size: "" they are refused; "resize": images;
    "crop", "pad", "crop-pad": sounds, at their end.
    ``sample_rate``: of sounds, in Hz.  ``frame``: length and hop of a sound's frames, in values.
    ``window``: length and hop of windows of a logger's rows.  ``features``: of sounds, as
    `edgetune.data.features` reads them.
    """

    scale: float | tuple[float, ...] = 1.0
    offset: float | tuple[float, ...] = 0.0
    quantized: bool = False
    order: str = "hwc"
    fit: str = ""
    sample_rate: int | None = None
    frame: tuple[int, int] | None = None
    window: tuple[int, int] | None = None
    features: str | None = None

    def as_dict(self) -> dict:
        """The declaration as JSON can hold it."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, stored: dict) -> Preprocessing:
        """The inverse of ``as_dict``; TypeError for a foreign key."""
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in stored.items()})


def real_values(raw: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
    """``raw`` (channels last) as float64 real values."""
    scale, offset = np.asarray(preprocessing.scale), np.asarray(preprocessing.offset)
    return raw.astype(np.float64) * scale + offset


def takes_real(tensor: Tensor) -> bool:
    """Whether samples stay real: a float model's, also where a quantised file gave it ranges."""
    return tensor.dtype == "float32"


def as_input(raw: np.ndarray, tensor: Tensor, preprocessing: Preprocessing) -> np.ndarray:
    """``raw`` as ``tensor`` takes it: float32, or int8."""
    if takes_real(tensor):
        return real_values(raw, preprocessing).astype(np.float32)
    return quantize(raw, tensor, preprocessing)


def input_range(tensor: Tensor) -> tuple[float, float]:
    """The lowest and highest real value that the int8 ``tensor`` can hold."""
    scale, zero_point = _scale_and_zero_point(tensor)
    return (-128 - zero_point) * scale, (127 - zero_point) * scale


def quantize(raw: np.ndarray, tensor: Tensor, preprocessing: Preprocessing) -> np.ndarray:
    """``raw`` (any shape, finite) as int8 in the quantisation of ``tensor``.

    The real value is computed in float64; from there on it is TFLite's QUANTIZE operator:
    a float32 division by the scale, halves rounded away from zero, saturation.
    """
    if preprocessing.quantized:
        return raw.astype(np.int8, copy=False)
    scale, zero_point = _scale_and_zero_point(tensor)
    real = real_values(raw, preprocessing)
    with np.errstate(over="ignore"):  # beyond float32 is beyond int8 as well
        steps = (real.astype(np.float32) / np.float32(scale)).astype(np.float64)
    rounded = np.trunc(steps + np.copysign(0.5, steps)) + zero_point
    return np.clip(rounded, -128, 127).astype(np.int8)


def misfit(raw: np.ndarray, tensor: Tensor, preprocessing: Preprocessing) -> str:
    """Why preprocessed ``raw`` cannot be what the model was made for; "" where it can.

    A float ``tensor`` has no range to compare with.
    """
    if preprocessing.quantized or tensor.quantization is None:
        return ""
    low, high = input_range(tensor)
    half_step = (high - low) / 510
    real = real_values(raw, preprocessing)
    clipped = float(np.mean((real < low - half_step) | (real > high + half_step)))
    if clipped > CLIPPED_LIMIT:
        return f"{100 * clipped:.0f} % of the values lie outside the model's range"
    share = float(real.max() - real.min()) / (high - low)
    if share < SPAN_LIMIT:
        return f"the values use {100 * share:.1f} % of the model's range"
    return ""


def undeclared_error(
    raw: np.ndarray, tensor: Tensor, reason: str, several: bool = False
) -> DataError:
    """The error for values that need a declaration, with the one that would make them fit.

    Args:
        several: ``tensor`` is one of several inputs.
    """
    low, high = input_range(tensor)
    first, last = float(raw.min()), float(raw.max())
    message = (
        f"Raw values of {first:g} to {last:g} do not look like the model's input"
        f"{f' {tensor.name}' if several else ''}, "
        f"which covers {low:.4g} to {high:.4g}."
    )
    full_bytes = raw.dtype == np.uint8 and last >= 128
    if full_bytes:
        first, last = 0.0, 255.0
    hint = "Declare how the model's training data was scaled: real = scale * raw + offset"
    if last > first:
        scale = (high - low) / (last - first)
        hint += f"; --scale {scale:.6g} --offset {low - scale * first + 0.0:.6g} would fit"
    hint += " this input; each option takes one number an input" if several else ""
    hint += ". --scale 1 takes the values as they are."
    return DataError(message, f"Taken as real values, {reason}.", hint)


def _scale_and_zero_point(tensor: Tensor) -> tuple[float, int]:
    return float(tensor.quantization.scale[0]), int(tensor.quantization.zero_point[0])
