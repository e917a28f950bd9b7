"""Functions of one value in float models: what has no int8 kernel is written with others, chains
get their name, and the written file computes here what it computes in TFLite."""

import numpy as np
import pytest
from float_builder import FloatBuilder
from tflite_runs import run_in_tflite
from thinned import thinned

from edgetune.errors import ModelError
from edgetune.floats.engine import FloatEngine
from edgetune.floats.graph import check_float_graph
from edgetune.floats.rewriting import rewritten
from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.quantize import convert

NONE = dict(fused_activation_function="NONE")


def value(number):
    return np.array([number], np.float32)


def scaled(b, kind, x, number):
    return b.add(kind, x, value(number), **NONE)


def silu(b, x):
    return b.add("MUL", x, b.add("LOGISTIC", x), **NONE)


def gelu_of_erf(b, x):
    erf = b.add("ERF", scaled(b, "MUL", x, 0.70710678))
    return scaled(b, "MUL", b.add("MUL", x, scaled(b, "ADD", erf, 1.0), **NONE), 0.5)


def gelu_of_tanh(b, x):
    cube = scaled(b, "MUL", scaled(b, "POW", x, 3.0), 0.044715)
    inner = scaled(b, "MUL", b.add("ADD", x, cube, **NONE), 0.7978845608)
    half = scaled(b, "MUL", x, 0.5)
    return b.add("MUL", half, scaled(b, "ADD", b.add("TANH", inner), 1.0), **NONE)


def hard_swish(b, x):
    gate = b.add("RELU6", scaled(b, "ADD", x, 3.0))
    return scaled(b, "MUL", b.add("MUL", x, gate, **NONE), 1 / 6)


def hard_sigmoid(b, x):
    return scaled(b, "MUL", b.add("RELU6", scaled(b, "ADD", x, 3.0)), 1 / 6)


def selu(b, x):
    below = b.add("ELU", b.add("MINIMUM", x, value(0.0)))
    below = scaled(b, "MUL", below, 1.6732632)
    return scaled(b, "MUL", b.add("ADD", b.add("RELU", x), below, **NONE), 1.050701)


def selu_of_a_choice(b, x):
    """As TensorFlow's converter writes it."""
    below = scaled(b, "SUB", b.add("EXP", x), 1.0)
    parts = scaled(b, "MUL", x, 1.050701), scaled(b, "MUL", below, 1.758099)
    return b.add("SELECT_V2", x, value(0.0), *parts, shape=b.shape(x))


def softplus(b, x):
    return b.add("LOG", scaled(b, "ADD", b.add("EXP", x), 1.0))


def softshrink(b, x):
    """As PyTorch's newer exporter writes it."""
    sign = scaled(b, "MUL", b.add("SIGN", x), 0.5)
    parts = b.add("SUB", x, sign, **NONE), scaled(b, "MUL", x, 0.0)
    return b.add("SELECT_V2", b.add("ABS", x), value(0.5), *parts, shape=b.shape(x))


def elu_of_half(b, x):
    below = scaled(b, "MUL", scaled(b, "SUB", b.add("EXP", x), 1.0), 0.5)
    return b.add("SELECT_V2", x, value(0.0), x, below, shape=b.shape(x))


