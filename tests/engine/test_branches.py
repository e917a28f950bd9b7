"""Models with branches, and functions of one value: numpy against tflite-runtime's reference
kernels, byte for byte."""

import numpy as np
import pytest
from branching import NETWORKS
from operator_examples import EXAMPLES
from real_network import RealNetwork
from tiny_tflite import ModelBuilder, run_in_tflite

from edgetune.errors import ModelError, UsageError
from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.lower.functions import FUNCTIONS, function_table
from edgetune.learn.recipe import Recipe
from edgetune.model.kinds import ARITHMETIC, DECIDED_BY_ONE, KINDS
from edgetune.model.read import read_tflite

RUN_ONLY = Recipe(layers=("none",))


def check(builder: ModelBuilder, count=20, spread=20):
    content = builder.build()
    inputs = builder.random_inputs(count, seed=1)
    theirs = run_in_tflite(content, inputs)[0].reshape(len(inputs), -1)
    learner = Learner(lower(read_tflite(content)), RUN_ONLY)
    ours = np.array([learner.forward(x) for x in inputs])
    np.testing.assert_array_equal(ours, theirs)
    assert np.ptp(theirs.astype(int)) > spread


@pytest.mark.parametrize("network", NETWORKS)
def test_networks(network):
    check(NETWORKS[network]())


# SOFTMAX is test_forward.py's; ELU has no reference kernel, and others round convolutions once
@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"SOFTMAX", "ELU"}))
def test_an_example_of_every_kind(kind):
    check(EXAMPLES[kind](ModelBuilder((1, 6, 6, 2), 1 / 40, -9, seed=3).conv(4, 3)))


# -- arithmetic --------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["NONE", "RELU", "RELU6"])
@pytest.mark.parametrize("kind", ARITHMETIC)
def test_arithmetic_of_two_branches(kind, activation):
    for seed, (scale, zero_point) in enumerate([(1 / 40, -7), (0.6, 127), (1e-3, -128)]):
        b = ModelBuilder((1, 6, 5, 4), scale, zero_point, seed=seed)
        start = b.save()
        b.conv(4, 3).join(kind, start, activation)
        check(b, 40)


@pytest.mark.parametrize("swap", [False, True], ids=["", "swapped"])
@pytest.mark.parametrize("shape", [(6, 5, 4), (5, 4), (4,), (1,), (), (1, 1, 1, 4)], ids=str)
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
    target = float(np.float32(source[0] * 10 ** rng.uniform(-1, 1))), int(rng.integers(-128, 128))
    return source, target


def parameter_of(kind, rng):
    if kind == "LEAKY_RELU":
        return float(np.float32(rng.uniform(-0.5, 1.5)))
    return bool(rng.integers(2)) if kind == "GELU" else None


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_every_value_of_a_function(kind):
    rng = np.random.default_rng(5)
    for _ in range(150):
        source, target = scales_of(kind, rng)
        alpha = parameter_of(kind, rng)
        theirs = runtime_table(kind, source, target, alpha)
        ours = function_table(kind, source, target, alpha or 0.0)
        np.testing.assert_array_equal(ours, theirs, err_msg=f"{source} {target} {alpha}")


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
    "fused": lambda b: b.unary("TANH", scale=1 / 128, zero_point=0).join(
        "SUB", b.constant([0.2]), "RELU", swap=True),
}


def behind_a_map(name):
    return CHAINS[name](ModelBuilder((1, 6, 6, 2), 1 / 40, -9, seed=3).conv(4, 3))


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_is_one_table(name):
    check(behind_a_map(name))
    layers = lower(read_tflite(behind_a_map(name).build())).layers
    assert [layer.kind for layer in layers] == ["conv_2d", "lookup"]


@pytest.mark.parametrize("name", CHAINS)
def test_slopes_of_a_chain_are_derivatives(name):
    program = lower(read_tflite(behind_a_map(name).build()))
    network, layer = RealNetwork(program), program.layers[-1]
    x, y = (program.activations[i] for i in (layer.input, layer.output))
    real = x.scale * (np.arange(-128, 128) - x.zero_point)
    up, down = (network.output(layer, [real + h], None) for h in (1e-6, -1e-6))
    wanted = (up - down) / 2e-6 * x.scale / y.scale
    wrong = np.abs(layer.slopes * layer.slope_unit - wanted) > 1e-3 * np.abs(wanted).max()
    assert wrong.sum() <= 2  # at kinks


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


