"""What a file says in another way than the kinds have it: read, run as tflite-runtime does, and
tuned in the user's own file."""

from dataclasses import replace

import numpy as np
import pytest
import tflite
from model_ends import in_uint8
from operator_examples import selu
from tflite_runs import run_in_tflite
from tflite_writer import OperatorSpec, TensorSpec, serialise
from thinned import thinned_rows
from tiny_tflite import ModelBuilder

from edgetune.errors import ModelError
from edgetune.floats.engine import FloatEngine
from edgetune.floats.read import read_float
from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.model.compare import same_but_for
from edgetune.model.decode import decode
from edgetune.model.encode import encode
from edgetune.model.folding import FOLDERS
from edgetune.model.graph import Operator
from edgetune.model.read import read_tflite
from edgetune.model.rewrite import Rewriter
from edgetune.model.simplify import simplify
from edgetune.model.write import read_weights, write_weights
from edgetune.quantize import convert, load

MASKS = dict(BeginMask=0, EndMask=0, EllipsisMask=0, NewAxisMask=0)


def add(builder, kind, inputs, shape, dtype="int32", table="", options=None):
    """An operator of plain integers; its output's index."""
    builder.tensors.append(TensorSpec(f"{kind}{len(builder.operators)}", shape, dtype))
    output = len(builder.tensors) - 1
    builder.operators.append(OperatorSpec(kind, inputs, output, table, options))
    return output


def integers(builder, *values):
    return builder._constant(f"n{len(builder.tensors)}_", np.array(values, np.int32))


def flatten(builder):
    """What Keras's Flatten leaves in a file whose batch is open."""
    size = int(np.prod(builder.shape))
    shape = add(builder, "SHAPE", [builder.current], (4,), table="ShapeOptions",
                options=dict(OutType=tflite.TensorType.INT32))
    zero, one = integers(builder, 0), integers(builder, 1)
    batch = add(builder, "STRIDED_SLICE", [shape, zero, one, one], (), table="StridedSliceOptions",
                options=MASKS | dict(ShrinkAxisMask=1))
    count = builder._constant("count", np.array(size, np.int32))
    packed = add(builder, "PACK", [batch, count], (2,), table="PackOptions",
                 options=dict(Axis=0, ValuesCount=2))
    builder.reshape((1, size))
    builder.operators[-1].inputs[1] = packed
    return builder


def product(builder):
    """A shape by REDUCE_PROD, CAST, MUL and CONCATENATION of constants."""
    size = int(np.prod(builder.shape))
    shape = add(builder, "SHAPE", [builder.current], (4,), table="ShapeOptions",
                options=dict(OutType=tflite.TensorType.INT32))
    axis, one = integers(builder, 0), integers(builder, 1)
    total = add(builder, "REDUCE_PROD", [shape, axis], (1,), table="ReducerOptions",
                options=dict(KeepDims=1))
    total = add(builder, "MUL", [total, one], (1,), table="MulOptions", options={})
    joined = add(builder, "CONCATENATION", [one, total], (2,), table="ConcatenationOptions",
                 options=dict(Axis=0))
    builder.reshape((1, size))
    builder.operators[-1].inputs[1] = joined
    return builder


def transposed_weights(builder):
    """A convolution whose weights pass through a TRANSPOSE."""
    builder.conv(3, 3)
    op = builder.operators.pop()
    weights = builder.tensors[op.inputs[1]]
    order, back = (3, 1, 2, 0), builder._constant("order", np.array((3, 1, 2, 0), np.int32))
    source = builder._constant("stored", weights.data.transpose(order), weights.scale[:1])
    builder.operators.append(OperatorSpec("TRANSPOSE", [source, back], op.inputs[1]))
    weights.data = None
    builder.operators.append(op)
    return builder


