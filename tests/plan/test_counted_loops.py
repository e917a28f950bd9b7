"""The loops that the cost model assumes, against the engine's own, counted line by line.

Both engines share no loop, so bit equality sees none of this: a wrong count is a wrong cost.
"""

import math
from functools import partial

import numpy as np
import pytest
from c_engine import (
    CUpdate,
    JoinC,
    address,
    forward_c,
    gradient_c,
    i32,
    input_error_c,
    scaled_c,
    u32,
)
from counted_loops import GCC, GCOV, CountedEngine
from loop_lines import (
    DILATED_GRADIENT_LOOPS,
    GRADIENT,
    GRADIENT_LOOPS,
    LOOPS,
    TAP_GRADIENT_LOOPS,
    line,
    turns,
)
from loop_works import (
    CONVS,
    DEPTHWISES,
    DILATED,
    DILATED_DEPTHWISES,
    GROUPED,
    TRANSPOSED,
    WINDOWS,
    WORKS,
    conv,
    dense,
    depthwise,
)
from random_layers import errors, int8

from edgetune.learn import operators as p
from edgetune.plan.features import FEATURES, UPDATES, Work
from edgetune.plan.workload import _columns, _searches_in_order, _walk_in_order

pytestmark = [
    pytest.mark.skipif(not (GCC and GCOV), reason="needs gcc and gcov"),
    pytest.mark.thorough,  # the engine is compiled anew, so that it counts
]

SUMS = "update_biases.c:sum_errors.h"
DRAWS = line("draw.c", "draws++;")
HIT = line("draw.c", "p.gap -= et_magnitude(next[-1]);")
MASS = "row_mass.c"
FACTORED = "update_factored.c"


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return CountedEngine(tmp_path_factory.mktemp("counted"))


# -- how each function is called -------------------------------------------------------------


def operands(work) -> tuple[list[np.ndarray], int]:
    """Random inputs of a layer, and the one among them that has the shape ``work.x``."""
    shapes = [work.x]
    if isinstance(work.layer, p.Concatenation):
        shapes = [(1, work.layer.outer, chunk) for chunk in work.layer.chunks]
    elif work.layer.joining:
        shapes = [work.y, work.x]
    sizes = [math.prod(shape) for shape in shapes]
    rng = np.random.default_rng(4)
    return [int8(rng, shape) for shape in shapes], sizes.index(math.prod(work.x))


def forward(work, library):
    forward_c(library, work.layer, operands(work)[0], work.y)


def input_error(work, library):
    xs, operand = operands(work)
    e = errors(np.random.default_rng(5), work.y)
    input_error_c(library, work.layer, operand, e, xs, (-129, 128))


def error_scale(work, library):
    e = np.ones((work.positions, work.y[2]), np.int8)
    scaled_c(library, "et_error_scale", e, np.full(work.y[2], 2**30), np.zeros(work.y[2]))


def error_join(work, library):
    join = JoinC(2**14, -1)
    e, other = (np.ones(work.x, np.int8) for _ in range(2))
    library.et_error_join(address(e), address(other), u32(e.size), join, i32(0), i32(3))


CASES = {
    **{f"{kind}_forward": (forward, works) for kind, works in WORKS.items()},
    **{f"{kind}_input_error": (input_error, works) for kind, works in WORKS.items()},
    "error_scale": (error_scale, CONVS[:4]),
    "error_join": (error_join, [Work(None, (1, 1, 9), (1, 1, 9), {})]),
}


def both(*lines):
    return lambda counts: sum(count(counts) for count in lines)


def magnitudes(counts):
    twos, ones = "add_product(&s.mass, first + second", "s.mass += et_absolute(*g);"
    return 2 * counts.line(MASS, twos) + counts.line(MASS, ones)


# -- the counts ------------------------------------------------------------------------------


def assert_counted(found, loops, counts, work):
    """``found`` features against the lines of ``loops``."""
    for names, count in loops.items():
        names = (names,) if isinstance(names, str) else names
        if count is not None:
            told = sum(found.get(name, 0) for name in names)
            assert told == count(counts), f"{' + '.join(names)} of {_words(work)}"


def _words(work) -> str:
    window = getattr(work.layer, "window", "")
    return f"{type(work.layer).__name__} {work.x} -> {work.y} {window}"


# One output channel at a time.
NEVER = {"depthwise_conv_2d_dilated_forward": {
    "groups", "rows_of_groups", "looks_of_groups", "macs_of_groups",
}}


def names_of(loops) -> set[str]:
    return {name for key in loops for name in ((key,) if isinstance(key, str) else key)}


@pytest.mark.parametrize("function", FEATURES)
def test_loops_turn_as_the_cost_model_says(engine, function):
    call, works = CASES[function]
    told = set()
    for work in works:
        found, counts = FEATURES[function](work), engine.run(partial(call, work))
        assert_counted(found, LOOPS[function], counts, work)
        told |= {name for name, turned in found.items() if turned}
    assert told == names_of(LOOPS[function]) - NEVER.get(function, set())


def gradients(work, library):
    rng = np.random.default_rng(6)
    x, e = int8(rng, work.x), errors(rng, work.y)
    gradient_c(library, work.layer, e, x)


@pytest.mark.parametrize("works", [CONVS, DEPTHWISES[::2]], ids=["conv", "depthwise"])
def test_gradient_loops_turn_as_the_cost_model_says(engine, works):
    joined = 0
    for work in works:
        found, counts = UPDATES["update_window"](work), engine.run(partial(gradients, work))
        assert_counted(found, GRADIENT_LOOPS, counts, work)
        joined += counts.line(GRADIENT, "outer = 1;")
    assert joined and set(found) - {"magnitudes"} <= names_of(GRADIENT_LOOPS)


