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
    u32,
)
from counted_loops import GCC, GCOV, CountedEngine
from random_layers import LAYERS, errors, int8, quantized

from edgetune.learn import operators as p
from edgetune.learn.program import Window
from edgetune.plan.features import FEATURES, UPDATES, Work
from edgetune.plan.workload import _columns, _walk_in_order

pytestmark = pytest.mark.skipif(not (GCC and GCOV), reason="needs gcc and gcov")

SAME, VALID = "SAME", "VALID"
SUMS = "update_biases.c:sum_errors.h"
# Input's height and width, kernel, stride, padding (or what lies before and after).
WINDOWS = [
    ((6, 5), (3, 3), (1, 1), SAME), ((7, 6), (3, 3), (2, 2), SAME),
    ((8, 8), (2, 2), (2, 2), VALID), ((5, 5), (1, 1), (1, 1), VALID),
    ((6, 7), (1, 1), (2, 3), VALID),  # inputs that no window reads
    ((1, 12), (1, 3), (1, 2), SAME), ((12, 1), (5, 1), (1, 1), SAME),  # one axis alone
    ((3, 8), (3, 2), (2, 4), VALID), ((4, 6), (2, 4), (1, 2), SAME),
    ((9, 2), (2, 2), (1, 1), SAME), ((2, 9), (3, 3), (1, 1), SAME),
    ((7, 3), (2, 1), (2, 1), VALID), ((5, 7), (4, 2), (3, 1), SAME),
    ((2, 6), (1, 2), (1, 2), VALID), ((4, 4), (4, 4), (1, 1), VALID),
    ((6, 4), (1, 2), (1, 6), (1, 9)),  # a row of outputs of a width unlike the input's
    ((3, 4), (2, 2), (1, 1), (2, 2)),  # windows in the padding alone
    ((2, 4), (1, 1), (1, 2), VALID), ((2, 3), (2, 2), (1, 1), SAME),
    ((2, 2), (3, 3), (1, 1), SAME),  # every window is cut, and all to one size
]