LOG_OF_SIGMOID = ["ABS", "LOGISTIC", "LOG"]
INVERSE = ["ADD", "RSQRT", "MUL"]
ROWS = np.float32([0.5, 1, -1, 2, 0.1, -0.3]).reshape(1, 6, 1, 1)
CASES = {  # what is built, in numpy, and the kinds that are left
    "ABS": (lambda b, x: b.add("ABS", x), np.abs, ["ABS"]),
    "ELU": (lambda b, x: b.add("ELU", x), lambda x: np.where(x < 0, np.expm1(x), x), ["ELU"]),
    "SQRT": (lambda b, x: scaled(b, "POW", b.add("ABS", x), 0.5), lambda x: np.sqrt(abs(x)),
             ["ABS", "SQRT"]),
    "LOG": (
        lambda b, x: b.add("LOG", scaled(b, "ADD", b.add("ABS", x), 1.0)),
        lambda x: np.log1p(np.abs(x)), ["ABS", "ADD", "LOG"],
    ),
    "softplus": (
        softplus, lambda x: np.log1p(np.exp(x)), [*LOG_OF_SIGMOID, "RELU", "SUB"],
    ),
    "softplus of twice": (
        lambda b, x: scaled(b, "MUL", softplus(b, scaled(b, "MUL", x, 2.0)), 0.5),
        lambda x: np.log1p(np.exp(2 * x)) / 2, [*LOG_OF_SIGMOID, "RELU", "SUB", "MUL", "MUL"],
    ),
    "log sigmoid": (
        lambda b, x: b.add("LOG", b.add("LOGISTIC", x)), lambda x: -np.log1p(np.exp(-x)),
        [*LOG_OF_SIGMOID, "MINIMUM", "ADD"],
    ),
    "mish": (
        lambda b, x: b.add("MUL", x, b.add("TANH", softplus(b, x)), **NONE),
        lambda x: x * np.tanh(np.log1p(np.exp(x))),
        ["MUL", "LOGISTIC", "MUL", *INVERSE, "SUB", "MUL", "MUL"],
    ),
    "softsign": (
        lambda b, x: b.add("SOFTSIGN", x), lambda x: x / (1 + np.abs(x)),
        ["ABS", *INVERSE, "MUL"],
    ),
    "softshrink": (
        softshrink, lambda x: x - np.clip(x, -0.5, 0.5), ["SUB", "RELU", "ADD", "MINIMUM", "ADD"],
    ),
    "elu of half": (
        elu_of_half, lambda x: np.where(x > 0, x, 0.5 * np.expm1(x)),
        ["RELU", "MINIMUM", "EXP", "SUB", "MUL", "ADD"],
    ),
    "celu": (
        lambda b, x: b.add("CELU", x, alpha=0.5),
        lambda x: np.where(x > 0, x, 0.5 * np.expm1(x / 0.5)), ["MUL", "ELU", "MUL"],
    ),
    "NEG": (lambda b, x: b.add("NEG", x), np.negative, ["MUL"]),
    "SQUARE": (lambda b, x: b.add("SQUARE", x), np.square, ["MUL"]),
    "POW": (lambda b, x: scaled(b, "POW", x, 3.0), lambda x: x**3, ["MUL", "MUL"]),
    "DIV": (lambda b, x: scaled(b, "DIV", x, 4.0), lambda x: x / 4, ["MUL"]),
    "SQUARED_DIFFERENCE": (
        lambda b, x: b.add("SQUARED_DIFFERENCE", x, value(0.5)), lambda x: (x - 0.5) ** 2,
        ["SQUARED_DIFFERENCE"],
    ),
    "leaky": (
        lambda b, x: b.add("MAXIMUM", x, scaled(b, "MUL", x, 0.1)),
        lambda x: np.maximum(x, x / 10), ["LEAKY_RELU"],
    ),
    "PRELU": (
        lambda b, x: b.add("PRELU", x, value(0.25)), lambda x: np.where(x < 0, x / 4, x),
        ["LEAKY_RELU"],
    ),
    "slopes": (
        lambda b, x: b.add("PRELU", x, np.array([0.1, 0.5, -0.3, 1.2], np.float32)),
        lambda x: np.where(x < 0, x * np.array([0.1, 0.5, -0.3, 1.2]), x),
        ["PRELU"],
    ),
    "larger": (
        lambda b, x: b.add(
            "MAXIMUM", b.pool("AVERAGE_POOL_2D", x, 3, 1, "SAME"), b.add("LOGISTIC", x)),
        None, ["AVERAGE_POOL_2D", "LOGISTIC", "MAXIMUM"],
    ),
    "of fewer dimensions": (
        lambda b, x: b.both("MUL", x, b.mean(x)), lambda x: x * x.mean((1, 2), keepdims=True),
        ["MEAN", "RESHAPE", "MUL"],
    ),
    "clip": (
        lambda b, x: b.add("MAXIMUM", b.add("MINIMUM", x, value(1.5)), value(-0.5)),
        lambda x: np.clip(x, -0.5, 1.5), ["MINIMUM", "MAXIMUM"],
    ),
    "fused": (
        lambda b, x: b.add("ADD", x, value(0.5), fused_activation_function="RELU_N1_TO_1"),
        lambda x: np.clip(x + 0.5, -1, 1), ["ADD", "RELU_N1_TO_1"],
    ),
    "silu": (silu, lambda x: x / (1 + np.exp(-x)), ["LOGISTIC", "MUL"]),
    "hard sigmoid": (hard_sigmoid, lambda x: np.clip(x + 3, 0, 6) / 6, ["ADD", "RELU6", "MUL"]),
    "hard swish": (hard_swish, lambda x: x * np.clip(x + 3, 0, 6) / 6, ["HARD_SWISH"]),
    "by cells": (
        lambda b, x: b.add("MUL", x, b.mean(x, (3,), keep_dims=True), **NONE),
        lambda x: x * x.mean(3, keepdims=True), ["MEAN", "MUL"],
    ),
    "a constant of rows": (
        lambda b, x: b.add("MUL", x, ROWS, **NONE), lambda x: x * ROWS, ["MUL"],
    ),
    "rows and columns": (
        lambda b, x: b.add("SUB", *(b.mean(x, (i,), keep_dims=True) for i in (1, 2)), **NONE),
        lambda x: x.mean(1, keepdims=True) - x.mean(2, keepdims=True),
        ["MEAN", "MEAN", "SUB"],
    ),
    "GELU by erf": (gelu_of_erf, None, ["GELU"]),
    "GELU by tanh": (gelu_of_tanh, None, ["GELU"]),
    "selu": (
        selu, lambda x: 1.050701 * np.where(x < 0, 1.6732632 * np.expm1(x), x),
        ["RELU", "MINIMUM", "EXP", "SUB", "MUL", "ADD", "MUL"],
    ),
    "selu of a choice": (
        selu_of_a_choice, lambda x: 1.050701 * np.where(x < 0, 1.6732632 * np.expm1(x), x),
        ["RELU", "MINIMUM", "EXP", "SUB", "MUL", "ADD", "MUL"],
    ),
}


