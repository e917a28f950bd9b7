"""Decoding at a model's end is left to the firmware: what it reads are the outputs."""

import numpy as np
import pytest
from decoders import decoded, network
from model_ends import in_uint8
from tflite_runs import run_in_tflite
from tflite_writer import OperatorSpec, TensorSpec, serialise
from tiny_tflite import ModelBuilder
from written import written

from edgetune.errors import ModelError
from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.model.decode import decode
from edgetune.model.outputs import SeveralOutputs
from edgetune.model.read import read_tflite
from edgetune.model.runtime import Runtime
from edgetune.quantize import convert

COUNT = 4


def outputs(content, x, output=None):
    graph = read_tflite(content, output)
    learner = Learner(lower(graph), Recipe(("none",)))
    return graph, np.array([learner.forward(one) for one in x])


@pytest.mark.parametrize("kind", ["ARG_MAX", "CUSTOM:PosenetDecoderOp"])
def test_the_output_is_what_the_decoder_reads(kind):
    model = network()
    content, x = decoded(model, kind), model.random_inputs(COUNT)
    graph, ours = outputs(content, x)
    assert graph.output.index == model.current and graph.decoding == (kind.split(":")[-1],)
    assert [op.kind for op in graph.cut] == [kind, "CAST"]
    (whole,) = run_in_tflite(model.build(), x)
    assert np.array_equal(ours, whole.reshape(COUNT, -1))
    assert np.array_equal(ours, Runtime(content).run(x).reshape(COUNT, -1))


def test_a_tuned_file_keeps_its_decoder():
    model = network()
    content, x = decoded(model), model.random_inputs(8)
    graph = read_tflite(content)
    learner = Learner(lower(graph), Recipe())
    for n, one in enumerate(x):
        learner.train(one, learner.program.loss.any_target(n))
    tuned = written(graph, learner)
    assert [op.kind for op in decode(tuned).operators][-2:] == ["ARG_MAX", "CAST"]
    ours = np.array([learner.forward(one) for one in x])
    assert np.array_equal(ours, Runtime(tuned).run(x).reshape(8, -1))
    (places,) = run_in_tflite(tuned, x)
    assert np.array_equal(places.reshape(8, -1), ours.reshape(8, 9, 3).argmax(2))
    assert not np.array_equal(tuned, content)


def test_all_that_decoders_read_can_be_chosen():
    model = ModelBuilder((1, 6, 6, 2), seed=3).conv(4, 3, stride=2)
    trunk = model.save()
    boxes, kept = model.conv(8, 1).current, model.back_to(trunk).conv(5, 1).current
    model.back_to(trunk).conv(3, 1).unary("LOGISTIC", scale=1 / 256, zero_point=-128)
    content = decoded(model, "CUSTOM:TFLite_Detection_PostProcess", further=[boxes], ends=[kept])
    with pytest.raises(SeveralOutputs) as caught:
        read_tflite(content)
    assert [end.shape[3] for end in caught.value.ends] == [3, 8, 5]
    x = model.random_inputs(COUNT)
    for number in range(3):
        ours = outputs(content, x, number)[1]
        assert ours.shape[1] and np.abs(
            ours - Runtime(content).run(x, number).reshape(COUNT, -1).astype(int)
        ).max() <= (number == 0)


def test_what_enlarges_a_map_for_it_is_decoding_too():
    model = network()
    small = model.current
    model.resize_bilinear((9, 9))
    content = decoded(model)
    assert read_tflite(content).output.index == small
    model.conv(3, 1)
    assert read_tflite(decoded(model)).output.index == model.current


def test_a_uint8_model_converts_up_to_it():
    model = network(per_channel=False)
    in_uint8(model)
    found = convert(decoded(model), np.random.default_rng(0).random((20, 6, 6, 2), np.float32))
    assert found.report.decoding == ["ARG_MAX"] and "left to your firmware" in found.report.outputs
    assert found.report.agreement > 0.9  # the file itself is run up to there
    assert read_tflite(found.content).output.shape == (1, 3, 3, 3)


def test_layers_behind_a_choice_keep_the_model_from_it():
    model = network()
    axis = TensorSpec("axis", (), "int32", data=np.int32(3))
    tensors = [*model.tensors, axis, TensorSpec("picked", (1, 3, 3), "int8")]
    picked = len(tensors) - 1
    weights = [TensorSpec("w", (2, 3), "int8", np.float32([1]), np.int64([0]),
                          data=np.ones((2, 3), np.int8))]
    weights.append(TensorSpec("out", (1, 3, 2), "int8", np.float32([1]), np.int64([0])))
    operators = [*model.operators, OperatorSpec("ARG_MAX", [model.current, picked - 1], picked,
                                                "ArgMaxOptions", {}),
                 OperatorSpec("FULLY_CONNECTED", [picked, picked + 1, -1], picked + 2,
                              "FullyConnectedOptions", {})]
    with pytest.raises(ModelError, match="cannot run"):
        read_tflite(serialise(tensors + weights, operators, [picked + 2]))


def test_a_uint8_input_that_is_cast_is_an_edge():
    model = ModelBuilder((1, 6, 6, 2), 1.0, -128, seed=3).conv(3, 3)
    tensors = [*model.tensors, TensorSpec("bytes", (1, 6, 6, 2), "uint8"),
               TensorSpec("real", (1, 6, 6, 2), "float32")]
    outer = len(tensors) - 2
    operators = [OperatorSpec("CAST", [outer], outer + 1, "CastOptions", {}),
                 OperatorSpec("QUANTIZE", [outer + 1], 0), *model.operators]
    content = serialise(tensors, operators, [model.current], inputs=[outer])
    x = model.random_inputs(COUNT)
    graph, ours = outputs(content, x)
    (theirs,) = run_in_tflite(content, (x.astype(int) + 128).astype(np.uint8))
    assert np.array_equal(ours, theirs.reshape(COUNT, -1)) and graph.input.index == 0
