"""Small models over a spread of shapes, for calibration only.

An operator that none of them has comes in by its example.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from edgetune.learn.lower import lower
from edgetune.learn.program import Program
from edgetune.learn.recipe import BIASES, Recipe
from edgetune.learn.rules import RULES, FixedRate
from edgetune.model.graph import Graph
from edgetune.model.kinds import KINDS, LOSS
from edgetune.model.read import read_tflite
from edgetune.plan.savings import Savings, stages_of
from tests.support.operator_examples import EXAMPLES
from tests.support.tiny_tflite import ModelBuilder

FIXED = Recipe(rule=FixedRate.name)  # what it takes is counted with the update itself
# Gradients that are measured and hardly drawn from: where every row is drawn from, a walk along
# rows and their measure grow alike, and a fit cannot tell what either costs.
HARDLY_DRAWN = replace(FIXED, rate=0.02)
# Dense layers of which a step draws no weight, or one, or some of each row.
FEW_DRAWS = 0.2, 2.0
PEERS = [name for name in RULES if name not in ("fixed", "adaptive")]
SHAPES = ((9, 7, 3), (6, 6, 5), (12, 5, 8))  # of maps before an example

def everything() -> Graph:
    """A model with every operator, and dense layers of both kinds of update: a step of it runs
    each operator's backward."""
    kinds = kinds_beyond(layers_of([_every(())]))
    return _every([kind for kind in kinds if KINDS[kind].trains != LOSS])


def _every(examples: Sequence[str]) -> Graph:
    """``examples``: kinds that stand beside the rest, each on a branch."""
    b = _branches(ModelBuilder((1, 8, 8, 3), seed=1).conv(3, 1), 5)
    maps = b.save()
    sides = [EXAMPLES[kind](b.back_to(maps)).dense(32).save() for kind in examples]
    b.back_to(maps).conv(4, 3, activation="RELU").depthwise(3)
    b.average_pool((1, b.shape[2])).depthwise(3, stride=2, multiplier=2)
    b.pad(1, 1, 1, 1).max_pool(2, stride=1).average_pool(2, stride=1).conv(8, 1, groups=2).mean()
    b.dense(32, activation="RELU")
    for side in sides:
        b.join("ADD", side)
    return _graph(b.dense(3).softmax())


def plain(program: Program) -> Savings:
    """What leaves every layer to the portable kernels, where the core has no DSP extension."""
    return Savings(plain=stages_of(program.layers))


def layers_of(graphs: Iterable[Graph]) -> set[str]:
    """The kinds of layers that ``graphs`` have."""
    return {layer.kind for graph in graphs for layer in lower(graph).layers}


def kinds_beyond(known: set[str]) -> list[str]:
    """Kinds of a file's operators whose examples have a layer that is neither ``known`` nor in
    an example before."""
    kinds = []
    for kind in EXAMPLES:
        if more := layers_of([_example(kind, SHAPES[0])]) - known:
            kinds.append(kind)
            known = known | more
    return kinds


def _example(kind: str, shape: tuple[int, int, int]) -> Graph:
    b = EXAMPLES[kind](ModelBuilder((1, *shape), seed=31).conv(shape[2] + 1, 3))
    return _graph(b if KINDS[kind].trains == LOSS else b.dense(4))


def examples_beyond(models: list[tuple[Graph, Recipe]]) -> list[tuple[Graph, Recipe]]:
    """Of every operator that ``models`` lack its example in several shapes."""
    lacking = kinds_beyond(layers_of(graph for graph, _ in models))
    return [(_example(kind, shape), FIXED) for kind in lacking for shape in SHAPES]


def _graph(builder: ModelBuilder) -> Graph:
    return read_tflite(builder.build())


def losses() -> list[tuple[Graph, Recipe]]:
    """A small model for every loss, and for every end that a loss belongs to, but the softmax's,
    which `everything` has."""
    return [(_labels(), FIXED), (_values(), FIXED), (_logarithms(), FIXED)]