FORMS = ["softplus", "log sigmoid", "mish", "softsign", "softshrink", "celu"]


def behind_a_map(name):
    b = FloatBuilder((1, 6, 6, 3), seed=2)
    inner = b.conv(b.input, 4, 3)
    return b, CASES[name][0](b, inner)


@pytest.mark.parametrize("name", thinned(CASES, 12))
def test_what_is_written_instead_computes_the_same(name):
    b, output = behind_a_map(name)
    graph = rewritten(b.graph(output))
    check_float_graph(graph)
    assert sorted(op.kind for op in graph.operators[1:]) == sorted(CASES[name][2])
    if CASES[name][1]:
        values = FloatEngine(graph).activations(b.samples(4))
        x, y = (values[graph.operators[i].outputs[0]] for i in (0, -1))
        np.testing.assert_allclose(y, CASES[name][1](x), rtol=1e-4, atol=1e-4)


RUNNABLE = sorted(set(CASES) - {"ELU", "celu"})  # those have no reference kernel


@pytest.mark.parametrize("name", thinned(RUNNABLE, 3))
def test_the_int8_file_runs_as_in_tflite_and_close_to_float(name):
    b, output = behind_a_map(name)
    graph = rewritten(b.graph(output))
    result = convert(graph, b.samples(40))
    program = lower(read_tflite(result.content))
    learner = Learner(program, Recipe(layers=("none",)))
    quantised = np.random.default_rng(5).integers(-128, 128, (10, *program.graph.input.shape))
    quantised = quantised.astype(np.int8)
    theirs = run_in_tflite(result.content, quantised)[0].reshape(10, -1)
    np.testing.assert_array_equal([learner.forward(x) for x in quantised], theirs)
    assert result.report.layers[-1].sqnr_db > 20


@pytest.mark.parametrize("name", thinned(["silu", "clip", "selu", "POW", "SQRT", "LOG", *FORMS], 4))
def test_a_converted_chain_is_one_table(name):
    b, output = behind_a_map(name)
    content = convert(rewritten(b.graph(output)), b.samples(40)).content
    kinds = [layer.kind for layer in lower(read_tflite(content)).layers]
    assert kinds == ["conv_2d", "lookup"]


def test_a_clip_far_out_is_no_relu():
    """What is tried reaches beyond the values that a function is usually given."""
    b = FloatBuilder((1, 6, 6, 3))
    x = b.add("MINIMUM", b.add("RELU", b.conv(b.input, 4, 3)), value(50.0))
    assert [op.kind for op in rewritten(b.graph(x)).operators[1:]] == ["RELU", "MINIMUM"]


def test_a_choice_by_what_is_no_comparison_is_refused():
    b = FloatBuilder((1, 6, 6, 3), seed=2)
    flags = b.add("LOGICAL_NOT", b.input)
    b.tensors[flags].dtype = "bool"
    chosen = b.add("SELECT_V2", flags, value(1.0), value(2.0), shape=b.shape(b.input))
    with pytest.raises(ModelError) as error:
        check_float_graph(rewritten(b.graph(scaled(b, "MUL", chosen, 2.0))))
    assert "it computes no function that has a name" in error.value.cause


@pytest.mark.parametrize("adj_y", [False, True])
def test_a_product_with_a_constant_matrix_is_a_dense_layer(adj_y):
    b = FloatBuilder((1, 9, 4), seed=2)
    matrix = np.random.default_rng(3).normal(0, 1, (1, 4, 6)).astype(np.float32)
    given = matrix.transpose(0, 2, 1).copy() if adj_y else matrix
    x = b.add("BATCH_MATMUL", b.input, given, shape=(1, 9, 6), adj_x=False, adj_y=adj_y)
    graph = rewritten(b.graph(x))
    check_float_graph(graph)
    assert [op.kind for op in graph.operators] == ["FULLY_CONNECTED"]
    samples = b.samples(4)
    ours = FloatEngine(graph).run(samples)
    np.testing.assert_allclose(ours, samples @ matrix, rtol=1e-4, atol=1e-5)
    assert convert(graph, b.samples(40)).report.layers[-1].sqnr_db > 20


def test_a_product_of_two_activations_is_refused():
    b = FloatBuilder((1, 4, 4), seed=2)
    x = b.add("BATCH_MATMUL", b.input, b.input, shape=(1, 4, 4), adj_x=False, adj_y=True)
    with pytest.raises(ModelError) as error:
        check_float_graph(rewritten(b.graph(x)))
    assert "a product of two matrices" in error.value.cause
    assert "attention" in error.value.next_step
