"""Trained networks converted: what int8 costs them, and whether all who run them agree.

    python examples/conversion/check_networks.py [FOLDER] [--mnist FILE] [--devices]

converts every model in FOLDER (``models/`` here, or what ``networks.py`` wrote) and prints a line
for each: its quality in float and in int8 on the test images, and how many outputs of the
numpy engine differ from those of tflite-runtime's reference kernels (BUILTIN_REF).  The quality is
the accuracy in percent; of an autoencoder, which knows the digits below 5 only, it is how often a
strange digit is reconstructed worse than a known one (the area under the ROC curve).  With
--devices the models also run and learn on the host board and on an emulated Cortex-M4, and all of
that is compared too.  Ends with 1 where quality falls by more than 0.5 points or an output differs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from images import NORMAL, Images, flat, load_images

from edgetune.boards import load_board
from edgetune.data import Dataset
from edgetune.data.preprocessing import Preprocessing
from edgetune.errors import ToolchainError
from edgetune.floats.engine import FloatEngine
from edgetune.importers.load import load_model
from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.model.graph import Graph
from edgetune.model.read import read_tflite
from edgetune.model.runtime import Runtime
from edgetune.plan.plan import make_plan
from edgetune.quantize import convert
from edgetune.quantize.lowering import to_int8
from edgetune.session.firmware import build_firmware
from edgetune.session.verification import verify

MODELS = Path(__file__).parent / "models"
BOARD = "mps2-an386"
BAR = 0.5
CALIBRATION = 300  # images
RUNS, STEPS = 100, 10  # test images run and learnt on each device


@dataclass(frozen=True)
class Converted:
    """A float model, its int8 file, and its test samples (float32 and int8)."""

    name: str
    float_graph: Graph
    graph: Graph
    x: np.ndarray
    x_int8: np.ndarray
    y: np.ndarray


def rebuilds(model: Graph) -> bool:
    """Whether it is an autoencoder: as many outputs as inputs."""
    return model.output.size == model.input.size


def converted(path: Path, images: Images) -> Converted:
    """The model in ``path``, calibrated on training images of the kind that it was trained on."""
    model = load_model(path)
    calibration, x = (_prepared(model, x) for x in (images.train_x, images.test_x))
    if rebuilds(model):
        calibration = calibration[images.train_y < NORMAL]
    graph = read_tflite(convert(model, calibration[:CALIBRATION]).content)
    x_int8 = to_int8(x, graph.input.quantization)
    return Converted(path.name, model, graph, x, x_int8, images.test_y)


def _prepared(model: Graph, images: np.ndarray) -> np.ndarray:
    shape = model.input.shape[1:]
    return (flat(images) if len(shape) == 1 else images).reshape(-1, *shape)


def quality(network: Converted) -> tuple[float, float]:
    """In float and in int8, in percent."""
    exact = FloatEngine(network.float_graph).run_all(network.x)
    q = network.graph.output.quantization
    int8 = (engine_outputs(network) - np.float32(q.zero_point[0])) * np.float32(q.scale[0])
    return tuple(_quality(network, outputs.reshape(len(network.x), -1))
                 for outputs in (exact, int8))


def _quality(network: Converted, outputs: np.ndarray) -> float:
    if not rebuilds(network.float_graph):
        return 100 * float((outputs.argmax(axis=1) == network.y).mean())
    errors = ((outputs - network.x) ** 2).mean(axis=1)
    known, strange = errors[network.y < NORMAL], errors[network.y >= NORMAL]
    return 100 * float((strange[:, None] > known[None, :]).mean())


def engine_outputs(network: Converted, count: int | None = None) -> np.ndarray:
    """Of edgetune's numpy engine, int8 [n, outputs]."""
    learner = Learner(lower(network.graph), Recipe(layers=("none",)))
    return np.stack([learner.forward(sample) for sample in network.x_int8[:count]])


def differences(network: Converted) -> int | None:
    """Values of all outputs that are not the reference kernels'; None without tflite-runtime."""
    runtime = Runtime.of(network.graph.content)
    if runtime is None:
        return None
    theirs = runtime.run(network.x_int8).reshape(len(network.x), -1)
    return int((engine_outputs(network) != theirs).sum())


def run_on(device: str, network: Converted, folder: Path) -> int:
    """Runs ``RUNS`` test images and learns a few; how many outputs agreed in every byte.

    Raises:
        DivergenceError: an output or a weight differs from the numpy engine's.
    """
    plan = make_plan(network.graph, Recipe(), load_board(BOARD))
    firmware = build_firmware(plan, folder, network.name, native=device == "host")
    x, y = network.x_int8, network.y
    data = Dataset(x, y, x, y, Preprocessing(quantized=True))
    return verify(firmware, device, data, STEPS, forward=RUNS).forward


def check(path: Path, images: Images, devices: list[str]) -> bool:
    """Converts and reports one file; one whose extra is not installed is left out in words."""
    try:
        network = converted(path, images)
    except ToolchainError as error:
        print(f"{path.name:26} left out: {error.message} {error.next_step}")
        return True
    return report(network, devices)


def report(network: Converted, devices: list[str]) -> bool:
    """Prints the network's line; whether it passed."""
    exact, int8 = quality(network)
    differ = differences(network)
    print(f"{network.name:26} {exact:7.2f} {int8:7.2f} {int8 - exact:+6.2f}  "
          f"{'not installed' if differ is None else f'{differ} differ':13}", end="", flush=True)
    for device in devices:
        with tempfile.TemporaryDirectory() as folder:
            print(f" {device}: {run_on(device, network, Path(folder))} equal", end="", flush=True)
    passed = int8 >= exact - BAR and not differ
    print("" if passed else "  FAILED")
    return passed


def model_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix in (".tflite", ".keras", ".h5", ".onnx"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=MODELS)
    parser.add_argument("--mnist", type=Path, help="test on MNIST, where the models know it")
    parser.add_argument("--devices", action="store_true", help="run on the host and a M4 too")
    given = parser.parse_args(arguments)
    images = load_images(given.mnist)
    print(f"{'model':26} {'float':>7} {'int8':>7} {'lost':>6}  BUILTIN_REF")
    devices = ["host", "qemu"] if given.devices else []
    passed = [check(path, images, devices) for path in model_files(given.folder)]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