def spread() -> list[tuple[Graph, Recipe]]:
    """Models of many shapes, each with the recipe it is to be trained by."""
    models = [make() for make in (
        _separable, _uneven, _keyword, _image, _series, _dense, _pools, _tiny_dense, _multiplied,
        _pointwise, _wide, _flat, _small_image, _narrow, _coarse, _doubled, _long, _square,
        _joined, _joined_again, _gated, _gated_again, _spread_out, _residual, _moved, _moved_again,
        _grouped, _grouped_again, _valid, _deep, _planes, _wide_planes, _tall_planes, _few_planes,
        _pooled, _sums, _last_layers,
    )]
    again = [make() for make in (
        _separable, _series, _dense, _tiny_dense, _multiplied, _flat, _planes, _spread_out,
        _grouped_again,
    )]
    others = [_labels(), _many_labels(), _values(), _many_values(), _rebuilt()]
    recipes = [(m, FIXED) for m in (*models, *others)]
    recipes += examples_beyond(recipes)
    recipes += [(m, replace(FIXED, draw="independent")) for m in again]
    recipes += [(m, Recipe(rule="adaptive")) for m in [*again, _last_layers()]]
    recipes += [(make(), HARDLY_DRAWN) for make in (
        _deep, _pointwise, _last_layers, _square, _keyword, _image, _dense, _grouped, _planes,
    )]
    recipes += [(make(), replace(FIXED, rate=rate)) for rate in FEW_DRAWS for make in (
        _dense, _wide, _flat, _rebuilt,
    )]
    recipes += [(make(), Recipe(rule=rule)) for rule in PEERS for make in (
        _separable, _dense, _tiny_dense, _spread_out, _grouped_again,
    )]
    return recipes + [(make(), replace(FIXED, layers=BIASES, draw=draw)) for make, draw in (
        (_separable, "systematic"), (_series, "systematic"), (_dense, "systematic"),
        (_square, "systematic"), (_separable, "independent"), (_dense, "independent"),
    )] + [
        (make(), Recipe(BIASES, rule=rule)) for rule in ("adaptive", *PEERS)
        for make in (_separable, _dense)
    ]


def _labels() -> Graph:
    b = ModelBuilder((1, 14), seed=22).dense(12, activation="RELU").dense(5)
    return _graph(b.unary("LOGISTIC", scale=1 / 256))


def _logarithms() -> Graph:
    b = ModelBuilder((1, 14), seed=29).dense(5)
    return _graph(b.unary("LOG_SOFTMAX", scale=1 / 16, zero_point=127))


def _many_labels() -> Graph:
    b = ModelBuilder((1, 9, 9, 2), seed=23).conv(6, 3, activation="RELU").mean().dense(40)
    return _graph(b.unary("LOGISTIC", scale=1 / 256))


def _values() -> Graph:
    return _graph(ModelBuilder((1, 17), seed=24).dense(12, activation="RELU").dense(1))


def _many_values() -> Graph:
    b = ModelBuilder((1, 20), seed=25).dense(16, activation="RELU").dense(33)
    return _graph(b.unary("TANH", scale=1 / 128, zero_point=0))


def _rebuilt() -> Graph:
    b = ModelBuilder((1, 60), seed=26).dense(24, activation="RELU").dense(8, activation="RELU")
    return _graph(b.dense(24, activation="RELU").dense(60))


def _separable() -> Graph:
    b = ModelBuilder((1, 10, 10, 3), seed=2)
    b.conv(6, 3, activation="RELU").conv(9, 3, stride=2).depthwise(3, activation="RELU6")
    return _graph(b.conv(16, 1, activation="RELU").mean().dense(7))


def _uneven() -> Graph:
    b = ModelBuilder((1, 12, 8, 1), seed=3)
    b.conv(8, (5, 3), stride=2, activation="RELU").depthwise(3, stride=2, activation="RELU6")
    return _graph(b.conv(12, 1).average_pool(2).dense(10).softmax())


def _keyword() -> Graph:
    b = ModelBuilder((1, 25, 10, 1), seed=4)
    b.conv(16, (10, 4), stride=2, activation="RELU").depthwise(3, activation="RELU")
    b.conv(24, 1, activation="RELU").depthwise(3, activation="RELU").conv(24, 1)
    return _graph(b.mean().dense(12).softmax())


def _image() -> Graph:
    b = ModelBuilder((1, 28, 28, 1), seed=5)
    b.conv(4, 3, padding="VALID", activation="RELU").max_pool(2)
    b.conv(8, 3, padding="VALID", activation="RELU").max_pool(2)
    return _graph(b.dense(20, activation="RELU").dense(10).softmax())


