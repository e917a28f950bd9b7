"""Models with branches, and functions of one value: numpy against tflite-runtime's reference
kernels, byte for byte."""

import numpy as np
import pytest
from branching import NETWORKS
from operator_examples import EXAMPLES, selu
from real_network import RealNetwork
from thinned import counts, thinned
from tiny_tflite import (
    COMPARED,
    DECIDED,
    ModelBuilder,
    OperatorSpec,
    run_in_tflite,
    serialise,
)

from edgetune.errors import ModelError, UsageError
from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.lower.functions import FUNCTIONS, function_table
from edgetune.learn.recipe import Recipe
from edgetune.model.kinds import ARITHMETIC, KINDS
from edgetune.model.read import read_tflite
from edgetune.quantize import convert

RUN_ONLY = Recipe(layers=("none",))


def check(builder: ModelBuilder, count=20, spread=20):
    content = builder.build()
    inputs = builder.random_inputs(count, seed=1)
    theirs = run_in_tflite(content, inputs)[0].reshape(len(inputs), -1)
    program = lower(read_tflite(content))
    learner = Learner(program, RUN_ONLY)
    ours = np.array([learner.forward(x) for x in inputs])
    np.testing.assert_array_equal(ours, theirs)
    assert np.ptp(theirs.astype(int)) > spread
    return program


@pytest.mark.parametrize("network", thinned(NETWORKS, 4))
def test_networks(network):
    check(NETWORKS[network]())


# SOFTMAX is test_forward.py's; ELU has no reference kernel, and others round convolutions once
@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"SOFTMAX", "ELU"}))
def test_an_example_of_every_kind(kind):
    check(EXAMPLES[kind](ModelBuilder((1, 6, 6, 2), 1 / 40, -9, seed=3).conv(4, 3)))


# -- arithmetic --------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", thinned(["NONE", "RELU", "RELU6"], 3))
@pytest.mark.parametrize("kind", ARITHMETIC)
def test_arithmetic_of_two_branches(kind, activation):
    for seed, (scale, zero_point) in enumerate([(1 / 40, -7), (0.6, 127), (1e-3, -128)]):
        b = ModelBuilder((1, 6, 5, 4), scale, zero_point, seed=seed)
        start = b.save()
        b.conv(4, 3).join(kind, start, activation)
        check(b, 40)


SHAPES = (6, 5, 4), (5, 4), (4,), (1,), (), (1, 1, 1, 4)


@pytest.mark.parametrize("swap", [False, True], ids=["", "swapped"])
@pytest.mark.parametrize("shape", thinned(SHAPES, 3), ids=str)
@pytest.mark.parametrize("kind", ARITHMETIC)
def test_arithmetic_with_a_constant(kind, shape, swap):
    b = ModelBuilder((1, 6, 5, 4), 1 / 40, 19, seed=3)
    values = np.random.default_rng(4).normal(0.3, 1, shape)
    check(b.join(kind, b.constant(values), swap=swap))


def test_a_gate_for_each_channel():
    b = ModelBuilder((1, 6, 5, 4), 1 / 40, 19, seed=3).conv(8, 3)
    maps = b.save()
    gate = b.mean(keep_dims=True).conv(8, 1).unary("LOGISTIC", scale=1 / 256).save()
    check(b.back_to(maps).join("MUL", gate))


@pytest.mark.parametrize("axis", [1, 2, 3, -1])
def test_concatenations(axis):
    b = ModelBuilder((1, 6, 6, 3), 1 / 40, 11, seed=2)
    first = b.average_pool(2, 1, "SAME").save()
    second = b.max_pool(3, 1, "SAME").save()
    check(b.concatenate(second, first, axis=axis))


# -- functions ---------------------------------------------------------------------------------


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


# -- chains in which one value decides ---------------------------------------------------------


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


# -- two operands ------------------------------------------------------------------------------


def channel_means(b):
    """Of every channel, on the maps' scale: it repeats over the cells."""
    return b.reduce("MEAN", (1, 2), keep_dims=True, same_scale=True)


def cell_means(b):
    """Of every cell, on the maps' scale: it repeats over the channels."""
    return b.reduce("MEAN", (3,), keep_dims=True, same_scale=True)


def of_two(kind, function, swap=False):
    """Maps and what ``function`` makes of them; both orders."""

    def add(b):
        maps = b.save()
        other = function(b).save()
        first, second = (other, maps) if swap else (maps, other)
        join = b.decided if kind in DECIDED else b.join
        b.back_to(first)
        return join(kind, second)

    return add


