"""What the DSP extension's kernels grow with: the loops of firmware/engine/*_dsp.c, counted by
their bounds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

import numpy as np

from edgetune.learn import operators as p
from edgetune.plan import dsp_lines
from edgetune.plan.dsp import FORETELLING, copies_at_once
from edgetune.plan.dsp_windows import Windows, backward_phases, forward_windows, windows_beside
from edgetune.plan.work import GROUP, Work, add, picked, repeated, turns_of
from edgetune.plan.work import groups as groups_of

LARGEST_PRODUCT = 128 * 255  # of requantize_dsp.c


def conv_2d_forward(work: Work) -> dict:
    """Panel by panel over all windows; these are copied once beside each other where few of them
    can be read in place, so many at once as there is room for."""
    windows, times = forward_windows(work), 1
    at_once, positions = copies_at_once(work.layer, work.x, work.y), work.positions
    if not at_once:
        return _over_windows(work, windows) | {"times": times}
    loops = Counter(windows.copied())
    sizes = Counter(min(at_once, positions - i) for i in range(0, positions, at_once))
    for count, turns in sizes.items():
        add(loops, _over_windows(work, windows_beside(count, windows)), turns)
    return loops | {"times": sum(sizes.values())}


def _over_windows(work: Work, windows: Windows) -> Counter:
    layer, walk = work.layer, windows.walk()
    groups, full = -(-layer.rows // GROUP), layer.rows // GROUP
    quick = full if work.lanes else sum(doubled_groups(layer)[:full])
    loops = repeated(walk.loops, groups)
    add(loops, _panels(work, windows.size))
    two, one = walk.pairs + walk.twos, walk.ones
    add(loops, {
        "groups": groups, "put_two": quick * two,
        "narrowed": 0 if work.lanes else quick * two * _is_narrow(layer),
        "put_any": (groups - quick) * 2 * two + groups * one,
        "put_any_outputs": (
            quick * GROUP * one + (layer.rows - quick * GROUP) * (2 * two + one)
        ),
    })
    return loops


def _panels(work: Work, size: int) -> dict:
    """Of all channels' weights, each filled up to ``size`` values."""
    layer = work.layer
    rows, row_size = layer.rows, layer.row_size
    missing = -rows % GROUP * size
    if work.lanes:
        return {"channels": rows, "panel_turns": rows * turns_of(row_size, work.lanes),
                "panel_rest": rows * (size - row_size), "panel_missing": missing}
    return {"channels": rows, "panel_words": rows * (row_size // 4),
            "panel_rest": rows * (row_size % 4), "panel_missing": missing}


def doubled_groups(layer: p.WeightedLayer) -> list[bool]:
    """Of each four channels, whether their sums are doubled: `et_outputs_of`."""
    most = np.abs(layer.bias.astype(np.int64))
    fits = (layer.shift < 0) & (most + layer.row_size * LARGEST_PRODUCT < 1 << 30)
    return [bool(fits[i : i + GROUP].all()) for i in range(0, layer.rows, GROUP)]


def _is_narrow(layer: p.WeightedLayer) -> bool:
    return layer.activation_min > -128 or layer.activation_max < 127


def conv_2d_input_error(work: Work) -> dict:
    """Phase by phase of cells that the same taps reach, panel by panel over their windows."""
    loops: Counter = Counter()
    phases = backward_phases(work.layer, work.x, work.y, work.lanes)
    for number, (windows, cells) in enumerate(phases):
        loops["phases"] += 1
        if not windows.down.kernel or not windows.along.kernel:
            loops["cleared"] += cells
            continue
        full, rest = groups_of(work.x[2])
        add(loops, _errors_of(windows, GROUP), full)
        add(loops, _errors_of(windows, rest), 1 if rest else 0)
        add(loops, _foretold(windows), 1 if not number and full else 0)
    return loops | {"values": math.prod(work.x)}


def _errors_of(windows: Windows, width: int) -> Counter:
    """One panel of ``width`` channels."""
    walk = windows.walk(in_place=width == GROUP)
    outputs, taps = windows.depth, windows.down.kernel * windows.along.kernel
    loops = Counter(walk.loops)
    at_once = width == GROUP and (windows.lanes or outputs % 4 == 0)
    alone = walk.ones if width == GROUP else 2 * walk.twos + walk.ones
    add(loops, {
        "groups": 1, "panel_taps": taps,
        "panel_puts": 0 if at_once else taps * outputs,
        "stored_pairs": walk.pairs + (walk.twos if width == GROUP else 0),
        "put_few": alone, "put_few_errors": alone * width,
    })
    if at_once and windows.lanes:
        add(loops, {"panel_picked": taps * GROUP * picked(outputs, windows.lanes)})
    elif at_once:
        add(loops, {"panel_fours": taps * outputs // 4})
    return loops


def _foretold(windows: Windows) -> Counter:
    """Some pairs of the middle row."""
    first, last = windows.inside
    row = windows.down.out // 2
    if last - first < 2 or not windows.row_inside(row):
        return Counter()
    return repeated(windows.sums(windows.taps_of_row(row)), FORETELLING) + Counter(
        {"foretold": FORETELLING}
    )


def depthwise_forward(work: Work) -> dict:
    """Four channels at a time, whose planes are filled patch by patch, then line by line."""
    layer, groups = work.layer, -(-work.y[2] // GROUP)
    patches = dsp_lines.planes(work.x, work.y, layer.window.pad)
    quick, loops = _doubled_fours(layer), repeated(patches.filled, groups)
    lines, outputs = patches.lines, patches.outputs
    add(loops, {
        "groups": groups,
        "lines": quick * lines, "pairs": quick * patches.whole_pairs,
        "odd": quick * patches.odd_lines,
        "narrowed": quick * outputs * _is_narrow(layer),
        "any_lines": (groups - quick) * lines, "any_pairs": (groups - quick) * patches.pairs,
        "any_outputs": (groups - quick) * outputs,
    })
    return loops


def _doubled_fours(layer: p.WeightedLayer) -> int:
    """Groups whose sums are doubled; the last ones reach back where channels do not divide."""
    most = np.abs(layer.bias.astype(np.int64))
    fits = (layer.shift < 0) & (most + 9 * LARGEST_PRODUCT < 1 << 30)
    starts = [min(i, layer.rows - GROUP) for i in range(0, layer.rows, GROUP)]
    return sum(bool(fits[i : i + GROUP].all()) for i in starts)


def depthwise_input_error(work: Work) -> dict:
    """The same under the errors; one line is summed beforehand, for its shift."""
    pad = work.layer.window.pad
    groups = -(-work.x[2] // GROUP)
    patches = dsp_lines.planes(work.y, work.x, (2 - pad[0], 2 - pad[1]))
    loops = repeated(patches.filled, groups)
    add(loops, {
        "groups": groups, "lines": groups * patches.lines, "pairs": groups * patches.pairs,
        "put_four": groups * patches.outputs, "foretold": patches.first_count,
    })
    return loops


def dense_forward(work: Work) -> dict:
    groups, rest = groups_of(work.layer.rows)
    inputs = work.layer.row_size
    return {
        "groups": groups, "eights_of_groups": groups * (inputs // 8),
        "macs_of_groups": groups * (inputs % 8), "rest": rest, "macs_of_rest": rest * inputs,
    }


def dense_input_error(work: Work) -> dict:
    groups, rest = groups_of(work.layer.row_size)
    outputs = work.layer.rows
    return {
        "groups": groups, "fours_of_groups": groups * (outputs // 4),
        "macs_of_groups": groups * (outputs % 4), "rest": rest, "macs_of_rest": rest * outputs,
    }


def average_pool_input_error(work: Work) -> dict:
    words, rest = groups_of(work.x[2])
    return {
        "rows": work.x[0], "cells": work.cells, "words": work.cells * words,
        "rest": work.cells * rest,
    }


def add_forward(work: Work) -> dict:
    outputs = math.prod(work.y)
    return {"runs": outputs // (work.others or outputs), "outputs": outputs}


def error_scale(work: Work) -> dict:
    groups, rest = groups_of(work.y[2])
    return {
        "groups": groups, "fours": groups * work.positions,
        "rest": rest, "ones": rest * work.positions,
    }


DSP_FEATURES: dict[str, Callable[[Work], dict]] = {
    "conv_2d_dsp_forward": conv_2d_forward,
    "conv_2d_dsp_input_error": conv_2d_input_error,
    "depthwise_conv_2d_dsp_forward": depthwise_forward,
    "depthwise_conv_2d_dsp_input_error": depthwise_input_error,
    "fully_connected_dsp_forward": dense_forward,
    "fully_connected_dsp_input_error": dense_input_error,
    "average_pool_2d_dsp_input_error": average_pool_input_error,
    "add_dsp_forward": add_forward,
    "error_scale_dsp": error_scale,
}
