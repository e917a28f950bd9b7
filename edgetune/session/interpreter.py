"""Predictions of a .tflite file by tflite-runtime, the judge of what we write."""

from __future__ import annotations

import numpy as np

from edgetune.model.edges import from_file_output, to_file_input
from edgetune.model.read import read_tflite
from edgetune.model.runtime import Runtime


def interpreter_predictions(content: bytes, x: np.ndarray) -> np.ndarray | None:
    """Argmax of each output, int64 [n], by the reference kernels (`Runtime`).

    None where tflite-runtime is not installed.

    Args:
        x: int8 [n, ...] in the model's input quantisation.
    """
    runtime = Runtime.of(content)
    if runtime is None:
        return None
    graph = read_tflite(content)
    outputs = runtime.run(to_file_input(graph, np.asarray(sample)) for sample in x)
    return from_file_output(graph, outputs).reshape(len(outputs), -1).argmax(axis=1)
