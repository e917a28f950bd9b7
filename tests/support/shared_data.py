"""The real models and data beside the checkout, where they are present."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from edgetune.data import load_data
from edgetune.model.edges import from_file_output, to_file_input
from edgetune.model.graph import Graph
from edgetune.model.read import read_tflite

SHARED = Path(__file__).parents[3] / "shared" / "data"
TASKS = {
    "har": ("har_int8.tflite", "har.npz", None),
    "mnist": ("mnist_int8.tflite", "mnist_rot40.npz", 1 / 255),
    "kws": ("kws_int8.tflite", "kws.npz", None),
}


@dataclass
class Task:
    """A model with its tuning and test sets."""

    graph: Graph
    data: object


def shared(name: str) -> Path:
    """A file of the shared data; skips the test where it is not there."""
    if not (SHARED / name).is_file():
        pytest.skip(f"../shared/data/{name} is not there")
    return SHARED / name


def load_task(name: str) -> Task:
    """Model and data of a task; skips the test where they are not there."""
    model, data, scale = TASKS[name]
    graph = read_tflite(shared(model))
    return Task(graph, load_data(SHARED / data, graph.input, scale=scale))


def digits() -> Task:
    """The demo's model and data."""
    folder = Path(__file__).parents[2] / "examples" / "digits"
    graph = read_tflite(folder / "digits_int8.tflite")
    return Task(graph, load_data(folder / "digits.npz", graph.input))


def reference_outputs(graph: Graph, inputs: np.ndarray) -> np.ndarray:
    """What tflite-runtime's reference kernels answer, int8 [n, outputs]."""
    from tflite_runs import run_in_tflite

    batch = np.asarray(inputs).reshape(len(inputs), *graph.input.shape)
    outputs = run_in_tflite(graph.content, to_file_input(graph, batch))[0]
    return from_file_output(graph, outputs).reshape(len(inputs), -1)
