"""What each engine function's instructions grow with: how often its loops start and turn."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from edgetune.learn import operators as p
from edgetune.learn.lower.backward import InputError
from edgetune.learn.rules import FixedRate
from edgetune.plan import window_features as window
from edgetune.plan.dsp_features import DSP_FEATURES
from edgetune.plan.lines import LINE_FEATURES
from edgetune.plan.mve import MVE_FEATURES
from edgetune.plan.plan import Plan
from edgetune.plan.schedule import Stage
from edgetune.plan.update_features import UNWALKED, UPDATES, draws
from edgetune.plan.work import GROUP, Work
from edgetune.plan.work import groups as groups_of
from edgetune.plan.workload import HALVED

WATCHED = "output_size"
OBSERVERS = "adaptive_observe", "multinomial_global_observe"  # of every layer


def features(plan: Plan, stage: Stage, seen: dict) -> tuple[str, dict[str, float]]:
    """The function a stage calls, by its key in the cost table, and its features."""
    shapes = [a.shape for a in plan.program.activations]
    layer = stage.layer
    if stage.call in OBSERVERS:
        return stage.kernel.cost, {"calls": 1, "layers": len(plan.trained)}
    if layer is None:
        return stage.kernel.cost, {"calls": 1, "classes": plan.program.classes}
    if stage.call == WATCHED:
        outputs = math.prod(shapes[layer.output])
        step = plan.rule.output_step(plan.trained_index(layer))
        return stage.kernel.cost, {"calls": 1, "outputs": -(-outputs // step)}
    operand = stage.step.operand if isinstance(stage.step, InputError) else 0
    x = shapes[layer.inputs[operand]]
    others = sum(math.prod(shapes[i]) for i in layer.inputs[1:2])
    work = Work(layer, x, shapes[layer.output], seen.get(layer.name, {}), others,
                plan.board.core.lanes)
    if stage.phase == "update":
        if stage.kernel.cost.startswith(("update_steps", "measure")):
            return _formed(plan, stage, work)
        name, found = _update(stage, work, plan.recipe.draw)
        return name, found | _rule(plan, work, name)
    loops = FEATURES | DSP_FEATURES | LINE_FEATURES | MVE_FEATURES
    found = {"calls": 1} | loops[stage.kernel.cost](work)
    if isinstance(stage.step, InputError):
        found["halved"] = work.seen.get(f"{HALVED}{layer.inputs[operand]}", 0)
    return stage.kernel.cost, found


def _update(stage: Stage, work: Work, draw: str) -> tuple[str, dict[str, float]]:
    """Windows share one gradient whatever the operator; draws differ by their kind."""
    name = stage.kernel.cost
    if name == "update":
        name = _gradient_loops(work.layer)
    elif name == "update_blocks":
        formed = stage.kernel.forms.removeprefix("et_").removesuffix("_gradient")
        name = f"update_{formed}"
    found = draws(work, draw, walked=name not in UNWALKED)
    drawn = {f"{draw}_{feature}": count for feature, count in found.items()}
    return name, {"calls": 1} | drawn | UPDATES[name](work)


def _formed(plan: Plan, stage: Stage, work: Work) -> tuple[str, dict[str, float]]:
    """A gradient that is formed for its measure, or for a step of every weight: twice where the
    rule looks at all of it first."""
    rule, layer = plan.rule, work.layer
    name = _gradient_loops(layer) if plan.recipe.learns_weights else "update_biases"
    loops = UPDATES[name](replace(work, seen={"rows": layer.rows if rule.looks else 0}))
    found = {"calls": 1, "rows": layer.rows} | loops
    if rule.whole:
        return name.replace("update", "measure"), found
    return name.replace("update", "steps"), found | {
        f"{rule.symbol}_gradients": rule.learning.count(layer) + layer.rows,
        f"{rule.symbol}_moved": work.seen.get("moved", 0),
    }


def _rule(plan: Plan, work: Work, name: str) -> dict[str, float]:
    """What the rule looks at beside the mass; the fixed one's share is in every update's call.  Of
    a factored gradient those are its factors."""
    if isinstance(plan.rule, FixedRate):
        return {}
    errors, count = math.prod(work.y), plan.rule.learning.count(work.layer)
    count = work.layer.row_size if name == "update_factored" else count
    found = {"calls": 1, "errors": errors, "gradients": count + work.layer.rows}
    if plan.rule.centred(plan.trained_index(work.layer)):
        found |= {"inputs": math.prod(work.x), "drawn_rows": work.seen.get("rows", 0)}
    return {f"{plan.rule.symbol}_{key}": value for key, value in found.items()}


def _gradient_loops(layer: Any) -> str:
    if isinstance(layer, p.FullyConnected):
        return "update_dense"
    if isinstance(layer, p.GroupedConv2D | p.TransposeConv):
        return "update_by_taps"
    return "update_window" if layer.window.dilation == (1, 1) else "update_dilated"


def _dense_forward(work: Work) -> dict:
    groups, rest = groups_of(work.layer.rows)
    inputs = work.layer.row_size
    return {
        "groups": groups, "rest": rest, "macs_of_groups": groups * inputs,
        "macs_of_rest": rest * inputs,
    }


def _dense_input_error(work: Work) -> dict:
    groups, rest = groups_of(work.layer.row_size)
    outputs = work.layer.rows
    return {
        "groups": groups, "rest": rest, "macs_of_groups": groups * outputs,
        "macs_of_rest": rest * outputs,
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


def _error_scale(work: Work) -> dict:
    return {"channels": work.y[2], "errors": math.prod(work.y)}


def _joined_error(work: Work) -> dict:
    return {"errors": math.prod(work.x), "reads": math.prod(work.y)}


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
    "conv_2d_forward": window.conv_2d_forward,
    "conv_2d_input_error": window.conv_2d_input_error,
    "depthwise_conv_2d_forward": window.depthwise_forward,
    "depthwise_conv_2d_input_error": window.depthwise_input_error,
    "fully_connected_forward": _dense_forward,
    "fully_connected_input_error": _dense_input_error,
    "error_scale": _error_scale,
    "error_join": _errors,
    "max_pool_2d_forward": window.pool,
    "max_pool_2d_input_error": window.max_pool_input_error,
    "average_pool_2d_forward": window.pool,
    "average_pool_2d_input_error": window.average_pool_input_error,
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
    "conv_2d_dilated_input_error": window.tap_by_tap_input_error,
    "conv_2d_grouped_input_error": window.tap_by_tap_input_error,
    "depthwise_conv_2d_dilated_input_error": window.depthwise_dilated_input_error,
    "concatenation_forward": _copies,
    "conv_2d_dilated_forward": window.tap_by_tap_forward,
    "transpose_conv_forward": window.transpose_conv_forward,
    "transpose_conv_input_error": window.transpose_conv_input_error,
    "conv_2d_grouped_forward": window.tap_by_tap_forward,
    "depthwise_conv_2d_dilated_forward": window.depthwise_dilated_forward,
}
