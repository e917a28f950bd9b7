"""Float and uint8 ends of an int8 model are left out: inside, all is int8."""

import numpy as np
import pytest
from branching import two_inputs
from model_ends import with_ends
from tflite_runs import run_in_tflite
from tflite_writer import OperatorSpec, TensorSpec, serialise
from tiny_tflite import ModelBuilder

from edgetune.errors import ModelError
from edgetune.model.decode import decode
from edgetune.model.edges import from_file_output, to_file_input
from edgetune.model.read import read_tflite
from edgetune.quantize.convert import int8_content
from edgetune.session.interpreter import Judgement, judge


def judged(content: bytes, x, ours) -> Judgement:
    return judge(content, content, x, ours.reshape(len(x), -1), simulate=None, classes=False)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_ends_of_another_type_are_left_out(dtype):
    graph = read_tflite(with_ends(dtype))
    assert graph.input.dtype == graph.output.dtype == "int8"
    assert [o.kind for o in graph.operators] == ["FULLY_CONNECTED"]
    x = np.arange(-128, 122, 50).reshape(-1, 1, 1).repeat(6, axis=2).astype(np.int8)
    theirs = run_in_tflite(graph.content, to_file_input(graph, x))[0]
    ours = run_in_tflite(ModelBuilder((1, 6)).dense(4).build(), x)[0]
    assert np.array_equal(from_file_output(graph, theirs), ours)


def test_uint8_ends_of_another_scale_are_unsupported():
    with pytest.raises(ModelError) as caught:
        read_tflite(with_ends("uint8", scale=np.float32([0.5])))
    assert "uint8 to int8: another number type" in caught.value.cause


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_the_judge_of_tuned_files_takes_them(dtype):
    x = ModelBuilder((1, 6)).random_inputs(20, seed=2)
    ours = run_in_tflite(ModelBuilder((1, 6)).dense(4).build(), x)[0]
    assert judged(with_ends(dtype), x, ours) == Judgement(agrees=20)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_of_several_inputs_each_has_its_own_end(dtype):
    """The first is of another type, the second int8."""
    b = two_inputs()
    x, inside = b.random_inputs(20, seed=2)[:, 0], b.tensors[0]
    ours = run_in_tflite(b.build(), x)[0]
    grid = (inside.scale, inside.zero_point + 128) if dtype == "uint8" else (None, None)
    b.tensors.append(TensorSpec("serving_default_image:0", inside.shape, dtype, *grid))
    outside = len(b.tensors) - 1
    b.operators.insert(0, OperatorSpec("QUANTIZE", [outside], 0, "QuantizeOptions", {}))
    b.inputs = [outside, b.inputs[1]]
    graph = read_tflite(b.build())
    assert graph.input_names == ["image", "measured"] and graph.input.dtype == "int8"
    assert judged(b.build(), x, ours) == Judgement(agrees=20)
    ready = read_tflite(int8_content(decode(b.build())))
    assert ready.input_names == ["image", "measured"] and ready.file_inputs == ready.inputs
    assert judged(ready.content, x, ours) == Judgement(agrees=20)


def test_an_input_that_others_read_too_keeps_its_bridge():
    """Then the model has a float input in earnest, and is refused."""
    model = ModelBuilder((1, 6)).dense(4)
    model.tensors.append(TensorSpec("outside", (1, 6), "float32"))
    outside = len(model.tensors) - 1
    model.operators.insert(0, OperatorSpec("QUANTIZE", [outside], 0, "QuantizeOptions", {}))
    model.tensors.append(TensorSpec("copy", (1, 6), "float32"))
    copy = OperatorSpec("RESHAPE", [outside], len(model.tensors) - 1)
    model.operators.insert(1, copy)
    content = serialise(model.tensors, model.operators, [model.current], inputs=[outside])
    with pytest.raises(ModelError) as caught:
        read_tflite(content)
    assert "float in the midst of an int8 model" in caught.value.cause