def with_constant(kind, shape):
    def add(b):
        values = np.random.default_rng(8).normal(0, 0.6, shape)
        join = b.decided if kind in DECIDED else b.join
        return join(kind, b.constant(values))

    return add


PAIRS = {
    f"{kind} {name}{' swapped' * swap}": of_two(kind, function, swap)
    for kind in ("MAXIMUM", "MINIMUM", "ADD", "SUB", "MUL", "SQUARED_DIFFERENCE")
    for name, function in {
        "of one shape": lambda b: b.average_pool(3, 1, "SAME"), "channels": channel_means,
        "cells": cell_means,
    }.items() for swap in (False, True)
} | {
    f"{kind} {shape}": with_constant(kind, shape)
    for kind in ("MAXIMUM", "PRELU", "MUL", "SQUARED_DIFFERENCE")
    for shape in ((4,), (1, 1, 4), (6, 6, 4), (6, 1, 4), (6, 6, 1), (1, 6, 1, 1))
}


@pytest.mark.parametrize("name", thinned(PAIRS, 5))
def test_two_operands(name):
    """Of any shapes that broadcast: the other one, and both (last behind a map)."""
    check(PAIRS[name](ModelBuilder((1, 6, 6, 4), 1 / 40, -9, seed=3)))


def test_two_operands_that_both_repeat():
    b = ModelBuilder((1, 6, 5, 4), 1 / 40, -9, seed=3)
    maps = b.save()
    rows = b.reduce("MEAN", (2,), keep_dims=True, same_scale=True).save()
    b.back_to(maps).reduce("MEAN", (1, 3), keep_dims=True, same_scale=True).join("SUB", rows)
    kinds = [layer.kind for layer in check(b).layers]
    assert kinds == ["mean", "mean", "move", "move", "add"]


def test_selections_that_are_refused():
    b = ModelBuilder((1, 6, 6, 2), 1 / 40, -9, seed=3)
    x = b.save()
    b.average_pool(3, 1, "SAME").select("LESS", (x, b.save()), x, b.save())
    assert "more than one value decides" in refused(b)
    b = ModelBuilder((1, 6, 6, 2), 1.0, -9, seed=3)
    x, bent = b.save(), b.unary("RELU").save()
    b.select("GREATER", (x, b.constant([0.0])), bent, bent)
    assert "scales of one and more" in refused(b)
    b = selu(ModelBuilder((1, 6, 6, 2), 1 / 40, -9, seed=3))
    b.operators.append(OperatorSpec("SELECT_V2", b.operators[-1].inputs, b.current))
    b.operators[-1].output = b._tensor("second", b.shape, 1 / 40, 0)
    b.current = b.operators[-1].output
    assert "not the condition of one SELECT_V2" in refused(b)


def test_slopes_that_are_refused():
    b = ModelBuilder((1, 6, 6, 2), 1 / 40, -9, seed=3)
    assert "slopes that are computed" in refused(b.decided("PRELU", b.save()))
    b = ModelBuilder((1, 6, 1, 2), 1 / 40, -9, seed=3)
    b.decided("PRELU", b.constant(np.ones((6, 2)))).tensors[-1].shape = (1, 6, 1, 2)
    assert "slopes of the shape [6, 2] for [1, 6, 1, 2]" in refused(b)


# -- views, crops, dilation --------------------------------------------------------------------


VIEWS = {
    "squeeze": lambda b: b.mean(keep_dims=True).squeeze(1, 2),
    "expand": lambda b: b.mean().expand(1),
    "transpose": lambda b: b.conv(1, 3).transpose(0, 3, 1, 2).reshape((1, -1)),
    "crop": lambda b: b.crop((0, 1, 2, 1), (1, 5, -1, 3)),
    "masked crop": lambda b: b.crop((0, 3, -3, 0), (1, 0, 9, 1), 0b1000, 0b1011),
    "crop of a vector": lambda b: b.mean().crop((0, 1), (1, 4)).dense(5),
    "crop of a sequence": lambda b: b.reshape((1, 14, 12)).crop((0, 2, 3), (1, 9, 12)),
    "one dimension": lambda b: b.reshape((1, 42, 4)).expand(1).conv(5, (1, 3)).squeeze(1),
    "mean of a sequence": lambda b: b.reshape((1, 42, 4)).unary("RELU").mean(),
}


