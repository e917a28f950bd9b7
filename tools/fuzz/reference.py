"""Broken files that still are models: their outputs beside those of TFLite's reference kernels."""

from __future__ import annotations

import numpy as np

from edgetune.model.edges import from_file_output, to_file_input
from edgetune.model.graph import Graph
from edgetune.model.runtime import Runtime
from edgetune.workers import WorkerDied

SAMPLES = 3  # of which each model's outputs are held together


class Defect(Exception):
    """A file was neither refused nor a model."""


def random_inputs(graph: Graph) -> np.ndarray:
    """int8 [SAMPLES, *input shape], the same for the same shape."""
    shape = (SAMPLES, *graph.input.shape)
    return np.random.default_rng(0).integers(-128, 128, shape).astype(np.int8)


def beside_runtime(graph: Graph, inputs: np.ndarray, ours: np.ndarray) -> str:
    """Gives a file to tflite-runtime too.

    Args:
        inputs: int8 [n, *input shape]; ours: what the engine gives for them, int8 [n, values].

    Returns:
        "same outputs"; or that there is no tflite-runtime, that it refuses the file, or that it
        died of it, which its process is there for.

    Raises:
        Defect: the outputs differ, by more than one in a SOFTMAX.
    """
    try:
        runtime = Runtime.of(graph.content)
        if runtime is None:
            return "no tflite-runtime"
        theirs = runtime.run(to_file_input(graph, inputs))
    except WorkerDied:
        return "tflite-runtime died"
    except RuntimeError:
        return "tflite-runtime refuses"
    theirs = from_file_output(graph, theirs).reshape(len(inputs), -1)
    allowed = 1 if graph.operators[-1].kind == "SOFTMAX" else 0
    if ours.shape != theirs.shape or np.abs(ours - theirs.astype(int)).max() > allowed:
        raise Defect("other outputs than the reference kernels'")
    return "same outputs"
