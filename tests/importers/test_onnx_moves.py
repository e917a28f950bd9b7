"""ONNX nodes that move values: views, or operators where the elements have to move."""

import math
from itertools import permutations

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the package onnx is not installed (edgetune[onnx])")

from onnx_builder import answers, model, node  # noqa: E402

from edgetune.errors import ModelError  # noqa: E402
from edgetune.importers.onnx.read import read_onnx  # noqa: E402
from edgetune.importers.onnx.values import transposition  # noqa: E402

RANDOM = np.random.default_rng(11)


def weights(*shape):
    return RANDOM.normal(0, 0.5, shape).astype(np.float32)


def kinds(graph):
    return [op.kind for op in graph.operators]


def test_a_shuffle_of_channels_is_refused():
    nodes = [
        node("Reshape", "x split", "a"), node("Transpose", "a", "b", perm=[0, 2, 1, 3, 4]),
        node("Reshape", "b joined", "c"), node("Conv", "c w", "y"),
    ]
    constants = {"split": (1, 2, 2, 4, 4), "joined": (1, 4, 4, 4), "w": weights(2, 4, 3, 3)}
    with pytest.raises(ModelError, match="1 part") as error:
        read_onnx(model(nodes, (1, 4, 4, 4), constants))
    assert "would have to move in memory" in error.value.cause


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
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
