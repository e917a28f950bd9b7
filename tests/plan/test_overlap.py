"""Outputs that run over what they are made of: by how much they may, and what the plan makes of it.

The kernels themselves do so in ``tests/engine/test_overlap_on_cores.py``.
"""

import random
from itertools import product
from types import SimpleNamespace

import pytest
from overlap_cases import VALUES, WINDOWED, cases, stem
from thinned import thinned

from edgetune.boards import load_board
from edgetune.learn.program import Layer, Window
from edgetune.learn.recipe import Recipe
from edgetune.plan.arena import alive, lay_out, peak, tight_order
from edgetune.plan.cost import estimate
from edgetune.plan.overlap import distances, overlapping
from edgetune.plan.plan import make_plan
from edgetune.plan.savings import Savings, stages_of
from edgetune.plan.schedule import Buffer
from edgetune.plan.thrift import plan_within, prices

POINT = (1, 1), (1, 1), (0, 0)


def distance(kernel, x, y, window=POINT, role="x"):
    return distances(kernel, layer_of(window), x, y)[role]


def layer_of(window):
    return SimpleNamespace(window=Window(*window), kind="", by_value=False)


@pytest.mark.parametrize("x, y, expected", [
    # Four positions, of 2 bytes to 3: the last one reads bytes 6 and 7, and 12 are written then.
    ((2, 2, 2), (2, 2, 3), 12 - 6),
    # Of 3 to 2: the first one writes 2 and reads from byte 0 on; the others are ahead.
    ((2, 2, 3), (2, 2, 2), 2),
    ((1, 1, 5), (1, 1, 7), 7),  # one position reads all and writes all: apart
    ((48, 48, 8), (48, 48, 16), 48 * 48 * 8 + 8),  # the third layer of MobileNetV1-0.25 at 96x96
])
def test_a_pointwise_layer_is_a_position_behind(x, y, expected):
    assert distance("et_conv_2d_forward", x, y) == expected
    assert distance("et_conv_2d_input_error", y, x, role="e") == expected


def test_windows_reach_back_by_hand():
    """3x3 over 3x3 cells with padding reads the row above: the fifth output, 5 bytes by then, still
    reads cell 0.  Of stride 2 the windows are ahead of the outputs, from the second on."""
    same, half = ((3, 3), (1, 1), (1, 1)), ((3, 3), (2, 2), (0, 0))
    kernel = "et_depthwise_conv_2d_forward"
    assert distance(kernel, (3, 3, 1), (3, 3, 1), same) == 5
    assert distance(kernel, (3, 3, 4), (3, 3, 4), same) == 20
    assert distance(kernel, (4, 4, 1), (2, 2, 1), half) == 1
    assert distance("et_max_pool_2d_forward", (4, 4, 6), (2, 2, 6), ((2, 2), (2, 2), (0, 0))) == 6


def test_planes_lie_in_place_or_apart():
    same, dsp = ((3, 3), (1, 1), (1, 1)), "et_depthwise_conv_2d_dsp_forward"
    layer = layer_of(same)
    lines = "et_depthwise_conv_2d_lines_forward"
    assert distances(dsp, layer, (12, 34, 8), (12, 34, 8)) == {"x": 0}
    assert distances(dsp, layer, (13, 34, 8), (13, 34, 8)) == {}  # patches, which share lines
    assert distances(dsp, layer, (12, 35, 8), (12, 35, 8)) == {}
    assert distances(dsp, layer, (12, 34, 6), (12, 34, 6)) == {}  # channels 2 and 3 come twice
    assert distances(lines, layer, (13, 40, 7), (13, 40, 7)) == {"x": 0}
    assert distances(lines, layer, (13, 40, 7), (11, 38, 7)) == {}
    assert distances("et_conv_2d_dsp_forward", layer, (4, 4, 8), (4, 4, 8)) == {}


def walk(case, role):
    """Per position in order: the bytes that it reads, and those that it writes."""
    (kh, kw), (sh, sw), (ph, pw) = case.window.kernel, case.window.stride, case.window.pad
    to, of = (case.x, case.y) if role == "e" else (case.y, case.x)
    for number, (i, j) in enumerate(product(range(to[0]), range(to[1]))):
        if role == "e":  # outputs (i + ph - k) / s for all taps k
            rows = [(i + ph - k) / sh for k in range(kh)]
            columns = [(j + pw - k) / sw for k in range(kw)]
        else:
            rows = [i * sh - ph + k for k in range(kh)]
            columns = [j * sw - pw + k for k in range(kw)]
        cells = [int(r) * of[1] + int(c) for r in rows for c in columns
                 if r in range(of[0]) and c in range(of[1])]
        reads = {cell * of[2] + k for cell in cells for k in range(of[2])}
        yield reads, set(range(number * to[2], (number + 1) * to[2]))


def lost(case, role, apart) -> bool:
    """Whether a position reads what it or one before it has written."""
    written = set()
    for reads, writes in walk(case, role):
        written |= writes
        if {byte + apart for byte in reads} & written:
            return True
    return False


@pytest.mark.parametrize("kernel", WINDOWED)
def test_no_position_reads_what_was_written_and_a_byte_nearer_one_does(kernel):
    for case in cases(seed=7, each=6):
        if case.kernel == kernel:
            role = "e" if kernel.endswith("error") else "x"
            found = case.distances[role]
            assert not lost(case, role, found)
            assert found == 0 or lost(case, role, found - 1)