def axis_of(size, kernel, stride, padding, dilation) -> tuple[int, int]:
    """Outputs along one axis, and the padding before it."""
    reach = (kernel - 1) * dilation + 1
    if padding == SAME:
        out = -(-size // stride)
        return out, max(0, (out - 1) * stride + reach - size) // 2
    pad = 0 if padding == VALID else padding
    return max(0, size + 2 * pad - reach) // stride + 1, pad


def window_of(case, dilation=(1, 1)) -> tuple[tuple, Window, tuple]:
    """Input's height and width, the window, output's height and width."""
    size, kernel, stride, padding = case
    paddings = (padding, padding) if isinstance(padding, str) else padding
    axes = [axis_of(*axis) for axis in zip(size, kernel, stride, paddings, dilation)]
    out, pad = zip(*axes)
    return size, Window(kernel, stride, pad, dilation), out


def conv(case, depth, rows, kind=p.Conv2D, dilation=(1, 1), groups=1) -> Work:
    """``depth``: input channels of one group."""
    rng = np.random.default_rng(1)
    size, window, out = window_of(case, dilation)
    weights = int8(rng, (rows, *window.kernel, depth))
    facts = quantized(rng, weights, rows, weights.size // rows)
    if groups > 1:
        facts["groups"] = groups
    layer = kind("w", 0, 0, 1, **facts, window=window)
    return Work(layer, (*size, groups * depth), (*out, rows), {})


def depthwise(case, depth, each, kind=p.DepthwiseConv2D, dilation=(1, 1)) -> Work:
    rng = np.random.default_rng(2)
    size, window, out = window_of(case, dilation)
    rows = depth * each
    weights = int8(rng, (*window.kernel, rows))
    facts = quantized(rng, weights, rows, math.prod(window.kernel))
    layer = kind("w", 0, 0, 1, **facts, window=window, multiplicity=each)
    return Work(layer, (*size, depth), (*out, rows), {})


def dense(inputs, rows) -> Work:
    rng = np.random.default_rng(3)
    weights = int8(rng, (rows, inputs))
    layer = p.FullyConnected("w", 0, 0, 1, **quantized(rng, weights, rows, inputs))
    return Work(layer, (1, 1, inputs), (1, 1, rows), {})


def pool(kind, case, channels) -> Work:
    size, window, out = window_of(case)
    return Work(kind("p", 0, 0, 1, window, -128, 127), (*size, channels), (*out, channels), {})


CONVS = [conv(case, *sizes) for case in WINDOWS for sizes in ((1, 6), (3, 4), (6, 3))]
DEPTHWISES = [depthwise(case, *sizes) for case in WINDOWS for sizes in ((1, 1), (6, 1), (2, 4))]
DEPTHWISES += [depthwise(case, 3, 2) for case in WINDOWS[:6]]
DENSES = [dense(*sizes) for sizes in ((1, 1), (7, 9), (8, 4), (30, 3))]
SPREAD = [case for case in WINDOWS if 1 not in case[1]]  # kernels whose taps can lie apart
DILATED = [
    conv(case, *sizes, p.DilatedConv2D, (2, 3)) for case in SPREAD for sizes in ((3, 6), (2, 4))
]
DILATED_WIDE = [conv(SPREAD[0], 6, 2, p.DilatedConv2D, (2, 3))]
GROUPED = [
    conv(case, depth, rows, p.GroupedConv2D, dilation, parts)
    for case in WINDOWS[::3]
    for depth, rows, parts, dilation in ((2, 12, 2, (1, 1)), (5, 6, 3, (1, 2)))
]
def transposed(case, depth, rows) -> Work:
    """The window of a convolution, from its output to its input."""
    size, window, out = window_of(case)
    rng = np.random.default_rng(1)
    weights = int8(rng, (rows, *window.kernel, depth))
    facts = quantized(rng, weights, rows, weights[0].size)
    layer = p.TransposeConv("w", 0, 0, 1, **facts, window=window)
    return Work(layer, (*out, depth), (*size, rows), {})


TRANSPOSED = [
    transposed(case, *sizes) for case in WINDOWS[::2] for sizes in ((1, 4), (6, 5))
]
DILATED_DEPTHWISES = [
    depthwise(case, 3, each, p.DilatedDepthwiseConv2D, (2, 2)) for case in SPREAD
    for each in (1, 2)
]
# A pool's window always holds an input.
POOLED = [case for case in WINDOWS if case[3] in (SAME, VALID)]
MAX_POOLS = [pool(p.MaxPool2D, case, 3) for case in POOLED]
AVERAGE_POOLS = [pool(p.AveragePool2D, case, 3) for case in POOLED]
LENGTHS = ((1, 12, 5, 1), (1, 7, 2, 1), (1, 1, 1, 1), (2, 3, 4, 5))
REDUCTIONS = [  # outer, rows, inner, columns
    (lengths, (lengths[0] * lengths[1], lengths[2], lengths[3]), (1, lengths[0], lengths[2]))
    for lengths in LENGTHS
]
MEANS = [Work(p.Mean("m", 0, 0, 1, *n, 2**30, 0, 0, 0), x, y, {}) for n, x, y in REDUCTIONS]
MAXIMA = [Work(p.ReduceMax("m", 0, 0, 1, *n), x, y, {}) for n, x, y in REDUCTIONS]
PADS = [
    Work(p.Pad("p", 0, 0, 1, (1, 2, front), (0, 3, 0), 5), (h, w, c), (h + 1, w + 5, c + front), {})
    for h, w, c in ((3, 4, 5), (1, 7, 2)) for front in (0, 2)
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return CountedEngine(tmp_path_factory.mktemp("counted"))


# -- which line is which loop ----------------------------------------------------------------


def line(file, text, function=""):
    return lambda counts: counts.line(file, text, function)


def turns(file, text, copies=slice(None), function=""):
    return lambda counts: counts.turns(file, text, copies, function)


def total(name, other, count):
    """One line of two loops: the features' sum."""
    return {(name, other): count}


CONV, DILATED_C, GROUPED_C = "conv_2d.c", "conv_2d_dilated.c", "conv_2d_grouped.c"
TRANSPOSED_C = "transpose_conv.c"
DEPTHWISE, DEPTHWISE_DILATED = "depthwise_conv_2d.c", "depthwise_conv_2d_dilated.c"
DENSE, MAX, AVERAGE = "fully_connected.c", "max_pool_2d.c", "average_pool_2d.c"
GRADIENT, TAP_GRADIENT = "window_gradient.c", "tap_gradient.c"
BILINEAR = "resize_bilinear.c"
DOT_LOOPS = {
    "macs_of_groups": line("dot.c", "int32_t value = *x - zero_point"),
    "macs_of_rest": line("dot.c", "acc += (*x - zero_point) * *w++"),
}
COLUMN_LOOPS = {
    "macs_of_groups": line("dot.c", "int32_t error = *e"),
    "macs_of_rest": line("dot.c", "acc += *e * *w"),
}
MAX_SEARCH = {
    "rows": line(MAX, "int32_t at = (y * p->in.width"),
    "taps": line(MAX, "int32_t value = x[at]"),
}
# For each function of the engine its features, each with the line that turns as often.  None:
# bytes that memcpy or memset moves, which are no loop of the engine.
LOOPS = {
    "conv_2d_forward": DOT_LOOPS | {
        "positions": line(CONV, "patch cells = patch_at"),
        "groups": line(CONV, "et_requantize(q, o, 4"),
        "rest": line(CONV, "et_requantize(q, o, 1"),
        "rows_of_groups": line(CONV, "et_dot_4("),
        "rows_of_rest": line(CONV, "et_dot("),
    },
    "conv_2d_input_error": COLUMN_LOOPS | {
        "cells": line(CONV, "cell_error(p, weights, e"),
        **total("groups", "rest", line(CONV, "et_error_put_many(block, acc")),
        **total("rows_of_groups", "rows_of_rest", line(CONV, "const int8_t *error = e +")),
        **total("taps_of_groups", "taps_of_rest", line(CONV, "error -= out_channels")),
        "taps_of_groups": line(CONV, "et_dot_columns_4("),
        "columns_of_rest": line(CONV, "acc[k] += et_dot_column("),
    },
    "conv_2d_dilated_forward": DOT_LOOPS | {
        "positions": turns(DILATED_C, "for (int32_t ox = 0;"),
        **total("groups", "rest", line(DILATED_C, "et_requantize(")),
        **total("rows_of_groups", "rows_of_rest",
                turns(DILATED_C, "for (int32_t ky = 0;", function="sum_taps")),
        **total("looks_of_groups", "looks_of_rest",
                line(DILATED_C, "int32_t cell = et_dilated_cell(")),
        "taps_of_groups": line(DILATED_C, "et_dot_4("),
        "taps_of_rest": line(DILATED_C, "*acc += et_dot("),
    },
    "conv_2d_grouped_forward": DOT_LOOPS | {
        "positions": turns(GROUPED_C, "for (int32_t ox = 0;"),
        **total("groups", "rest", line(GROUPED_C, "et_requantize(")),
        **total("rows_of_groups", "rows_of_rest",
                turns(GROUPED_C, "for (int32_t ky = 0;", function="sum_taps")),
        **total("looks_of_groups", "looks_of_rest",
                line(GROUPED_C, "int32_t cell = et_dilated_cell(")),
        "taps_of_groups": line(GROUPED_C, "et_dot_4("),
        "taps_of_rest": line(GROUPED_C, "*acc += et_dot("),
    },
    "transpose_conv_forward": DOT_LOOPS | {
        "positions": line(TRANSPOSED_C, "output_at(p, weights"),
        **total("groups", "rest", line(TRANSPOSED_C, "et_requantize(")),
        **total("rows_of_groups", "rows_of_rest", line(TRANSPOSED_C, "int32_t cell =")),
        "taps_of_groups": line(TRANSPOSED_C, "et_dot_4("),
        "taps_of_rest": line(TRANSPOSED_C, "*acc += et_dot("),
    },
    "transpose_conv_input_error": COLUMN_LOOPS | {
        "cells": line(TRANSPOSED_C, "int32_t left ="),
        **total("groups", "rest", line(TRANSPOSED_C, "et_error_put_many(")),
        **total("rows_of_groups", "rows_of_rest", turns(TRANSPOSED_C, "for (int32_t ky = rows")),
        **total("taps_of_groups", "taps_of_rest", line(TRANSPOSED_C, "const int8_t *error =")),
        "taps_of_groups": line(TRANSPOSED_C, "et_dot_columns_4("),
        "columns_of_rest": line(TRANSPOSED_C, "acc[k] += et_dot_column("),
    },
    "depthwise_conv_2d_forward": {
        "positions": line(DEPTHWISE, "patch cells = patch_at"),
        **total("groups", "rest", line(DEPTHWISE, "et_requantize(q")),
        "rest": line(DEPTHWISE, "width = 1;"),
        # Copies: channels side by side, four of one input, single ones.
        "rows_of_groups": turns(DEPTHWISE, "for (int32_t i = p->rows;", slice(0, 2)),
        "rows_of_rest": turns(DEPTHWISE, "for (int32_t i = p->rows;", slice(2, 3)),
        "macs_of_groups": turns(DEPTHWISE, "for (int32_t j = p->columns;", slice(0, 2)),
        "macs_of_rest": turns(DEPTHWISE, "for (int32_t j = p->columns;", slice(2, 3)),
    },
    "depthwise_conv_2d_input_error": {
        "cells": line(DEPTHWISE, "cell_error(p, weights, e"),
        "groups": line(DEPTHWISE, "et_error_put_many(block, acc, 4)"),
        "rest": turns(DEPTHWISE, "for (int32_t k = c;"),
        "rows_of_groups": turns(DEPTHWISE, "for (int32_t i = rows.count;", slice(0, 1)),
        "rows_of_rest": turns(DEPTHWISE, "for (int32_t i = rows.count;", slice(1, 2)),
        "macs_of_groups": turns(DEPTHWISE, "for (int32_t j = columns;", slice(0, 1)),
        "macs_of_rest": turns(DEPTHWISE, "for (int32_t j = columns;", slice(1, 2)),
        "put_one": line(DEPTHWISE, "et_error_put(block, acc[0])"),
    },
    "depthwise_conv_2d_dilated_forward": {
        "positions": turns(DEPTHWISE_DILATED, "for (int32_t ox = 0;"),
        **total("groups", "rest", line(DEPTHWISE_DILATED, "et_requantize(")),
        **total("rows_of_groups", "rows_of_rest",
                turns(DEPTHWISE_DILATED, "for (int32_t ky = 0;", function="sum_taps")),
        **total("looks_of_groups", "looks_of_rest",
                line(DEPTHWISE_DILATED, "int32_t cell = et_dilated_cell(")),
        **total("macs_of_groups", "macs_of_rest", line(DEPTHWISE_DILATED, "acc += (x[cell")),
    },
    "conv_2d_dilated_input_error": {
        "groups": line(DILATED_C, "et_error_put_many("),
        "errors": line("error_block.c", "et_error_put(&local"),
        "rows": turns(DILATED_C, "for (int32_t ky = 0;", function="cell_error"),
        "looks": line(DILATED_C, "int32_t cell = et_dilated_reader("),
        "columns": line(DILATED_C, "acc[k] += et_dot_column("),
        "macs": line("dot.c", "acc += *e * *w"),
    },
    "conv_2d_grouped_input_error": {
        "groups": line(GROUPED_C, "et_error_put_many("),
        "errors": line("error_block.c", "et_error_put(&local"),
        "rows": turns(GROUPED_C, "for (int32_t ky = 0;", function="cell_error"),
        "looks": line(GROUPED_C, "int32_t cell = et_dilated_reader("),
        "columns": line(GROUPED_C, "et_dot_column("),
        "macs": line("dot.c", "acc += *e * *w"),
    },
    "depthwise_conv_2d_dilated_input_error": {
        "errors": line(DEPTHWISE_DILATED, "et_error_put(&block"),
        "rows": turns(DEPTHWISE_DILATED, "for (int32_t ky = 0;", function="cell_error"),
        "looks": line(DEPTHWISE_DILATED, "int32_t cell = et_dilated_reader("),
        "macs": line(DEPTHWISE_DILATED, "acc += e[cell"),
    },
    "fully_connected_forward": DOT_LOOPS | {
        "groups": line(DENSE, "et_requantize(q, o, 4"),
        "rest": line(DENSE, "et_requantize(q, o, 1"),
    },
    "fully_connected_input_error": COLUMN_LOOPS | {
        "groups": line(DENSE, "et_error_put_many("),
        "rest": line(DENSE, "et_error_put(&block"),
    },
    "max_pool_2d_forward": MAX_SEARCH | {
        "positions": line(MAX, "cells window = cells_of", "et_max_pool_2d_forward"),
        "outputs": line(MAX, "int32_t cell = first_largest", "et_max_pool_2d_forward"),
    },
    "max_pool_2d_input_error": {
        "routed_positions": line(MAX, "cells window = cells_of", "route"),
        "routed_outputs": line(MAX, "int32_t cell = first_largest", "route"),
        "routed_cells": None,
        "cells": line(MAX, "et_readers_of(column + w->pad_w"),
        "errors": line(MAX, "et_error_put(&block"),
        "reads": line(MAX, "if (first_largest("),
        **total("search_rows", "routed_rows", MAX_SEARCH["rows"]),
        **total("searches", "routed_taps", MAX_SEARCH["taps"]),
    },
    "average_pool_2d_forward": {
        "positions": line(AVERAGE, "columns_of(p, ox);", "et_average_pool_2d_forward"),
        "outputs": line(AVERAGE, "int32_t mean = rounded_mean"),
        "rows": line(AVERAGE, "const int8_t *cell ="),
        "taps": line(AVERAGE, "total += *cell"),
    },
    "average_pool_2d_input_error": {
        "cells": line(AVERAGE, "et_readers_of(column + w->pad_w"),
        "errors": line(AVERAGE, "et_error_put(&block"),
        "axis": lambda counts: sum(
            counts.line(AVERAGE, f"{axis}.from = et_min(") for axis in ("rows", "columns")
        ),
        "rows": turns(AVERAGE, "for (int32_t i = 0; i < rows.count"),
        "even_reads": line(AVERAGE, "return 1;"),
        "uneven_reads": line(AVERAGE, "return (windows->least"),
    },
    "mean_forward": {
        "channels": line("mean.c", "const int8_t *cell ="),
        "values": line("mean.c", "total += *cell"),
    },
    "mean_input_error": {
        "cells": line("mean.c", "const int8_t *error ="),
        "values": line("mean.c", "et_error_put(&block"),
    },
    **{f"reduce_max_{part}": {
        "channels": line("reduce_max.c", "const int8_t *cell ="),
        "values": line("reduce_max.c", "if (*cell > *first"),
    } for part in ("forward", "input_error")},
    "pad_forward": {
        "rows": line("pad.c", "memcpy("), "values": None, "outputs": None,
    },
    "pad_input_error": {
        "rows": turns("pad.c", "j < row.runs; j++, run"),
        "values": line("pad.c", "et_error_put(&block"),
    },
    "error_scale": {
        "positions": turns("error_scale.c", "for (; positions; positions--)",
                           function="et_error_scale"),
        "errors": line("error_scale.c", "*e = et_with_sign((et_magnitude"),
    },
    "log_softmax_forward": {"classes": line("log_softmax.c", "int32_t below = ")},
    "softmax_forward": {"classes": line("softmax.c", "y[i] = et_share(")},
    "softmax_rows_forward": {
        "rows": line("softmax_rows.c", "int32_t most =", "et_softmax_rows_forward"),
        "classes": line("softmax_rows.c", "*y++ = et_share("),
    },
    "softmax_rows_input_error": {
        "rows": line("softmax_rows.c", "int32_t mean = mean_error"),
        "classes": line("softmax_rows.c", "et_error_put(&block"),
    },
    "add_forward": {"outputs": line("add.c", "int32_t value = et_multiply(sum")},
    "mul_forward": {"outputs": line("mul.c", "int32_t product =")},
    "lookup_forward": {"outputs": line("lookup.c", "*y++ = table")},
    "extreme_forward": {"outputs": line("extreme.c", "y[i] = ")},
    "extreme_input_error": {"errors": line("extreme.c", "et_error_put(&block")},
    "squared_difference_forward": {"outputs": line("squared_difference.c", "y[i] = ")},
    "squared_difference_input_error": {
        "errors": line("squared_difference.c", "et_error_put(&block"),
    },
    "prelu_forward": {"outputs": line("prelu.c", "int32_t value = x[i]")},
    "prelu_input_error": {"errors": line("prelu.c", "et_error_put(&block")},
    "concatenation_forward": {
        "outer": turns("concatenation.c", "for (uint32_t i = 0; i < p->outer; i++) {"),
        "pieces": line("concatenation.c", "memcpy("), "outputs": None,
    },
    "move_forward": {
        "pieces": line("move.c", "if (run->x_step == 1"), "copied": None,
        "moved": line("move.c", "*y = *x;"),
    },
    "gather_forward": {
        "sources": turns("gather.c", "source < p->sources; source++, x"),
        "pieces": line("gather.c", "memcpy("), "outputs": None,
    },
    "resize_bilinear_forward": {
        "rows": line(BILINEAR, "int32_t row = place_of("),
        "cells": line(BILINEAR, "int32_t column = place_of("),
        "outputs": line(BILINEAR, "int32_t upper = between("),
    },
    "resize_bilinear_input_error": {
        "cells": line(BILINEAR, "column.reader = first_reader("),
        "groups": line(BILINEAR, "et_error_put_many(&block"),
        "rows": line(BILINEAR, "const int8_t *error = e +"),
        "taps": line(BILINEAR, "int32_t weight = ("),
        "macs": line(BILINEAR, "acc[k] += weight"),
    },
    "error_join": {"errors": line("error_join.c", "et_error_write(&block")},
    "add_input_error": {
        "errors": line("add.c", "et_error_put(&block"), "reads": line("add.c", "acc += e[k]"),
    },
    "mul_input_error": {
        "errors": line("mul.c", "et_error_put(&block"), "reads": line("mul.c", "acc += e[k]"),
    },
    "lookup_input_error": {"errors": line("lookup.c", "et_error_put(&block")},
    "concatenation_input_error": {
        "inputs": line("concatenation.c", "before += "),
        "outer": turns("concatenation.c", "i < p->outer; i++, e += row)"),
        "errors": line("concatenation.c", "et_error_put(&block"),
    },
    "move_input_error": {
        "inputs": None, "pieces": line("move.c", "const int8_t *error ="),
        "errors": line("move.c", "int32_t acc = p->repeated"),
        "reads": line("move.c", "acc += e[walk.y]"),
    },
    "gather_input_error": {
        "sources": turns("gather.c", "source < p->sources; source++)"),
        "errors": line("gather.c", "et_error_put(&block"),
        "reads": line("gather.c", "acc += e[p->readers"),
    },
}
TAP_GRADIENT_LOOPS = {
    "formed": line(TAP_GRADIENT, "return ET_BIAS_INPUT"),
    "positions": line(TAP_GRADIENT, "total += *e;"),
    "taps": line(TAP_GRADIENT, "et_range rows ="),
    "rows": turns(TAP_GRADIENT, "for (int32_t row = rows"),
    "errors": line(TAP_GRADIENT, "int32_t error ="),
    "sums": line(TAP_GRADIENT, "gradient[c] += error"),
}
DILATED_GRADIENT_LOOPS = {
    "formed": line("dilated.c", "*gradient = ET_BIAS_INPUT"),
    "positions": line("dilated.c", "total += *e;"),
    "sums": line("dilated.c", "sum_outputs(&p, ky"),
    "rows": turns("dilated.c", "for (int32_t oy = 0;"),
    "looks": line("dilated.c", "int32_t cell = et_dilated_cell("),
}
GRADIENT_LOOPS = {
    "formed": line(GRADIENT, "*gradient = ET_BIAS_INPUT"),
    "positions": line(GRADIENT, "total += *e;", "sum_errors"),
    "kernel_rows": turns(GRADIENT, "for (int32_t ky = 0;"),
    "blocks": line(GRADIENT, "et_range shared ="),
    "split_weights": line(GRADIENT, "et_range own ="),
    "split_blocks": lambda counts: (
        counts.line(GRADIENT, "et_range shared =") - counts.line(GRADIENT, "return;", "sum_block")
    ),
    "rectangles": line(GRADIENT, "int32_t acc[4] = {0}, total"),
    "turned": line(GRADIENT, "step outputs = outer_step"),
    "starts": line(GRADIENT, "total += sum_width("),
} | {
    f"sums_{kind}": turns(GRADIENT, "for (; n > 0; n--) {", slice(copy, copy + 1))
    for copy, kind in enumerate(("4", "4_apart", "3", "2", "1"))
}


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
    e, ratio = np.ones(work.y, np.int8), np.full(work.y[2], 2**14, np.uint16)
    positions = u32(work.y[0] * work.y[1])
    library.et_error_scale(address(e), positions, u32(work.y[2]), address(ratio))


def error_join(work, library):
    join = JoinC(2**14, -1)
    e, other = (np.ones(work.x, np.int8) for _ in range(2))
    library.et_error_join(address(e), address(other), u32(e.size), join, i32(0), i32(3))


def some(kind) -> list[Work]:
    """Random layers of ``kind``, once for each input."""
    rng = np.random.default_rng(9)
    made = [LAYERS[kind](rng, False) for _ in range(3)]
    return [Work(layer, x.shape, y, {}) for layer, xs, y in made for x in xs]


SHAPED = {  # works whose loops turn each in its own way; of the others random layers do
    p.Conv2D: CONVS[::2], p.DepthwiseConv2D: DEPTHWISES[::2], p.FullyConnected: DENSES,
    p.GroupedConv2D: GROUPED, p.TransposeConv: TRANSPOSED,
    p.DilatedConv2D: DILATED + DILATED_WIDE, p.DilatedDepthwiseConv2D: DILATED_DEPTHWISES,
    p.MaxPool2D: MAX_POOLS, p.AveragePool2D: AVERAGE_POOLS, p.Mean: MEANS, p.Pad: PADS,
    p.ReduceMax: MAXIMA,
}
WORKS = {kind.kind: SHAPED.get(kind) or some(kind) for kind in LAYERS}
CASES = {
    **{f"{kind}_forward": (forward, works) for kind, works in WORKS.items()},
    **{f"{kind}_input_error": (input_error, works) for kind, works in WORKS.items()},
    "error_scale": (error_scale, CONVS[:4]),
    "error_join": (error_join, [Work(None, (1, 1, 9), (1, 1, 9), {})]),
}


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


# Every kind of loop nest is among these.
QUICK = {
    "add_forward", "average_pool_2d_forward", "average_pool_2d_input_error", "conv_2d_forward",
    "conv_2d_input_error", "fully_connected_forward", "max_pool_2d_input_error", "mean_forward",
}


@pytest.mark.parametrize("function", [
    name if name in QUICK else pytest.param(name, marks=pytest.mark.thorough) for name in FEATURES
])
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
    assert joined and set(found) - {"magnitudes", "walk"} <= names_of(GRADIENT_LOOPS)


@pytest.mark.parametrize("works", [DILATED, DILATED_DEPTHWISES], ids=["conv", "depthwise"])
def test_gradient_loops_of_dilated_windows_turn_as_the_cost_model_says(engine, works):
    for work in works:
        found, counts = UPDATES["update_dilated"](work), engine.run(partial(gradients, work))
        assert_counted(found, DILATED_GRADIENT_LOOPS, counts, work)
    assert set(found) - {"magnitudes", "walk"} == names_of(DILATED_GRADIENT_LOOPS)


@pytest.mark.parametrize("works", [GROUPED, TRANSPOSED], ids=["grouped", "transposed"])
def test_gradient_loops_tap_by_tap_turn_as_the_cost_model_says(engine, works):
    for work in works:
        found, counts = UPDATES["update_by_taps"](work), engine.run(partial(gradients, work))
        assert_counted(found, TAP_GRADIENT_LOOPS, counts, work)
    assert set(found) - {"magnitudes", "walk"} == names_of(TAP_GRADIENT_LOOPS)


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
    seen = {"draws": steps.sum(), "rows": steps.any(axis=1).sum(), "walk": _walk_in_order(steps)}
    kind = "update_dense" if isinstance(work.layer, p.FullyConnected) else "update_window"
    found = UPDATES[kind](Work(work.layer, work.x, work.y, seen)) | seen
    assert seen["draws"] == 5
    assert_counted(found, {
        "draws": line("update.c", "et_step("),
        "formed": line("update.c", "uint64_t mass = 0"),
        "magnitudes": line("update.c", "mass += et_rule_mass"),
        "walk": line("update.c", "g->cumulative += et_rule_mass"),
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
    assert counts.line("update_biases.c", "et_step(") == 5


def test_a_factored_update_adds_up_its_inputs_once(engine):
    work = dense(20, 7)
    rng = np.random.default_rng(8)
    update = CUpdate(engine.library, work.layer, work.x, work.y, 2 * 6 * 256, seed=1)
    e, x = errors(rng, work.y), int8(rng, work.x)
    counts = engine.run(lambda library: update.step(e, 0, x, factored=True))
    found = UPDATES["update_factored"](Work(work.layer, work.x, work.y, {"draws": 6}))
    assert found["inputs"] == counts.line("update_factored.c", "cumulative[i] = total")
    halvings = counts.line("update_factored.c", "uint32_t middle =")
    assert abs(halvings - found["halvings"]) <= 6
