"""ONNX nodes that move values: views, or operators where the elements have to move."""

import math
from itertools import permutations

import numpy as np
import pytest
from thinned import thinned

pytest.importorskip("onnx", reason="the package onnx is not installed (edgetune[onnx])")

import onnx  # noqa: E402
from onnx_builder import answers, kinds, model, node  # noqa: E402

from edgetune.errors import ModelError  # noqa: E402
from edgetune.importers.onnx.read import read_onnx  # noqa: E402
from edgetune.importers.onnx.values import transposition  # noqa: E402

RANDOM = np.random.default_rng(11)


def weights(*shape):
    return RANDOM.normal(0, 0.5, shape).astype(np.float32)


SHAPE = (1, 4, 6, 8)
CONSTANTS = {
    "split": (1, 2, 2, 6, 8), "joined": SHAPE, "deep": (1, 1, 2, 2, 6, 8), "wide": (1, 1, 12, 16),
    "one": 1, "some": (2, 0, -1, 0), "table": ((0, 1), (3, 2)), "list": ((2,), (0,), (3,)),
    "times": (1, 2, 1, 3),
    "none": np.zeros(0, np.float32), "scales": np.float32([1, 1, 2, 2]),
    "odd": np.float32([1, 1, 1.5, 0.5]), "sizes": (1, 4, 9, 16), "channel": (1, 4, 1, 1),
    "whole": SHAPE, "begin": (0, 5), "end": (6, -9), "axes": (2, 3), "steps": (2, -3),
}


def resized(constant, **attributes):
    names = "x none none sizes" if constant == "sizes" else f"x none {constant}"
    return [node("Resize", names, "y", **attributes)]


