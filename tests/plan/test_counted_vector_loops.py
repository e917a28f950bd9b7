"""The loops of convolutions that take bytes, a lane a channel, and of MVE's dense layers, counted
line by line as in test_counted_dsp_loops.py.  The PC goes value by value, as cores without the DSP
extension do; a vector's turns are held to what the values need."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from c_engine import ENGINE, blocks_c, forward_c, input_error_c, kernels
from counted_loops import GCC, GCOV, CountedEngine
from loop_lines import line, turns
from loop_works import DENSES, SAME, VALID, conv
from random_layers import errors, int8

from edgetune.boards.cores import CORES
from edgetune.plan.dsp_features import DSP_FEATURES
from edgetune.plan.kernels import KERNELS, Site
from edgetune.plan.mve import MVE_FEATURES
from edgetune.plan.vector_lines import conv_2d_gradient

pytestmark = [
    pytest.mark.skipif(not (GCC and GCOV), reason="needs gcc and gcov"),
    pytest.mark.thorough,  # some files of the engine are compiled anew, so that they count
]

W, CONV, ERROR = "windows_dsp.c", "conv_2d_dsp.c", "conv_2d_input_error_dsp.c"
GRADIENT, DENSE = "conv_2d_gradient_dsp.c", "fully_connected_mve.c"
FILES = (W, CONV, ERROR, GRADIENT, DENSE, "requantize_dsp.c", "error_words.c", "requantize.c",
         "scaled.c", "dot.c")
CASES = [
    ((12, 9), (3, 3), (1, 1), SAME), ((13, 10), (3, 3), (2, 2), SAME),
    ((6, 40), (1, 3), (1, 1), VALID), ((9, 11), (1, 1), (1, 1), VALID),
    ((100, 3), (2, 2), (1, 1), SAME),
]
WORKS = [conv(case, *sizes) for case in CASES for sizes in ((1, 6), (4, 8), (16, 18), (5, 4))]
LANES = 1, 16
SUMMED = {
    "one_row": line(W, "et_sum_lanes(x, two->panel, two->size, two->run, start, sums)"),
    "more_rows": line(W, "sum_rows(two, x, start, sums)"),
    "more_rows_lines": line(W, "et_sum_lanes(x, w, two->size, two->run, row ? sums"),
    "copies": line(W, "int32_t bytes = (taps.to - taps.from)"),
}
FORWARD = SUMMED | {
    "channels": line(CONV, "et_panel *column = et_panel_column("),
    "panel_rest": line(f"{CONV}:vectors.h", "*to++ = (int8_t)value;"),
    "panel_missing": line(CONV, "et_panel_put(panel, et_padded(size), k, c, 0)"),
    "rows": line(CONV, "int8_t *y = g->y + row *"),
    "patches": line(CONV, "forward_patches(g, row, column, count"),
    "put_any": lambda counts: sum(line(CONV, f"et_outputs_put_any({of}")(counts) for of in (
        "outputs, sums, y)", "outputs, sums + 4, y + channels)", "g->outputs, sums, y)")),
}
BACKWARD = SUMMED | {
    "panel_taps": line(ERROR, "int32_t tap = (f->down.tap"),
    "panel_puts": turns(ERROR, "for (int32_t o = 0; o < outputs; o++"),
    "patches": line(ERROR, "error_patches(f, w, row, column, count, c, width)"),
    "stored_pairs": line(ERROR, "x += 2 * step;"),
    "put_few": lambda counts: sum(
        counts.line(ERROR, f"et_error_words_put_{what}(f->block, sums + 4 * i")
        for what in ("few", "4")
    ),
}
FORMED = {
    "zeroed": line(GRADIENT, "*gradient -= worth;"),
    "chunks": line(GRADIENT, "int32_t to = et_min(segments, from + w.at_once)"),
    "few_lanes": line(GRADIENT, "et_pick_bytes(e + k, w->e_step, count"),
    "bias_sums": line(f"{GRADIENT}:vectors.h", "int32_t sum = 0;"),
    "inputs": lambda counts: line(GRADIENT, "put_tap(w, ky, kx, c, from, to);")(counts)
    + line(GRADIENT, "put_flat(w, k, from);")(counts),
    "partial": line(GRADIENT, "et_sum_lanes(e, w->x_operands, w->room, operands, sums, sums)"),
}
DENSE_LOOPS = {
    "forward": {"sums": line(DENSE, "sum_rows(x, weights, count")},
    "input_error": {
        "blocks": line(DENSE, "sum_columns(e, weights + i"),
        "few": line(DENSE, "sum_few_columns(e, weights + i"),
        "few_errors": line("error_words.c", "e[k] = (int8_t)"),
    },
}
# Features of turns: how many of the core's lanes each takes, the line that a value is, and what
# counts the loops, of which each may turn once more than its values need.
PRODUCT = line("dot.c", "int32_t value = *x - zero_point")
WINDOW_TURNS = {"turns": (1, PRODUCT, ("one_row", "more_rows_lines"))}
TURNS = {
    "forward": WINDOW_TURNS | {
        "panel_turns": (1, line(f"{CONV}:vectors.h", "*to++ = *from;"), ("channels",)),
    },
    "input_error": WINDOW_TURNS,
    "gradient": {
        "turns": (1, PRODUCT, ("sums",)),
        "bias_turns": (1, line(f"{GRADIENT}:vectors.h", "sum += *bytes++"), ("bias_sums",)),
        "picked": (0.5, line(f"{GRADIENT}:vectors.h", "*to++ = *from;"),
                   ("few_lanes", *4 * ("error_lines", "input_lines"))),
    },
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    sources = [ENGINE / name for name in FILES]
    return CountedEngine(tmp_path_factory.mktemp("vectors"), "-DET_VECTORS", sources=sources)


def assert_counted(found, loops, part, counts, work) -> set[str]:
    """``found`` features against the lines of ``loops`` and of `TURNS`; those that turned."""
    named = f"{work.x} -> {work.y} {work.layer.window}"
    for name, count in loops.items():
        assert found.get(name, 0) == count(counts), f"{name} of {named}"
    for name, (share, count, calls) in TURNS[part].items():
        most = sum(found.get(call, 0) for call in calls) if work.lanes > 1 else 0
        least = count(counts) / max(1, share * work.lanes)
        assert least <= found.get(name, 0) <= least + most, f"{name} of {named}"
    return {name for name in loops if found.get(name)}


@pytest.mark.parametrize("part, loops", [("forward", FORWARD), ("input_error", BACKWARD)])
def test_lanes_turn_as_the_cost_model_says(engine, part, loops):
    function, turned = f"conv_2d_dsp_{part}", set()
    for work in WORKS:
        rng = np.random.default_rng(4)
        x, e = int8(rng, work.x), errors(rng, work.y)
        for kernel in kernels(work.layer, part, work.x, work.y):
            if kernel.cost != function:
                continue
            counts = engine.run(
                partial(forward_c, layer=work.layer, xs=[x], out_shape=work.y, kernel=kernel)
                if part == "forward" else
                partial(input_error_c, layer=work.layer, operand=0, e=e, xs=[x], clip=(-129, 128),
                        kernel=kernel)
            )
            for lanes in LANES:
                found = DSP_FEATURES[function](replace(work, lanes=lanes))
                turned |= assert_counted(found, loops, part, counts, replace(work, lanes=lanes))
    assert turned == set(loops)


def test_lanes_form_gradients_as_the_cost_model_says(engine):
    rng, turned = np.random.default_rng(6), set()
    for work in WORKS:
        site = Site(work.layer, work.x, work.y, CORES["cortex-m55"])
        (kernel,) = (k for k in KERNELS["update"] if k.forms and k.fits(site))
        x, e = int8(rng, work.x), errors(rng, work.y)
        counts = engine.run(partial(
            blocks_c, kernel=kernel, layer=work.layer, e=e, x=x, rows=work.layer.rows
        ))
        for lanes in LANES:
            laned = replace(work, lanes=lanes)
            found = conv_2d_gradient(laned, work.layer.rows)
            turned |= assert_counted(found, FORMED, "gradient", counts, laned)
    assert turned == set(FORMED)


@pytest.mark.parametrize("part", DENSE_LOOPS)
def test_dense_layers_turn_as_the_cost_model_says(engine, part):
    function, turned = f"fully_connected_mve_{part}", set()
    for work in DENSES:
        rng = np.random.default_rng(7)
        x, e = int8(rng, work.x), errors(rng, work.y)
        (kernel,) = (k for k in kernels(work.layer, part, work.x, work.y) if k.cost == function)
        counts = engine.run(
            partial(forward_c, layer=work.layer, xs=[x], out_shape=work.y, kernel=kernel)
            if part == "forward" else
            partial(input_error_c, layer=work.layer, operand=0, e=e, xs=[x], clip=(-129, 128),
                    kernel=kernel)
        )
        found = MVE_FEATURES[function](work)
        for name, count in DENSE_LOOPS[part].items():
            assert found[name] == count(counts), f"{name} of {work.layer.weights.shape}"
        turned |= {name for name in found if found[name]}
    assert turned >= set(DENSE_LOOPS[part])
