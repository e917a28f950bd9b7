"""What each engine function's instructions grow with: how often its loops start and turn."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgetune.learn import operators as p
from edgetune.learn.lower.backward import InputError
from edgetune.learn.rules import FixedRate
from edgetune.plan.plan import Plan
from edgetune.plan.schedule import Stage
from edgetune.plan.windows import Axis, axes, gradient_loops

GROUP = 4  # channels that one pass of an inner loop serves


@dataclass(frozen=True)
class Work:
    """A stage's layer, the shapes of its input and output, and its counts from `observe`."""

    layer: Any  # of the class that the function serves
    x: tuple[int, int, int]
    y: tuple[int, int, int]
    seen: dict[str, float]

    @property
    def cells(self) -> int:
        return self.x[0] * self.x[1]

    @property
    def positions(self) -> int:
        return self.y[0] * self.y[1]


def features(plan: Plan, stage: Stage, seen: dict) -> tuple[str, dict[str, float]]:
    """The function a stage calls, by its key in the cost table, and its features."""
    shapes = [a.shape for a in plan.program.activations]
    layer = stage.layer
    if stage.call == plan.rule.observer:
        return stage.kernel.cost, {"calls": 1, "layers": len(plan.trained)}
    if layer is None:
        return stage.kernel.cost, {"calls": 1, "classes": plan.program.classes}
    operand = stage.step.operand if isinstance(stage.step, InputError) else 0
    x = shapes[layer.inputs[operand]]
    work = Work(layer, x, shapes[layer.output], seen.get(layer.name, {}))
    if stage.phase == "update":
        name, found = _update(stage, work, plan.recipe.draw)
        return name, found | _rule(plan, work)
    return stage.kernel.cost, {"calls": 1} | FEATURES[stage.kernel.cost](work)


def _update(stage: Stage, work: Work, draw: str) -> tuple[str, dict[str, float]]:
    """Windows share one gradient whatever the operator; draws differ by their kind."""
    name = stage.kernel.cost
    if name == "update":
        name = _gradient_loops(work.layer)
    drawn = {f"{draw}_{feature}": count for feature, count in _draws(work).items()}
    return name, {"calls": 1} | drawn | UPDATES[name](work)


def _rule(plan: Plan, work: Work) -> dict[str, float]:
    """What the rule looks at beside the mass; the fixed one's share is in every update's call."""
    if isinstance(plan.rule, FixedRate):
        return {}
    errors, count = math.prod(work.y), plan.rule.learning.count(work.layer)
    return {f"{plan.rule.name}_{key}": value for key, value in (
        ("calls", 1), ("errors", errors), ("gradients", count + work.layer.rows),
    )}


def _gradient_loops(layer: Any) -> str:
    if isinstance(layer, p.FullyConnected):
        return "update_dense"
    if isinstance(layer, p.GroupedConv2D | p.TransposeConv):
        return "update_by_taps"
    return "update_window" if layer.window.dilation == (1, 1) else "update_dilated"


def _groups(count: int) -> tuple[int, int]:
    return count // GROUP, count % GROUP


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


def _taps(work: Work) -> int:
    """Pairs of an output position and a tap whose input exists."""
    down, along = axes(work.layer.window, work.x, work.y)
    return down.pairs * along.pairs


def _conv_2d_forward(work: Work) -> dict:
    return _window(work, *_groups(work.y[2]), work.x[2])


def _dilated(work: Work, groups: int, rest: int, depth: int = 1) -> dict:
    """Every tap is looked at, those outside the input too."""
    rows = work.positions * work.layer.window.kernel[0]
    looks = rows * work.layer.window.kernel[1]
    return _window(work, groups, rest, depth) | {
        "rows_of_groups": rows * groups, "rows_of_rest": rows * rest,
        "looks_of_groups": looks * groups, "looks_of_rest": looks * rest,
    }