@pytest.mark.parametrize("name", thinned(VIEWS, 3))
def test_views_and_crops(name):
    check(VIEWS[name](ModelBuilder((1, 6, 7, 4), 1 / 40, -9, seed=6)))


@pytest.mark.parametrize("shape", thinned([(1, 6, 7, 4), (1, 12, 5)], 2), ids=str)
@pytest.mark.parametrize("everywhere, per_channel", [
    ("kept", False), ("rows", False), ("rows", True),
])
def test_dense_layers_over_every_cell(shape, everywhere, per_channel):
    """With dense's own multipliers, which one scale has in float32."""
    for seed in range(8):
        b = ModelBuilder(shape, 0.0313 * (seed + 1), -9, seed=seed)
        b.dense(6, "RELU", per_channel, everywhere=everywhere).reshape((1, *shape[1:-1], 6))
        check(b.dense(3, everywhere="kept").reshape((1, -1)).dense(4))


def test_a_dense_layer_flattens_an_image():
    check(ModelBuilder((1, 6, 7, 4), 1 / 40, -9, seed=6).dense(5))


def test_scales_that_the_reference_kernel_takes_for_two_dimensions():
    assert "scales per channel over 6 vectors in 3 dimensions" in refused(
        ModelBuilder((1, 6, 8)).dense(5, per_channel=True, everywhere="kept")
    )


def test_dense_layers_over_vectors_cut_out_of_rows():
    b = ModelBuilder((1, 6, 8)).dense(5, everywhere="kept")
    b.operators[0].options["KeepNumDims"] = 0
    weights = b.tensors[b.operators[0].inputs[1]]
    weights.data, weights.shape = weights.data[:, :4].copy(), (5, 4)
    assert "12 vectors cut out of [1, 6, 8]" in refused(b)


NEAREST = "RESIZE_NEAREST_NEIGHBOR"
SLICE_ALL = dict(BeginMask=0b1001, EndMask=0b1001)
MOVES = {
    "channels first": lambda b: b.transpose(0, 3, 2, 1),
    "five axes": lambda b: b.reshape((1, 6, 7, 2, 2)).transpose(0, 1, 2, 4, 3),
    "strides": lambda b: b.move(
        "STRIDED_SLICE", [0, 1, 6, 0], [0, 6, 0, 0], [1, 2, -2, 1], **SLICE_ALL),
    "masks": lambda b: b.move(
        "STRIDED_SLICE", [0, 0, 2], [0, 0, 3], [1, 1, 1], EllipsisMask=2, ShrinkAxisMask=4,
        BeginMask=1, EndMask=1),
    "a new axis": lambda b: b.move(
        "STRIDED_SLICE", [0, 0, 1], [0, 0, 5], [1, 1, 2], NewAxisMask=2, BeginMask=1, EndMask=1),
    "parts": lambda b: _sum_of_parts(b.move("SPLIT", -1, data=1, NumSplits=2)),
    "unpacked": lambda b: _sum_of_parts(b.move("UNPACK", Axis=2, Num=7)),
    "packed": lambda b: b.pack(b.save(), b.save(), axis=-1),
    "one index": lambda b: b.move("GATHER", 2, Axis=-1),
    "a table of indices": lambda b: b.move("GATHER", [[0, 5, 5], [1, 1, 2]], Axis=2),
    **{f"mirrored {mode} {pairs}": lambda b, mode=mode, pairs=pairs: b.move(
        "MIRROR_PAD", [(0, 0), *pairs], Mode=mode)
       for mode in (0, 1)
       for pairs in ([(1, 2), (0, 0), (0, 0)], [(5, 5), (2, 6), (0, 3)], [(0, 0), (0, 0), (1, 0)])},
    **{f"nearest {size} {name}": lambda b, size=size, options=options: b.move(
        NEAREST, size, **options)
       for size in ([12, 14], [13, 5], [1, 1], [6, 20], [3, 7])
       for name, options in {"": {}, "corners": dict(AlignCorners=1),
                             "centers": dict(HalfPixelCenters=1)}.items()},
}


def _sum_of_parts(b):
    """All that an operator made, with a layer behind one of them."""
    parts = b.made
    b.back_to(parts[0])
    for part in parts[1:]:
        b.join("ADD", part)
    return b


@pytest.mark.parametrize("name", thinned(MOVES, 11))
def test_moves_of_values(name):
    check(MOVES[name](ModelBuilder((1, 6, 7, 4), 1 / 40, -9, seed=6)), 5)


