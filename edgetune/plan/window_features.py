"""What operators with windows grow with: convolutions of every kind, and pools."""

from __future__ import annotations

import math

from edgetune.plan.windows import Axis, axes
from edgetune.plan.work import GROUP, Work
from edgetune.plan.work import groups as groups_of

REQUANTIZED = 16  # of requantize.h


def _window(work: Work, groups: int, rest: int, depth: int = 1) -> dict[str, float]:
    """Loops of a window's sums, over groups of channels and single ones; each channel reads
    ``depth`` of the input's."""
    down, along = axes(work.layer.window, work.x, work.y)
    rows, macs = down.pairs * along.reached, down.pairs * along.pairs * depth
    return {
        "positions": work.positions,
        "groups": work.positions * groups, "rest": work.positions * rest,
        "rows_of_groups": rows * groups, "rows_of_rest": rows * rest,
        "macs_of_groups": macs * groups, "macs_of_rest": macs * rest,
    }


def _readers(work: Work, groups: int, rest: int) -> dict[str, float]:
    """The same of an input error: per cell, over the windows that read it.  Rows of windows are
    walked for all cells, those too that no column of windows reads."""
    down, along = axes(work.layer.window, work.x, work.y)
    rows = down.pairs * along.size
    return {
        "cells": work.cells, "groups": work.cells * groups, "rest": work.cells * rest,
        "rows_of_groups": rows * groups, "rows_of_rest": rows * rest,
    }


def tap_count(work: Work) -> int:
    """Pairs of an output position and a tap whose input exists."""
    down, along = axes(work.layer.window, work.x, work.y)
    return down.pairs * along.pairs


