"""Float models converted by edgetune, beside TensorFlow's own int8 files of the same models.

    python examples/conversion/accuracy.py [--data FOLDER] [--range RULE] [--samples N]

prints a line a test set and ends with 1 where a bar is missed: accuracy within 0.5 points of
float (keyword spotting: 1.5 points of the official int8 file) and predictions that agree with
float's at least as often as those of TensorFlow's file.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgetune.floats.engine import FloatEngine
from edgetune.floats.read import read_float
from edgetune.model.graph import Tensor
from edgetune.model.read import read_tflite
from edgetune.model.runtime import Runtime
from edgetune.quantize import Options, convert
from edgetune.quantize.lowering import to_int8

DATA = Path(__file__).parents[2].parent / "shared" / "data"


@dataclass(frozen=True)
class Case:
    """A float model, TensorFlow's int8 version, and real-valued data.

    ``tests``: name to (samples, labels).  ``bar``: the most points that int8 may lose, to
    ``against``: "float" or "tensorflow".
    """

    model: str
    int8: str
    calibration: np.ndarray
    tests: dict
    bar: float = 0.5
    against: str = "float"


def har(folder: Path) -> Case:
    data = np.load(folder / "har.npz")
    tests = {n: (data[f"{n}_x"].astype(np.float32), data[f"{n}_y"])
             for n in ("source_test", "test")}
    return Case("har_float", "har_int8", data["source_x"].astype(np.float32), tests)


def mnist(folder: Path) -> Case:
    data = np.load(folder / "mnist_rot40.npz")
    tests = {n: (data[f"{n}_x"] / np.float32(255), data[f"{n}_y"])
             for n in ("source_test", "test")}
    return Case("mnist_float", "mnist_int8", data["source_x"] / np.float32(255), tests)


def keywords(folder: Path) -> Case:
    """The clips are stored in the official model's input quantisation."""
    data = np.load(folder / "kws.npz")
    x = dequantized(data["clean_x"], read_tflite(folder / "kws_int8.tflite").input)
    tests = {"clean[200:]": (x[200:], data["clean_y"][200:])}
    return Case("kws_hybrid", "kws_int8", x[:200], tests, bar=1.5, against="tensorflow")


CASES = {"har": har, "mnist": mnist, "kws": keywords}


def dequantized(q: np.ndarray, tensor: Tensor) -> np.ndarray:
    scale, zero_point = tensor.quantization.scale[0], tensor.quantization.zero_point[0]
    return (q.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)


@dataclass(frozen=True)
class Result:
    """One test set; shares in percent.  ``agree``: with the float model's predictions."""

    model: str
    test: str
    float_accuracy: float
    tensorflow: float
    tensorflow_agrees: float
    ours: float
    ours_agrees: float
    passed: bool


def measure(case: Case, folder: Path, options: Options) -> list[Result]:
    """Converts and compares on every test set of ``case``."""
    results = []
    for name, (x, y) in case.tests.items():
        conversion = convert(folder / f"{case.model}.tflite", case.calibration, options, (x, y))
        accuracy = conversion.report.accuracy
        theirs = predictions((folder / f"{case.int8}.tflite").read_bytes(), x)
        exact = float_predictions(folder / f"{case.model}.tflite", x)
        figures = [100 * v for v in (
            accuracy.float_accuracy, (theirs == y).mean(), (theirs == exact).mean(),
            accuracy.int8_accuracy, accuracy.agreement,
        )]
        wanted = figures[0] if case.against == "float" else figures[1]
        passed = figures[3] >= wanted - case.bar and (
            case.against != "float" or figures[4] >= figures[2]
        )
        results.append(Result(case.model, name, *figures, passed))
    return results


def predictions(content: bytes, x: np.ndarray) -> np.ndarray:
    """What an int8 file predicts for real-valued samples, by tflite-runtime."""
    inputs = to_int8(x, read_tflite(content).input.quantization)
    return Runtime.of(content).run(inputs).reshape(len(x), -1).argmax(axis=1)


def float_predictions(path: Path, x: np.ndarray) -> np.ndarray:
    """What the float model predicts."""
    graph = read_float(path)
    return FloatEngine(graph).run_all(x.reshape(-1, *graph.input.shape[1:])).argmax(axis=1)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cases", nargs="*", default=list(CASES), help=", ".join(CASES))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--range", default=Options.range_rule, help="minmax, percentile or mse")
    parser.add_argument("--samples", type=int, default=Options.samples)
    parser.add_argument("--no-bias-correction", action="store_true")
    parser.add_argument("--equalisation", action="store_true")
    given = parser.parse_args(arguments)
    options = Options(given.range, samples=given.samples,
                      bias_correction=not given.no_bias_correction,
                      equalisation=given.equalisation)
    if not given.data.is_dir():
        print(f"{given.data} is not there: nothing to measure", file=sys.stderr)
        return 0
    print(f"{'model':12} {'test set':12} {'float':>6} {'TF int8':>8} {'agrees':>7} "
          f"{'ours':>6} {'agrees':>7}  bar")
    missed = 0
    for name in given.cases:
        for r in measure(CASES[name](given.data), given.data, options):
            print(f"{r.model:12} {r.test:12} {r.float_accuracy:6.2f} {r.tensorflow:8.2f} "
                  f"{r.tensorflow_agrees:7.2f} {r.ours:6.2f} {r.ours_agrees:7.2f}  "
                  f"{'met' if r.passed else 'missed'}")
            missed += not r.passed
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