def below(cls):
    return [cls, *(found for child in cls.__subclasses__() for found in below(child))]


def test_what_goes_value_by_value_says_so_itself_and_is_tried_on_cores():
    """Nothing inherits it from a class whose own kernels are not looked at."""
    said = [layer for layer in below(Layer) if layer.by_value]
    assert [layer for layer in said if "by_value" not in vars(layer)] == []
    kernels = {f"et_{layer.kind}_{part}" for layer in said for part in ("forward", "input_error")}
    assert kernels <= {*VALUES}


# -- which buffers ------------------------------------------------------------------------------


def some(**sizes):
    """Buffers that die at stage 1, "y" which is born there."""
    made = {name: Buffer(name, size, first=0, last=1) for name, size in sizes.items()}
    made["y"].first, made["y"].last = 1, 3
    return made


def test_the_larger_saving_is_taken_of_what_dies_there():
    buffers = some(x=40, x1=40, y=40)
    found = {"x": 8, "x1": 0}
    assert overlapping(buffers, 1, found) == (buffers["y"], buffers["x1"], 0)
    buffers["x1"].last = 2
    assert overlapping(buffers, 1, found) == (buffers["y"], buffers["x"], 8)
    buffers["x"].outside = True
    assert overlapping(buffers, 1, found) is None
    repeating = some(x=40, x1=8, y=40)
    repeating["x"].last = 2
    assert overlapping(repeating, 1, found) is None
    apart = some(x=5, y=7)
    assert overlapping(apart, 1, {"x": 7}) is None  # nothing is saved


def test_an_output_begins_before_its_input_in_the_arena():
    """A widening layer in the midst of others, whose bytes in common count once."""
    x, y = Buffer("x", 64, first=1, last=2), Buffer("y", 128, first=2, last=3)
    z, w = Buffer("z", 40, first=0, last=1), Buffer("w", 16, first=2, last=2)
    assert lay_out([x, y, z, w]) == 128 + 64 + 16
    y.over = x, 72
    assert lay_out([x, y, z, w]) == 136 + 16
    assert x.offset - y.offset == 72 and [alive([x, y, z, w], i) for i in range(4)] == [
        40, 104, 128 + 64 - 56 + 16, 128,
    ]


@pytest.mark.parametrize("seed", thinned(range(20), 6))
def test_chains_of_overlaps_keep_apart_from_all_others(seed):
    source = random.Random(seed)
    chain = [Buffer(f"c{i}", source.randrange(8, 200), first=i, last=i + 1) for i in range(8)]
    for before, after in zip(chain, chain[1:]):
        if source.random() < 0.7:
            after.over = before, 8 * source.randrange(12)
    others = [Buffer(f"o{i}", source.randrange(1, 150), first=first, last=first + 2)
              for i, first in enumerate(source.choices(range(8), k=8))]
    buffers = chain + others
    source.shuffle(buffers)
    order = tight_order(buffers, 0)
    size = lay_out(buffers, order)
    assert size <= lay_out(buffers) and peak(buffers, 11)[0] <= size == lay_out(buffers, order)
    for one, two in product(buffers, buffers):
        if one.over and one.over[0] is two:
            assert two.offset - one.offset == one.over[1] and one.offset % 8 == 0
        elif one is not two and not (two.over and two.over[0] is one):
            together = one.first <= two.last and two.first <= one.last
            assert not together or (
                one.offset + one.size <= two.offset or two.offset + two.size <= one.offset
            )


# -- plans --------------------------------------------------------------------------------------


def test_a_stem_that_is_not_trained_is_made_to_fit_by_overlap():
    graph, board, recipe = stem(), load_board("stm32f4-discovery"), Recipe(layers=("last",))
    ways = Savings(small_ring=True, shared_frame=True)
    least = estimate(make_plan(graph, recipe, board, ram=1, savings=ways)).ram_bytes
    plan = plan_within(graph, recipe, board.with_ram((least - 512) // 32 * 32))
    assert estimate(plan).ram_bytes <= plan.board.ram.length
    assert plan.savings.over == {"conv_2d_1 forward", "depthwise_conv_2d_2 forward"}
    y = next(b for b in plan.schedule.buffers if b.name == "conv_2d_1_out")
    x, apart = y.over
    # 64 positions of 4 bytes to 24: 64 * 24 - 63 * 4 = 1284, in whole eights.
    assert (y.name, x.name, apart, x.offset - y.offset) == (
        "conv_2d_1_out", "conv_2d_0_out", 1288, 1288
    )
    row = next(p for p in prices(plan) if p.what == "conv_2d_1 writes its output over its input")
    assert row.instructions > 0
    assert prices(plan_within(graph, recipe, board)) == []


def test_what_the_backward_pass_reads_is_not_written_over():
    graph, board = stem(), load_board("stm32f4-discovery")
    names = stages_of(make_plan(graph, Recipe(), board).program.layers)
    every = make_plan(graph, Recipe(), board, savings=Savings(over=names))
    assert [b.name for b in every.schedule.buffers if b.over] == []
    last = make_plan(graph, Recipe(("last",)), board, savings=Savings(over=names))
    assert {b.name for b in last.schedule.buffers if b.over} == {
        "conv_2d_1_out", "depthwise_conv_2d_2_out", "conv_2d_3_out",
    }