@pytest.mark.parametrize("count", counts(6, 40))
@pytest.mark.parametrize("options", [{}, dict(AlignCorners=1), dict(HalfPixelCenters=1)], ids=str)
def test_means_of_neighbours(options, count):
    """Any size to any other."""
    rng = np.random.default_rng(13)
    for seed in range(count):
        b = ModelBuilder((1, *rng.integers(1, 9, 2).tolist(), 3), 1 / 40, -9, seed=seed)
        check(b.resize_bilinear(rng.integers(1, 60, 2).tolist(), **options), 4)


# -- reductions --------------------------------------------------------------------------------


REDUCED = [(1, 5, 6, 4), (1, 7, 6), (1, 9), (1, 1, 5, 1, 4), (1, 30, 20, 1)]


@pytest.mark.parametrize("keep_dims", [False, True], ids=["", "kept"])
@pytest.mark.parametrize("kind", ["MEAN", "REDUCE_MAX"])
@pytest.mark.parametrize("shape", thinned(REDUCED, 3), ids=str)
def test_reductions_over_random_axes(shape, kind, keep_dims):
    """Every set of axes that keeps the batch, in a random order and of a random sign."""
    rng = np.random.default_rng(10)
    rank = len(shape)
    for chosen in range(1, 2 ** (rank - 1)):
        axes = [axis for axis in range(1, rank) if chosen >> (axis - 1) & 1]
        written = rng.permutation([axis - rank * rng.integers(0, 2) for axis in axes])
        b = ModelBuilder(shape, 1 / 40, -9, seed=chosen)
        b.reduce(kind, written.tolist(), keep_dims, same_scale=rng.random() < 0.3)
        check(b, 10, spread=0)


def test_reductions_of_everything_one_axis_after_the_other_and_of_the_batch():
    b = ModelBuilder((1, 6, 7, 3), 1 / 40, -9, seed=11).reduce("MEAN", (1,)).reduce("MEAN", (1,))
    check(b)
    b = ModelBuilder((1, 2, 2, 1), 1 / 40, -9, seed=12)
    check(b.reduce("REDUCE_MAX", (0, 1, 2, 3), keep_dims=True))


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("multiplier", [1, 2])
def test_dilation(padding, multiplier):
    b = ModelBuilder((1, 13, 11, 3), 1 / 40, -9, seed=7)
    b.conv(6, 3, padding=padding, dilation=2, activation="RELU")
    check(b.depthwise((2, 3), padding=padding, dilation=3, multiplier=multiplier))


@pytest.mark.parametrize("per_channel", thinned([True, False], 4), ids=["channels", "tensor"])
@pytest.mark.parametrize("filters, groups", [(6, 3), (12, 2), (4, 4), (6, 6), (12, 6)])
def test_groups_of_channels(filters, groups, per_channel):
    for seed, (stride, padding, dilation) in enumerate(
        [(1, "SAME", 1), ((2, 1), "VALID", 1), (1, "SAME", 2)]
    ):
        b = ModelBuilder((1, 9, 8, 12), 1 / 40, -9, seed=seed)
        b.conv(filters, (3, 2), stride, padding, "RELU", per_channel, dilation, groups)
        check(b)


@pytest.mark.parametrize("filters, depth", [(6, 5), (5, 3), (6, 24)])
def test_groups_that_do_not_come_out_even(filters, depth):
    b = ModelBuilder((1, 5, 5, 12)).conv(filters, 1)
    weights = b.tensors[b.operators[0].inputs[1]]
    weights.data = np.resize(weights.data, (filters, 1, 1, depth))
    weights.shape = weights.data.shape
    with pytest.raises(ModelError) as caught:
        read_tflite(b.build())
    assert f"weights {weights.shape} do not fit the input (1, 5, 5, 12)" in caught.value.cause


@pytest.mark.parametrize("padding", thinned(["SAME", "VALID"], 4))
@pytest.mark.parametrize("kernel, stride, more", [
    (3, 2, (0, 0)), (3, 2, (1, 1)), ((2, 4), (1, 3), (0, 2)), (1, (2, 1), (1, 0)), (4, 2, (1, 0)),
])
def test_transposed_convolutions(kernel, stride, more, padding):
    for seed, (per_channel, bias) in enumerate([(True, True), (False, True), (True, False)]):
        b = ModelBuilder((1, 4, 5, 3), 1 / 40, -9, seed=seed)
        check(b.transposed(6, kernel, stride, padding, "NONE", per_channel, bias, more))