BUILDS = {
    "flatten": lambda: flatten(ModelBuilder((1, 6, 6, 2)).conv(3, 3)).dense(4),
    "product": lambda: product(ModelBuilder((1, 6, 6, 2)).conv(3, 3)).dense(4),
    "weights": lambda: transposed_weights(ModelBuilder((1, 6, 6, 3))),
}


def ours(graph, inputs):
    learner = Learner(lower(graph), Recipe(layers=("none",)), 0)
    return np.stack([learner.forward(x[0]) for x in inputs])


@pytest.mark.parametrize("name", BUILDS)
def test_what_constants_decide_is_worked_out(name):
    builder = BUILDS[name]()
    content = builder.build()
    graph = read_tflite(content)
    assert not {op.kind for op in graph.operators} & {"SHAPE", "PACK", "REDUCE_PROD", "TRANSPOSE"}
    inputs = builder.random_inputs(5)
    (expected,) = run_in_tflite(content, inputs)
    assert np.array_equal(ours(graph, inputs).reshape(-1), expected.reshape(-1))


@pytest.mark.parametrize("name", BUILDS)
def test_the_tuned_file_is_the_users_with_other_weights(name):
    builder = BUILDS[name]()
    graph = read_tflite(builder.build())
    places = [(op.index, 1) for op in graph.operators if "CONV" in op.kind or "FULLY" in op.kind]
    new = {place: read_weights(graph, place) // 2 for place in places}
    content = write_weights(graph, new)
    kinds = [op.kind for op in decode(content).operators]
    assert kinds == [op.kind for op in decode(graph.content).operators]
    inputs = builder.random_inputs(5)
    (expected,) = run_in_tflite(content, inputs)
    assert np.array_equal(ours(read_tflite(content), inputs).reshape(-1), expected.reshape(-1))
    assert not np.array_equal(expected, run_in_tflite(graph.content, inputs)[0])


def dilated(pads, crops, kind="CONV_2D", size=7, block=2):
    """SPACE_TO_BATCH_ND, a convolution of 3x3 with VALID padding, BATCH_TO_SPACE_ND."""
    builder = ModelBuilder((1, size, size, 2), input_zero_point=5)
    source = builder.current
    inner = (size + sum(pads)) // block
    q = builder.tensors[source]
    builder.tensors.append(
        TensorSpec("spread", (block**2, inner, inner, 2), "int8", q.scale, q.zero_point)
    )
    spread = len(builder.tensors) - 1
    blocks, pad, crop = (
        builder._constant(f"{name}_", np.array(values, np.int32))
        for name, values in (("block", (block, block)), ("pads", (pads,) * 2),
                             ("crops", (crops,) * 2))
    )
    builder.operators.append(OperatorSpec("SPACE_TO_BATCH_ND", [source, blocks, pad], spread))
    if kind == "CONV_2D":
        builder.conv(3, 3, padding="VALID")
    else:
        builder.depthwise(3, padding="VALID")
    op, out = builder.operators[-1], builder.tensors[builder.current]
    op.inputs[0] = spread
    channels = out.shape[3]
    out.shape = (block**2, inner - 2, inner - 2, channels)
    last = size + sum(pads) - 2 * block - sum(crops)
    builder.tensors.append(
        TensorSpec("gathered", (1, last, last, channels), "int8", out.scale, out.zero_point)
    )
    gathered = len(builder.tensors) - 1
    builder.operators.append(
        OperatorSpec("BATCH_TO_SPACE_ND", [builder.current, blocks, crop], gathered)
    )
    builder.current = gathered
    return builder


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D"])
@pytest.mark.parametrize("pads, crops, kinds", thinned_rows([
    ((2, 3), (0, 1), []), ((0, 1), (0, 1), []), ((4, 1), (0, 1), ["PAD"]),
    ((3, 0), (0, 0), ["PAD"]),
], 2))
def test_a_dilated_convolution_in_three_operators(kind, pads, crops, kinds):
    builder = dilated(pads, crops, kind)
    graph = read_tflite(builder.build())
    assert [op.kind for op in graph.operators] == [*kinds, kind]
    inputs = builder.random_inputs(5)
    (expected,) = run_in_tflite(graph.content, inputs)
    assert np.array_equal(ours(graph, inputs).reshape(-1), expected.reshape(-1))
    place = (graph.operators[-1].index, 1)
    content = write_weights(graph, {place: read_weights(graph, place) // 2})
    (expected,) = run_in_tflite(content, inputs)
    assert np.array_equal(ours(read_tflite(content), inputs).reshape(-1), expected.reshape(-1))


def reshaped_sequence(pads, crops, size=7, block=2):
    """The same over a sequence, in three dimensions, with views around the convolution."""
    b = ModelBuilder((1, size, 2), input_zero_point=5)
    q, inner = b.tensors[b.current], (size + sum(pads)) // block
    last = size + sum(pads) - 2 * block - sum(crops)
    blocks, pad, crop, image, rows = (
        b._constant(name, np.array(values, np.int32))
        for name, values in (("block", [block]), ("pads", [pads]), ("crops", [crops]),
                             ("image", [block, 1, inner, 2]), ("rows", [block, inner - 2, 3]))
    )

    def operator(kind, inputs, shape, like):
        b.tensors.append(TensorSpec(f"{kind}{shape}", shape, "int8", like.scale, like.zero_point))
        b.operators.append(OperatorSpec(kind, [b.current, *inputs], len(b.tensors) - 1))
        b.current = len(b.tensors) - 1

    operator("SPACE_TO_BATCH_ND", [blocks, pad], (block, inner, 2), q)
    operator("RESHAPE", [image], (block, 1, inner, 2), q)
    b._probe = b._probe.repeat(2, axis=1)[:, None, :inner]
    b.conv(3, (1, 3), padding="VALID")
    out = b.tensors[b.current]
    out.shape = (block, 1, inner - 2, 3)
    operator("RESHAPE", [rows], (block, inner - 2, 3), out)
    operator("BATCH_TO_SPACE_ND", [blocks, crop], (1, last, 3), out)
    return b


@pytest.mark.parametrize("pads, crops, kinds", [
    ((2, 3), (0, 1), []), ((0, 1), (0, 1), []), ((4, 1), (0, 1), ["PAD"]),
])
def test_a_dilated_convolution_over_a_sequence(pads, crops, kinds):
    graph = agrees(reshaped_sequence(pads, crops))
    assert [op.kind for op in graph.operators] == [*kinds, "RESHAPE", "CONV_2D", "RESHAPE"]


def dilated_sequence(pads, crops, size=11, block=2, kind="CONV_2D"):
    """The same over a sequence, as Keras writes Conv1D: three values of images one row high
    between EXPAND_DIMS and RESHAPE."""
    builder = ModelBuilder((1, size, 2), input_zero_point=5)
    source, inner = builder.tensors[0], (size + sum(pads)) // block
    builder.expand(1)
    if kind == "CONV_2D":
        builder.conv(3, (1, 3), padding="VALID")
    else:
        builder.depthwise((1, 3), padding="VALID")
    channels = builder.shape[3]
    builder.reshape((1, -1, channels))
    expand, conv, back = builder.operators
    shapes = (block, 1, inner, 2), (block, 1, inner - 2, channels), (block, inner - 2, channels)
    for op, shape in zip(builder.operators, shapes):
        builder.tensors[op.output].shape = shape
    builder.tensors[back.inputs[1]].data[:] = -1, inner - 2, channels
    last = size + sum(pads) - 2 * block - sum(crops)
    blocks, pad, crop = (
        builder._constant(f"{name}_", np.array(values, np.int32))
        for name, values in (("block", [block]), ("pads", [pads]), ("crops", [crops]))
    )
    ends = []
    for of, shape in ((source, (block, inner, 2)), (builder.tensors[back.output],
                                                    (1, last, channels))):
        builder.tensors.append(TensorSpec(str(shape), shape, "int8", of.scale, of.zero_point))
        ends.append(len(builder.tensors) - 1)
    expand.inputs[0] = ends[0]
    builder.operators.insert(0, OperatorSpec("SPACE_TO_BATCH_ND", [0, blocks, pad], ends[0]))
    builder.operators.append(
        OperatorSpec("BATCH_TO_SPACE_ND", [back.output, blocks, crop], ends[1]))
    builder.current = ends[1]
    return builder


def real_file(builder, inputs):
    """What the same file with float tensors gives, by edgetune; and by tflite-runtime."""
    for spec in builder.tensors:
        if spec.dtype != "int8" and spec.scale is None:
            continue
        data = spec.data
        spec.dtype = "float32"
        spec.data = None if data is None else data.astype(np.float32) / 64
        spec.scale = spec.zero_point = None
    content = builder.build()
    (theirs,) = run_in_tflite(content, inputs)
    return FloatEngine(read_float(content)).run(inputs[:, 0]), theirs[:, 0]


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D"])
@pytest.mark.parametrize("pads, crops, block", thinned_rows([
    ((0, 1), (0, 1), 2), ((2, 3), (0, 1), 2), ((3, 7), (0, 4), 3),
], 2))
def test_a_dilated_convolution_of_a_sequence(pads, crops, block, kind):
    builder = dilated_sequence(pads, crops, block=block, kind=kind)
    graph = agrees(builder)
    assert [op.kind for op in graph.operators] == ["RESHAPE", kind, "RESHAPE"]
    inputs, place = builder.random_inputs(5), (graph.operators[-2].index, 1)
    content = write_weights(graph, {place: read_weights(graph, place) // 2})
    (expected,) = run_in_tflite(content, inputs)
    assert np.array_equal(ours(read_tflite(content), inputs).reshape(-1), expected.reshape(-1))
    ours_real, theirs = real_file(builder, inputs.astype(np.float32))
    np.testing.assert_allclose(ours_real, theirs, rtol=1e-4, atol=1e-3)


def test_a_sequence_in_a_file_with_other_ends_and_without_a_bias():
    """What is written anew runs, and a tensor more leaves the others their numbers."""
    builder = dilated_sequence((2, 3), (0, 1), kind="DEPTHWISE_CONV_2D")
    del builder.operators[2].inputs[2:]
    graph = agrees(builder)
    tuned = read_tflite(write_weights(graph, {(2, 2): np.arange(2, dtype=np.int32)}))
    assert same_but_for(graph, tuned, [(2, 2)])
    again = encode(Rewriter(graph).graph())
    inputs = builder.random_inputs(5)
    (expected,) = run_in_tflite(again, inputs)
    assert np.array_equal(ours(graph, inputs).reshape(-1), expected.reshape(-1))


def test_a_view_that_makes_no_row_of_a_sequence_is_refused_with_the_reason():
    builder = dilated_sequence((0, 1), (0, 1))
    expand = builder.operators[1]
    shape = builder.tensors[expand.output].shape
    builder.tensors[expand.output].shape = (shape[1], shape[0], *shape[2:])
    with pytest.raises(ModelError) as caught:
        read_tflite(builder.build())
    assert "not around one convolution" in caught.value.cause


def test_what_is_no_dilated_convolution_is_refused_with_the_reason():
    with pytest.raises(ModelError) as caught:
        read_tflite(dilated((3, 2), (1, 0)).build())
    assert "not around one convolution" in caught.value.cause


def agrees(builder):
    """The graph, which numpy runs as tflite-runtime does."""
    graph = read_tflite(builder.build())
    inputs = builder.random_inputs(5)
    (expected,) = run_in_tflite(graph.content, inputs)
    assert np.array_equal(ours(graph, inputs).reshape(-1), expected.reshape(-1))
    return graph


@pytest.mark.parametrize("shape", [(1, 3), (1, 1, 1, 3)])
def test_a_bias_of_any_shape(shape):
    builder = ModelBuilder((1, 6, 6, 1)).conv(3, 3)
    bias = builder.tensors[builder.operators[-1].inputs[2]]
    bias.data, bias.shape, bias.axis = bias.data.reshape(shape), shape, len(shape) - 1
    graph = agrees(builder)
    new = write_weights(graph, {(0, 2): read_weights(graph, (0, 2)) + 1000})
    assert read_tflite(new).tensors[graph.operators[0].inputs[2]].shape == shape
    assert read_float(new).tensors[read_float(new).operators[0].inputs[2]].shape == (3,)


def test_a_multiplier_that_is_wrong():
    builder = ModelBuilder((1, 6, 6, 1)).depthwise(3, multiplier=3)
    builder.operators[-1].options["DepthMultiplier"] = 1
    graph = agrees(builder)
    assert read_float(graph.content).operators[0].options["depth_multiplier"] == 3


def as_uint8(builder):
    """The same model in uint8, as older converters wrote it: a RELU is only a range."""
    in_uint8(builder)
    for op in builder.operators:
        if op.options and "FusedActivationFunction" in op.options:
            op.options["FusedActivationFunction"] = 0
    return builder.build()


@pytest.mark.parametrize("activation", ["RELU", "RELU6"])
def test_a_clamp_that_is_only_a_range_is_kept(activation):
    builder = ModelBuilder((1, 8, 8, 2), input_scale=1 / 32)
    builder.conv(6, 3, activation=activation, per_channel=False)
    if activation == "RELU6":
        builder.tensors[builder.current].scale[:] = 6 / 255
    builder.conv(6, 3, activation="RELU", per_channel=False).mean().dense(5)
    content = as_uint8(builder)
    graph = read_float(content)
    assert graph.operators[0].options["fused_activation_function"] == activation
    samples = builder.random_inputs(60)[:, 0] / np.float32(32)
    conversion = convert(content, samples)
    assert conversion.report.agreement > 0.95
    scales = [t.grid.scale[0] for t in decode(conversion.content).tensors if t.data is None]
    assert scales == [t.scale[0] for t in builder.tensors if t.data is None]


def test_padding_with_the_zero_point_is_padding():
    for value, read in ((5, True), (4, False)):
        builder = ModelBuilder((1, 6, 6, 2), input_zero_point=5).pad(1, 2, 0, 1)
        op = builder.operators[-1]
        op.kind, op.options_table = "PADV2", "PadV2Options"
        q = builder.tensors[0]
        index = builder._constant("value", np.array(value, np.int8), q.scale)
        builder.tensors[index].zero_point = q.zero_point
        op.inputs.append(index)
        builder.conv(3, 3, padding="VALID")
        if not read:
            with pytest.raises(ModelError) as caught:
                read_tflite(builder.build())
            assert "another value than zero" in caught.value.cause
            continue
        graph = read_tflite(builder.build())
        assert graph.operators[0].kind == "PAD"
        agrees(builder)


def test_every_folded_kind_is_tflites():
    assert set(FOLDERS) <= {n for n in vars(tflite.BuiltinOperator) if not n.startswith("_")}


def test_groups_of_channels_in_the_place_of_a_batch_are_shuffled():
    """As PyTorch's converters write it: [2, n] turned to [n, 2] where a batch would be."""
    builder = ModelBuilder((1, 5, 5, 2)).conv(4, 3)
    cells = 5 * 5 * 2
    builder.reshape((1, 2, cells)).transpose(0, 2, 1).move("SPLIT", 2, data=1, NumSplits=2, part=1)
    for op, values in zip(builder.operators[1:], ([2, cells], [1, 0], 1)):
        place = 0 if op.kind == "SPLIT" else 1
        constant = builder.tensors[op.inputs[place]]
        constant.data = np.array(values, np.int32)
        constant.shape = constant.data.shape
        for index in (op.output, *op.others):
            builder.tensors[index].shape = builder.tensors[index].shape[1:]
    graph = agrees(builder.reshape((1, -1)).dense(3))
    assert [graph.tensors[op.outputs[0]].shape for op in graph.operators[1:3]] == [
        (2, cells), (cells, 2),
    ]


def test_copies_of_a_constant_are_a_constant():
    """Boxes of a detector, for each cell of a map."""
    builder = ModelBuilder((1, 4, 6, 2)).conv(2, 1)
    maps = builder.save()
    builder.back_to(builder.constant(np.ones((1, 1, 1, 2)))).move("TILE", [1, 4, 6, 1])
    boxes = builder.save()
    graph = agrees(builder.back_to(maps).join("ADD", boxes))
    assert [op.kind for op in graph.operators] == ["CONV_2D", "ADD"]
    assert [op.kind for op in graph.folded] == ["TILE"]


def test_an_output_that_is_a_constant_is_named():
    """As a detector's boxes are, behind a DEQUANTIZE; what reads the file stays int8's."""
    builder = ModelBuilder((1, 4, 6, 2)).conv(2, 1)
    boxes, _ = builder.constant(np.ones((1, 2)))
    builder.tensors.append(TensorSpec("boxes", (1, 2), "float32"))
    builder.operators.append(OperatorSpec("DEQUANTIZE", [boxes], len(builder.tensors) - 1))
    outputs = [builder.current, len(builder.tensors) - 1]
    content = serialise(builder.tensors, builder.operators, outputs)
    assert isinstance(load(content, 0), bytes)
    with pytest.raises(ModelError) as caught:
        load(content, 1)
    assert caught.value.message.startswith("edgetune cannot run")
    assert "the output 'constant1' is a constant" in caught.value.cause


@pytest.mark.parametrize("comparison", ["GREATER", "LESS_EQUAL"])
def test_a_choice_by_comparison_is_written_as_two_operators(comparison):
    builder = selu(ModelBuilder((1, 4, 6, 2)).conv(3, 1), comparison)
    graph, inputs = read_tflite(builder.build()), builder.random_inputs(5)
    (expected,) = run_in_tflite(encode(Rewriter(graph).graph()), inputs)
    assert np.array_equal(ours(graph, inputs).reshape(-1), expected.reshape(-1))


def with_weights_of_float16(graph):
    """As a file of float16 has them: behind a DEQUANTIZE."""
    for op in [op for op in graph.operators if op.kind in ("CONV_2D", "FULLY_CONNECTED")]:
        place = graph.tensors[op.inputs[1]]
        half = replace(place, index=len(graph.tensors), dtype="float16", quantization=None)
        graph.tensors += [half, replace(place, index=half.index + 1, dtype="float32", data=None)]
        op.inputs = (op.inputs[0], half.index + 1, *op.inputs[2:])
        graph.operators.insert(0, Operator(-1, "DEQUANTIZE", (half.index,), (half.index + 1,)))
    return graph


@pytest.mark.parametrize("change", [lambda g: g, with_weights_of_float16], ids=["int8", "float16"])
@pytest.mark.parametrize("axis", [1, 2])
def test_sizes_that_a_file_leaves_open_follow_from_its_constants(axis, change):
    """Of every activation behind an UpSampling2D, through layers, views and bridges."""
    b = ModelBuilder((1, 3, 3, 2)).conv(2, 3).reshape((1, 3, 6, 1)).conv(2, 3).in_float("NEG")
    b.expand(1).squeeze(1).max_pool().dense(4, everywhere="kept").no_bias()
    b.join("ADD", b.save()).softmax()
    graph = change(decode(b.build()))
    shapes = {t.index: t.shape for t in graph.tensors}
    for op in graph.operators:
        for output in (graph.tensors[i] for i in op.outputs):
            if output.data is None and len(output.shape) > axis and op.index > 0:
                opened = (*output.shape[:axis], -1, *output.shape[axis + 1 :])
                output.shape = opened
    assert {t.index: t.shape for t in simplify(graph).tensors} == shapes