@pytest.mark.parametrize("kind", DECIDED_BY_ONE)
def test_two_values_that_decide_are_refused(kind):
    b = ModelBuilder((1, 6, 6, 2), 1 / 40, -9, seed=3)
    assert "more than one value" in refused(b.decided(kind, b.constant([0.1, 0.2])))
    b = ModelBuilder((1, 6, 6, 2), 1 / 40, -9, seed=3)
    assert "not made of one" in refused(b.average_pool(3, 1, "SAME").decided(kind, (0, b._probe)))


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


@pytest.mark.parametrize("name", VIEWS)
def test_views_and_crops(name):
    check(VIEWS[name](ModelBuilder((1, 6, 7, 4), 1 / 40, -9, seed=6)))


@pytest.mark.parametrize("shape", [(1, 6, 7, 4), (1, 12, 5)], ids=str)
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


@pytest.mark.parametrize("name", MOVES)
def test_moves_of_values(name):
    check(MOVES[name](ModelBuilder((1, 6, 7, 4), 1 / 40, -9, seed=6)), 5)


# -- reductions --------------------------------------------------------------------------------


REDUCED = [(1, 5, 6, 4), (1, 7, 6), (1, 9), (1, 1, 5, 1, 4), (1, 30, 20, 1)]


@pytest.mark.parametrize("keep_dims", [False, True], ids=["", "kept"])
@pytest.mark.parametrize("kind", ["MEAN", "REDUCE_MAX"])
@pytest.mark.parametrize("shape", REDUCED, ids=str)
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


def test_padding_serves_its_own_reader_only():
    """The padded tensor's source has another reader, which must not be padded."""
    b = ModelBuilder((1, 7, 7, 3), 1 / 40, 5, seed=8).conv(4, 1)
    source = b.save()
    padded = b.pad(1, 1, 1, 1).conv(4, 3, padding="VALID").save()
    check(b.back_to(source).conv(4, 3).join("ADD", padded).conv(4, 3, padding="VALID"))


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


def test_operands_that_do_not_repeat():
    b = ModelBuilder((1, 6, 5, 4))
    assert "operands of the shapes [1, 6, 5, 4] and [6, 1, 4]" in refused(
        b.join("ADD", b.constant(np.ones((6, 1, 4))))
    )


def test_concatenations_of_several_scales():
    b = ModelBuilder((1, 6, 5, 4))
    start = b.save()
    assert "different scales" in refused(b.conv(4, 3).concatenate(start))


@pytest.mark.parametrize("move, words", [
    (("GATHER", [1], dict(Axis=1, BatchDims=1)), "indices of their own for each batch"),
    (("RESIZE_NEAREST_NEIGHBOR", [3, 3], dict(AlignCorners=1, HalfPixelCenters=1)), "at once"),
], ids=["batches", "corners"])
def test_moves_that_are_refused(move, words):
    kind, constant, options = move
    assert words in refused(ModelBuilder((1, 6, 5, 4)).move(kind, constant, **options))


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
    ("RSQRT", (1, 1e-7)),
])
def test_factors_that_leave_32_bits(kind, scales):
    b = ModelBuilder((1, 8), scales[0])
    if kind in ("ADD", "MUL", "MEAN"):
        b = b.reduce(kind, (1,)) if kind == "MEAN" else b.join(kind, b.save())
        b.tensors[b.current].scale[0] = scales[1]
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


@pytest.mark.parametrize("network", NETWORKS)
def test_all_are_the_layers_with_weights(network):
    """Before a merge, behind a split, around a function."""
    builder = NETWORKS[network]()
    layers = lower(read_tflite(builder.build())).layers
    assert trained_by(builder, "all") == [layer.name for layer in layers if layer.weighted]


def test_a_layer_before_a_merge_trains_by_name():
    assert trained_by(NETWORKS["residual"](), "conv_2d_0") == ["conv_2d_0"]


def test_a_layer_that_does_not_exist_is_refused():
    with pytest.raises(UsageError) as caught:
        trained_by(NETWORKS["residual"](), "conv_2d_99")
    assert "conv_2d_0" in caught.value.cause and "last:K" in caught.value.next_step
