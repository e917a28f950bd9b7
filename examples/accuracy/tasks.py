"""The adaptation tasks: a pretrained int8 model, the data it is tuned on, the data it is judged by.

``digits`` is in this repository.  The others need a folder with the models and data sets named
below, ``shared/data`` beside the repository unless told otherwise.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jpegs import decoded

from edgetune.data.preprocessing import Preprocessing, quantize
from edgetune.model.graph import Graph
from edgetune.model.read import read_tflite

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
SELECTION_SEEDS = (1000, 1001)  # for choosing a rate; apart from the seeds that are reported


@dataclass(frozen=True)
class Task:
    """``*_x`` are int8 in the model's input quantisation, (n, ...); ``*_y`` class numbers (n,).

    ``samples``: drawn from the tuning set for one run at most; each is seen twice.
    """

    name: str
    graph: Graph
    tune_x: np.ndarray
    tune_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    head_only: bool = False  # the last weighted layer is zeroed and trained alone
    samples: int = 1000

    def drawn(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of tuning samples for choosing a rate: a fifth is held out, the rest kept."""
        rows = np.random.default_rng(seed).permutation(len(self.tune_y))[: self.samples]
        held, kept = np.split(rows, [len(rows) // 5])
        return held, kept

    def held_out(self, seed: int) -> Task:
        """The task with its held-out samples for a test set: the test set plays no part in it."""
        held, kept = self.drawn(seed)
        return replace(
            self, tune_x=self.tune_x[kept], tune_y=self.tune_y[kept],
            test_x=self.tune_x[held], test_y=self.tune_y[held], samples=len(kept),
        )


@dataclass(frozen=True)
class Source:
    """Where a task comes from; ``tune`` and ``test`` name a part of the data file and its rows.

    ``jpeg``: the data file holds JPEG images (``jpegs``).  ``turns``: by 90 degrees, of images.
    """

    model: str
    data: str
    scale: float | None = 1.0  # real = scale * raw; None: int8 features of the model already
    tune: tuple[str, slice] = ("tune", slice(None))
    test: tuple[str, slice] = ("test", slice(None))
    head_only: bool = False
    jpeg: bool = False
    turns: int = 0
    samples: int = 1000


CIFAR = Source(
    "mlperf_tiny/resnet8_int8.tflite",
    "cifar10_jpeg.npz",
    tune=("train", slice(2000)),
    test=("test", slice(2000)),
    jpeg=True,
    samples=2000,
)
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
    "cifar": CIFAR,
    "cifar-turned": replace(CIFAR, turns=1),
}


def present(path: Path) -> Path:
    """``path``; FileNotFoundError where it is not there."""
    if not path.is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    return path


def load_task(name: str, folder: Path = SHARED) -> Task:
    """The task ``name``; KeyError for an unknown one, FileNotFoundError where its files lack."""
    source = SOURCES[name]
    if name == "digits":
        folder = ROOT / "examples" / "digits"
    graph = read_tflite(present(folder / source.model))

    with np.load(folder / source.data) as archive:
        tune, test = (_part(archive, source, graph, *p) for p in (source.tune, source.test))
    return Task(name, graph, *tune, *test, source.head_only, source.samples)


def _part(archive, source: Source, graph: Graph, key: str, rows: slice):
    """Samples, int8, and their labels."""
    x = decoded(archive, key, rows) if source.jpeg else archive[f"{key}_x"][rows]
    if source.turns:
        x = np.rot90(x, source.turns, axes=(1, 2))
    if source.scale is not None:
        x = quantize(x, graph.input, Preprocessing(source.scale))
    return x, archive[f"{key}_y"][rows].astype(np.int64)
