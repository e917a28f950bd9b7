"""What an update grows with: its draws, and the rows of the gradient that they ask for."""

from __future__ import annotations

import math
from collections.abc import Callable

from edgetune.learn import operators as p
from edgetune.plan.window_features import on_output
from edgetune.plan.windows import axes, gradient_loops
from edgetune.plan.work import Work


def every_error(work: Work) -> dict:
    return {"positions": work.positions, "errors": math.prod(work.y)}


def draws(work: Work) -> dict:
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
    down, along = on_output(work) if transposed else axes(work.layer.window, work.x, work.y)
    formed, taps = _formed(work), down.pairs * along.pairs
    kernel = down.kernel * along.kernel
    loops = {
        "taps": kernel, "rows": down.pairs * along.kernel, "errors": taps,
        "sums": taps * work.layer.row_size // kernel, "positions": work.positions,
    }
    return formed | {name: formed["formed"] * turns for name, turns in loops.items()}


def _update_factored(work: Work) -> dict:
    """Searches go on in a row from the last column: over what lies between draws, of which strides
    that double leave about half."""
    inputs, draws = work.layer.row_size, work.seen.get("draws", 0)
    between = min(inputs, inputs * work.layer.rows / max(1, draws))
    return {"inputs": inputs, "halvings": draws * max(1.0, math.log2(max(1.0, between)) - 1)}


UPDATES: dict[str, Callable[[Work], dict]] = {
    "update_window": _update_window, "update_dense": _formed,
    "update_dilated": _update_dilated, "update_by_taps": _update_by_taps,
    "update_factored": _update_factored, "update_biases": every_error,
}