def test_a_transposed_convolution_of_another_shape_than_it_asks_for():
    b = ModelBuilder((1, 4, 5, 3)).transposed(6, 3, 2)
    b.tensors[b.operators[0].inputs[0]].data[1] += 1
    with pytest.raises(ModelError) as caught:
        read_tflite(b.build())
    assert "shape (1, 7, 9, 6), computed (1, 8, 9, 6)" in caught.value.cause
    b.tensors[b.operators[0].inputs[0]].data[3] += 1
    with pytest.raises(ModelError) as caught:
        read_tflite(b.build())
    assert "asked for the shape (1, 8, 9, 7) by weights (6, 3, 3, 3)" in caught.value.cause


def test_a_transposed_convolution_with_cells_beyond_its_output():
    """Strides of any length must not ask for memory of any size."""
    b = ModelBuilder((1, 4, 5, 3)).transposed(6, 3, 2)
    b.operators[0].options["StrideW"] = 32767
    with pytest.raises(ModelError) as caught:
        read_tflite(b.build())
    assert "cells of its input (1, 4, 5, 3) lie beyond its output" in caught.value.cause


def test_a_transposed_convolution_whose_shape_is_packed_of_constants():
    """As Keras has it where the batch was open."""
    b = ModelBuilder((1, 4, 5, 3), 1 / 40, -9, seed=4).transposed(6, 3, 2)
    transposed, shape = b.operators[0], b.operators[0].inputs[0]
    sizes = [b._constant(f"size{i}_", np.array(n, np.int32))
             for i, n in enumerate(b.tensors[shape].data)]
    b.tensors[shape].data = None
    pack = OperatorSpec("PACK", sizes, shape, "PackOptions", dict(Axis=0, ValuesCount=4))
    b.operators = [pack, transposed]
    check(b)


def test_a_transposed_convolution_whose_shape_is_computed():
    b = ModelBuilder((1, 4, 5, 3)).transposed(6, 3, 2)
    shape = b.operators[0].inputs[0]
    b.tensors[shape].data = None
    with pytest.raises(ModelError) as caught:
        read_tflite(serialise(b.tensors, b.operators, [b.current], inputs=(0, shape)))
    assert "an output shape that is computed, not constant" in caught.value.cause


def test_padding_serves_its_own_reader_only():
    """The padded tensor's source has another reader, which must not be padded."""
    b = ModelBuilder((1, 7, 7, 3), 1 / 40, 5, seed=8).conv(4, 1)
    source = b.save()
    padded = b.pad(1, 1, 1, 1).conv(4, 3, padding="VALID").save()
    check(b.back_to(source).conv(4, 3).join("ADD", padded).conv(4, 3, padding="VALID"))


@pytest.mark.parametrize("shape", [(1, 9), (1, 6, 4), (1, 5, 4, 3)], ids=str)
def test_padding_of_every_axis_by_itself_and_together(shape):
    rank = len(shape) - 1
    alone = [[0, 0] * axis + [1, 2] + [0, 0] * (rank - 1 - axis) for axis in range(rank)]
    for number, edges in enumerate([*alone, [2, 1] * rank]):
        b = ModelBuilder(shape, 1 / 40, -9, seed=number)
        check(b.pad(*edges[:-2], channels=edges[-2:]))


def test_a_convolution_leaves_padded_channels_where_they_are():
    b = ModelBuilder((1, 7, 7, 3), 1 / 40, 5, seed=8).conv(4, 3)
    check(b.pad(1, 1, 1, 1, channels=(0, 3)).conv(4, 3, padding="VALID"))


def test_a_residual_block_whose_channels_grow():
    """The short cut takes every other cell, and zeros for the channels that it lacks."""
    b = ModelBuilder((1, 8, 8, 3), 1 / 40, 5, seed=8).conv(4, 3, activation="RELU")
    start = b.save()
    b.move("STRIDED_SLICE", [0, 0, 0, 0], [1, 8, 8, 4], [1, 2, 2, 1]).pad(0, 0, 0, 0,
                                                                         channels=(2, 2))
    short = b.save()
    check(b.back_to(start).conv(8, 3, 2).join("ADD", short, "RELU").mean().dense(4))


