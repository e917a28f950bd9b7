"""Which line of the engine's C is which loop of the cost model's features."""


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
        "batches": line(CONV, "et_requantize(&p->quantization, o, n"),
        "groups": line(CONV, "acc[0] = acc[1] ="),
        "rest": line(CONV, "*acc = 0;"),
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
        ("groups", "shared", "rest"): line(DEPTHWISE, "et_requantize(q"),
        "rest": line(DEPTHWISE, "width = 1;"),
        # Copies: channels side by side, four of one input, single ones.
        "rows_of_groups": turns(DEPTHWISE, "for (int32_t i = p->rows;", slice(0, 1)),
        "rows_of_shared": turns(DEPTHWISE, "for (int32_t i = p->rows;", slice(1, 2)),
        "rows_of_rest": turns(DEPTHWISE, "for (int32_t i = p->rows;", slice(2, 3)),
        "macs_of_groups": turns(DEPTHWISE, "for (int32_t j = p->columns;", slice(0, 1)),
        "macs_of_shared": turns(DEPTHWISE, "for (int32_t j = p->columns;", slice(1, 2)),
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
        "channels": line("error_scale.c", "uint32_t scaled = largest_of"),
        "errors": line("error_scale.c", "*at = et_with_sign((et_magnitude"),
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
    "taps": turns("dilated.c", "acc += cell < 0 ? 0"),
}
GRADIENT_LOOPS = {
    "formed": line(GRADIENT, "*gradient = ET_BIAS_INPUT"),
    "positions": line(GRADIENT, "total += *e;", "sum_errors"),
    "kernel_rows": turns(GRADIENT, "for (int32_t ky = 0;"),
    "blocks": line(GRADIENT, "et_range shared ="),
    "weights": line(GRADIENT, "gradient[first + k] = -p->centre * errors;"),
    "added": line(GRADIENT, "gradient[k] += acc[k] - zero_point * total;"),
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
