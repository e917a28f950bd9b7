"""An LSTM of a .tflite file, written out step by step."""

from collections import Counter

import numpy as np
import pytest
from lstm_files import DEPTH, INPUT_SCALE, KIND, OUTPUT_SCALE, UNITS, int8_lstm, lstm
from tflite_runs import run_in_tflite
from thinned import thinned

from edgetune.errors import ModelError
from edgetune.floats.engine import FloatEngine
from edgetune.floats.read import read_float
from edgetune.model.read import read_tflite
from edgetune.model.runtime import Runtime
from edgetune.quantize import convert

SAMPLES = 40


def samples(steps=6, size=1.5) -> np.ndarray:
    return np.random.default_rng(1).normal(0, size, (SAMPLES, steps, DEPTH)).astype(np.float32)


def kinds_of(content: bytes) -> Counter:
    return Counter(op.kind for op in read_float(content).operators)


@pytest.mark.parametrize("options", thinned([
    {}, {"count": 20}, {"steps": 2}, {"cell_clip": 0.7}, {"cell_clip": 3.5}, {"steps": 70},
    {"time_major": True},
], 4), ids=str)
def test_the_steps_compute_what_the_operator_does(options):
    content, x = lstm(**options), samples(options.get("steps", 6))
    (wanted,) = run_in_tflite(content, x[:, None])
    found = FloatEngine(read_float(content)).run(x)
    np.testing.assert_allclose(found, wanted[:, 0], atol=2e-6)


def test_only_steps_that_reach_the_bound_are_clipped():
    found = kinds_of(lstm(steps=6, cell_clip=3.5))
    assert found["MINIMUM"] == found["MAXIMUM"] == 3  # the first three steps stay below 3
    assert "MINIMUM" not in kinds_of(lstm(steps=6, cell_clip=6))


def test_the_layer_over_the_input_is_one():
    found = kinds_of(lstm(steps=6))
    assert found["FULLY_CONNECTED"] == 1 + 5  # and one for each step but the first
    assert KIND not in found


def test_an_int8_lstm_is_converted_anew_and_makes_nearly_the_same():
    content, x = int8_lstm(), samples(size=1.0)
    conversion = convert(content, x)
    read_tflite(conversion.content)
    integers = np.clip(np.round(x / INPUT_SCALE), -128, 127).astype(np.int8)
    (wanted,) = run_in_tflite(content, integers[:, None])
    (found,) = run_in_tflite(conversion.content, integers[:, None])
    error = (wanted.astype(int) - found) * OUTPUT_SCALE
    assert np.abs(error).mean() < 0.02 and np.abs(error).max() < 0.15
    assert conversion.report.agreement > 0.7


def test_each_sample_of_the_judge_begins_anew():
    runtime = Runtime.of(int8_lstm())
    if runtime is None:
        pytest.skip("tflite-runtime is not installed")
    sample = np.full((1, 6, DEPTH), 40, np.int8)
    first, second = runtime.run([sample[0], sample[0]])
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("options, said", [
    ({"extra": 9}, "with peepholes"),
    ({"extra": 16}, "with a projection"),
    ({"extra": 21}, "with layer normalisation"),
    ({"without_input_gate": True}, "whose input and forget gate are one"),
    ({"activation": "RELU"}, "the activation RELU instead of TANH"),
    ({"states": False}, "whose states come from elsewhere"),
    ({"batch": 2}, "not over the steps of one sample"),
    ({"units": UNITS + 1}, "whose sizes do not fit"),
    ({"steps": 1}, "not its streaming form"),
    ({"steps": 129}, "up to 128 are written out"),
    ({"count": 21}, "21 inputs"),
], ids=str)
def test_other_lstms_are_refused_with_the_reason(options, said):
    with pytest.raises(ModelError) as error:
        read_float(lstm(**options))
    assert said in f"{error.value.cause} {error.value.next_step}"
    assert KIND in error.value.cause


def test_where_there_are_no_samples_conversion_is_named():
    with pytest.raises(ModelError) as error:
        read_tflite(int8_lstm())
    assert "edgetune convert" in error.value.next_step