MOVES = {  # nodes, and the operators that they become
    "shuffle of channels": ([
        node("Reshape", "x split", "a"), node("Transpose", "a", "b", perm=[0, 2, 1, 3, 4]),
        node("Reshape", "b joined", "y")], "TRANSPOSE"),
    "pixel shuffle": ([
        node("Reshape", "x deep", "a"), node("Transpose", "a", "b", perm=[0, 1, 4, 2, 5, 3]),
        node("Reshape", "b wide", "y")], "TRANSPOSE"),
    "depth to space": ([node("DepthToSpace", "x", "y", blocksize=2)], "TRANSPOSE"),
    "depth to space, CRD": ([node("DepthToSpace", "x", "y", blocksize=2, mode="CRD")], "TRANSPOSE"),
    "space to depth": ([node("SpaceToDepth", "x", "y", blocksize=2)], "TRANSPOSE"),
    "one row": ([node("Gather", "x one", "y", axis=2)], "STRIDED_SLICE"),
    "channels": ([node("Gather", "x some", "y", axis=1)], "GATHER"),
    "columns": ([node("Gather", "x some", "y", axis=-1)], "GATHER"),
    "a table of places": ([node("Gather", "x table", "y", axis=1)], "GATHER"),
    "channels brought to the front": ([
        node("Transpose", "x", "a", perm=[1, 0, 2, 3]), node("GatherND", "a list", "b"),
        node("Transpose", "b", "y", perm=[1, 0, 2, 3])], "GATHER"),
    "steps": ([node("Slice", "x begin end axes steps", "y")], "STRIDED_SLICE"),
    "copies": ([node("Tile", "x times", "y")], "TILE"),
    "repeated": ([
        node("GlobalAveragePool", "x", "a"), node("Expand", "a whole", "y")],
        "MEAN BROADCAST_TO"),
    "repeated where it costs nothing": ([
        node("GlobalAveragePool", "x", "a"), node("Expand", "a whole", "b"),
        node("Mul", "x b", "y")], "MEAN MUL"),
    "both repeated": ([
        node("GlobalMaxPool", "x", "a"), node("Expand", "a whole", "b"),
        node("Tanh", "b", "c"), node("Mul", "b c", "y")],
        "MAX_POOL_2D TANH MUL BROADCAST_TO"),
    "twice as large": (resized(
        "scales", coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
        "RESIZE_NEAREST_NEIGHBOR"),
    "corners": (resized(
        "sizes", coordinate_transformation_mode="align_corners",
        nearest_mode="round_prefer_ceil"), "RESIZE_NEAREST_NEIGHBOR"),
    "centers": (resized("sizes"), "RESIZE_NEAREST_NEIGHBOR"),
    "odd": (resized("odd", nearest_mode="floor"), "GATHER GATHER"),
}


@pytest.mark.parametrize("case", thinned(MOVES, 7))
def test_moves(case):
    nodes, wanted = MOVES[case]
    used = {name for n in nodes for name in n.input}
    constants = {name: value for name, value in CONSTANTS.items() if name in used}
    ours, theirs, graph = answers(model(nodes, SHAPE, constants))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert [k for k in kinds(graph) if k != "RESHAPE"] == wanted.split()


def test_a_dense_layer_takes_each_copy_of_an_element():
    nodes = [node("Expand", "x whole", "a"), node("Reshape", "a flat", "b"),
             node("MatMul", "b w", "y")]
    constants = {"whole": (1, 3, 5), "flat": (1, 15), "w": weights(15, 4)}
    ours, theirs, graph = answers(model(nodes, (1, 1, 5), constants))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
    assert kinds(graph) == ["FULLY_CONNECTED"]


def test_a_transposed_operand_of_a_dense_layer():
    nodes = [node("Reshape", "x column", "a"), node("Gemm", "a w", "y", transA=1)]
    ours, theirs, _ = answers(model(nodes, (1, 6), {"column": (6, 1), "w": weights(6, 4)}))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


REDUCTIONS = {  # axes, keepdims, and the operators that a mean becomes
    "rows": ([2], 1, "MEAN"), "columns, squeezed": ([3], 0, "MEAN"), "channels": ([1], 1, "MEAN"),
    "channels, squeezed": ([1], 0, "MEAN"), "channels and rows": ([1, 2], 0, "MEAN"),
    "everything": ([1, 2, 3], 1, "MEAN"), "space": ([2, 3], 0, "MEAN"),
}


@pytest.mark.parametrize("kind, behind", [("ReduceMean", ""), ("ReduceMax", ""),
                                          ("ReduceSum", " MUL")])
@pytest.mark.parametrize("case", thinned(REDUCTIONS, 3))
def test_reductions(kind, behind, case):
    axes, keep, wanted = REDUCTIONS[case]
    reduce = node(kind, "x", "a", axes=axes, keepdims=keep)
    content = model([reduce, node("Relu", "a", "y")], SHAPE, opset=12)
    ours, theirs, graph = answers(content)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
    if kind == "ReduceMax":
        wanted = "MAX_POOL_2D" if case == "channels and rows" else "REDUCE_MAX"
    assert [k for k in kinds(graph) if k != "RESHAPE"] == f"{wanted}{behind} RELU".split()


def test_means_axis_by_axis():
    nodes = [node("ReduceMean", "x", "a", axes=[3], keepdims=0),
             node("ReduceMean", "a", "b", axes=[2], keepdims=0), node("MatMul", "b w", "y")]
    ours, theirs, _ = answers(model(nodes, SHAPE, {"w": weights(4, 3)}))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("order", thinned(list(permutations(range(4))), 8), ids=str)
def test_every_transposition_is_found_from_its_places(order):
    places = np.arange(120).reshape(2, 3, 4, 5).transpose(order)
    shape, axes = transposition(places[None])
    tensor = np.arange(120).reshape(shape).transpose(axes)
    np.testing.assert_array_equal(tensor.reshape(places.shape), places)
    assert transposition(places[::-1]) is None


@pytest.mark.parametrize("shape, order", [((1, 4, 6, 5), (0, 2, 1, 3)), ((1, 4, 6), (0, 2, 1))])
def test_a_transposition_that_moves_elements(shape, order):
    moved = tuple(shape[axis] for axis in order)
    nodes = [
        node("Relu", "x", "a"), node("Transpose", "a", "b", perm=order),
        node("Conv", "b w", "c"), node("Transpose", "c", "d", perm=order),
        node("Flatten", "d", "e"), node("Gemm", "e v", "y", transB=1),
    ]
    kernel = (3, moved[1], *[1] * (len(shape) - 2))
    constants = {"w": weights(*kernel), "v": weights(4, 3 * math.prod(moved[2:]))}
    ours, theirs, graph = answers(model(nodes, shape, constants))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    assert (kinds(graph).count("TRANSPOSE") > 0) == (len(shape) == 4)


def test_rows_without_a_batch_are_cells():
    """As optimisers write a dense layer over a sequence: Reshape, Gemm, Reshape."""
    nodes = [
        node("Reshape", "x rows", "a"), node("Gemm", "a w b", "c", transB=1),
        node("Add", "c d", "e"), node("Relu", "e", "f"), node("Mul", "f f", "g"),
        node("Reshape", "g back", "y"),
    ]
    constants = {"rows": (-1, 3), "back": (1, 12, 4), "w": weights(4, 3), "b": weights(4),
                 "d": weights(4)}
    ours, theirs, graph = answers(model(nodes, (1, 12, 3), constants))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert [k for k in kinds(graph) if k != "RESHAPE"] == ["FULLY_CONNECTED", "ADD", "RELU", "MUL"]


@pytest.mark.parametrize("opset", [13, 18])
def test_a_normalisation_of_layers_in_its_parts(opset):
    axes = {"axes": [-1]} if opset < 18 else {}
    names = "x" if opset < 18 else "x last"
    nodes = [
        node("ReduceMean", names, "m", **axes), node("Sub", "x m", "d"), node("Pow", "d two", "q"),
        node("ReduceMean", names.replace("x", "q"), "v", **axes), node("Add", "v small", "e"),
        node("Sqrt", "e", "r"), node("Div", "d r", "n"), node("Mul", "n scale", "s"),
        node("Add", "s shift", "y"),
    ]
    constants = {"two": np.array(2, np.float32), "small": np.array(1e-5, np.float32),
                 "scale": weights(5), "shift": weights(5)} | ({} if opset < 18 else {"last": (-1,)})
    ours, theirs, graph = answers(model(nodes, (1, 6, 5), constants, opset))
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)
    assert "RSQRT" in kinds(graph) and "SQRT" not in kinds(graph)