def _series() -> Graph:
    b = ModelBuilder((1, 64, 1, 6), seed=6)
    b.conv(8, (5, 1), stride=(2, 1), activation="RELU").conv(16, (3, 1), activation="RELU")
    return _graph(b.max_pool((2, 1)).dense(24, activation="RELU").dense(5).softmax())


def _dense() -> Graph:
    b = ModelBuilder((1, 100), seed=7)
    return _graph(b.dense(64, activation="RELU").dense(48, activation="RELU").dense(10))


def _pools() -> Graph:
    b = ModelBuilder((1, 9, 9, 5), seed=8)
    b.conv(7, 2, padding="VALID").max_pool(3, stride=1, padding="SAME")
    b.average_pool(3, stride=1, padding="SAME").pad(1, 2, 0, 1).max_pool(3, stride=2)
    return _graph(b.pad(1, 1, 1, 1).average_pool(2).mean().dense(4))


def _tiny_dense() -> Graph:
    b = ModelBuilder((1, 12), seed=9)
    return _graph(b.dense(9, activation="RELU").dense(6).dense(3).softmax())


def _multiplied() -> Graph:
    b = ModelBuilder((1, 11, 7, 2), seed=10)
    b.depthwise(3, multiplier=4, activation="RELU").depthwise((4, 2), stride=2)
    b.depthwise(3, multiplier=3, activation="RELU").conv(5, 2, padding="VALID")
    return _graph(b.dense(6))


def _pointwise() -> Graph:
    b = ModelBuilder((1, 14, 14, 8), seed=11)
    b.conv(32, 1, activation="RELU").depthwise(3, stride=2, activation="RELU").conv(30, 1)
    b.pad(1, 1, 1, 1).max_pool(2).depthwise(5, activation="RELU").conv(16, 1)
    return _graph(b.mean().dense(20).softmax())


def _last_layers() -> Graph:
    """Many channels over few positions: of the gradients' costs those of their number alone."""
    b = ModelBuilder((1, 6, 6, 32), seed=44).conv(64, 1, activation="RELU")
    b.depthwise(3, stride=2, activation="RELU").conv(128, 1, activation="RELU").conv(96, 1)
    return _graph(b.mean().dense(5).softmax())


def _wide() -> Graph:
    return _graph(ModelBuilder((1, 33), seed=12).dense(130, activation="RELU").dense(2))


def _flat() -> Graph:
    b = ModelBuilder((1, 784), seed=13).dense(30, activation="RELU")
    return _graph(b.dense(16).dense(10).softmax())


def _small_image() -> Graph:
    b = ModelBuilder((1, 9, 9, 1), seed=14)
    b.conv(8, 3, activation="RELU").max_pool(3, stride=2, padding="SAME")
    return _graph(b.conv(12, 3, activation="RELU").conv(5, (2, 3), padding="VALID").dense(10))


def _narrow() -> Graph:
    b = ModelBuilder((1, 16, 6, 2), seed=15)
    b.conv(4, 3, stride=(2, 1), activation="RELU").average_pool(3, stride=1)
    b.conv(6, (1, 3), activation="RELU").depthwise(3, multiplier=2).max_pool(2, stride=1)
    return _graph(b.dense(3).softmax())


def _coarse() -> Graph:
    b = ModelBuilder((1, 20, 20, 3), seed=16)
    b.conv(5, 5, stride=2, padding="VALID", activation="RELU").max_pool(3, stride=1)
    b.conv(10, 3).max_pool((1, 2), stride=1, padding="SAME").average_pool(4, stride=2)
    return _graph(b.mean().dense(9).softmax())


def _doubled() -> Graph:
    b = ModelBuilder((1, 7, 9, 6), seed=17)
    b.conv(3, 3).depthwise(3, multiplier=2, activation="RELU").average_pool(2, stride=1)
    return _graph(b.conv(11, 1, activation="RELU").max_pool((4, 2), stride=(2, 1)).dense(4))


def _long() -> Graph:
    b = ModelBuilder((1, 30, 1, 4), seed=18)
    b.conv(6, (7, 1), activation="RELU").conv(10, (3, 1), stride=(3, 1), padding="VALID")
    return _graph(b.depthwise((5, 1), activation="RELU").dense(8))


