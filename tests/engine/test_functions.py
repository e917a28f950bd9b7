"""Functions of one value, and chains of operators in which one value decides: numpy against
tflite-runtime's reference kernels, byte for byte."""

import numpy as np
import pytest
from operator_examples import selu
from real_network import RealNetwork
from reference_bytes import check, refused
from tflite_runs import run_in_tflite
from tflite_writer import OperatorSpec
from thinned import counts, thinned
from tiny_operators import COMPARED, DECIDED
from tiny_tflite import ModelBuilder

from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.lower.functions import FUNCTIONS, function_table
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.quantize import convert


def runtime_table(kind, source, target, alpha):
    b = ModelBuilder((1, 256), *source).unary(
        kind, alpha, scale=target[0], zero_point=target[1]
    )
    x = np.arange(-128, 128).astype(np.int8).reshape(1, 1, 256)
    return run_in_tflite(b.build(), x)[0].reshape(-1)


def scales_of(kind, rng):
    """Quantisation of input and output as converters choose them, and odd ones."""
    source = float(np.float32(10 ** rng.uniform(-3, 0.3))), int(rng.integers(-128, 128))
    if kind == "LOGISTIC":
        return source, (1 / 256, -128)
    if kind == "TANH":
        return source, (1 / 128, 0)
    if kind == "EXP":  # outputs beyond 31 bits are refused
        source = min(source[0], 0.05), source[1]
    if kind == "RSQRT":  # of what is not negative
        factor = 2 ** rng.uniform(3, 20)  # that of a variance that varies little is in thousands
        return (source[0], -128), (float(np.float32(source[0] ** -0.5 / factor)), source[1])
    if kind == "SQRT":
        source = source[0], -128
    target = float(np.float32(source[0] * 10 ** rng.uniform(-1, 1))), int(rng.integers(-128, 128))
    return source, target


def parameter_of(kind, rng):
    if kind == "LEAKY_RELU":
        return float(np.float32(rng.uniform(-0.5, 1.5)))
    return bool(rng.integers(2)) if kind == "GELU" else None


@pytest.mark.parametrize("count", counts(15, 150))
@pytest.mark.parametrize("kind", FUNCTIONS)
def test_every_value_of_a_function(kind, count):
    rng = np.random.default_rng(5)
    for _ in range(count):
        source, target = scales_of(kind, rng)
        alpha = parameter_of(kind, rng)
        theirs = runtime_table(kind, source, target, alpha)
        ours = function_table(kind, source, target, alpha or 0.0)
        np.testing.assert_array_equal(ours, theirs, err_msg=f"{source} {target} {alpha}")


def log_softmax(b):
    return b.unary("LOG_SOFTMAX", scale=1 / 16, zero_point=127)


@pytest.mark.parametrize("most", counts(6, 42))
def test_log_softmax(most):
    """Of many numbers of classes, and scales from where none but the first counts."""
    rng = np.random.default_rng(6)
    for classes in range(2, most):
        scale = float(np.float32(10 ** rng.uniform(-6, 1)))
        b = ModelBuilder((1, classes), scale, int(rng.integers(-128, 128)))
        check(log_softmax(b), 60, spread=-1)


def hard_sigmoid(b):
    b.join("ADD", b.constant([3.0])).unary("RELU6")
    return b.join("MUL", b.constant([1 / 6]))


def with_itself(kind, function):
    """x * f(x), and the like."""

    def add(b):
        point = b.save()
        return function(b).join(kind, point)

    return add


def leaky(b):
    """max(x, 0.1 x) of one scale, as TFLite demands."""
    point = b.save()
    return b.decided("PRELU", b.constant([0.1])).decided("MAXIMUM", point)


CHAINS = {
    "silu": with_itself("MUL", lambda b: b.unary("LOGISTIC", scale=1 / 256)),
    "hard swish": with_itself("MUL", hard_sigmoid),
    "square": lambda b: b.join("MUL", b.save()).unary("QUANTIZE", scale=1 / 20, zero_point=-99),
    "leaky": leaky,
    "clip": lambda b: b.decided("MAXIMUM", b.constant([-0.9])).decided(
        "MINIMUM", b.constant([1.4])),
    "slope": lambda b: b.decided("PRELU", b.constant([0.2])).unary("QUANTIZE", scale=1 / 30),
    "difference": lambda b: b.decided("SQUARED_DIFFERENCE", b.constant([0.5])),
    **{f"{' '.join(kinds)} in float": lambda b, kinds=kinds: b.in_float(*kinds)
       for kinds in ((), ("NEG",), ("EXP",), ("ABS", "NEG"), ("SQUARE", "SQRT"), ("EXP", "SQRT"))},
    **{f"selu by {kind}": lambda b, kind=kind: selu(b, kind) for kind in COMPARED},
    "fused": lambda b: b.unary("TANH", scale=1 / 128, zero_point=0).join(
        "SUB", b.constant([0.2]), "RELU", swap=True),
}


def behind_a_map(name):
    return CHAINS[name](ModelBuilder((1, 6, 6, 2), 1 / 40, -9, seed=3).conv(4, 3))