def conv_2d_forward(work: Work) -> dict:
    batches = work.positions * -(-work.y[2] // REQUANTIZED)
    return _window(work, *groups_of(work.y[2]), work.x[2]) | {"batches": batches}


def _dilated(work: Work, groups: int, rest: int, depth: int = 1) -> dict:
    """Every tap is looked at, those outside the input too."""
    rows = work.positions * work.layer.window.kernel[0]
    looks = rows * work.layer.window.kernel[1]
    return _window(work, groups, rest, depth) | {
        "rows_of_groups": rows * groups, "rows_of_rest": rows * rest,
        "looks_of_groups": looks * groups, "looks_of_rest": looks * rest,
    }


def tap_by_tap_forward(work: Work) -> dict:
    """Of windows dilated or grouped, over the outputs of each group of channels."""
    parts = getattr(work.layer, "groups", 1)
    groups, rest = (parts * count for count in groups_of(work.y[2] // parts))
    taps = tap_count(work)
    return _dilated(work, groups, rest, work.x[2] // parts) | {
        "taps_of_groups": taps * groups, "taps_of_rest": taps * rest,
    }


def on_output(work: Work) -> tuple[Axis, Axis]:
    """The axes of a window that slides over the output, and has a place for each input cell."""
    return axes(work.layer.window, work.y, work.x)


def transpose_conv_forward(work: Work) -> dict:
    """Per output position, over the input cells that add to it."""
    groups, rest = groups_of(work.y[2])
    down, along = on_output(work)
    rows, taps, depth = down.pairs * work.y[1], down.pairs * along.pairs, work.x[2]
    return {
        "positions": work.positions,
        "groups": work.positions * groups, "rest": work.positions * rest,
        "rows_of_groups": rows * groups, "rows_of_rest": rows * rest,
        "taps_of_groups": taps * groups, "taps_of_rest": taps * rest,
        "macs_of_groups": taps * groups * depth, "macs_of_rest": taps * rest * depth,
    }


def transpose_conv_input_error(work: Work) -> dict:
    """The channels beyond the last group share one pass, and take a column each in it."""
    groups, columns = groups_of(work.x[2])
    down, along = on_output(work)
    rest, depth = min(1, columns), work.y[2]
    rows, taps = down.pairs * work.x[1], down.pairs * along.pairs
    return {
        "cells": work.cells, "groups": work.cells * groups, "rest": work.cells * rest,
        "rows_of_groups": rows * groups, "rows_of_rest": rows * rest,
        "taps_of_groups": taps * groups, "taps_of_rest": taps * rest,
        "macs_of_groups": taps * groups * depth,
        "columns_of_rest": taps * columns, "macs_of_rest": taps * columns * depth,
    }


def depthwise_dilated_forward(work: Work) -> dict:
    return _dilated(work, 0, work.y[2])


def conv_2d_input_error(work: Work) -> dict:
    """The channels beyond the last group share one pass, and take a column each in it."""
    groups, columns = groups_of(work.x[2])
    rest, taps, depth = min(1, columns), tap_count(work), work.y[2]
    return _readers(work, groups, rest) | {
        "taps_of_groups": taps * groups, "taps_of_rest": taps * rest,
        "macs_of_groups": taps * depth * groups,
        "columns_of_rest": taps * columns, "macs_of_rest": taps * depth * columns,
    }


def depthwise_forward(work: Work) -> dict:
    """Groups of channels that lie side by side, and others that share one input."""
    channels, each = work.y[2], work.layer.multiplicity
    if each % GROUP == 0:
        found = _window(work, *groups_of(channels))
        return {name.replace("groups", "shared"): count for name, count in found.items()}
    return _window(work, *(groups_of(channels) if each == 1 else (0, channels)))


def depthwise_input_error(work: Work) -> dict:
    channels, each = work.y[2], work.layer.multiplicity
    groups, rest = groups_of(channels) if each == 1 else (0, channels)
    taps = tap_count(work)
    return _readers(work, groups, rest) | {
        "macs_of_groups": taps * groups, "macs_of_rest": taps * rest,
        "put_one": work.cells * rest // each,
    }


def pool(work: Work) -> dict:
    down, along = axes(work.layer.window, work.x, work.y)
    rows, taps = down.pairs * along.out, down.pairs * along.pairs
    channels = work.y[2]
    return {
        "positions": work.positions, "outputs": work.positions * channels,
        "rows": rows * channels, "taps": taps * channels,
    }


def max_pool_input_error(work: Work) -> dict:
    """Each cell searches all windows that read it, unless no two windows overlap."""
    window = work.layer.window
    if window.stride[0] >= window.kernel[0] and window.stride[1] >= window.kernel[1]:
        return {f"routed_{name}": value for name, value in pool(work).items()} | {
            "routed_cells": math.prod(work.x)
        }
    down, along = axes(window, work.x, work.y)
    channels = work.y[2]
    return {
        "cells": work.cells, "errors": math.prod(work.x), "reads": tap_count(work) * channels,
        "searches": down.squares * along.squares * channels,
        "search_rows": down.squares * along.pairs * channels,
    }


def average_pool_input_error(work: Work) -> dict:
    down, along = axes(work.layer.window, work.x, work.y)
    even, channels = down.even and along.even, work.y[2]
    return {
        "cells": work.cells, "errors": math.prod(work.x), "axis": down.out + along.out,
        "rows": down.pairs * along.size * channels,
        "even_reads" if even else "uneven_reads": tap_count(work) * channels,
    }


def _dilated_readers(work: Work, sums: int) -> dict:
    """Loops of ``sums`` sums a cell: every tap is asked for its reader."""
    rows = work.cells * sums * work.layer.window.kernel[0]
    return {"errors": math.prod(work.x), "rows": rows, "looks": rows * work.layer.window.kernel[1]}


def tap_by_tap_input_error(work: Work) -> dict:
    """Each group's channels by up to four, over its own outputs."""
    parts = getattr(work.layer, "groups", 1)
    groups, columns = parts * -(-work.x[2] // parts // GROUP), tap_count(work) * work.x[2]
    return _dilated_readers(work, groups) | {
        "groups": work.cells * groups, "columns": columns,
        "macs": columns * (work.y[2] // parts),
    }


def depthwise_dilated_input_error(work: Work) -> dict:
    return _dilated_readers(work, work.x[2]) | {"macs": tap_count(work) * work.y[2]}