def _square() -> Graph:
    b = ModelBuilder((1, 5, 5, 10), seed=19)
    b.conv(12, 3, activation="RELU").depthwise(3, multiplier=2).conv(4, 2, stride=2)
    return _graph(b.dense(7).softmax())


def _branches(b: ModelBuilder, filters: int) -> ModelBuilder:
    """Branches that meet, functions of one value, crops, copies and dilated windows."""
    b.conv(filters, 3, dilation=2, activation="RELU")
    start = b.save()
    b.unary("LOGISTIC", scale=1 / 256, zero_point=-128).join("MUL", start).join("ADD", start)
    sums = b.save()
    height, width, channels = b.shape[1:]
    b.crop((0, 0, 0, 1), (1, height, width, channels)).concatenate(sums)
    b.crop((0, 1, 1, 0), (1, height, width, b.shape[3]))
    return b.depthwise((3, 2), dilation=2)


def _joined() -> Graph:
    return _graph(_branches(ModelBuilder((1, 12, 9, 2), seed=20), 8).conv(6, 1).mean().dense(5))


def _joined_again() -> Graph:
    b = _branches(ModelBuilder((1, 7, 15, 6), seed=21), 3).conv(9, 3, dilation=2)
    return _graph(_branches(b, 14).max_pool(2).dense(4).softmax())


def _gated() -> Graph:
    """Second operands that repeat: a gate of each channel, a constant."""
    b = ModelBuilder((1, 11, 8, 3), seed=27).conv(12, 3)
    maps = b.save()
    b.mean(keep_dims=True).conv(12, 1)
    gate = b.unary("LOGISTIC", scale=1 / 256, zero_point=-128).save()
    maps = b.back_to(maps).join("MUL", gate).conv(7, 1).unary("HARD_SWISH").save()
    b.join("MUL", b.constant([0.5, 1, 0.2, 1, 1, -1, 0.3])).join("ADD", maps)
    return _graph(b.dense(6).softmax())


def _gated_again() -> Graph:
    b = ModelBuilder((1, 5, 6, 4), seed=28).conv(21, 1, activation="RELU")
    maps = b.save()
    offset = b.mean(keep_dims=True).conv(21, 1).save()
    b.back_to(maps).join("ADD", offset, "RELU").conv(10, 2)
    maps = b.save()
    gate = b.max_pool((5, 6)).conv(10, 1).unary("TANH", scale=1 / 128, zero_point=0).save()
    b.back_to(maps).join("MUL", gate).join("SUB", b.constant([0.1] * 10))
    return _graph(b.mean().dense(3))


def _spread_out() -> Graph:
    """Dilated windows behind a layer that trains."""
    b = ModelBuilder((1, 13, 10, 2), seed=29).conv(7, 1)
    b.conv(13, 3, dilation=3, activation="RELU").depthwise((2, 3), dilation=2, multiplier=2)
    b.conv(5, (2, 1), padding="VALID", dilation=2).depthwise(3, dilation=2, activation="RELU")
    return _graph(b.conv(16, 3, stride=1, dilation=2).average_pool(5).dense(4).softmax())


def _grouped() -> Graph:
    """Groups of many channels and of single ones."""
    b = ModelBuilder((1, 9, 8, 3), seed=34).conv(24, 3, activation="RELU").conv(24, 3, groups=2)
    b.conv(30, 3, stride=2, activation="RELU", groups=6).conv(12, (1, 2), groups=3)
    return _graph(b.conv(24, 3, groups=12).mean().dense(5))


def _grouped_again() -> Graph:
    b = ModelBuilder((1, 14, 5, 8), seed=35).conv(16, (3, 1), dilation=2, groups=8)
    b.conv(32, 1, activation="RELU", groups=4).conv(9, 1).conv(9, 3, stride=(2, 1), groups=3)
    return _graph(b.conv(10, 2).conv(20, 3, groups=5).dense(6))


def _residual() -> Graph:
    """Sums of errors of many sizes; pieces of a map side by side."""
    b = ModelBuilder((1, 9, 9, 3), seed=30).conv(16, 3, activation="RELU")
    start = b.save()
    b.conv(16, 3, activation="RELU").conv(16, 3).join("ADD", start, "RELU")
    first = b.crop((0, 0, 0, 0), (1, 6, 9, 16)).save()
    b.crop((0, 1, 0, 0), (1, 6, 9, 16)).concatenate(first, axis=1).max_pool(2)
    second = b.save()
    b.unary("LEAKY_RELU", 0.1).conv(16, 1).join("SUB", second)
    return _graph(b.mean().dense(12).softmax())