def _tap_by_tap_forward(work: Work) -> dict:
    """Of windows dilated or grouped, over the outputs of each group of channels."""
    parts = getattr(work.layer, "groups", 1)
    groups, rest = (parts * count for count in _groups(work.y[2] // parts))
    taps = _taps(work)
    return _dilated(work, groups, rest, work.x[2] // parts) | {
        "taps_of_groups": taps * groups, "taps_of_rest": taps * rest,
    }


def _on_output(work: Work) -> tuple[Axis, Axis]:
    """The axes of a window that slides over the output, and has a place for each input cell."""
    return axes(work.layer.window, work.y, work.x)


def _transpose_conv_forward(work: Work) -> dict:
    """Per output position, over the input cells that add to it."""
    groups, rest = _groups(work.y[2])
    down, along = _on_output(work)
    rows, taps, depth = down.pairs * work.y[1], down.pairs * along.pairs, work.x[2]
    return {
        "positions": work.positions,
        "groups": work.positions * groups, "rest": work.positions * rest,
        "rows_of_groups": rows * groups, "rows_of_rest": rows * rest,
        "taps_of_groups": taps * groups, "taps_of_rest": taps * rest,
        "macs_of_groups": taps * groups * depth, "macs_of_rest": taps * rest * depth,
    }


def _transpose_conv_input_error(work: Work) -> dict:
    """The channels beyond the last group share one pass, and take a column each in it."""
    groups, columns = _groups(work.x[2])
    down, along = _on_output(work)
    rest, depth = min(1, columns), work.y[2]
    rows, taps = down.pairs * work.x[1], down.pairs * along.pairs
    return {
        "cells": work.cells, "groups": work.cells * groups, "rest": work.cells * rest,
        "rows_of_groups": rows * groups, "rows_of_rest": rows * rest,
        "taps_of_groups": taps * groups, "taps_of_rest": taps * rest,
        "macs_of_groups": taps * groups * depth,
        "columns_of_rest": taps * columns, "macs_of_rest": taps * columns * depth,
    }


def _depthwise_dilated_forward(work: Work) -> dict:
    return _dilated(work, 0, work.y[2])


def _conv_2d_input_error(work: Work) -> dict:
    """The channels beyond the last group share one pass, and take a column each in it."""
    groups, columns = _groups(work.x[2])
    rest, taps, depth = min(1, columns), _taps(work), work.y[2]
    return _readers(work, groups, rest) | {
        "taps_of_groups": taps * groups, "taps_of_rest": taps * rest,
        "macs_of_groups": taps * depth * groups,
        "columns_of_rest": taps * columns, "macs_of_rest": taps * depth * columns,
    }


def _depthwise_forward(work: Work) -> dict:
    channels, each = work.y[2], work.layer.multiplicity
    if each == 1 or each % GROUP == 0:
        return _window(work, *_groups(channels))
    return _window(work, 0, channels)


def _depthwise_input_error(work: Work) -> dict:
    channels, each = work.y[2], work.layer.multiplicity
    groups, rest = _groups(channels) if each == 1 else (0, channels)
    taps = _taps(work)
    return _readers(work, groups, rest) | {
        "macs_of_groups": taps * groups, "macs_of_rest": taps * rest,
        "put_one": work.cells * rest // each,
    }


def _dense_forward(work: Work) -> dict:
    groups, rest = _groups(work.layer.rows)
    inputs = work.layer.row_size
    return {
        "groups": groups, "rest": rest, "macs_of_groups": groups * inputs,
        "macs_of_rest": rest * inputs,
    }


def _dense_input_error(work: Work) -> dict:
    groups, rest = _groups(work.layer.row_size)
    outputs = work.layer.rows
    return {
        "groups": groups, "rest": rest, "macs_of_groups": groups * outputs,
        "macs_of_rest": rest * outputs,
    }


def _every_error(work: Work) -> dict:
    return {"positions": work.positions, "errors": math.prod(work.y)}


def _draws(work: Work) -> dict:
    seen = work.seen
    return {"rows": work.layer.rows, "draws": seen.get("draws", 0),
            "drawn_rows": seen.get("rows", 0)}


def _formed(work: Work) -> dict:
    """Rows of the gradient that are worked out: all, and those that were drawn again."""
    formed = work.layer.rows + work.seen.get("rows", 0)
    return {"formed": formed, "magnitudes": formed * (work.layer.row_size + 1),
            "walk": work.seen.get("walk", 0)}


def _update_window(work: Work) -> dict:
    depthwise = isinstance(work.layer, p.DepthwiseConv2D)
    depth, lane = (1, work.x[2]) if depthwise else (work.x[2], 1)
    loops = gradient_loops(*axes(work.layer.window, work.x, work.y), depth, lane)
    formed = _formed(work)
    return formed | {name: formed["formed"] * turns for name, turns in loops.items()}


def _update_dilated(work: Work) -> dict:
    """Weight by weight, over all positions; the bias over all of them once more."""
    formed = _formed(work)
    sums = formed["formed"] * work.layer.row_size
    return formed | {
        "positions": formed["formed"] * work.positions, "sums": sums,
        "rows": sums * work.y[0], "looks": sums * work.positions,
    }


def _update_by_taps(work: Work) -> dict:
    """Over the places of the window whose tap exists; the bias over all outputs."""
    transposed = isinstance(work.layer, p.TransposeConv)
    down, along = _on_output(work) if transposed else axes(work.layer.window, work.x, work.y)
    formed, taps = _formed(work), down.pairs * along.pairs
    kernel = down.kernel * along.kernel
    loops = {
        "taps": kernel, "rows": down.pairs * along.kernel, "errors": taps,
        "sums": taps * work.layer.row_size // kernel, "positions": work.positions,
    }
    return formed | {name: formed["formed"] * turns for name, turns in loops.items()}


def _update_factored(work: Work) -> dict:
    inputs = work.layer.row_size
    return {"inputs": inputs, "halvings": work.seen.get("draws", 0) * math.log2(inputs)}


def _pool(work: Work) -> dict:
    down, along = axes(work.layer.window, work.x, work.y)
    rows, taps = down.pairs * along.out, down.pairs * along.pairs
    channels = work.y[2]
    return {
        "positions": work.positions, "outputs": work.positions * channels,
        "rows": rows * channels, "taps": taps * channels,
    }


def _max_pool_input_error(work: Work) -> dict:
    """Each cell searches all windows that read it, unless no two windows overlap."""
    window = work.layer.window
    if window.stride[0] >= window.kernel[0] and window.stride[1] >= window.kernel[1]:
        return {f"routed_{name}": value for name, value in _pool(work).items()} | {
            "routed_cells": math.prod(work.x)
        }
    down, along = axes(window, work.x, work.y)
    channels = work.y[2]
    return {
        "cells": work.cells, "errors": math.prod(work.x), "reads": _taps(work) * channels,
        "searches": down.squares * along.squares * channels,
        "search_rows": down.squares * along.pairs * channels,
    }


def _average_pool_input_error(work: Work) -> dict:
    down, along = axes(work.layer.window, work.x, work.y)
    even, channels = down.even and along.even, work.y[2]
    return {
        "cells": work.cells, "errors": math.prod(work.x), "axis": down.out + along.out,
        "rows": down.pairs * along.size * channels,
        "even_reads" if even else "uneven_reads": _taps(work) * channels,
    }


def _reduction(work: Work) -> dict:
    """Searches and sums go down the rows of each column."""
    layer = work.layer
    starts = layer.outer * layer.inner * layer.columns
    return {"channels": starts, "values": math.prod(work.x)}


def _mean_input_error(work: Work) -> dict:
    layer = work.layer
    runs = layer.outer * layer.rows * (1 if layer.columns == 1 else layer.inner)
    return {"cells": runs, "values": math.prod(work.x)}


def _pad_forward(work: Work) -> dict:
    return _pad_input_error(work) | {"outputs": math.prod(work.y)}


def _pad_input_error(work: Work) -> dict:
    """Row by row, or cell by cell where channels are padded."""
    rows = work.x[0] if work.x[2] == work.y[2] else work.cells
    return {"rows": rows, "values": math.prod(work.x)}


def _copies(work: Work) -> dict:
    layer, outputs = work.layer, math.prod(work.y)
    pieces = layer.outer * len(layer.chunks)
    return {"pieces": pieces, "outer": layer.outer, "outputs": outputs}


def _move_forward(work: Work) -> dict:
    """Runs whose values lie side by side are copied, others moved one by one."""
    run, outputs = work.layer.kept[-1], math.prod(work.y)
    copied = run.x_step == run.y_step == 1
    return {"pieces": outputs // run.turns, "copied" if copied else "moved": outputs}


def _move_input_error(work: Work) -> dict:
    repeats = math.prod(axis.turns for axis in work.layer.repeated)
    errors = math.prod(work.y) // repeats
    return {
        "inputs": math.prod(work.x), "pieces": errors // work.layer.kept[-1].turns,
        "errors": errors, "reads": math.prod(work.y) if work.layer.repeated else 0,
    }


def _gather_forward(work: Work) -> dict:
    layer, outputs = work.layer, math.prod(work.y)
    return {"sources": layer.outer * layer.sources, "pieces": outputs // layer.chunk,
            "outputs": outputs}


def _gather_input_error(work: Work) -> dict:
    return {"sources": work.layer.outer * work.layer.sources} | _joined_error(work)


def _resize_bilinear_forward(work: Work) -> dict:
    return {"rows": work.y[0], "cells": work.positions, "outputs": math.prod(work.y)}


def _resize_bilinear_input_error(work: Work) -> dict:
    """Groups of up to four channels; each looks at the places that read its row, and for each of
    these at those that read its column."""
    rows, columns = (
        axis.out + np.count_nonzero(axis.between.part)
        for axis in (work.layer.rows, work.layer.columns)
    )
    groups = -(-work.x[2] // GROUP)
    return {
        "cells": work.cells, "groups": work.cells * groups,
        "rows": rows * work.x[1] * groups, "taps": rows * columns * groups,
        "macs": rows * columns * work.x[2],
    }


def _outputs(work: Work) -> dict:
    return {"outputs": math.prod(work.y)}


def _joined_error(work: Work) -> dict:
    return {"errors": math.prod(work.x), "reads": math.prod(work.y)}


def _dilated_readers(work: Work, sums: int) -> dict:
    """Loops of ``sums`` sums a cell: every tap is asked for its reader."""
    rows = work.cells * sums * work.layer.window.kernel[0]
    return {"errors": math.prod(work.x), "rows": rows, "looks": rows * work.layer.window.kernel[1]}


def _tap_by_tap_input_error(work: Work) -> dict:
    """Each group's channels by up to four, over its own outputs."""
    parts = getattr(work.layer, "groups", 1)
    groups, columns = parts * -(-work.x[2] // parts // GROUP), _taps(work) * work.x[2]
    return _dilated_readers(work, groups) | {
        "groups": work.cells * groups, "columns": columns,
        "macs": columns * (work.y[2] // parts),
    }


def _depthwise_dilated_input_error(work: Work) -> dict:
    return _dilated_readers(work, work.x[2]) | {"macs": _taps(work) * work.y[2]}


def _concatenation_input_error(work: Work) -> dict:
    layer = work.layer
    return {"inputs": len(layer.chunks), "outer": layer.outer, "errors": math.prod(work.x)}


def _errors(work: Work) -> dict:
    return {"errors": math.prod(work.x)}


def _softmax(work: Work) -> dict:
    return {"classes": work.y[2]}


def _softmax_rows(work: Work) -> dict:
    return {"rows": work.layer.rows, "classes": math.prod(work.x)}


# By function of the engine; tests/plan/test_counted_loops.py counts them in the compiled engine.
FEATURES: dict[str, Callable[[Work], dict]] = {
    "conv_2d_forward": _conv_2d_forward,
    "conv_2d_input_error": _conv_2d_input_error,
    "depthwise_conv_2d_forward": _depthwise_forward,
    "depthwise_conv_2d_input_error": _depthwise_input_error,
    "fully_connected_forward": _dense_forward,
    "fully_connected_input_error": _dense_input_error,
    "error_scale": _every_error,
    "error_join": _errors,
    "max_pool_2d_forward": _pool,
    "max_pool_2d_input_error": _max_pool_input_error,
    "average_pool_2d_forward": _pool,
    "average_pool_2d_input_error": _average_pool_input_error,
    "mean_forward": _reduction, "mean_input_error": _mean_input_error,
    "reduce_max_forward": _reduction, "reduce_max_input_error": _reduction,
    "pad_forward": _pad_forward, "pad_input_error": _pad_input_error,
    "softmax_forward": _softmax, "log_softmax_forward": _softmax,
    "softmax_rows_forward": _softmax_rows, "softmax_rows_input_error": _softmax_rows,
    "add_forward": _outputs, "mul_forward": _outputs, "lookup_forward": _outputs,
    "add_input_error": _joined_error, "mul_input_error": _joined_error,
    "extreme_forward": _outputs, "extreme_input_error": _errors,
    "squared_difference_forward": _outputs, "squared_difference_input_error": _errors,
    "prelu_forward": _outputs, "prelu_input_error": _errors,
    "concatenation_input_error": _concatenation_input_error,
    "lookup_input_error": _errors,
    "move_forward": _move_forward, "move_input_error": _move_input_error,
    "resize_bilinear_forward": _resize_bilinear_forward,
    "resize_bilinear_input_error": _resize_bilinear_input_error,
    "gather_forward": _gather_forward, "gather_input_error": _gather_input_error,
    "conv_2d_dilated_input_error": _tap_by_tap_input_error,
    "conv_2d_grouped_input_error": _tap_by_tap_input_error,
    "depthwise_conv_2d_dilated_input_error": _depthwise_dilated_input_error,
    "concatenation_forward": _copies,
    "conv_2d_dilated_forward": _tap_by_tap_forward,
    "transpose_conv_forward": _transpose_conv_forward,
    "transpose_conv_input_error": _transpose_conv_input_error,
    "conv_2d_grouped_forward": _tap_by_tap_forward,
    "depthwise_conv_2d_dilated_forward": _depthwise_dilated_forward,
}
UPDATES: dict[str, Callable[[Work], dict]] = {
    "update_window": _update_window, "update_dense": _formed,
    "update_dilated": _update_dilated, "update_by_taps": _update_by_taps,
    "update_factored": _update_factored, "update_biases": _every_error,
}