def test_a_causal_convolution_over_a_sequence():
    """As Keras writes it: padded in three dimensions, convolved in four."""
    b = ModelBuilder((1, 12, 3), 1 / 40, 5, seed=8).pad(2, 0).reshape((1, 1, 14, 3))
    b.conv(4, (1, 3), padding="VALID").reshape((1, 12, 4)).pad(1, 2)
    check(b.reshape((1, -1)).dense(3))


def test_what_the_output_does_not_need_is_left_out():
    b = ModelBuilder((1, 7, 7, 3), seed=9).conv(4, 3)
    kept = b.save()
    b.conv(9, 3).back_to(kept).mean().dense(3)
    program = lower(read_tflite(b.build()))
    assert [layer.name for layer in program.layers] == ["conv_2d_0", "mean_2", "fully_connected_3"]


# -- what is refused ---------------------------------------------------------------------------


def refused(builder) -> str:
    with pytest.raises(ModelError) as caught:
        read_tflite(builder.build())
    return caught.value.cause


def test_concatenations_of_several_scales():
    b = ModelBuilder((1, 6, 5, 4))
    start = b.save()
    assert "different scales" in refused(b.conv(4, 3).concatenate(start))


@pytest.mark.parametrize("move, words", [
    (("GATHER", [1], dict(Axis=1, BatchDims=1)), "indices of their own for each batch"),
    (("RESIZE_NEAREST_NEIGHBOR", [3, 3], dict(AlignCorners=1, HalfPixelCenters=1)), "at once"),
    (("MIRROR_PAD", [[1, 0], [0, 0], [0, 0], [0, 0]], dict(Mode=1)), "padding of the batch"),
], ids=["batches", "corners", "mirrored batch"])
def test_moves_that_are_refused(move, words):
    kind, constant, options = move
    assert words in refused(ModelBuilder((1, 6, 5, 4)).move(kind, constant, **options))


def test_sizes_for_which_the_kernel_reads_behind_the_input():
    """58 / 1024 rows are rounded up, and add up to more than the one row there is."""
    words = "1 rows or columns resized to 58, for which TFLite's kernel reads behind the last one"
    assert words in refused(ModelBuilder((1, 3, 1, 2)).resize_bilinear([3, 58]))
    corners = dict(AlignCorners=1, HalfPixelCenters=1)
    assert "at once" in refused(ModelBuilder((1, 3, 1, 2)).resize_bilinear([3, 58], **corners))
    check(ModelBuilder((1, 3, 1, 2)).resize_bilinear([3, 58], AlignCorners=1))


@pytest.mark.parametrize("pair, mode", [((0, 6), 0), ((7, 0), 1)])
def test_mirrors_that_reach_beyond_their_image(pair, mode):
    b = ModelBuilder((1, 6, 5, 4)).move("MIRROR_PAD", [(0, 0), (5, 5), (0, 0), (0, 0)])
    b.operators[0].options["Mode"] = mode
    b.tensors[b.operators[0].inputs[1]].data[1] = pair
    assert "[1, 6, 5, 4] mirrored by" in refused(b)


def test_axes_that_alternate_more_often_than_four_dimensions_can():
    cause = refused(ModelBuilder((1, 2, 3, 4, 5)).reduce("MEAN", (1, 3)))
    assert "the axes [1, 3] of [1, 2, 3, 4, 5]" in cause


def test_axes_that_the_input_has_not():
    b = ModelBuilder((1, 4, 5, 3)).reduce("MEAN", (1, 2))
    b.tensors[b.operators[0].inputs[1]].data[1] = 6
    assert "the axes [1, 6] of 4 dimensions" in refused(b)


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


# -- what is trained ---------------------------------------------------------------------------


def trained_by(builder, *layers) -> list[str]:
    program = lower(read_tflite(builder.build()))
    return [layer.name for layer in Recipe(layers).trained(program)]


@pytest.mark.parametrize("network", thinned(NETWORKS, 4))
def test_all_are_the_layers_with_weights(network):
    """Before a merge, behind a split, around a function."""
    builder = NETWORKS[network]()
    layers = lower(read_tflite(builder.build())).layers
    assert trained_by(builder, "all") == [layer.name for layer in layers if layer.weighted]


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


def test_a_layer_before_a_merge_trains_by_name():
    assert trained_by(NETWORKS["residual"](), "conv_2d_0") == ["conv_2d_0"]


def test_a_layer_that_does_not_exist_is_refused():
    with pytest.raises(UsageError) as caught:
        trained_by(NETWORKS["residual"](), "conv_2d_99")
    assert "conv_2d_0" in caught.value.cause and "last:K" in caught.value.next_step
