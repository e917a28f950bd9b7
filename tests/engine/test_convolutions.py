"""Convolutions dilated, in groups and transposed, padding before them, and dense layers over every
cell: numpy against tflite-runtime's reference kernels, byte for byte."""

import numpy as np
import pytest
from reference_bytes import check, refused
from tflite_writer import OperatorSpec, serialise
from thinned import thinned
from tiny_tflite import ModelBuilder

from edgetune.errors import ModelError
from edgetune.model.read import read_tflite


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