def test_a_division_by_what_is_computed_is_refused():
    with pytest.raises(ModelError) as error:
        read_onnx(model([node("Relu", "x", "a"), node("Div", "x a", "y")], SHAPE))
    assert "a division by what is computed, and may be zero" in error.value.cause


@pytest.mark.parametrize("shape", [(1, 4, 6, 8), (1, 2, 96)])
def test_a_normalisation_of_instances(shape):
    channels = shape[1]
    constants = {"s": weights(channels), "b": weights(channels)}
    nodes = [node("InstanceNormalization", "x s b", "y", epsilon=0.01)]
    ours, theirs, _ = answers(model(nodes, shape, constants))
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_group_normalization():
    constants = {"s": weights(4), "b": weights(4)}
    nodes = [node("GroupNormalization", "x s b", "y", num_groups=2, epsilon=0.01)]
    proto = onnx.load_model_from_string(model(nodes, SHAPE, constants, 21))
    shape = proto.graph.output[0].type.tensor_type.shape  # which onnx does not infer
    shape.dim.extend(onnx.TensorShapeProto.Dimension(dim_value=n) for n in SHAPE)
    ours, theirs, _ = answers(proto.SerializeToString())
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_a_normalisation_of_groups_moves_its_operand_once():
    """As exporters write it: the channels of a group are one long row."""
    nodes = [
        node("Conv", "x w", "a"), node("Reshape", "a groups", "b"),
        node("InstanceNormalization", "b one zero", "c"), node("Reshape", "c back", "y"),
    ]
    constants = {"w": weights(4, 4, 1, 1), "groups": (0, 2, -1), "back": SHAPE,
                 "one": np.ones(2, np.float32), "zero": np.zeros(2, np.float32)}
    ours, theirs, graph = answers(model(nodes, SHAPE, constants))
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)
    assert kinds(graph).count("TRANSPOSE") <= 2 and "ADD" in kinds(graph)


@pytest.mark.parametrize("order, shape", [((1, 0, 2), (1, 5, 3)), ((1, 2, 0), (1, 5, 3))])
def test_rows_of_one_sample_are_cut_and_joined_as_any_others(order, shape):
    """As a recurrent layer has them that the exporter wrote out: the steps come first."""
    nodes = [node("Transpose", "x", "t", perm=list(order)), node("Slice", "t from to", "a"),
             node("Slice", "t to end", "b"), node("Mul", "a b", "c"), node("Relu", "a", "d"),
             node("Concat", "c d", "e", axis=0), node("Reshape", "e row", "y")]
    constants = {"from": (0,), "to": (2,), "end": (4,), "row": (1, -1)}
    ours, theirs, _ = answers(model(nodes, shape, constants))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
