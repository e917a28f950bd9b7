"""Float against int8 on labelled samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from edgetune.errors import DataError
from edgetune.floats.engine import FloatEngine
from edgetune.model.decode import decode
from edgetune.model.graph import Graph
from edgetune.model.numbers import quantized_values
from edgetune.model.runtime import Runtime
from edgetune.quantize.calibration import batches
from edgetune.quantize.lowering import to_int8
from edgetune.quantize.report import Accuracy
from edgetune.quantize.simulation import Simulation


def compare_accuracy(
    graph: Graph, content: bytes, simulation: Simulation, x: Iterable, y: Iterable,
    original: bytes = b"",
) -> Accuracy:
    """Predictions of a float Graph and of its int8 file.

    The file is run by tflite-runtime's reference kernels, where it is installed, else simulated.

    Args:
        x: real-valued samples, as for calibration; y: their class numbers.
        original: the quantised file that stands in for the float Graph, where it can be run.

    Raises:
        DataError: as ``calibration.batches``, or another number of labels than samples.
    """
    labels = np.asarray(list(y)).reshape(-1)
    engine, runtime, itself = FloatEngine(graph), Runtime.of(content), _runner(original)
    exact, rounded = [], []
    for batch in batches(graph, x, len(labels) + 1):
        exact.append(_winners(engine.run(batch) if itself is None else itself(batch)))
        if runtime is None:
            rounded.append(_winners(simulation.run(batch)))
        else:
            inputs = to_int8(batch, simulation.scales[graph.inputs[0]])
            rounded.append(_winners(runtime.run(inputs)))
    found = sum(map(len, exact))
    if found != len(labels) or not found:
        raise DataError(
            f"There are {len(labels)} labels, and {'more' if found else 'no'} samples."
            if found > len(labels) or not found
            else f"There are {found} samples but {len(labels)} labels.",
            "Every sample needs one label.",
            "Check how the data was written.",
        )
    one, other = np.concatenate(exact), np.concatenate(rounded)
    return Accuracy(
        found, float((one == labels).mean()), float((other == labels).mean()),
        float((one == other).mean()), "simulation" if runtime is None else "tflite-runtime",
    )


def quantised_file(graph: Graph) -> bytes:
    """The file that a float Graph was read from, where it gave ranges; else nothing."""
    ranged = any(t.quantization is not None for t in graph.tensors)
    return graph.content if ranged else b""


def agreement(
    original: bytes, content: bytes, simulation: Simulation, graph: Graph, samples: np.ndarray
) -> float | None:
    """On what share of real-valued samples two files predict the same; None without a judge."""
    itself, runtime = _runner(original), Runtime.of(content)
    if itself is None or runtime is None:
        return None
    inputs = to_int8(samples, simulation.scales[graph.inputs[0]])
    return float((_winners(itself(samples)) == _winners(runtime.run(inputs))).mean())


def _runner(content: bytes) -> Callable[[np.ndarray], np.ndarray] | None:
    """Runs real values through a file in tflite-runtime; None where that cannot be done."""
    try:
        runtime = Runtime.of(content) if content else None
    except (RuntimeError, ValueError):
        return None
    if runtime is None:
        return None
    graph = decode(content)
    source = graph.tensors[graph.inputs[0]]

    def run(x: np.ndarray) -> np.ndarray:
        integer = source.quantization is not None and source.dtype != "float32"
        return runtime.run(quantized_values(x, source) if integer else x)

    return run


def _winners(outputs: np.ndarray) -> np.ndarray:
    """Index of each sample's largest output, the first of equals."""
    return outputs.reshape(len(outputs), -1).argmax(axis=1)
