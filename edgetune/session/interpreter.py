"""Predictions of a .tflite file by tflite-runtime, the judge of what we write."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.model.edges import from_file_output, to_file_input
from edgetune.model.graph import Graph
from edgetune.model.outputs import Choice
from edgetune.model.read import read_tflite
from edgetune.model.runtime import Runtime, one_line

IN_FLOAT = ("SOFTMAX", "LOGISTIC", "TANH")  # kinds that the judge computes in floating point


@dataclass(frozen=True)
class Judgement:
    """What tflite-runtime makes of a tuned file.

    ``agrees``: how many of the device's predictions it makes, None without a judge.  ``fault``:
    why the file is not the trained network, "" where nothing says so.  ``no_judge``: why nothing
    judged, "" where something did.
    """

    agrees: int | None = None
    fault: str = ""
    no_judge: str = ""


def judge(
    content: bytes, original: bytes, x: np.ndarray, ours: np.ndarray,
    simulate: Callable[[np.ndarray], np.ndarray], classes: bool = True, output: Choice = None,
) -> Judgement:
    """Whether a tuned file makes what the device makes: predictions of ``classes``, or outputs.

    The judge's kernels are integers like the device's, but for SOFTMAX, LOGISTIC and TANH: in
    floating point a value beside a rounding boundary may be one step off (docs/numerics.md,
    section 2), and two outputs that nearly tie may change places.  In a model with one of these
    a prediction may therefore be another one if no output of that sample is more than one step
    from the simulation's, and the simulation predicts what the device does.  Outputs may
    likewise be one step off.  Every other difference is a fault.  So is a file that
    tflite-runtime refuses, where it takes the original.

    Args:
        original: the file that was tuned.
        x: int8 [n, ...] in the model's input quantisation.
        ours: the device's outputs, int8 [n, outputs].
        simulate: the simulation's int8 outputs, flat, for one x.
        output: which one of both files' outputs is the device's.
    """
    graph = read_tflite(content, output)
    try:
        theirs = _outputs(graph, x)
    except (RuntimeError, ValueError) as error:
        return _refused(read_tflite(original, output), x, one_line(str(error)))
    if theirs is None:
        return Judgement(no_judge="tflite-runtime is not installed")
    return _predictions(graph, x, theirs, ours, simulate) if classes else _outputs_alike(
        graph, theirs, ours
    )


def _predictions(graph: Graph, x, theirs, ours, simulate) -> Judgement:
    predictions = ours.argmax(axis=1)
    others = np.flatnonzero(theirs.argmax(axis=1) != predictions)
    agrees = len(predictions) - len(others)
    for i in others:
        simulated = simulate(np.asarray(x[int(i)]))
        steps = int(np.abs(theirs[i].astype(int) - simulated).max())
        if steps > _rounding(graph) or simulated.argmax() != predictions[i]:
            return Judgement(agrees, _stray(i, theirs[i], predictions, agrees, steps))
    return Judgement(agrees)


def _outputs_alike(graph: Graph, theirs: np.ndarray, ours: np.ndarray) -> Judgement:
    steps = np.abs(theirs.astype(int) - ours).max(axis=1)
    agrees = int((steps <= _rounding(graph)).sum())
    if agrees == len(ours):
        return Judgement(agrees)
    return Judgement(agrees, (
        f"Run by tflite-runtime it makes {agrees} of the device's {len(ours)} outputs; others are "
        f"up to {steps.max()} steps off."
    ))


def _rounding(graph: Graph) -> int:
    """By how many steps the judge's outputs may be others without a fault."""
    return int(any(operator.kind in IN_FLOAT for operator in graph.operators))


def _outputs(graph: Graph, x: Iterable[np.ndarray]) -> np.ndarray | None:
    """Outputs of the reference kernels, int8 [n, outputs]."""
    runtime = Runtime.of(graph.content)
    if runtime is None:
        return None
    outputs = runtime.run(
        (to_file_input(graph, np.asarray(sample)) for sample in x), graph.output_number
    )
    return from_file_output(graph, outputs).reshape(len(outputs), -1)


def _refused(original: Graph, x: np.ndarray, reason: str) -> Judgement:
    """No judge, if it does not take the original either."""
    try:
        _outputs(original, [x[0]])
    except (RuntimeError, ValueError):
        return Judgement(no_judge=f"tflite-runtime refuses this model: {reason}")
    return Judgement(fault=f"tflite-runtime takes the original and refuses this file: {reason}")


def _stray(sample: int, theirs: np.ndarray, predictions: np.ndarray, agrees: int, steps: int):
    return (
        f"Run by tflite-runtime it makes {agrees} of the device's {len(predictions)} predictions; "
        f"sample {sample} of the test set is {theirs.argmax()} there and {predictions[sample]} on "
        f"the device, and its outputs are up to {steps} steps from the simulation's."
    )
