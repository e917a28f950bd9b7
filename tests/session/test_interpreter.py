"""The judge of tuned files: what it calls a fault, what rounding, and when there is none."""

import numpy as np
import pytest
from tiny_tflite import ModelBuilder

from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.model.runtime import Runtime
from edgetune.model.write import BIAS, read_weights, write_weights
from edgetune.session import interpreter
from edgetune.session.interpreter import Judgement, judge

SAMPLES = 30


@pytest.fixture
def runtime():
    pytest.importorskip("tflite_runtime", reason="tflite-runtime is for Python up to 3.11")


def network(softmax=True) -> bytes:
    model = ModelBuilder((1, 6), seed=1).dense(5, activation="RELU").dense(4)
    return (model.softmax() if softmax else model).build()


def samples() -> np.ndarray:
    return ModelBuilder((1, 6)).random_inputs(SAMPLES, seed=2)


def engine(content) -> Learner:
    return Learner(lower(read_tflite(content)), Recipe())


def judged(content, original=None, device=None) -> Judgement:
    """The judgement of ``content``, for a device that computes what ``device`` says."""
    learner = engine(device or content)
    outputs = np.array([learner.forward(x) for x in samples()])
    return judge(content, original or content, samples(), outputs, learner.forward)


def refused(content=None, axis=3) -> bytes:
    """A file that tflite-runtime refuses and edgetune reads."""
    model = ModelBuilder((1, 6), seed=1).dense(5).dense(4)
    model.tensors[model.operators[0].inputs[2]].axis = axis
    return model.build()


def other_bias(content) -> bytes:
    graph = read_tflite(content)
    shift = np.array([3000, -3000, 0, 0], np.int32)
    return write_weights(graph, {(1, BIAS): read_weights(graph, (1, BIAS)) + shift})


@pytest.mark.parametrize("softmax", [True, False])
def test_the_device_s_own_network_agrees(runtime, softmax):
    assert judged(network(softmax)) == Judgement(SAMPLES)


@pytest.mark.parametrize("softmax", [True, False])
def test_another_network_is_a_fault(runtime, softmax):
    found = judged(network(softmax), device=other_bias(network(softmax)))
    assert found.agrees < SAMPLES and not found.no_judge
    assert f"{found.agrees} of the device's {SAMPLES} predictions" in found.fault


def of_outputs(monkeypatch, theirs, ours, prediction, softmax=True) -> Judgement:
    """One sample, with the judge's and the simulation's outputs as they are given."""
    monkeypatch.setattr(interpreter, "_outputs", lambda graph, x: np.array([theirs], np.int8))
    content = network(softmax)
    device = np.eye(len(theirs), dtype=np.int8)[[prediction]]
    return judge(content, content, samples()[:1], device, lambda x: np.array(ours))


@pytest.mark.parametrize(
    "theirs, ours, prediction, softmax, fault",
    [
        ([10, 11, -128, -128], [11, 10, -128, -128], 0, True, False),  # softmax rounds
        ([10, 11, -128, -128], [10, 10, -128, -128], 0, True, False),
        ([10, 11, -128, -128], [10, 10, -128, -128], 0, False, True),  # nothing rounds
        ([9, 11, -128, -128], [11, 10, -128, -128], 0, True, True),  # two steps
        ([10, 11, -126, -128], [11, 10, -128, -128], 0, True, True),  # elsewhere
        ([127, -128, 0, 0], [-128, 127, 0, 0], 1, True, True),  # no wrap-around
        ([10, 11, -128, -128], [10, 11, -128, -128], 0, True, True),  # the device strays
        ([10, 11, -128, -128], [0, 90, 0, 0], 1, True, False),  # predictions are what counts
    ],
)
def test_one_step_of_softmax_is_no_fault(monkeypatch, theirs, ours, prediction, softmax, fault):
    found = of_outputs(monkeypatch, theirs, ours, prediction, softmax)
    assert bool(found.fault) == fault
    assert found.agrees == int(np.argmax(theirs) == prediction)


def test_no_judge_for_a_model_that_tflite_refuses(runtime):
    found = judged(refused())
    assert found.agrees is None and not found.fault
    assert found.no_judge.startswith("tflite-runtime refuses this model: quantized_dimension")
    assert "\n" not in found.no_judge and len(found.no_judge) < 300


def test_a_file_that_only_its_tuning_made_unreadable_is_a_fault(runtime):
    found = judged(refused(), original=refused(axis=0))
    assert found.agrees is None and "refuses this file: quantized_dimension" in found.fault


def test_no_judge_without_tflite_runtime(monkeypatch):
    monkeypatch.setattr(Runtime, "of", lambda content: None)
    assert judged(network()) == Judgement(no_judge="tflite-runtime is not installed")


def test_what_tflite_says_cannot_reach_the_terminal(monkeypatch):
    def refuse(content):
        raise RuntimeError("bad\x1b]0;title\x07 operator\nNode 1")

    monkeypatch.setattr(Runtime, "of", refuse)
    assert judged(network()).no_judge.endswith("model: bad ]0;title operator Node 1")
