"""Values that move, meet in one tensor, or become one of several: numpy against tflite-runtime's
reference kernels, byte for byte."""

import numpy as np
import pytest
from reference_bytes import check, refused
from thinned import counts, thinned
from tiny_tflite import ModelBuilder


@pytest.mark.parametrize("axis", [1, 2, 3, -1])
def test_concatenations(axis):
    b = ModelBuilder((1, 6, 6, 3), 1 / 40, 11, seed=2)
    first = b.average_pool(2, 1, "SAME").save()
    second = b.max_pool(3, 1, "SAME").save()
    check(b.concatenate(second, first, axis=axis))


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
