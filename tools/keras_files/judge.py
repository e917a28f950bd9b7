"""What edgetune makes of a .tflite file: whether it is read, computes what tflite-runtime
computes, and learns; or the sentence by which it is refused."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgetune.errors import EdgetuneError
from edgetune.floats.engine import FloatEngine
from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.model.decode import decode
from edgetune.model.edges import from_file_output, to_file_input
from edgetune.model.graph import Graph
from edgetune.model.numbers import quantized_values, real_values
from edgetune.model.outputs import SeveralOutputs
from edgetune.model.read import read_tflite
from edgetune.model.runtime import Runtime
from edgetune.model.write import read_weights, write_weights
from edgetune.quantize.convert import convert, load
from edgetune.session.interpreter import IN_FLOAT
from tools.keras_files.interpreter import TensorFlowRuntime, of_older_version

CALIBRATION, INPUTS, STEPS = 40, 5, 6
FLOAT_TOLERANCE = 1e-4  # another order of sums
# tflite-runtime rounds the activations of dynamic-range files to int8
TOLERANCES = {"dynamic_range": 0.1}
TOLERANCE_OF_INT8 = 0.1  # a file that computes in int8 but for some operators


@dataclass(frozen=True)
class Verdict:
    """``read``: as int8 or converted.  ``runs``: every output equals tflite-runtime's; None
    where that is not installed.  ``tunes``: the trained file computes what the trained network
    does.  ``refusal``: why the file is not read, else ""."""

    read: bool
    runs: bool | None = None
    tunes: bool | None = None
    refusal: str = ""

    @property
    def word(self) -> str:
        """For a cell of the matrix."""
        if not self.read:
            return "refused"
        if self.runs is False:
            return "DIFFERS"
        return "ok" if self.tunes is not False else "runs"


def judge(content: bytes, tolerance: float = FLOAT_TOLERANCE) -> Verdict:
    """The verdict on a .tflite file, all its outputs together.

    Args:
        tolerance: of a float file's outputs, as a share of the largest.
    """
    try:
        return _judge_one(content, tolerance, None)
    except SeveralOutputs as error:
        verdicts = [_judge_one(content, tolerance, i) for i in range(len(error.ends))]
    return Verdict(
        all(v.read for v in verdicts), _both(*(v.runs for v in verdicts)),
        _both(*(v.tunes for v in verdicts)), next((v.refusal for v in verdicts if v.refusal), ""),
    )


def _judge_one(content: bytes, tolerance: float, output: int | None) -> Verdict:
    """The verdict on one output.

    Raises:
        SeveralOutputs: there are more, and none is named.
    """
    try:
        found = load(content, output)
        if isinstance(found, Graph):
            ready = convert(found, _samples(found.input.shape, CALIBRATION)).content
            alike = _float_alike(content, found, tolerance)
        else:
            ready, alike = found, _ends_alike(content, output)
        return judge_int8(ready, alike)
    except SeveralOutputs:
        raise
    except EdgetuneError as error:
        return Verdict(False, refusal=f"{error.message} {error.cause}")


def judge_int8(content: bytes, alike: bool | None) -> Verdict:
    """The verdict on an int8 file; ``alike`` is that on what it was made of."""
    graph = read_tflite(content)
    learner = Learner(lower(graph), Recipe())
    x = _int8_inputs(graph)
    runs = _both(alike, _int8_alike(content, learner, x))
    before = learner.digest()
    for i in range(STEPS):
        learner.train(x[i % len(x)], learner.program.loss.any_target(7 * i))
    new = {
        (layer.operator, i): values.reshape(read_weights(graph, (layer.operator, i)).shape)
        for layer in learner.trained
        for i, values in enumerate((layer.weights, layer.bias), start=1)
    }
    tuned = write_weights(graph, new)
    tunes = learner.digest() != before and _int8_alike(tuned, learner, x) is not False
    return Verdict(True, runs, tunes)


def _outputs(content: bytes, x: np.ndarray, output: int = 0) -> np.ndarray | None:
    """What tflite-runtime makes of it, or TensorFlow where the file is newer than that; None
    where neither is installed."""
    try:
        runtime = Runtime.of(content)
        return None if runtime is None else runtime.run(x, output)
    except RuntimeError as error:
        if older := of_older_version(content, str(error)):
            return _outputs(older, x, output)
        newer = TensorFlowRuntime.of(content)
        return None if newer is None else newer.run(x, output)


def _int8_alike(content: bytes, learner: Learner, x: np.ndarray) -> bool | None:
    theirs = _outputs(content, x)
    return None if theirs is None else _equal(theirs, learner, x, read_tflite(content))


def _ends_alike(content: bytes, output: int | None) -> bool | None:
    """Whether a file with float or uint8 ends computes what is read of it."""
    graph = read_tflite(content, output)
    learner, x = Learner(lower(graph), Recipe(layers=("none",))), _int8_inputs(graph)
    theirs = _outputs(content, to_file_input(graph, x), graph.output_number)
    return None if theirs is None else _equal(from_file_output(graph, theirs), learner, x, graph)


def _equal(theirs: np.ndarray, learner: Learner, x: np.ndarray, graph: Graph) -> bool:
    """Whether outputs are the Learner's; one value may be a step off that the other side computes
    in floating point (docs/numerics.md, section 2)."""
    ours = np.array([learner.forward(one) for one in x], int)
    steps = np.abs(theirs.reshape(ours.shape) - ours)
    ends_in_float = any(op.kind in IN_FLOAT for op in graph.operators)
    return not steps.any() or ends_in_float and steps.sum() == 1


def _float_alike(content: bytes, graph: Graph, tolerance: float) -> bool | None:
    """Whether a file computes what the float Graph does; as far as int8 rounds, if it has ends
    of that type."""
    given = x = _samples(graph.input.shape, INPUTS)
    file = decode(content)
    source, result = file.tensors[file.inputs[0]], file.tensors[file.outputs[graph.output_number]]
    if source.dtype != "float32":
        given, tolerance = quantized_values(x, source), TOLERANCE_OF_INT8
        x = real_values(replace(source, data=given, shape=given.shape)).astype(np.float32)
    theirs = _outputs(content, given, graph.output_number)
    if theirs is None:
        return None
    if result.dtype != "float32":
        theirs = real_values(replace(result, data=theirs, shape=theirs.shape))
    theirs, ours = (y.reshape(len(x), -1) for y in (theirs, FloatEngine(graph).run_all(x)))
    return bool(np.abs(theirs - ours).max() <= tolerance * max(1.0, np.abs(theirs).max()))


def _both(*alike: bool | None) -> bool | None:
    return False if False in alike else None if None in alike else True


def _samples(shape: tuple[int, ...], count: int) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 1, (count, *shape[1:])).astype(np.float32)


def _int8_inputs(graph: Graph) -> np.ndarray:
    return np.random.default_rng(2).integers(-128, 128, (INPUTS, *graph.input.shape[1:])).astype(
        np.int8
    )
