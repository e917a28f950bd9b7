"""Networks, each with real samples, at which gradients are compared.

MLPerf Tiny's four come from ``shared/data`` beside the repository; two of them have no data there
and take what is at hand, shaped as they expect it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jpegs import decoded, is_animal
from tasks import ROOT, load_task, present

from edgetune.data.preprocessing import Preprocessing, quantize
from edgetune.importers.load import load_model
from edgetune.model.graph import Graph
from edgetune.model.read import read_tflite
from edgetune.quantize import convert
from edgetune.quantize.lowering import to_int8

CONVERSION = ROOT / "examples" / "conversion"
sys.path.insert(0, str(CONVERSION))

from images import load_images  # noqa: E402

FRAMES, BANDS = 5, 128  # of the autoencoder's input
LEVEL, SPREAD = -25, 6  # dB, of it: where the model rebuilds well and no layer saturates
CALIBRATION = 300  # images


@dataclass(frozen=True)
class Case:
    """``samples`` int8 [n, ...], ``targets`` [n]; ``loss`` is a name of ``directions.LOSSES``."""

    graph: Graph
    samples: np.ndarray
    targets: np.ndarray
    loss: str = "softmax"
    note: str = ""


def keywords(folder: Path, count: int) -> Case:
    """DS-CNN, heard by another microphone."""
    return _of_task("kws", folder, count)


def cifar(folder: Path, count: int) -> Case:
    """ResNet-8 on images through JPEG."""
    return _of_task("cifar", folder, count)


def _of_task(name: str, folder: Path, count: int) -> Case:
    task = load_task(name, folder)
    return Case(task.graph, task.tune_x[:count], task.tune_y[:count])


def wake_words(folder: Path, count: int) -> Case:
    """MobileNetV1-0.25 on CIFAR-10 scaled up to 96x96: is it an animal?"""
    graph = read_tflite(present(folder / "mlperf_tiny" / "vww_96_int8.tflite"))
    with np.load(folder / "cifar10_jpeg.npz") as archive:
        images = decoded(archive, "train", slice(count), size=96)
        labels = is_animal(archive, archive["train_y"][:count])
    return Case(graph, quantize(images, graph.input, Preprocessing(1 / 255)), labels)


def anomalies(folder: Path, count: int) -> Case:
    """The autoencoder on spectra of spoken words."""
    graph = read_tflite(present(folder / "mlperf_tiny" / "ad01_int8.tflite"))
    spectra = _log_mel(load_task("kws", folder).tune_x)
    spectra = LEVEL + SPREAD * (spectra - spectra.mean()) / spectra.std()
    samples = to_int8(spectra[:count], graph.input.quantization)
    return Case(graph, samples, np.zeros(count, int), "reconstruction")


def _log_mel(features: np.ndarray) -> np.ndarray:
    """Spectra [n, 640] of the five frames amidst ``features`` [n, 49, 10, 1], cepstra on one
    scale: the inverse of their cosine transform, at 128 bands."""
    first = (features.shape[1] - FRAMES) // 2
    cepstra = features[:, first : first + FRAMES, :, 0].astype(np.float64)
    order = np.arange(cepstra.shape[2])[:, None]
    waves = np.cos(np.pi * order * (np.arange(BANDS) + 0.5) / BANDS)
    return (cepstra @ waves).reshape(len(features), -1)


def inverted_residual(folder: Path, count: int) -> Case:
    """MobileNetV2, trained on digits and converted, on digits turned by 90 degrees."""
    images = load_images()
    model = load_model(CONVERSION / "models" / "inverted_residual.tflite")
    graph = read_tflite(convert(model, images.train_x[:CALIBRATION]).content)
    turned = np.rot90(images.test_x[:count], axes=(1, 2))
    return Case(graph, to_int8(turned, graph.input.quantization), images.test_y[:count])


CASES: dict[str, Callable[[Path, int], Case]] = {
    "ds-cnn": keywords,
    "resnet8": cifar,
    "mobilenetv1": wake_words,
    "autoencoder": anomalies,
    "inverted-residual": inverted_residual,
}