def _moved() -> Graph:
    """Runs that are copied, values that are moved one by one, values that are read again."""
    b = ModelBuilder((1, 8, 9, 3), seed=32).conv(6, 3).transpose(0, 3, 1, 2)
    b.transpose(0, 2, 3, 1).move("SPLIT", 2, data=1, NumSplits=3).move("TILE", [1, 2, 1, 1])
    b.conv(5, 3).move("RESIZE_NEAREST_NEIGHBOR", [11, 7]).conv(4, 3, stride=2)
    return _graph(b.move("REVERSE_V2", [2]).dense(6))


def _moved_again() -> Graph:
    b = ModelBuilder((1, 6, 6, 4), seed=33).conv(12, 1).move("DEPTH_TO_SPACE", BlockSize=2)
    b.conv(7, 3, stride=2).move("RESIZE_NEAREST_NEIGHBOR", [12, 12]).conv(3, 3, stride=2)
    b.move("GATHER", [2, 2, 0, 1, 1], Axis=3).crop((0, 1, 0, 0), (1, 6, 5, 5))
    return _graph(b.move("SPACE_TO_DEPTH", BlockSize=5).dense(5))


def _valid() -> Graph:
    """Windows that all lie inside."""
    b = ModelBuilder((1, 15, 13, 4), seed=36).conv(10, 3, padding="VALID", activation="RELU6")
    b.conv(12, (1, 3), padding="VALID").conv(16, (3, 1), padding="VALID", activation="RELU")
    b.conv(8, 3, stride=(1, 2)).conv(18, (2, 1), stride=2, activation="RELU")
    return _graph(b.dense(9).softmax())


def _deep() -> Graph:
    """Convolutions of many channels."""
    b = ModelBuilder((1, 8, 7, 24), seed=37).conv(28, 3, activation="RELU").conv(36, 1)
    b.conv(20, 3, stride=2, activation="RELU").conv(30, (2, 3)).conv(40, 1, activation="RELU6")
    return _graph(b.mean().dense(17).softmax())


def _planes() -> Graph:
    """3x3 windows of each channel side by side, as all of the next ones have."""
    b = ModelBuilder((1, 14, 11, 8), seed=38).depthwise(3, activation="RELU").conv(20, 1)
    b.depthwise(3, activation="RELU6").conv(10, 1, activation="RELU").depthwise(3)
    return _graph(b.average_pool((7, 11)).dense(8).softmax())


def _wide_planes() -> Graph:
    b = ModelBuilder((1, 5, 50, 3), seed=39).conv(5, 1).depthwise(3, padding="VALID")
    return _graph(b.conv(12, (3, 2), stride=(1, 4)).depthwise(3, activation="RELU").dense(6))


def _tall_planes() -> Graph:
    b = ModelBuilder((1, 37, 28, 2), seed=40).conv(4, 3, activation="RELU").depthwise(3)
    return _graph(b.max_pool(2).conv(7, 1).depthwise(3, activation="RELU").mean().dense(5))


def _few_planes() -> Graph:
    b = ModelBuilder((1, 4, 6, 16), seed=41).depthwise(3, activation="RELU").conv(9, 2)
    return _graph(b.depthwise(3).conv(32, 1, activation="RELU").depthwise(3).dense(4).softmax())


def _pooled() -> Graph:
    """Pools side by side, over channels that come in fours and that do not."""
    b = ModelBuilder((1, 16, 24, 2), seed=42).conv(9, 3).average_pool(2).conv(16, 1)
    b.average_pool((1, 3)).conv(6, 3, activation="RELU").average_pool((2, 4))
    return _graph(b.conv(28, 1).average_pool((4, 1)).dense(5))


def _sums() -> Graph:
    """Sums of maps, of constants and of gates that repeat."""
    b = ModelBuilder((1, 10, 8, 3), seed=43).conv(12, 3, activation="RELU")
    first = b.save()
    second = b.conv(12, 1).join("ADD", first, "RELU").save()
    b.conv(12, 3).join("SUB", second).join("ADD", b.constant([0.5, -1, 0.2] * 4))
    return _graph(b.max_pool(2).dense(7).softmax())
