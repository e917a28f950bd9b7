"""The adaptation tasks: a pretrained int8 model, the data it is tuned on, the data it is judged by.

``digits`` is in this repository.  The others need a folder with the models and data sets named
below, ``shared/data`` beside the repository unless told otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgetune.data.preprocessing import Preprocessing, quantize
from edgetune.model.graph import Graph
from edgetune.model.read import read_tflite

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
STEPS_TUNED = 1000  # samples drawn for one run at most; each is seen twice


@dataclass(frozen=True)
class Task:
    """``*_x`` are int8 in the model's input quantisation, (n, ...); ``*_y`` class numbers (n,)."""

    name: str
    graph: Graph
    tune_x: np.ndarray
    tune_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    head_only: bool = False  # the last weighted layer is zeroed and trained alone


@dataclass(frozen=True)
class Source:
    """Where a task comes from; ``tune`` and ``test`` name a part of the data file and its rows."""

    model: str
    data: str
    scale: float | None = 1.0  # real = scale * raw; None: int8 features of the model already
    tune: tuple[str, slice] = ("tune", slice(None))
    test: tuple[str, slice] = ("test", slice(None))
    head_only: bool = False


SOURCES = {
    "digits": Source("digits_int8.tflite", "digits.npz", scale=1 / 16),
    "har": Source("har_int8.tflite", "har.npz"),
    "mnist": Source("mnist_int8.tflite", "mnist_rot40.npz", scale=1 / 255),
    "kws": Source("kws_int8.tflite", "kws.npz", scale=None),
    "kws-head": Source(
        "kws_int8.tflite",
        "kws.npz",
        scale=None,
        tune=("clean", slice(500)),
        test=("clean", slice(500, None)),
        head_only=True,
    ),
}


def load_task(name: str, folder: Path = SHARED) -> Task:
    """The task ``name``; KeyError for an unknown one, FileNotFoundError where its files lack."""
    source = SOURCES[name]
    if name == "digits":
        folder = ROOT / "examples" / "digits"
    graph = read_tflite(folder / source.model)

    def part(archive, key: str, rows: slice) -> tuple[np.ndarray, np.ndarray]:
        x, y = archive[f"{key}_x"][rows], archive[f"{key}_y"][rows]
        if source.scale is not None:
            x = quantize(x, graph.input, Preprocessing(source.scale))
        return x, y.astype(np.int64)

    with np.load(folder / source.data) as archive:
        tune, test = part(archive, *source.tune), part(archive, *source.test)
    return Task(name, graph, *tune, *test, source.head_only)
