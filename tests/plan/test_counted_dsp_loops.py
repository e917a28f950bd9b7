"""The loops of the DSP kernels that the cost model assumes, counted line by line as in
test_counted_loops.py: these take several cells, channels and rows at once."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from c_engine import CUpdate, blocks_c, forward_c, input_error_c, kernels, scaled_c
from counted_loops import GCC, GCOV, CountedEngine
from loop_lines import line, turns
from loop_works import SAME, VALID, WINDOWS, conv, dense, depthwise, pool
from random_layers import errors, int8

from edgetune.boards.cores import CORES
from edgetune.learn import operators as p
from edgetune.plan.dsp_features import DSP_FEATURES
from edgetune.plan.dsp_lines import conv_2d_gradient, depthwise_gradient, summed_rows
from edgetune.plan.halvings import FORETOLD, halved_errors
from edgetune.plan.kernels import KERNELS, Site
from edgetune.plan.workload import _columns, formed_blocks

pytestmark = [
    pytest.mark.skipif(not (GCC and GCOV), reason="needs gcc and gcov"),
    pytest.mark.thorough,  # the engine is compiled anew, so that it counts
]

W, CONV, ERROR = "windows_dsp.c", "conv_2d_dsp.c", "conv_2d_input_error_dsp.c"
GRADIENT, PLANES, DEPTHWISE = "conv_2d_gradient_dsp.c", "planes_dsp.c", "depthwise_conv_2d_dsp.c"
PAIRS = "pairs_dsp.c"
DEPTHWISE_GRADIENT, DENSE = "depthwise_conv_2d_gradient_dsp.c", "fully_connected_dsp.c"
SCALE, POOL, ADD = "error_scale_dsp.c", "average_pool_2d_dsp.c", "add_dsp.c"
WIDE = [
    ((12, 9), (3, 3), (1, 1), SAME), ((13, 10), (3, 3), (2, 2), SAME),
    ((6, 40), (1, 3), (1, 1), VALID), ((40, 1), (5, 1), (2, 1), SAME),
    ((9, 11), (1, 1), (1, 1), VALID), ((10, 8), (4, 2), (1, 3), SAME),
    ((100, 3), (2, 2), (1, 1), SAME),
]
SQUARES = [
    ((6, 5), (3, 3), (1, 1), SAME), ((9, 40), (3, 3), (1, 1), VALID),
    ((37, 14), (3, 3), (1, 1), SAME), ((4, 4), (3, 3), (1, 1), (2, 1)),
]
CONVS = [
    conv(case, *sizes) for case in [*WIDE, *WINDOWS[:9]]
    for sizes in ((1, 6), (4, 8), (8, 18), (5, 4))
]
DEPTHWISES = [depthwise(case, channels, 1) for case in SQUARES for channels in (4, 7)]
DENSES = [dense(*sizes) for sizes in ((8, 4), (30, 11), (9, 6), (33, 3))]
POOLS = [
    pool(p.AveragePool2D, (size, kernel, kernel, VALID), channels)
    for size, kernel in (((8, 6), (2, 3)), ((5, 4), (5, 1))) for channels in (3, 8)
]

WINDOW_SUMS = {
    "sums": line(W, "memmove(two->sums"),
    "sum_rows": turns(W, "for (int32_t row = 0; row < two->rows"),
    "copies": line(W, "int32_t bytes = (taps.to - taps.from)"),
    "copied_rows": line(W, "copy(to, from, bytes)"),
    "short_rows": line(W, "et_store_word(to, et_load_word(from));", "et_copy_window"),
    "copied_words": line(W, "et_store_word(to, et_load_word(from));", "copy"),
    "copied_bytes": line(W, "*to++ = *from++"),
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return CountedEngine(tmp_path_factory.mktemp("counted"))


def both(*counts):
    return lambda found: sum(count(found) for count in counts)


def times(factor, name, *more):
    """What a feature, or a sum of some, is told of a line that runs ``factor`` times for each."""
    return lambda found: factor * found.get(name, 0) + sum(found.get(n, 0) for n in more)


# What is left of a line are its edges.
PAIR_LOOPS = {
    "every_line": line(PAIRS, "int32_t j = inside.from >> 1"),
    "every_whole": both(turns(PAIRS, "for (; n; n--, values"), turns(PAIRS, "for (; n != 0; n--")),
    "every_none": turns(PAIRS, "for (int32_t n = end - from"),
}


TOLD = {
    "window_fours": lambda found: found["odd_fours"] + 2 * found["two_fours"],
    "put_channels": times(4, "put_two"),
    "line_sums": lambda found: 4 * (found["pairs"] + found.get("odd", 0)
                                    + -(-found.get("foretold", 0) // 2)),
    "four_lines": times(4, "lines"), "any_four_lines": times(4, "any_lines"),
    "fours_of_eights": times(2, "eights_of_groups"), "twos_of_fours": times(2, "fours_of_groups"),
    "every_line": times(1, "pair_lines", "error_lines"),
    "every_whole": times(1, "pair_whole", "error_whole", "error_pairs"),
    "every_none": times(1, "pair_none", "error_none"),
    "sum_pairs": lambda found: found["odd"] + 2 * found["two"] + 4 * found["fours"],
}
ONE_OF_FOUR = line(ERROR, "et_error_words_put_4(f->block, sums + 4 * i")
LOOPS = {
    "conv_2d_dsp_forward": WINDOW_SUMS | {
        "window_fours": line(W, "int32_t at = row * two->line + k"),
        "times": line(CONV, "et_inside inside = et_columns_inside(w);", "forward_windows"),
        "groups": line(CONV, "forward_group g = {"),
        "panel_words": turns(CONV, "for (; weights != end; weights += 4"),
        "panel_rest": line(CONV, "rest = rest << 8 |"),
        "panel_missing": line(CONV, "et_panel_put(panel, et_padded(size), k, c, 0)"),
        "rows": line(CONV, "int8_t *y = g->y + row *"),
        "runs": line(CONV, "et_two_windows two = et_windows_in_place("),
        "patches": line(CONV, "forward_patches(g, row, column, count"),
        "put_two": line(CONV, "et_outputs_put_two(outputs, sums, y, y + channels)"),
        "put_any": line("requantize_dsp.c", "const et_quantization *q = outputs->quantization;"),
        "put_any_outputs": line("requantize_dsp.c", "int32_t acc = outputs->doubled"),
    },
    "conv_2d_dsp_input_error": WINDOW_SUMS | {
        "window_fours": line(W, "int32_t at = row * two->line + k"),
        "phases": line(ERROR, "et_windows w = place_cells(f, e)"),
        "cleared": line(ERROR, "memset(f->block->start + cell_at"),
        "groups": line(ERROR, "fill_error_panel(f, c, width)"),
        "panel_taps": line(ERROR, "int32_t tap = (f->down.tap"),
        "panel_fours": turns(ERROR, "for (; outputs; outputs -= 4"),
        "panel_puts": turns(ERROR, "for (int32_t o = 0; o < outputs; o++"),
        "rows": line(ERROR, "int32_t column = 0, in_place"),
        "runs": line(ERROR, "et_windows_in_place(w, f->panel, row, column)", "error_row"),
        "patches": line(ERROR, "error_patches(f, w, row, column, count, c, width)"),
        "stored_pairs": line(ERROR, "x += 2 * step;"),
        "put_few": both(line(ERROR, "et_error_words_put_few("), ONE_OF_FOUR),
        "put_few_errors": both(line("error_words.c", "e[k] = (int8_t)"), *4 * [ONE_OF_FOUR]),
        "foretold": line(ERROR, "et_error_words_grow(block, sums, x, 4)"),
    },
    "depthwise_conv_2d_dsp_forward": PAIR_LOOPS | {
        "groups": line(DEPTHWISE, "set_channels(&f, weights + first"),
        "patches": line(DEPTHWISE, "et_fill_planes(&planes, &patch, first)"),
        "four_lines": line(DEPTHWISE, "put_line(&f->channels[c]"),
        "line_sums": line(DEPTHWISE, "et_plane_pair(line, c->words, sums)"),
        "narrowed": line(DEPTHWISE, "et_outputs_narrow(f->outputs"),
        "any_four_lines": line(DEPTHWISE, "et_plane_sums(words, f->channels[c].words"),
        "any_outputs": line(DEPTHWISE, "et_outputs_put_any(f->outputs, sums, y)"),
    },
    "depthwise_conv_2d_dsp_input_error": PAIR_LOOPS | {
        "groups": turns(
            DEPTHWISE, "for (int32_t c = 0; c < channels; c += 4)",
            function="et_depthwise_conv_2d_dsp_input_error"),
        "lines": line(DEPTHWISE, "sum_line(f, patch, line)", "error_patch"),
        "line_sums": line(PLANES, "et_plane_pair(line, words, sums)"),
        "put_four": line(DEPTHWISE, "et_error_words_put(&block"),
        "foretold": line(DEPTHWISE, "et_error_words_grow(f->block, acc, x, 4)"),
    },
    "fully_connected_dsp_forward": {
        "groups": line(DENSE, "sum_rows(x, weights, p->in, whole"),
        "fours_of_eights": turns(DENSE, "for (uint32_t i = 0; i < n; i += 4)"),
        "macs_of_groups": line("dot.c", "int32_t value = *x - zero_point"),
        "rest": line(DENSE, "int32_t acc = et_dot(x"),
        "macs_of_rest": line("dot.c", "acc += (*x - zero_point) * *w++"),
    },
    "fully_connected_dsp_input_error": {
        "groups": line(DENSE, "sum_columns(e, weights"),
        "twos_of_fours": turns(DENSE, "for (uint32_t o = 0; o < n; o += 2"),
        "macs_of_groups": line("dot.c", "int32_t error = *e"),
        "rest": line(DENSE, "int32_t acc = et_dot_column("),
        "macs_of_rest": line("dot.c", "acc += *e * *w"),
    },
    "average_pool_2d_dsp_input_error": {
        "rows": line(POOL, "const int8_t *errors ="),
        "cells": line(POOL, "const int8_t *error = errors"),
        "words": turns(POOL, "for (; e != end; e += 4"),
        "rest": line(POOL, "*e_in = (int8_t)"),
    },
    "add_dsp_forward": {
        "runs": line(ADD, "add_values(p, x + i"),
        "outputs": line(ADD, "int32_t sum = on_the_sums_scale"),
    },
    "error_scale_dsp": {
        "groups": line(SCALE, "uint32_t most = 0, largest = 0"),
        "fours": line(SCALE, "uint32_t word = et_load_word(e)"),
        "rest": line(SCALE, "uint32_t most = 0;"),
        "ones": line(SCALE, "uint32_t magnitude = et_magnitude(*e)"),
    },
}
GRADIENT_LOOPS = {
    name: count for name, count in WINDOW_SUMS.items() if name.startswith(("cop", "short"))
} | PAIR_LOOPS | {
    "forms": line(GRADIENT, "walk w = walk_of(layer, e, x, centre, scratch)"),
    "zeroed": line(GRADIENT, "*values = 0;"),
    "chunks": line(GRADIENT, "int32_t to = et_min(segments, from + w.at_once)"),
    "tiles": line(GRADIENT, "int32_t tile = et_min(ET_DSP_TILE"),
    "few_pairs": turns(GRADIENT, "for (int32_t j = 0; 2 * j < count"),
    "few_errors": line(GRADIENT, "word[i] |="),
    "bias_sums": line(GRADIENT, "int32_t sums[4] = {0};"),
    "bias_pairs": turns(GRADIENT, "for (const operand *end = e + 4 * pairs; e != end"),
    "inputs": both(line(GRADIENT, "put_tap(w, ky, kx, c, from, to);"),
                   line(GRADIENT, "put_flat(w, k, from);")),
    "sums": both(line(GRADIENT, "sum_pairs(row, two->row[1]"),
                 line(GRADIENT, "sum_pairs(sums[0]")),
    "sum_pairs": turns(f"{GRADIENT}:operands_dsp.h", "for (; pairs; pairs--, x += 4, e += 4)"),
}
DEPTHWISE_GRADIENT_LOOPS = PAIR_LOOPS | {
    "patches": line(DEPTHWISE_GRADIENT, "et_fill_planes(&f->planes"),
    "groups": line(DEPTHWISE_GRADIENT, "sum_four(&f, four)"),
    "put_rows": line(DEPTHWISE_GRADIENT, "put_row(&f, f.sums"),
}


# -- the counts ------------------------------------------------------------------------------


def assert_counted(found, loops, counts, work) -> set[str]:
    """``found`` features against the lines of ``loops``; those that turned at all."""
    turned = set()
    for name, count in loops.items():
        told = TOLD[name](found) if name in TOLD else found.get(name, 0)
        window = getattr(work.layer, "window", "")
        assert told == count(counts), f"{name} of {work.x} -> {work.y} {window}"
        turned |= {name} if told else set()
    return turned


def forward(kernel, work, library):
    x = int8(np.random.default_rng(4), work.x)
    forward_c(library, work.layer, [x], work.y, kernel)


def input_error(kernel, work, library):
    rng = np.random.default_rng(5)
    e, x = errors(rng, work.y), int8(rng, work.x)
    input_error_c(library, work.layer, 0, e, [x], (-129, 128), kernel)


CASES = {
    "conv_2d_dsp_forward": (forward, CONVS), "conv_2d_dsp_input_error": (input_error, CONVS),
    "depthwise_conv_2d_dsp_forward": (forward, DEPTHWISES),
    "depthwise_conv_2d_dsp_input_error": (input_error, DEPTHWISES),
    "fully_connected_dsp_forward": (forward, DENSES),
    "fully_connected_dsp_input_error": (input_error, DENSES),
    "average_pool_2d_dsp_input_error": (input_error, POOLS),
}


@pytest.mark.parametrize("function", CASES)
def test_loops_turn_as_the_cost_model_says(engine, function):
    call, works = CASES[function]
    part = "forward" if call is forward else "input_error"
    turned = set()
    for work in works:
        found = [k for k in kernels(work.layer, part, work.x, work.y) if k.cost == function]
        for kernel in found:
            counts = engine.run(partial(call, kernel, work))
            turned |= assert_counted(
                DSP_FEATURES[function](work), LOOPS[function], counts, work)
    assert set(LOOPS[function]) - turned <= {"any_four_lines", "any_outputs", "cleared"}


@pytest.mark.parametrize("kind, form, works, loops", [
    ("conv_2d", conv_2d_gradient, CONVS, GRADIENT_LOOPS),
    ("depthwise_conv_2d", depthwise_gradient, DEPTHWISES, DEPTHWISE_GRADIENT_LOOPS),
], ids=["conv", "depthwise"])
def test_gradients_are_formed_as_the_cost_model_says(engine, kind, form, works, loops):
    rng, turned = np.random.default_rng(6), set()
    for work in works:
        site = Site(work.layer, work.x, work.y, CORES["cortex-m4"])
        for kernel in (k for k in KERNELS["update"] if k.forms and k.fits(site)):
            x, e, rows = int8(rng, work.x), errors(rng, work.y), work.layer.rows
            e[..., rng.random(rows) < 0.4] = 0  # whole channels, as a ReLU holds them
            counts = engine.run(partial(
                blocks_c, kernel=kernel, layer=work.layer, e=e, x=x, rows=rows
            ))
            seen = replace(work, seen=summed_rows(work, e, rows) if kind == "conv_2d" else {})
            turned |= assert_counted(form(seen, rows), loops, counts, work)
    assert turned == set(loops)


def test_blocks_are_formed_as_the_cost_model_says(engine):
    """Which rows are drawn is observed from what the draws moved."""
    work, rows = conv(WIDE[0], 4, 18), 5
    work.layer.weights[...], work.layer.bias[...] = 0, 0
    (kernel,) = (k for k in KERNELS["update"] if k.forms and k.fits(
        Site(work.layer, work.x, work.y, CORES["cortex-m4"])))
    rng = np.random.default_rng(7)
    update = CUpdate(engine.library, work.layer, work.x, work.y, 2 * 6 * 256, seed=1)
    e, x = errors(rng, work.y), int8(rng, work.x)
    counts = engine.run(lambda library: update.step_in_blocks(e, 0, x, kernel, rows))
    work.layer.weights[...], work.layer.bias[...] = update.weights, update.bias // 64
    drawn = _columns(work.layer).any(axis=1)
    found = formed_blocks(drawn, rows)
    assert 1 < drawn.sum() and sum(found.values()) > 4
    assert sum(found.values()) == counts.line("update_blocks.c", "blocks->form(")


def test_channels_are_scaled_as_the_cost_model_says(engine):
    for work in (conv(WIDE[0], 1, 6), conv(WIDE[1], 1, 8)):
        e, channels = np.ones((work.positions, work.y[2]), np.int8), work.y[2]
        counts = engine.run(partial(
            scaled_c, symbol="et_error_scale_dsp", e=e, multiplier=np.full(channels, 2**30),
            shift=np.zeros(channels),
        ))
        assert_counted(DSP_FEATURES["error_scale_dsp"](work), LOOPS["error_scale_dsp"], counts,
                       work)


@pytest.mark.parametrize("works", [CONVS[1::4], DEPTHWISES[::2], DENSES], ids=[
    "conv", "depthwise", "dense"])
def test_errors_are_halved_as_the_cost_model_says(engine, works):
    """The portable kernels' one by one, those of the DSP extension sixteen at a time, four a
    turn."""
    halved = 0
    for work in works:
        for kernel in kernels(work.layer, "input_error", work.x, work.y):
            rng = np.random.default_rng(5)
            e, x = errors(rng, work.y), int8(rng, work.x)
            acc = work.layer.input_error(0, e.astype(np.int64), [x.astype(np.int64)])
            told = halved_errors(kernel.cost, work.layer, acc, work.x, work.y)
            counts = engine.run(partial(input_error, kernel, work))
            if kernel.symbol == f"et_{work.layer.kind}_input_error":
                assert told == counts.line("error_block.c", ">> more, *e)")
            elif acc.size % 16 == 0:
                turned = turns("error_words.c", "for (uint32_t *word =")
                # More than seven at once come to nothing, and are not halved so often.
                foretold = kernel.cost in FORETOLD and FORETOLD[kernel.cost](
                    work.layer, work.x, work.y).size
                spared = 0 if foretold else acc.size
                assert told - spared <= 4 * turned(counts) <= told, (kernel.cost, work.x)
            halved += told
    assert halved
