"""A streaming model is the network over all that its states hold, and its tuned file streams."""

import numpy as np
import pytest
import tflite
from streaming_files import StreamBuilder, run_streaming
from tflite_writer import OperatorSpec
from written import written

from edgetune.errors import ModelError
from edgetune.floats.engine import FloatEngine
from edgetune.floats.read import read_float
from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.model.runtime import Runtime
from edgetune.quantize import convert

COUNT = 6


def in_a_row() -> StreamBuilder:
    """A stride, kernels behind each other, and a dense layer over the last rows."""
    model = StreamBuilder(3, 4, seed=1).remember(2).conv(5, (5, 1), (3, 1), "VALID", "RELU")
    model.remember(3).depthwise((4, 1), padding="VALID").conv(6, 1)
    return model.remember(4, first_cut=True).dense(2)


def branches() -> StreamBuilder:
    """Halves of the channels that look back for as long as their kernels are, joined again."""
    model = StreamBuilder(1, 4, seed=2).remember(2).conv(6, (3, 1), padding="VALID")
    model.remember(4).move("SPLIT", 3, data=1, NumSplits=2)
    (first, a), (second, b) = model.made
    model.back_to((first, a)).crop((0, -2, 0, 0), (0, 0, 0, 0), 0b1101, 0b1111)
    left = model.conv(3, (2, 1), padding="VALID").save()
    model.back_to((second, b)).conv(3, (5, 1), padding="VALID").unary("RELU")
    model.tensors[left[0]].scale = model.tensors[model.current].scale
    model.tensors[left[0]].zero_point = model.tensors[model.current].zero_point
    return model.concatenate(left).remember(2).dense(3)


def around() -> StreamBuilder:
    """What is new, beside what a state makes of it: the two need windows of their own."""
    model = StreamBuilder(2, 3, seed=3).conv(4, 1)
    new = model.save()
    model.remember(3).conv(4, (4, 1), padding="VALID").join("ADD", new)
    return model.remember(2).max_pool((2, 1), (1, 1)).reduce("MEAN", [1, 2]).dense(3)


NETWORKS = {in_a_row: (26, 3), branches: (9, 1), around: (7, 2)}


def windows(graph, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(-128, 128, (COUNT, *graph.input.shape[1:])).astype(np.int8)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_last_output_is_that_of_the_window(network):
    content = network().build()
    graph = read_tflite(content)
    assert graph.frames == NETWORKS[network] and graph.input.shape[1] == graph.frames[0]
    learner = Learner(lower(graph), Recipe(("none",)))
    x = windows(graph)
    ours = np.array([learner.forward(one) for one in x])
    for before in (x[::-1], np.zeros_like(x)):
        theirs = [run_streaming(content, one, warm_up) for one, warm_up in zip(x, before)]
        assert np.array_equal(ours, theirs)
    assert np.array_equal(ours, Runtime(content).run(x).reshape(COUNT, -1))
    assert len(np.unique(ours)) > COUNT  # no output is always the same
    x[:, 0] = ~x[:, 0]  # the oldest row counts
    assert not np.array_equal(ours, [learner.forward(one) for one in x])


def first_values(content: bytes) -> list[bytes]:
    """Of the states, as the second subgraph gives them."""
    model = tflite.Model.GetRootAs(content, 0)
    tensors = [model.Subgraphs(1).Tensors(i) for i in range(model.Subgraphs(1).TensorsLength())]
    buffers = [model.Buffers(tensor.Buffer()) for tensor in tensors]
    return [bytes(b.DataAsNumpy()) for b in buffers if b.DataLength()]


@pytest.mark.parametrize("shared", [False, True])
def test_a_tuned_file_streams(shared):
    model = in_a_row()
    if shared:  # a bias and a state's first values, which are to stay
        bias, state = model.tensors[model.operators[-1].inputs[2]], model.states[0]
        bias.data[:] = 0
        state.shape, state.shares = (1, 2, 1, 4), bias
    content = model.build()
    graph = read_tflite(content)
    learner = Learner(lower(graph), Recipe())
    for n, one in enumerate(windows(graph)):
        learner.train(one, learner.program.loss.any_target(n))
    tuned = written(graph, learner)
    assert first_values(tuned) == first_values(content)
    assert read_tflite(tuned).frames == graph.frames
    for one in windows(graph, 1):
        ours = learner.forward(one)
        assert np.array_equal(ours, run_streaming(tuned, one, windows(graph, 2)[0]))


def in_float(model: StreamBuilder) -> bytes:
    """The same model in real numbers."""
    for spec in [*model.tensors, *model.states]:
        if spec.dtype == "int8" or spec.scale is not None:
            if spec.data is not None:
                along = [-1 if axis == spec.axis else 1 for axis in range(spec.data.ndim)]
                scale = spec.scale if len(spec.scale) == 1 else spec.scale.reshape(along)
                spec.data = (spec.data * scale).astype(np.float32)
            spec.dtype, spec.scale, spec.zero_point = "float32", None, None
    return model.build()


def test_a_float_model_converts_as_its_window():
    content = in_float(in_a_row())
    graph = read_float(content)
    x = np.random.default_rng(0).normal(0, 1, (COUNT, *graph.input.shape[1:])).astype(np.float32)
    theirs = [run_streaming(content, one, x[0]) for one in x]
    np.testing.assert_allclose(FloatEngine(graph).run_all(x), theirs, rtol=1e-4, atol=1e-5)
    found = convert(content, x)
    assert graph.frames == (26, 3) and read_tflite(found.content).input.shape == (1, 26, 1, 4)


def summed() -> StreamBuilder:
    """A state that adds up what it sees."""
    model = in_a_row()
    assign = next(op for op in model.operators if op.kind == "ASSIGN_VARIABLE")
    model.back_to((assign.inputs[1], np.zeros((16, 2, 1, 4)))).unary("RELU")
    model.operators.insert(model.operators.index(assign), model.operators.pop())
    assign.inputs[1], model.current = model.current, model.operators[-1].output
    return model


def padded() -> StreamBuilder:
    """Zeros around the rows of a call, not around all of time."""
    model = StreamBuilder(3, 4, seed=1).conv(4, (3, 1))
    return model.remember(2).dense(3)


def dense_before() -> StreamBuilder:
    model = StreamBuilder(3, 4, seed=1).dense(4).reshape((1, 1, 1, 4))
    return model.remember(2).dense(3)


def twice() -> StreamBuilder:
    model = in_a_row()
    assign = next(op for op in model.operators if op.kind == "ASSIGN_VARIABLE")
    model.operators.append(OperatorSpec("ASSIGN_VARIABLE", list(assign.inputs), -1))
    return model


@pytest.mark.parametrize("network, said", [
    (summed, "as recurrent layers do it"), (padded, "CONV_2D does not do the same"),
    (dense_before, "does not do the same"), (twice, "assigned twice"),
])
def test_other_states_are_refused_by_their_reason(network, said):
    with pytest.raises(ModelError, match="keeps state") as caught:
        read_tflite(network().build())
    assert said in caught.value.cause
