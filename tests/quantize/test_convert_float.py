"""Float models: reading, writing and running them agrees with tflite-runtime."""

from dataclasses import replace

import numpy as np
import pytest
from float_builder import FloatBuilder
from float_networks import NETWORKS
from shared_data import SHARED
from tflite_runs import run_in_tflite
from thinned import thinned

from edgetune.errors import ModelError
from edgetune.floats.engine import FloatEngine
from edgetune.floats.graph import check_float_graph
from edgetune.floats.read import read_float
from edgetune.model.encode import encode
from edgetune.model.kinds import FUSED_OPTION
from edgetune.quantize.canonical import canonical

RELATIVE = 2e-5  # float32 sums in another order


def all_outputs(graph):
    """The same file with every activation as an output, by tflite-runtime and by ours."""
    outputs = tuple(op.outputs[0] for op in graph.operators)
    return outputs, encode(replace(graph, outputs=outputs))


def compare_every_tensor(graph, samples):
    outputs, content = all_outputs(graph)
    expected = run_in_tflite(content, samples[:, None])
    found = {}
    FloatEngine(graph).run(samples, lambda i, v: found.setdefault(i, v))
    for index, reference in zip(outputs, expected):
        reference = reference[:, 0]
        assert found[index].shape == reference.shape
        limit = RELATIVE * np.abs(reference).max() + 1e-6
        np.testing.assert_allclose(found[index], reference, rtol=0, atol=limit)


@pytest.mark.parametrize("name", thinned(NETWORKS, 4))
def test_every_tensor_is_what_tflite_computes(name):
    builder, output = NETWORKS[name]()
    graph = builder.graph(output)
    check_float_graph(graph)
    compare_every_tensor(graph, builder.samples(3))


@pytest.mark.parametrize("option", ["", "align_corners", "half_pixel_centers"])
def test_images_of_any_size_between_their_cells(option):
    rng = np.random.default_rng(3)
    for _ in range(15):
        b = FloatBuilder((1, *rng.integers(1, 9, 2).tolist(), 3))
        options = dict(align_corners=False, half_pixel_centers=False) | ({option: True} if option
                                                                         else {})
        size = rng.integers(1, 30, 2).astype(np.int32)
        graph = b.graph(b.add("RESIZE_BILINEAR", b.input, size, **options))
        check_float_graph(graph)
        compare_every_tensor(graph, b.samples(2))


@pytest.mark.parametrize("name", ["har_float", "mnist_float", "kws_hybrid"])
def test_real_models_are_what_tflite_computes(name):
    if not (path := SHARED / f"{name}.tflite").is_file():
        pytest.skip(f"../shared/data/{path.name} is not there")
    graph = read_float(path)
    samples = np.random.default_rng(0).normal(0, 1, (2, *graph.input.shape[1:]))
    compare_every_tensor(graph, samples.astype(np.float32))


@pytest.mark.parametrize("name", thinned(NETWORKS, 4))
def test_a_written_file_is_read_as_the_same_graph(name):
    builder, output = NETWORKS[name]()
    graph = builder.graph(output)
    again = read_float(encode(graph))
    assert [o.kind for o in again.operators] == [o.kind for o in graph.operators]
    samples = builder.samples(2)
    np.testing.assert_array_equal(
        FloatEngine(again).run(samples), FloatEngine(graph).run(samples)
    )
    assert [t.name for t in again.tensors] == [t.name for t in graph.tensors]


@pytest.mark.parametrize("name", thinned(NETWORKS, 4))
def test_the_canonical_form_computes_the_same(name):
    builder, output = NETWORKS[name]()
    graph = builder.graph(output)
    simple = canonical(graph)
    check_float_graph(simple)
    samples = builder.samples(4)
    expected = FloatEngine(graph).run(samples)
    limit = 1e-4 * np.abs(expected).max()
    np.testing.assert_allclose(FloatEngine(simple).run(samples), expected, rtol=0, atol=limit)
    assert not {op.kind for op in simple.operators} & {"SQUEEZE", "EXPAND_DIMS", "AFFINE"}


def kinds(name):
    builder, output = NETWORKS[name]()
    return [op.kind for op in canonical(builder.graph(output)).operators]


def test_batch_normalisation_goes_into_the_layers():
    assert kinds("autoencoder") == ["FULLY_CONNECTED"] * 4
    assert kinds("residual") == ["CONV_2D"] * 3 + ["ADD", "CONV_2D", "CONV_2D", "ADD", "MEAN",
                                                  "RESHAPE", "FULLY_CONNECTED", "SOFTMAX"]


def test_functions_that_an_int8_kernel_leaves_out_stand_behind_it():
    b = FloatBuilder((1, 5, 6, 3))
    x = b.transposed(b.input, 4, 3, 2, fused="RELU6")
    y = b.concat([x, b.add("TANH", x)], fused="RELU")
    graph = b.graph(b.conv(y, 2, 1))
    found = canonical(graph)
    kinds = [op.kind for op in found.operators]
    assert kinds == ["TRANSPOSE_CONV", "RELU6", "TANH", "CONCATENATION", "RELU", "CONV_2D"]
    assert all(op.options.get(FUSED_OPTION, "NONE") == "NONE" for op in found.operators)
    samples = b.samples(3)
    np.testing.assert_allclose(
        FloatEngine(found).run(samples), FloatEngine(graph).run(samples), rtol=1e-5, atol=1e-5
    )


