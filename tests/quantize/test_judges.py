"""What a conversion is compared by where tflite-runtime is absent, refuses or gives up."""

from __future__ import annotations

import numpy as np
import pytest
from float_builder import FloatBuilder
from model_ends import in_uint8
from tiny_tflite import ModelBuilder

from edgetune.model.runtime import Runtime
from edgetune.quantize import convert
from edgetune.quantize.report import CUT

COUNT = 70  # samples: two batches


def float_model(spread=1.0, softmax=True):
    """A convolution and a dense layer; logits ``spread`` times as far apart."""
    b = FloatBuilder((1, 5, 5, 2), seed=3)
    x = b.conv(b.input, 4, 3, fused="RELU")
    logits = b.dense(x, 3)
    for index in b.operators[-1].inputs[1:]:
        b.tensors[index].data *= np.float32(spread)
    return b, b.graph(b.add("SOFTMAX", logits, beta=1.0) if softmax else logits)


def compared():
    b, graph = float_model()
    x = b.samples(COUNT)
    return convert(graph, x, labelled=(x, np.arange(COUNT) % 3)).report


class Judge:
    """A tflite-runtime that gives up at its request number ``patience``."""

    def __init__(self, patience):
        self.patience = patience

    def run(self, inputs, output=0):
        self.patience -= 1
        if self.patience < 0:
            raise RuntimeError("it died\nof a \x1bshape.")
        return np.zeros((len(inputs), 3), np.int8)


def refuse(content):
    raise RuntimeError("an axis of 3")


def test_what_judges(monkeypatch):
    monkeypatch.setattr(Runtime, "of", lambda content: Judge(9))
    found = compared().accuracy
    assert found.by == "tflite-runtime" and found.no_judge == ""
    assert found.int8_accuracy == np.mean(np.arange(COUNT) % 3 == 0)  # that one says zero always


@pytest.mark.parametrize("of, said", [
    (lambda content: None, ""),
    (refuse, "tflite-runtime refuses the int8 file: an axis of 3"),
    (lambda content: Judge(0), "tflite-runtime refuses the int8 file: it died of a shape"),
])
def test_without_a_judge_the_simulation_answers(monkeypatch, of, said):
    monkeypatch.setattr(Runtime, "of", of)
    report = compared()
    assert report.accuracy.by == "simulation"
    assert report.accuracy.no_judge == said
    assert report.accuracy.agreement > 0.9  # with float, as the file itself would
    warned = [w for w in report.warnings if "refuses" in w]
    assert warned == ([f"{said}."] if said else [])


def test_a_judge_that_gives_up_midway_is_none(monkeypatch):
    """The rest is simulated, and the report says so."""
    monkeypatch.setattr(Runtime, "of", lambda content: Judge(1))
    report = compared()
    assert report.accuracy.by == "simulation" and "it died" in report.accuracy.no_judge
    assert 0 < report.accuracy.agreement < 0.9  # the first batch was the judge's


@pytest.mark.parametrize("of", [lambda content: None, refuse])
def test_a_quantised_file_has_no_agreement_without_a_judge(monkeypatch, of):
    model = ModelBuilder((1, 6), input_scale=1 / 32).dense(4, activation="RELU").dense(3)
    in_uint8(model)
    x = model.random_inputs(40)[:, 0] / np.float32(32)
    monkeypatch.setattr(Runtime, "of", of)
    report = convert(model.build(), x, labelled=(x, np.zeros(40, int))).report
    assert report.agreement is None and report.accuracy.original == "in float"
    monkeypatch.undo()
    if Runtime.of(model.build()):
        report = convert(model.build(), x, labelled=(x, np.zeros(40, int))).report
        assert report.agreement > 0.9 and report.accuracy.original == "as the file itself"


# ---- what the report says of its table


@pytest.mark.parametrize("spread, softmax, noted", [
    (60.0, True, True), (1.0, True, False), (60.0, False, False),
])
def test_values_cut_before_a_softmax_are_explained(spread, softmax, noted):
    b, graph = float_model(spread, softmax)
    report = convert(graph, b.samples(40)).report
    assert report.notes == ([CUT] if noted else [])
    cut = [row for row in report.layers if row.low < row.range_low - row.scale]
    assert all(row.clipped == 0 for row in cut) and bool(cut) >= noted
