"""Float against int8 on labelled samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from edgetune.errors import DataError
from edgetune.floats.engine import FloatEngine
from edgetune.model.decode import decode
from edgetune.model.graph import Graph, Tensor
from edgetune.model.inputs import unpacked
from edgetune.model.numbers import quantized_values
from edgetune.model.runtime import Runtime, one_line
from edgetune.quantize.calibration import batches
from edgetune.quantize.lowering import to_int8
from edgetune.quantize.report import Accuracy
from edgetune.quantize.simulation import Simulation

Run = Callable[[np.ndarray], np.ndarray]


def compare_accuracy(
    graph: Graph, content: bytes, simulation: Simulation, x: Iterable, y: Iterable,
    itself: Run | None = None,
) -> Accuracy:
    """Predictions of a float Graph and of its int8 file.

    The file is run by tflite-runtime's reference kernels, where it is installed and takes the
    file, else simulated.

    Args:
        x: real-valued samples, as for calibration; y: their class numbers.
        itself: the quantised file that stands in for the float Graph (``runner_of``).

    Raises:
        DataError: as ``calibration.batches``, or another number of labels than samples.
    """
    labels = np.asarray(list(y)).reshape(-1)
    engine, int8 = FloatEngine(graph), _Int8(content, simulation, graph)
    exact, rounded = [], []
    for batch in batches(graph, x, len(labels) + 1):
        exact.append(_winners((itself or engine.run)(batch)))
        rounded.append(_winners(int8.run(batch)))
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
        float((one == other).mean()), int8.by, int8.no_judge,
        "as the file itself" if itself else "in float",
    )


def agreement(
    itself: Run | None, content: bytes, simulation: Simulation, graph: Graph, samples: np.ndarray
) -> float | None:
    """On what share of real-valued samples two files predict the same; None without a judge.

    Args:
        itself: runs the file that ``content`` was made of (``runner_of``).
    """
    int8 = _Int8(content, simulation, graph)
    if itself is None or int8.runtime is None:
        return None
    found = float((_winners(itself(samples)) == _winners(int8.run(samples))).mean())
    return None if int8.no_judge else found


def runner_of(graph: Graph) -> Run | None:
    """Runs real values through the quantised file that a float Graph was read from, in
    tflite-runtime; None where it gave no ranges, or that cannot be done."""
    content = graph.content
    if not content or all(t.quantization is None for t in graph.tensors):
        return None
    decoded = decode(content)
    sources = decoded.input_tensors

    def run(x: np.ndarray) -> np.ndarray:
        assert runtime is not None
        return runtime.run(_joined([
            _as_read(part, source) for part, source in zip(unpacked(x, sources), sources)
        ]), graph.output_number)

    try:
        runtime = Runtime.of(content)
        if runtime is not None:
            run(np.zeros((1, *graph.input.shape[1:]), np.float32))
    except RuntimeError:
        return None
    return None if runtime is None else run


def _as_read(x: np.ndarray, source: Tensor) -> np.ndarray:
    """Real values as a file's input takes them."""
    integer = source.quantization is not None and source.dtype != "float32"
    return quantized_values(x, source) if integer else x


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """Samples of several inputs as ``Runtime.run`` takes them."""
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)


class _Int8:
    """An int8 file, run by tflite-runtime until it gives up, then by the simulation.

    Args:
        graph: the float one that it was made of.
    """

    def __init__(self, content: bytes, simulation: Simulation, graph: Graph):
        self.simulation, self.sources = simulation, graph.input_tensors
        self.scales = [simulation.scales[i] for i in graph.inputs]
        self.no_judge = ""
        self.runtime = self._tried(lambda: Runtime.of(content))

    @property
    def by(self) -> str:
        """What ran it, to the last sample."""
        return "simulation" if self.runtime is None else "tflite-runtime"

    def run(self, batch: np.ndarray) -> np.ndarray:
        """Outputs of real-valued samples; only their order has a meaning."""
        if self.runtime is not None:
            parts = zip(unpacked(batch, self.sources), self.scales)
            x = _joined([to_int8(part, scale) for part, scale in parts])
            found = self._tried(lambda: self.runtime.run(x))
            if found is not None:
                return found
            self.runtime = None
        return self.simulation.run(batch)

    def _tried(self, use: Callable):
        """None, and ``no_judge`` says why, where tflite-runtime refuses or dies."""
        try:
            return use()
        except RuntimeError as error:
            self.no_judge = f"tflite-runtime refuses the int8 file: {one_line(str(error))}"
            return None


def _winners(outputs: np.ndarray) -> np.ndarray:
    """Index of each sample's largest output, the first of equals."""
    return outputs.reshape(len(outputs), -1).argmax(axis=1)
