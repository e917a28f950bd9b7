"""The adaptation tasks: a pretrained int8 model, the data it is tuned on, the data it is judged by.

``digits`` is in this repository.  The others need a folder with the models and data sets named
below, ``shared/data`` beside the repository unless told otherwise, and those of `MADE` the networks
that ``networks.py`` makes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from jpegs import decoded, is_animal
from mnist_digits import FROM_RANDOM, digits, inverted, low_contrast, rotated
from places import NETWORKS, ROOT, SHARED, present
from two_classes import classifying

from edgetune.data.preprocessing import Preprocessing, quantize
from edgetune.model.graph import Graph
from edgetune.model.read import read_tflite

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
        return self._split(*self.drawn(seed))

    def third_held_out(self, seed: int) -> Task:
        """Likewise with a third of the whole tuning set, another one for each seed."""
        rows = np.random.default_rng(seed).permutation(len(self.tune_y))
        return self._split(*np.split(rows, [len(rows) // 3]))

    def of(self, name: str, classes: Sequence[int]) -> Task:
        """These classes alone, by a network that tells no others apart."""
        parts = [self._only(classes, *part) for part in (
            (self.tune_x, self.tune_y), (self.test_x, self.test_y),
        )]
        (tune_x, tune_y), (test_x, test_y) = parts
        return replace(
            self, name=name, graph=classifying(self.graph, classes), tune_x=tune_x, tune_y=tune_y,
            test_x=test_x, test_y=test_y, samples=min(self.samples, len(tune_y)),
        )

    @staticmethod
    def _only(classes: Sequence[int], x: np.ndarray, y: np.ndarray):
        kept = np.isin(y, classes)
        return x[kept], np.array([classes.index(label) for label in y[kept]], np.int64)

    def _split(self, held: np.ndarray, kept: np.ndarray) -> Task:
        return replace(
            self, tune_x=self.tune_x[kept], tune_y=self.tune_y[kept],
            test_x=self.tune_x[held], test_y=self.tune_y[held],
            samples=min(self.samples, len(kept)),
        )


@dataclass(frozen=True)
class Source:
    """Where a task comes from; ``tune`` and ``test`` name a part of the data file and its rows.

    ``jpeg``: the data file holds JPEG images (``jpegs``), scaled up to ``pixels`` where that is
    given.  ``turns``: by 90 degrees, of images.  ``animals``: the class is whether it is one.
    """

    model: str
    data: str
    scale: float | None = 1.0  # real = scale * raw; None: int8 features of the model already
    tune: tuple[str, slice] = ("tune", slice(None))
    test: tuple[str, slice] = ("test", slice(None))
    head_only: bool = False
    jpeg: bool = False
    pixels: int | None = None
    turns: int = 0
    animals: bool = False
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
    "animals": Source(
        "mlperf_tiny/vww_96_int8.tflite",
        "cifar10_jpeg.npz",
        scale=1 / 255,
        tune=("train", slice(1000)),
        test=("test", slice(1000)),
        jpeg=True,
        pixels=96,
        animals=True,
    ),
}


def wrong_labels(y: np.ndarray, share: float, classes: int, random) -> np.ndarray:
    """``y`` (n,), a ``share`` of it any other class."""
    other = (y + random.integers(1, classes, len(y))) % classes
    return np.where(random.random(len(y)) < share, other, y)


def _unshifted(name: str, tune: str, test: str, **changes) -> Source:
    every = slice(None)
    return replace(SOURCES[name], tune=(tune, every), test=(test, every), **changes)


# samples as the models were trained on: there is nothing to learn, and all to lose
SOURCES |= {
    "digits-unshifted": _unshifted("digits", "pretrain", "upright_test"),
    "har-unshifted": _unshifted("har", "source", "source_test"),
    "mnist-unshifted": _unshifted("mnist", "source", "source_test"),
    "kws-unshifted": replace(SOURCES["kws-head"], head_only=False),
}

# networks of networks.py, and how the digits are shifted that they are tuned on
MADE: dict[str, Callable] = {
    "mlp2": partial(rotated, degrees=40),
    "mlp3": low_contrast,
    "mlp5": inverted,
    "cnn8": partial(rotated, degrees=40),
    "cnn14": partial(rotated, degrees=-35),
    "dsc10": partial(rotated, degrees=-40),
    "dw22": partial(rotated, degrees=40),
}
TUNED_ON, TESTED_ON = slice(12_000, 15_000), slice(2000, 4000)

# of these tasks two classes alone
PAIRS = {
    "mnist-pair": ("mnist", (4, 9)),
    "har-pair": ("har", (3, 4)),
    "kws-pair": ("kws", (2, 3)),
    "dsc10-pair": ("dsc10", (3, 5)),
    "cnn14-pair": ("cnn14", (3, 8)),
    "dw22-pair": ("dw22", (4, 9)),
}
NAMES = *SOURCES, *MADE, *PAIRS, *FROM_RANDOM


def load_task(name: str, folder: Path = SHARED, networks: Path = NETWORKS) -> Task:
    """The task ``name``; KeyError for an unknown one, FileNotFoundError where its files lack.

    Args:
        folder: of models and data.
        networks: of those that ``networks.py`` makes.
    """
    if name in PAIRS:
        whole, classes = PAIRS[name]
        return load_task(whole, folder, networks).of(name, classes)
    if name in (*MADE, *FROM_RANDOM):
        return _of_digits(name, folder / "mnist.npz", networks / f"{name}.tflite")
    source = SOURCES[name]
    if source.model.startswith("digits"):
        folder = ROOT / "examples" / "digits"
    graph = read_tflite(present(folder / source.model))

    with np.load(folder / source.data) as archive:
        tune, test = (_part(archive, source, graph, *p) for p in (source.tune, source.test))
    return Task(name, graph, *tune, *test, source.head_only, source.samples)


def _part(archive, source: Source, graph: Graph, key: str, rows: slice):
    """Samples, int8, and their labels."""
    pixels = source.pixels
    x = decoded(archive, key, rows, pixels) if source.jpeg else archive[f"{key}_x"][rows]
    if source.turns:
        x = np.rot90(x, source.turns, axes=(1, 2))
    if source.scale is not None:
        x = quantize(x, graph.input, Preprocessing(source.scale))
    y = archive[f"{key}_y"][rows].astype(np.int64)
    return x, is_animal(archive, y) if source.animals else y


def _of_digits(name: str, mnist: Path, network: Path) -> Task:
    """A network that starts from random weights takes all digits as they are."""
    graph = read_tflite(present(network))
    tune, test = (digits(mnist, part, graph.input.shape[1]) for part in ("train", "test"))
    if name in FROM_RANDOM:
        return Task(name, graph, *_int8(graph, *tune), *_int8(graph, *test), samples=len(tune[1]))
    shift = MADE[name]
    tune, test = ((x[rows], y[rows]) for (x, y), rows in ((tune, TUNED_ON), (test, TESTED_ON)))
    return Task(name, graph, *_int8(graph, *tune, shift), *_int8(graph, *test, shift))


def _int8(graph: Graph, images: np.ndarray, labels: np.ndarray, shift=None):
    images = images if shift is None else shift(images)
    return quantize(images[..., None], graph.input, Preprocessing()), labels