@pytest.mark.parametrize("name", thinned(CHAINS, 6))
def test_a_chain_is_one_table(name):
    check(behind_a_map(name))
    layers = lower(read_tflite(behind_a_map(name).build())).layers
    assert [layer.kind for layer in layers] == ["conv_2d", "lookup"]


@pytest.mark.parametrize("name", thinned(CHAINS, 6))
def test_slopes_of_a_chain_are_derivatives(name):
    program = lower(read_tflite(behind_a_map(name).build()))
    network, layer = RealNetwork(program), program.layers[-1]
    x, y = (program.activations[i] for i in (layer.input, layer.output))
    real = x.scale * (np.arange(-128, 128) - x.zero_point)
    up, down = (network.output(layer, [real + h], None) for h in (1e-6, -1e-6))
    wanted = (up - down) / 2e-6 * x.scale / y.scale
    wrong = np.abs(layer.slopes * layer.slope_unit - wanted) > 1e-3 * np.abs(wanted).max()
    assert wrong.sum() <= 2  # at kinks


@pytest.mark.parametrize("kinds", [("ELU",), ("NEG", "ELU")])
def test_elu_in_float_is_a_table(kinds):
    """On its own, as convolutions are rounded otherwise where TFLite has an ELU."""
    for scale, zero_point in ((1 / 40, -9), (1 / 300, 3), (0.2, 100)):
        b = ModelBuilder((1, 16, 16, 1), scale, zero_point, seed=3).max_pool(2).in_float(*kinds)
        check(b, 300)
        assert convert(b.build(), []).content == b.build()


def test_a_float_in_the_midst_that_others_read_is_refused():
    b = ModelBuilder((1, 6, 6, 2), 1 / 40, -9, seed=3).in_float("NEG").conv(2, 1)
    b.operators.append(OperatorSpec("ABS", [b.operators[0].output], b._tensor("a", b.shape, 1, 0)))
    assert "float in the midst of an int8 model" in refused(b)


def test_a_chain_ends_where_another_layer_reads():
    b = ModelBuilder((1, 6, 6, 2), 1 / 40, -9, seed=3).conv(4, 3)
    gate = b.unary("LOGISTIC", scale=1 / 256).save()
    b.unary("QUANTIZE", scale=1 / 200, zero_point=-128).conv(4, 1).join("MUL", gate)
    check(b)
    kinds = [layer.kind for layer in lower(read_tflite(b.build())).layers]
    assert kinds == ["conv_2d", "lookup", "lookup", "conv_2d", "mul"]


def test_a_sigmoid_at_the_end_keeps_its_logits():
    b = ModelBuilder((1, 8), seed=3).dense(4)
    b.join("ADD", b.constant([0.5])).unary("LOGISTIC", scale=1 / 256)
    program = lower(read_tflite(b.build()))
    assert [layer.kind for layer in program.layers] == ["fully_connected", "add", "lookup"]
    assert program.logits == program.layers[-1].input


@pytest.mark.parametrize("kind, scales", [
    ("ADD", (1e6, 1e-6)), ("MEAN", (1, 2**-22)), ("MUL", (1e6, 1e-6)), ("RELU", (1e6, 1e-6)),
    ("HARD_SWISH", (1, 1e-3)), ("HARD_SWISH", (1e-4, 1)), ("EXP", (1, 1e-6)), ("RSQRT", (1, 1e4)),
    ("SQRT", (1e30, 1e-6)), ("SQUARED_DIFFERENCE", (1, 1e-4)), ("LOG", (1, 1e-9)),
    ("RSQRT", (1, 1e-7)),
])
def test_factors_that_leave_32_bits(kind, scales):
    b = ModelBuilder((1, 8), scales[0])
    if kind in ("ADD", "MUL", "MEAN"):
        b = b.reduce(kind, (1,)) if kind == "MEAN" else b.join(kind, b.save())
        b.tensors[b.current].scale[0] = scales[1]
    elif kind in DECIDED:
        b.decided(kind, b.save()).tensors[b.current].scale[0] = scales[1]
    else:
        b.unary(kind, scale=scales[1])
    assert "its scales ask for a factor of" in refused(b)


@pytest.mark.parametrize("kind, scale", [("LOGISTIC", "1/256"), ("TANH", "1/128")])
def test_outputs_whose_scale_is_fixed(kind, scale):
    assert f"the output scale is not {scale}" in refused(ModelBuilder((1, 8)).unary(kind))


def test_logits_that_the_kernel_does_not_take():
    assert "logits of the scale" in refused(log_softmax(ModelBuilder((1, 4), 2.0**-26)))


def test_a_network_learns_before_log_softmax_as_before_softmax():
    digests = []
    for end in (lambda b: b.softmax(), log_softmax):
        b = end(ModelBuilder((1, 6), seed=5).dense(8, "RELU").dense(4))
        learner = Learner(lower(read_tflite(b.build())), Recipe())
        for i, x in enumerate(b.random_inputs(12)):
            learner.train(x, i % 4)
        digests.append(learner.digest())
    assert digests[0] == digests[1]
