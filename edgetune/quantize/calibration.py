"""Calibration: what values every activation takes on representative samples."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.errors import DataError
from edgetune.floats.engine import FloatEngine
from edgetune.model.graph import Graph
from edgetune.quantize.histogram import Histogram

BATCH_ELEMENTS = 1 << 22  # of the largest activation in one batch
MAX_VALUE = 1e18  # of an activation; scales of int8 tensors then stay far inside float32
KEPT_BYTES = 32 << 20


@dataclass
class Calibration:
    """A histogram an activation, by tensor index, over ``samples`` inputs.

    ``least_winner``: of what a SOFTMAX reads, the smallest of all rows' largest values.
    ``kept``: the first of these inputs, float32 [n, ...], for measurements on the result.
    """

    histograms: dict[int, Histogram]
    least_winner: dict[int, float]
    samples: int
    kept: np.ndarray


def calibrate(graph: Graph, inputs: Iterable, limit: int, keep: int) -> Calibration:
    """Runs a float Graph over samples and counts its activations, in one pass.

    Args:
        inputs: one sample or batch after the other, or an array of samples; real values in the
            shape of the graph's input, the batch dimension and trailing ones optional.
        limit: no more samples than this are taken from ``inputs``.
        keep: how many to keep (fewer, if they are large).

    Raises:
        DataError: no samples, another shape, values that are NaN or infinite.
    """
    engine = FloatEngine(graph)
    histograms: dict[int, Histogram] = {}
    winners = {op.inputs[0]: math.inf for op in graph.operators if op.kind == "SOFTMAX"}
    kept, samples = [], 0

    def watch(index: int, value: np.ndarray) -> np.ndarray:
        if not (-MAX_VALUE < value.min() and value.max() < MAX_VALUE):
            raise _overflow(graph.tensors[index].name)
        histograms.setdefault(index, Histogram()).add(value)
        if index in winners:
            winners[index] = min(winners[index], float(value.max(axis=-1).min()))
        return value

    keep = min(keep, max(1, KEPT_BYTES // (4 * graph.input.size)))
    for batch in batches(graph, inputs, limit):
        with np.errstate(over="ignore", invalid="ignore"):
            engine.run(batch, watch)
        if samples < keep:
            kept.append(batch[: keep - samples].copy())
        samples += len(batch)
    if not samples:
        raise DataError(
            "There are no calibration samples.",
            "Ranges of activations are taken from real samples.",
            "Give at least one sample; a hundred or more are usual.",
        )
    return Calibration(histograms, winners, samples, np.concatenate(kept))


def batches(graph: Graph, inputs: Iterable, limit: int) -> Iterator[np.ndarray]:
    """``inputs`` checked and in batches that suit the graph's memory, float32."""
    shape = tuple(graph.input.shape[1:])
    largest = max(t.size for t in graph.tensors if t.data is None)
    size = int(np.clip(BATCH_ELEMENTS // largest, 1, 64))
    waiting, taken = [], 0
    for item in inputs:
        if taken == limit:
            break
        for sample in _samples(item, shape, taken)[: limit - taken]:
            waiting.append(sample)
            taken += 1
            if len(waiting) == size:
                yield np.stack(waiting)
                waiting = []
    if waiting:
        yield np.stack(waiting)


def _samples(item, shape: tuple[int, ...], position: int) -> np.ndarray:
    """One item of the inputs as samples [n, *shape], checked."""
    values = np.asarray(item)
    if values.dtype.kind not in "fiub":
        raise DataError(
            f"Calibration sample {position} is of type {values.dtype}.",
            "Samples are arrays of numbers.",
            "Convert the data to float32.",
        )
    single = significant(values.shape) == significant(shape)
    if not single and significant(values.shape[1:]) != significant(shape):
        raise DataError(
            f"Calibration sample {position} has the shape {values.shape}; "
            f"the model takes {shape}.",
            "Channels come last, and a sample is not flattened.",
            "Reshape or transpose the data.",
        )
    values = values.reshape(-1, *shape).astype(np.float32)
    if not np.isfinite(values).all():
        raise DataError(
            f"Calibration sample {position} holds values that are NaN or infinite.",
            "Ranges cannot be taken from such values.",
            "Remove or repair those samples.",
        )
    return values


def significant(shape: tuple[int, ...]) -> tuple[int, ...]:
    """``shape`` without trailing dimensions of one."""
    while shape and shape[-1] == 1:
        shape = shape[:-1]
    return tuple(shape)


def _overflow(name: str) -> DataError:
    return DataError(
        "The model overflows on the calibration samples.",
        f"Tensor {name!r} becomes NaN or larger than {MAX_VALUE:g}.",
        "Check how the data is scaled: samples must be what the model was trained on.",
    )
