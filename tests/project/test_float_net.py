"""The float reference computes what the int8 model computes, and its gradients are the slopes of
its loss: for every operator, every loss, and activations that several layers read."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from branching import NETWORKS
from thinned import thinned, thinned_rows
from tiny_tflite import ModelBuilder

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
sys.path.insert(0, str(ROOT / "examples" / "accuracy"))

from float_net import (  # noqa: E402
    Adam,
    Huber,
    MeanSquaredError,
    Network,
    Reconstruction,
    Sgd,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
    absorb_normalisation,
)
from float_net.pools import Mean  # noqa: E402

from edgetune.learn.learner import Learner  # noqa: E402
from edgetune.learn.lower import lower  # noqa: E402
from edgetune.learn.recipe import Recipe  # noqa: E402
from edgetune.model.read import read_tflite  # noqa: E402

MODELS = [ROOT / "examples" / "digits" / "digits_int8.tflite"]
MODELS += [SHARED / f"{name}_int8.tflite" for name in ("har", "mnist", "kws")]
LENGTH = 1e-7  # of a finite difference


def start(shape=(1, 6, 6, 4)) -> ModelBuilder:
    """A convolution in front, so that a wrong gradient of what follows shows in its weights."""
    return ModelBuilder(shape, 1 / 60, -4, seed=3).conv(4, 3)


def twice(b: ModelBuilder, kind: str, activation="NONE") -> ModelBuilder:
    return b.join(kind, b.save(), activation)


def constant(b: ModelBuilder, kind: str, values) -> ModelBuilder:
    return b.join(kind, b.constant(values))


def smaller(b: ModelBuilder, kind: str, swap: bool = False) -> ModelBuilder:
    """``kind`` of maps and one value a channel that is computed from them."""
    maps = b.save()
    index, probe = b.mean().dense(4).save()
    return b.back_to(maps).join(kind, (index, probe[:, None, None]), swap=swap)


def concatenated(axis: int) -> ModelBuilder:
    b = start().max_pool(3, 1, "SAME")
    place = b.save()
    return b.average_pool(3, 1, "SAME").concatenate(place, place, axis=axis)


OPERATORS = {
    "CONV_2D": lambda: start().conv(5, 3, 2, activation="RELU"),
    "CONV_2D VALID 2x3": lambda: start().conv(5, (2, 3), (1, 2), "VALID"),
    "CONV_2D dilated": lambda: start().conv(5, 3, dilation=2),
    "CONV_2D dilated VALID": lambda: start().conv(5, 2, padding="VALID", dilation=3),
    "CONV_2D grouped": lambda: start().conv(6, 3, (2, 1), activation="RELU", groups=2),
    "CONV_2D grouped dilated": lambda: start().conv(8, 2, dilation=2, groups=4),
    "TRANSPOSE_CONV": lambda: start().transposed(5, 3, 2),
    "TRANSPOSE_CONV VALID": lambda: start().transposed(5, (2, 3), (3, 1), "VALID", more=(1, 0)),
    "DEPTHWISE_CONV_2D": lambda: start().depthwise(3, 2, activation="RELU6"),
    "DEPTHWISE_CONV_2D x3": lambda: start().depthwise(3, multiplier=3),
    "DEPTHWISE_CONV_2D dilated": lambda: start().depthwise(3, dilation=2, bias=False),
    "FULLY_CONNECTED": lambda: start().dense(7, "RELU").dense(5, bias=False),
    "MAX_POOL_2D": lambda: start().max_pool(3, 2, "SAME", "RELU"),
    "AVERAGE_POOL_2D": lambda: start().average_pool(3, 2, "SAME", "RELU"),
    "MEAN": lambda: start().mean(),
    "MEAN keep_dims": lambda: start().mean(keep_dims=True),
    "REDUCE_MAX": lambda: start().reduce("REDUCE_MAX", (1, 3)),
    "PAD": lambda: start().pad(1, 2, 0, 3).conv(3, 3, 2, "VALID"),
    "STRIDED_SLICE": lambda: start().crop((0, 1, 2, 1), (1, 5, 6, 3)),
    "CONCATENATION channels": lambda: concatenated(-1),
    "CONCATENATION rows": lambda: concatenated(1),
    "ADD constant": lambda: constant(start(), "ADD", [0.5, -1, 2, 0.1]),
    "ADD itself": lambda: twice(start(), "ADD", activation="RELU"),
    "ADD broadcast": lambda: smaller(start(), "ADD"),
    "SUB broadcast": lambda: smaller(start(), "SUB"),
    "SUB swapped": lambda: smaller(start(), "SUB", swap=True),
    "MUL itself": lambda: twice(start(), "MUL"),
    "MUL broadcast": lambda: smaller(start(), "MUL"),
    "MUL constant": lambda: constant(start(), "MUL", [0.5, -1, 2, 0.1]),
    "SUB constant rows": lambda: constant(start(), "SUB", np.ones((6, 4)) / 3),
    "QUANTIZE": lambda: start().unary("QUANTIZE", scale=1 / 50, zero_point=10),
    "RELU": lambda: start().unary("RELU"),
    "RELU6": lambda: start().unary("RELU6"),
    "LEAKY_RELU": lambda: start().unary("LEAKY_RELU", 0.2),
    "LOGISTIC": lambda: start().unary("LOGISTIC", scale=1 / 256),
    "TANH": lambda: start().unary("TANH", scale=1 / 128, zero_point=0),
    "HARD_SWISH": lambda: start().unary("HARD_SWISH"),
}
LOSSES = {
    "softmax": (SoftmaxCrossEntropy(), [1]),
    "sigmoid": (SigmoidCrossEntropy(), [[1.0, 0.0, 1.0]]),
    "mean squared": (MeanSquaredError(), [[0.3, -2.0, 4.0]]),
    "huber": (Huber(0.7), [[0.3, -2.0, 4.0]]),
}


def graph_of(b: ModelBuilder):
    return read_tflite(b.build())


def real_inputs(graph, count: int, spread: float = 1.0) -> np.ndarray:
    """float64 [count, ...], over a part of the input's range."""
    q = graph.input.quantization
    low, high = ((v - q.zero_point) * spread * q.scale for v in (-128, 127))
    return np.random.default_rng(3).uniform(low, high, (count, *graph.input.shape[1:]))