def test_what_cannot_be_folded_becomes_a_depthwise_layer():
    found = kinds("pre_activation")
    assert found.count("DEPTHWISE_CONV_2D") == 2 and "MUL" not in found


def test_one_dimensional_convolutions_leave_no_reshapes_between():
    assert kinds("one_dimensional") == [
        "RESHAPE", "PAD", "CONV_2D", "RESHAPE", "MAX_POOL_2D", "RESHAPE", "CONV_2D",
        "LEAKY_RELU", "MEAN", "FULLY_CONNECTED",
    ]


def test_everything_unsupported_is_named_at_once():
    b = FloatBuilder((1, 8, 8, 2))
    x = b.add("SIN", b.input)
    x = b.conv(x, 4, 3, fused="RELU_N1_TO_1")
    x = b.add("GATHER", x, np.array([[0]], np.int32), axis=1, batch_dims=1, shape=(1, 1, 8, 4))
    with pytest.raises(ModelError) as caught:
        check_float_graph(b.graph(b.mean(x, axes=(5,), keep_dims=True)))
    assert "4 parts" in caught.value.message
    for part in ("SIN", "RELU_N1_TO_1", "for each batch", "the axes"):
        assert part in caught.value.cause


@pytest.mark.parametrize("kind, constants, options, shapes", [
    ("SPLIT", [3], dict(num_splits=2), [(1, 4, 5, 3)] * 2),
    ("SPLIT_V", [[2, 1, 1], 1], dict(num_splits=3), [(1, 2, 5, 6), (1, 1, 5, 6), (1, 1, 5, 6)]),
    ("UNPACK", [], dict(num=5, axis=-2), [(1, 4, 6)] * 5),
])
def test_parts_are_slices_and_together_again_a_concatenation(kind, constants, options, shapes):
    b = FloatBuilder((1, 4, 5, 6))
    x, operands = b.conv(b.input, 6, 3), [np.array(c, np.int32) for c in constants]
    operands = [*operands, x] if kind == "SPLIT" else [x, *operands]
    parts = [b.add(kind, *operands, shape=shape, **options) for shape in shapes]
    for operator in b.operators[2:]:
        b.operators.remove(operator)
    b.operators[1].outputs = tuple(parts)
    same = [part for part in parts if b.shape(part) == shapes[-1]]
    if kind == "UNPACK":
        together = b.add("PACK", *same[::-1], axis=1, values_count=5, shape=(1, 5, 4, 6))
    else:
        together = b.concat(same[::-1])
    content = encode(b.graph(b.dense(together, 3)))
    graph = read_float(content)
    assert {op.kind for op in graph.operators} <= {
        "CONV_2D", "SLICE", "RESHAPE", "CONCATENATION", "FULLY_CONNECTED",
    }
    samples = b.samples(3)
    expected = run_in_tflite(content, samples[:, None])[0][:, 0]
    np.testing.assert_allclose(FloatEngine(graph).run(samples), expected, atol=1e-4)


def test_shapes_that_the_model_computes_are_worked_out():
    """Keras's Flatten with an open batch: SHAPE, STRIDED_SLICE, PACK, RESHAPE."""
    b = FloatBuilder((1, 4, 4, 2))
    x = b.conv(b.input, 3, 3)
    shape = b.add("SHAPE", x, shape=(4,))
    one = [np.array([v], np.int32) for v in (0, 1, 1)]
    batch = b.add("STRIDED_SLICE", shape, *one, shape=(0,), begin_mask=0, end_mask=0,
                  ellipsis_mask=0, new_axis_mask=0, shrink_axis_mask=1)
    packed = b.add("PACK", batch, np.array(-1, np.int32), shape=(2,), axis=0)
    for index, dims in ((shape, (4,)), (batch, ()), (packed, (2,))):
        b.tensors[index].shape, b.tensors[index].dtype = dims, "int32"
    graph = b.graph(b.dense(b.add("RESHAPE", x, packed, shape=(1, 48)), 2))
    read = read_float(encode(graph))
    assert [op.kind for op in read.operators] == ["CONV_2D", "RESHAPE", "FULLY_CONNECTED"]


def test_a_squeeze_is_read_as_what_its_output_says():
    b = FloatBuilder((1, 4, 4, 2))
    x = b.add("SQUEEZE", b.mean(b.conv(b.input, 3, 3), keep_dims=True), shape=(1, 3))
    graph = canonical(read_float(encode(b.graph(b.dense(x, 2)))))
    assert [op.kind for op in graph.operators] == ["CONV_2D", "MEAN", "RESHAPE", "FULLY_CONNECTED"]
