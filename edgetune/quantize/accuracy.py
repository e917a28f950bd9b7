"""Float against int8 on labelled samples."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from edgetune.errors import DataError
from edgetune.floats.engine import FloatEngine
from edgetune.model.graph import Graph
from edgetune.model.runtime import Runtime
from edgetune.quantize.calibration import batches
from edgetune.quantize.lowering import to_int8
from edgetune.quantize.report import Accuracy
from edgetune.quantize.simulation import Simulation


def compare_accuracy(
    graph: Graph, content: bytes, simulation: Simulation, x: Iterable, y: Iterable
) -> Accuracy:
    """Predictions of a float Graph and of its int8 file.

    The file is run by tflite-runtime's reference kernels, where it is installed, else simulated.

    Args:
        x: real-valued samples, as for calibration; y: their class numbers.

    Raises:
        DataError: as ``calibration.batches``, or another number of labels than samples.
    """
    labels = np.asarray(list(y)).reshape(-1)
    engine, runtime = FloatEngine(graph), Runtime.of(content)
    exact, rounded = [], []
    for batch in batches(graph, x, len(labels) + 1):
        exact.append(_winners(engine.run(batch)))
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


def _winners(outputs: np.ndarray) -> np.ndarray:
    """Index of each sample's largest output, the first of equals."""
    return outputs.reshape(len(outputs), -1).argmax(axis=1)
