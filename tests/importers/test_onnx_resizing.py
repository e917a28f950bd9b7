"""Resize and Upsample of ONNX: TFLite's operators where their coordinates are TFLite's."""

import numpy as np
import pytest
from thinned import thinned

pytest.importorskip("onnx", reason="the package onnx is not installed (edgetune[onnx])")

from onnx_builder import answers, kinds, model, node  # noqa: E402

from edgetune.errors import ModelError  # noqa: E402
from edgetune.importers.onnx.read import read_onnx  # noqa: E402

RANDOM = np.random.default_rng(12)
IMAGE, ROW = (1, 3, 8, 9), (1, 4, 21)


def resized(to, opset=19, kind="Resize", **attributes):
    """A node and its constants: to sizes, or by factors."""
    sizes = isinstance(to[0], int)
    inputs = "x scales" if opset < 11 else "x - - sizes" if sizes else "x - scales"
    constant = {"sizes": tuple(to)} if sizes else {"scales": np.array(to, np.float32)}
    return [node(kind, inputs, "y", **attributes)], constant


COORDINATES = ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric", "align_corners",
               "asymmetric")
SIZES = [(1, 3, 16, 18), (1, 3, 5, 13), (1, 3, 8, 4), (1, 7, 8, 9), [1.0, 1.0, 2.0, 3.0],
         [1.0, 1.0, 0.5, 1.0]]


@pytest.mark.parametrize("to", thinned(SIZES, 4), ids=str)
@pytest.mark.parametrize("mode", ["linear", "nearest"])
@pytest.mark.parametrize("coordinates", COORDINATES)
def test_resizes_of_every_mode(coordinates, mode, to):
    nodes, constants = resized(to, mode=mode, coordinate_transformation_mode=coordinates)
    ours, theirs, graph = answers(model(nodes, IMAGE, constants, 19))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
    wanted = {"RESIZE_BILINEAR"} if mode == "linear" else {"RESIZE_NEAREST_NEIGHBOR", "GATHER"}
    assert kinds(graph) and set(kinds(graph)) <= wanted


@pytest.mark.parametrize("rounding", thinned(
    ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"], 2
))  # fmt: skip
@pytest.mark.parametrize("coordinates", ["half_pixel", "asymmetric", "align_corners"])
@pytest.mark.parametrize("shape, to", [
    (IMAGE, (1, 3, 12, 5)), (ROW, (1, 4, 30)), (ROW, (1, 7, 21)),
], ids=str)
def test_nearest_cells_however_they_are_rounded(shape, to, coordinates, rounding):
    nodes, constants = resized(to, nearest_mode=rounding,
                               coordinate_transformation_mode=coordinates)
    ours, theirs, _ = answers(model(nodes, shape, constants, 19))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=0)


def test_a_factor_that_leaves_the_size_moves_cells():
    nodes, constants = resized([1.0, 1.0, 1.0, 1.25], nearest_mode="floor",
                               coordinate_transformation_mode="asymmetric")
    ours, theirs, _ = answers(model(nodes, (1, 3, 4, 2), constants, 19))
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(ours[..., 1], ours[..., 0])


def test_resizes_in_operators_of_tflite():
    """Those of PyTorch and of TensorFlow take one operator; of two axes that lie differently
    each takes its own, of nearest cells by their numbers."""
    def made(*arguments, shape=IMAGE, opset=19, **attributes):
        nodes, constants = resized(*arguments, opset, **attributes)
        graph = read_onnx(model(nodes, shape, constants, opset))
        return [(op.kind, *map(bool, op.options.values())) for op in graph.operators]

    twice, linear = [1.0, 1.0, 2.0, 2.0], dict(mode="linear")
    corners, asymmetric = (dict(coordinate_transformation_mode=mode)
                           for mode in ("align_corners", "asymmetric"))
    assert made(twice, **linear) == [("RESIZE_BILINEAR", False, True)]
    assert made(twice, **linear, **corners) == [("RESIZE_BILINEAR", True, False)]
    assert made(twice, **linear, **asymmetric) == [("RESIZE_BILINEAR", False, False)]
    assert made(twice, opset=9, kind="Upsample", **linear) == [("RESIZE_BILINEAR", False, False)]
    assert [kind for kind, *_ in made(twice, opset=10)] == ["RESIZE_NEAREST_NEIGHBOR"]
    assert made(twice, opset=13, **asymmetric, nearest_mode="floor") == made(twice, opset=10)
    apart = dict(coordinate_transformation_mode="pytorch_half_pixel")
    assert made((1, 3, 16, 1), **linear, **apart) == [
        ("RESIZE_BILINEAR", False, True), ("RESIZE_BILINEAR", False, False)]
    assert "GATHER" in [kind for kind, *_ in made((1, 7, 21), shape=ROW)]
    (same,), constants = resized([1.0, 1.0, 1.0, 1.0])
    same.output[0] = "a"
    assert kinds(read_onnx(model([same, node("Relu", "a", "y")], IMAGE, constants))) == ["RELU"]


@pytest.mark.parametrize("to, attributes, words", [
    ([1.0, 1.0, 1.3, 1.0], dict(mode="linear"), "8 to 10 by 1.3, which TFLite puts elsewhere"),
    ((1, 3, 4, 9), dict(mode="linear", antialias=1), "a reduction with antialiasing"),
    ((1, 3, 9, 9), dict(mode="cubic"), "of the mode cubic"),
    ((1, 3, 9, 9), dict(coordinate_transformation_mode="tf_crop_and_resize"),
     "a resize of a part of its operand"),
    ((1, 5, 8, 7), dict(mode="linear"), "a linear resize of channels and of space"),
    ((2, 3, 8, 9), {}, "a resize of the batch"),
    ((1, 3, 16, 9), dict(keep_aspect_ratio_policy="not_larger"), "keeps the ratio"),
], ids=str)
def test_resizes_that_tflite_has_not(to, attributes, words):
    nodes, constants = resized(to, **attributes)
    with pytest.raises(ModelError) as caught:
        read_onnx(model(nodes, IMAGE, constants, 19))
    assert words in caught.value.cause