def check_slopes(network: Network, x: np.ndarray, target, idle: int = 0) -> None:
    """Holds every gradient against finite differences; ``idle`` of them may be zero."""
    network.gradients(x, target)
    pairs = [pair for layer in network.trained for pair in layer.parameters]
    pairs = [(values, gradient.copy()) for values, gradient in pairs]
    for values, gradient in pairs:
        _check_slope(network, x, target, values, gradient)
    assert sum(not gradient.any() for _, gradient in pairs) <= idle


def _check_slope(network, x, target, values, gradient) -> None:
    direction = np.random.default_rng(4).standard_normal(values.shape)
    direction += gradient / (np.linalg.norm(gradient) + 1e-30)
    slope, kept = float((gradient * direction).sum()), values.copy()
    losses = []
    for sign in (1, -1):
        values[...] = kept + sign * LENGTH * direction
        losses.append(network.loss.value(network.logits(x), network.loss.target(x, target)))
    values[...] = kept
    assert (losses[0] - losses[1]) / (2 * LENGTH) == pytest.approx(slope, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("path", thinned(MODELS, 4), ids=lambda path: path.stem)
def test_gradients_are_the_slopes_of_the_loss(path):
    if not path.exists():
        pytest.skip(f"{path.name} is not on this machine")
    graph = read_tflite(path)
    network = Network(graph, dtype=np.float64)
    check_slopes(network, real_inputs(graph, 1, 1 / 4), 1)


@pytest.mark.parametrize("name", thinned(OPERATORS, 4))
def test_gradients_of_every_operator(name):
    graph = graph_of(OPERATORS[name]())
    network = Network(graph, MeanSquaredError(), dtype=np.float64)
    x = real_inputs(graph, 2)
    target = np.random.default_rng(5).standard_normal(network.logits(x).shape)
    check_slopes(network, x, target)


@pytest.mark.parametrize("name", thinned(NETWORKS, 5))
def test_gradients_of_branching_networks(name):
    graph = graph_of(NETWORKS[name]())
    network = Network(graph, dtype=np.float64)
    check_slopes(network, real_inputs(graph, 3), np.array([1, 0, 2]))


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_of_every_loss(name):
    loss, target = LOSSES[name]
    graph = graph_of(start().conv(6, 3, 2, activation="RELU").dense(3))
    network = Network(graph, loss, dtype=np.float64)
    check_slopes(network, real_inputs(graph, 2), np.repeat(target, 2, axis=0))


def test_reconstruction_takes_its_input_for_the_target():
    graph = graph_of(NETWORKS["autoencoder"]())
    network, x = Network(graph, Reconstruction(), dtype=np.float64), real_inputs(graph, 2)
    check_slopes(network, x, None)
    assert network.gradients(x, None) == pytest.approx(np.mean((network.logits(x) - x) ** 2))


def test_values_of_the_losses():
    y, t = np.array([[0.5, -3.0]]), np.array([[0.0, 1.0]])
    p = 1 / (1 + np.exp(-y[0]))
    entropy = -(math.log(1 - p[0]) + math.log(p[1])) / 2
    assert SigmoidCrossEntropy().value(y, t) == pytest.approx(entropy)
    assert MeanSquaredError().value(y, t) == pytest.approx((0.25 + 16) / 2)
    assert Huber().value(y, t) == pytest.approx((0.125 + 3.5) / 2)
    assert SoftmaxCrossEntropy().value(y, [1]) == pytest.approx(math.log(1 + math.exp(3.5)))


@pytest.mark.parametrize("end", ["LOGISTIC", "SOFTMAX"])
def test_the_loss_reads_the_input_of_the_operator_that_belongs_to_it(end):
    b = start().dense(3)
    bare = graph_of(b)
    closed = graph_of(b.softmax() if end == "SOFTMAX" else b.unary(end, scale=1 / 256))
    own = {"LOGISTIC": SigmoidCrossEntropy(), "SOFTMAX": SoftmaxCrossEntropy()}[end]
    x = real_inputs(bare, 2)
    ends = [Network(graph, own, dtype=np.float64).logits(x) for graph in (bare, closed)]
    assert np.array_equal(*ends)
    network = Network(closed, MeanSquaredError(), dtype=np.float64)
    assert ((network.logits(x) > 0) & (network.logits(x) < 1)).all()
    check_slopes(network, x, [[0.3, 0.1, 0.9]] * 2)


@pytest.mark.parametrize("axes", [(1,), (2,), (3,), (1, 3), (2, 3), (1, 2, 3)])
@pytest.mark.parametrize("keep_dims", [True, False])
def test_a_mean_over_any_axes(axes, keep_dims):
    random = np.random.default_rng(6)
    layer, x = Mean(axes, keep_dims), random.standard_normal((2, 3, 4, 5))
    weight, direction = random.standard_normal(layer.forward(x).shape), LENGTH * x**2
    (dx,) = layer.backward(weight)
    change = (layer.forward(x + direction) - layer.forward(x - direction)) * weight
    assert change.sum() == pytest.approx(2 * (dx * direction).sum())


@pytest.mark.parametrize("name", thinned([*OPERATORS, *NETWORKS], 4))
def test_it_computes_what_the_integers_stand_for(name):
    """Nine of ten outputs lie within a few steps of the int8 grid, behind a softmax within 12;
    something on the way to the others may have saturated."""
    b = (OPERATORS.get(name) or NETWORKS[name])()
    graph = graph_of(b)
    learner = Learner(lower(graph), Recipe(layers=("none",)))
    samples, q_in, q = b.random_inputs(4, 7), graph.input.quantization, graph.output.quantization
    x = ((samples[:, 0] - q_in.zero_point.astype(float)) * q_in.scale).astype(np.float32)
    real = Network(graph, MeanSquaredError()).logits(x)
    steps = np.stack([learner.forward(sample) for sample in samples])
    wanted = np.clip(real / q.scale[0] + q.zero_point[0], -128, 127)
    assert np.quantile(np.abs(steps - wanted), 0.9) < (2.5 if name in OPERATORS else 12)
    assert np.std(wanted) > 3


@pytest.mark.parametrize("fused", [False, True])
def test_relu6_ends_at_six(fused):
    b = ModelBuilder((1, 6, 6, 4), 1 / 8, -4, seed=3)
    graph = graph_of(b.conv(4, 3, activation="RELU6") if fused else b.conv(4, 3).unary("RELU6"))
    outputs = Network(graph, MeanSquaredError()).logits(real_inputs(graph, 2))
    assert (outputs.min(), outputs.max()) == (0, 6)


def test_on_the_grid_it_takes_the_values_of_the_int8_model():
    b = start().conv(8, 3, activation="RELU").depthwise(3, 2).dense(6)
    graph = graph_of(b)
    learner = Learner(lower(graph), Recipe(layers=("none",)))
    samples, q = b.random_inputs(4, 7), graph.input.quantization
    x = (samples[:, 0] - float(q.zero_point[0])) * q.scale[0]
    q = graph.output.quantization
    steps = Network(graph, dtype=np.float64, on_grid=True).logits(x) / q.scale[0] + q.zero_point[0]
    assert np.rint(steps) == pytest.approx(steps)
    assert np.abs(steps - np.stack([learner.forward(sample) for sample in samples])).max() < 1.5


def test_a_batch_is_the_mean_of_its_samples():
    graph = graph_of(NETWORKS["inverted residual"]())
    network, x, y = Network(graph, dtype=np.float64), real_inputs(graph, 3), np.array([1, 0, 2])
    network.gradients(x, y)
    batch = [layer.d_weights for layer in network.trained]
    each = []
    for i in range(3):
        network.gradients(x[i : i + 1], y[i])
        each.append([layer.d_weights for layer in network.trained])
    for whole, parts in zip(batch, zip(*each)):
        assert whole == pytest.approx(np.mean(parts, axis=0))


def test_errors_go_no_further_down_than_they_have_to():
    network = Network(graph_of(NETWORKS["residual"]()))
    last = network.trained[-1]
    network.train_only([last])
    network.step(np.ones((1, 8, 8, 3), np.float32), 1, 0.1)
    computed = [n.layer for n in network.nodes if hasattr(n.layer, "d_weights")]
    assert computed == [last]


FIRST_LAYERS = {
    "conv": lambda b: b.conv(4, 3),
    "depthwise": lambda b: b.depthwise(3, 2),
    "padded": lambda b: b.pad(1, 1, 2, 0).depthwise(3, padding="VALID"),
    "dense": lambda b: b.dense(4),
}


@pytest.mark.parametrize("first", FIRST_LAYERS)
def test_a_normalised_network_is_the_same_function(first):
    b = FIRST_LAYERS[first](ModelBuilder((1, 6, 6, 4), 1 / 60, -4, seed=3))
    graph = graph_of(b.unary("HARD_SWISH").dense(3))
    plain, network = (Network(graph, dtype=np.float64) for _ in range(2))
    absorb_normalisation(network, 0.7, 3.0)
    x = real_inputs(graph, 2)
    assert network.logits((x - 0.7) / 3.0) == pytest.approx(plain.logits(x))
    check_slopes(network, (x - 0.7) / 3.0, [1, 2])


def test_adam_by_hand():
    layer = Network(graph_of(start().dense(3)), dtype=np.float64).trained[-1]
    adam, before = Adam(), layer.weights.copy()
    gradients = np.random.default_rng(8).standard_normal((2, *before.shape))
    layer.d_bias = np.zeros_like(layer.bias)
    for layer.d_weights in gradients:
        adam.update([layer], 0.01)
    one, two = gradients
    mean, square = 0.1 * (0.9 * one + two), 0.001 * (0.999 * one**2 + two**2)
    step = mean / (1 - 0.9**2) / (np.sqrt(square / (1 - 0.999**2)) + 1e-8)
    assert layer.weights == pytest.approx(before - 0.01 * (np.sign(one) + step), abs=1e-6)


@pytest.mark.parametrize(("optimizer", "rate"), thinned_rows([(Sgd, 0.2), (Adam, 0.003)], 2))
def test_steps_lower_the_loss(optimizer, rate):
    graph = graph_of(NETWORKS["inverted residual"]())
    network = Network(graph, optimizer=optimizer())
    x, y = real_inputs(graph, 4).astype(np.float32), np.array([0, 1, 2, 3])
    losses = []
    for _ in range(30):
        losses.append(network.gradients(x, y))
        network.step(x, y, rate)
    assert losses[-1] < 0.7 * losses[0]
    assert network.trained[0].weights.dtype == np.float32