@pytest.mark.parametrize("works", [DILATED, DILATED_DEPTHWISES], ids=["conv", "depthwise"])
def test_gradient_loops_of_dilated_windows_turn_as_the_cost_model_says(engine, works):
    for work in works:
        found, counts = UPDATES["update_dilated"](work), engine.run(partial(gradients, work))
        assert_counted(found, DILATED_GRADIENT_LOOPS, counts, work)
    assert set(found) - {"magnitudes"} == names_of(DILATED_GRADIENT_LOOPS)


@pytest.mark.parametrize("works", [GROUPED, TRANSPOSED], ids=["grouped", "transposed"])
def test_gradient_loops_tap_by_tap_turn_as_the_cost_model_says(engine, works):
    for work in works:
        found, counts = UPDATES["update_by_taps"](work), engine.run(partial(gradients, work))
        assert_counted(found, TAP_GRADIENT_LOOPS, counts, work)
    assert set(found) - {"magnitudes"} == names_of(TAP_GRADIENT_LOOPS)


@pytest.mark.parametrize("make", [lambda: dense(9, 6), lambda: depthwise(WINDOWS[0], 4, 1)],
                         ids=["dense", "window"])
def test_updates_form_and_walk_rows_as_the_cost_model_says(engine, make):
    """Which rows are drawn, and how far each is walked, is observed from what the draws moved."""
    work = make()
    work.layer.weights[...], work.layer.bias[...] = 0, 0
    rng = np.random.default_rng(7)
    update = CUpdate(engine.library, work.layer, work.x, work.y, 2 * 5 * 256, seed=1)
    counts = engine.run(lambda library: update.step(errors(rng, work.y), 0, int8(rng, work.x)))
    work.layer.weights[...], work.layer.bias[...] = update.weights, update.bias // 64
    steps = np.abs(_columns(work.layer))
    seen = {
        "draws": steps.sum(), "moved": np.count_nonzero(steps),
        "rows": steps.any(axis=1).sum(), "walk": _walk_in_order(steps),
    }
    kind = "update_dense" if isinstance(work.layer, p.FullyConnected) else "update_window"
    found = UPDATES[kind](Work(work.layer, work.x, work.y, seen)) | seen
    assert seen["draws"] == 5
    products = {"products": line("fully_connected.c", "*gradient++ = error *")}
    assert_counted(found, (products if kind == "update_dense" else {}) | {
        "draws": DRAWS,
        "moved": both(HIT, line("draw.c", "int32_t steps = (int32_t)draws_passed(p);")),
        "formed": line("update.c", "g->row_gradient("),
        "magnitudes": magnitudes,
        "walk": both(line("draw.c", "gap -= magnitude;"), HIT),
    }, counts, work)


@pytest.mark.parametrize("work", [conv(WINDOWS[1], 3, 4), depthwise(WINDOWS[0], 4, 2), dense(9, 6)],
                         ids=["conv", "depthwise", "dense"])
def test_an_update_of_biases_adds_up_its_errors_once(engine, work):
    update = CUpdate(engine.library, work.layer, work.x, work.y, 2 * 5 * 256, 1, biases=True)
    e = errors(np.random.default_rng(7), work.y)
    counts = engine.run(lambda library: update.step(e, 0, None))
    found = UPDATES["update_biases"](work)
    assert_counted(found, {
        "positions": turns(SUMS, "for (; positions; positions--)"),
        "errors": line(SUMS, "sums[row] += *e++"),
    }, counts, work)
    assert set(found) == {"positions", "errors"}
    assert counts.line("update_biases.c", "scratch->row_mass[row] =") == work.layer.rows
    assert DRAWS(counts) == 5


@pytest.mark.parametrize("total", [6, 90, 900])
def test_a_factored_update_searches_as_the_cost_model_says(engine, total):
    """Which columns are drawn is observed from what the draws moved."""
    work = dense(40, 7)
    work.layer.weights[...], work.layer.bias[...] = 0, 0
    rng = np.random.default_rng(8)
    update = CUpdate(engine.library, work.layer, work.x, work.y, 2 * total * 256, seed=1)
    e, x = errors(rng, work.y), int8(rng, work.x)
    counts = engine.run(lambda library: update.step(e, 0, x, factored=True))
    work.layer.weights[...], work.layer.bias[...] = update.weights, update.bias // 64
    seen = _searches_in_order(np.abs(_columns(work.layer)))
    assert_counted(UPDATES["update_factored"](Work(work.layer, work.x, work.y, seen)), {
        "inputs": line(FACTORED, "*cumulative++ ="),
        "starts": line(FACTORED, "uint64_t beyond ="),
        "passed_rows": line(FACTORED, "points.at -= mass;"),
        "passed": line(FACTORED, "next++;"),
        "near_rows": line(FACTORED, "uint32_t digest = 0;", "draw_near"),
        "far_rows": line(FACTORED, "uint32_t digest = 0;", "draw_far"),
        "searches": line(FACTORED, "column = find_column(f->cumulative, size"),
        "strides": line(FACTORED, "if (cumulative[low + stride] > least)"),
        "halvings": line(FACTORED, "uint32_t middle ="),
        "bias_rows": line("update_factored.c:centre.h", "*digest += et_step_bias("),
    }, counts, work)
    drawn = [counts.line(FACTORED, "steps++;", name) for name in ("step_drawn", "draw_in_row")]
    assert sum(drawn) == total
