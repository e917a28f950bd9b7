"""Constants of any number type as the real values that they stand for."""

from __future__ import annotations

import numpy as np

from edgetune.model.decode import corrupt, quoted
from edgetune.model.graph import Tensor

FLOATS = ("float16", "float32")


def real_values(tensor: Tensor) -> np.ndarray:
    """The values of a constant, float32; integers have a quantisation.

    Raises:
        ModelError: its scales do not fit its shape.
    """
    values = tensor.values.astype(np.float32)
    if tensor.dtype in FLOATS:
        return values
    scale, zero_point = along_axis(tensor)
    with np.errstate(all="ignore"):  # what is not finite is found later
        return (values - zero_point) * scale


def quantized_values(values: np.ndarray, tensor: Tensor) -> np.ndarray:
    """Real values in the integers of ``tensor``, halves away from zero, as QUANTIZE does.

    Raises:
        ModelError: its scales do not fit its shape.
    """
    scale, zero_point = along_axis(tensor)
    limits = np.iinfo(tensor.dtype)
    with np.errstate(all="ignore"):
        steps = values.astype(np.float32) / scale
        steps = np.trunc(steps + np.copysign(np.float32(0.5), steps)) + zero_point
    return np.clip(np.nan_to_num(steps), limits.min, limits.max).astype(tensor.dtype)


def along_axis(tensor: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Scale and zero point, float32, shaped to multiply the tensor's values.

    Raises:
        ModelError: they do not fit its shape, or are negative.
    """
    q, rank = tensor.grid, len(tensor.shape)
    if len(q.scale) != len(q.zero_point):
        raise corrupt(f"Tensor {quoted(tensor.name)} has other numbers of scales and zero points.")
    if not (q.scale >= 0).all():  # a channel of zeros may have the scale 0
        raise corrupt(f"Tensor {quoted(tensor.name)} has a scale that is not a positive number.")
    shape = [1] * rank
    if q.per_channel:
        if not 0 <= q.axis < rank or tensor.shape[q.axis] != len(q.scale):
            raise corrupt(
                f"Tensor {quoted(tensor.name)} of the shape {tensor.shape} has {len(q.scale)} "
                f"scales along axis {q.axis}."
            )
        shape[q.axis] = -1
    with np.errstate(over="ignore"):
        scale, zero_point = (a.astype(np.float32).reshape(shape) for a in (q.scale, q.zero_point))
    return scale, zero_point
