"""What an update grows with: its draws, and the rows of the gradient that they ask for."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

from edgetune.learn import operators as p
from edgetune.plan import dsp_lines, lines, vector_lines
from edgetune.plan.window_features import on_output
from edgetune.plan.windows import axes, gradient_loops
from edgetune.plan.work import Work, add
from edgetune.plan.workload import FORMED


def every_error(work: Work) -> dict:
    return {"positions": work.positions, "errors": math.prod(work.y)}


def draws(work: Work, draw: str, walked: bool) -> dict:
    """Systematic ones pass the rows in turn and are one step where they fall on one weight;
    independent ones search their rows by halving, and each is a step.  ``walked``: a row's weights
    are passed one by one on the way to those that were drawn."""
    seen = work.seen
    names = {"draws": "draws", "drawn_rows": "rows"}
    names |= {"halvings": "halved_rows"} if draw == "independent" else {"moved": "moved"}
    names |= {"walk": "walk"} if walked else {}
    return {"rows": work.layer.rows} | {name: seen.get(key, 0) for name, key in names.items()}


def _formed(work: Work) -> dict:
    """Rows of the gradient that are worked out: all, and those that were drawn again.  Every row
    is measured once."""
    rows, again = work.layer.rows, work.seen.get("rows", 0)
    return {"formed": rows + again, "magnitudes": rows * (work.layer.row_size + 1)}


def _update_dense(work: Work) -> dict:
    formed = _formed(work)
    return formed | {"products": formed["formed"] * work.layer.row_size}


def _update_window(work: Work) -> dict:
    depthwise = isinstance(work.layer, p.DepthwiseConv2D)
    depth, lane = (1, work.x[2]) if depthwise else (work.x[2], 1)
    loops = gradient_loops(*axes(work.layer.window, work.x, work.y), depth, lane)
    formed = _formed(work)
    return formed | {name: formed["formed"] * turns for name, turns in loops.items()}


def _update_dilated(work: Work) -> dict:
    """Weight by weight, over all positions; the bias over all of them once more."""
    formed = _formed(work)
    sums, window = formed["formed"] * work.layer.row_size, work.layer.window
    down, along = axes(window, work.x, work.y)
    return formed | {
        "positions": formed["formed"] * work.positions, "sums": sums,
        "rows": sums * work.y[0], "looks": sums * work.positions,
        "taps": sums * down.pairs * along.pairs // math.prod(window.kernel),
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


def _update_blocks(form: Callable[[Work, int], Counter]) -> Callable[[Work], dict]:
    """Of all blocks that ``form`` formed; every row is measured once."""
    def counted(work: Work) -> dict:
        layer = work.layer
        loops: Counter = Counter()
        for name, times in work.seen.items():
            if name.startswith(FORMED):
                add(loops, form(work, int(name.removeprefix(FORMED))), times)
        return loops | {"measured": layer.rows, "magnitudes": layer.rows * (layer.row_size + 1)}
    return counted


def _conv_2d_gradient(work: Work, rows: int) -> Counter:
    return (vector_lines if work.lanes else dsp_lines).conv_2d_gradient(work, rows)


def _update_factored(work: Work) -> dict:
    seen = work.seen
    return {"inputs": work.layer.row_size} | {
        name: seen.get(name, 0) for name in (
            "starts", "passed_rows", "near_rows", "laid", "passed", "far_rows", "searches",
            "strides", "halvings", "bias_rows", "biases",
        )
    }


UNWALKED = "update_factored", "update_biases"

UPDATES: dict[str, Callable[[Work], dict]] = {
    "update_window": _update_window, "update_dense": _update_dense,
    "update_dilated": _update_dilated, "update_by_taps": _update_by_taps,
    "update_factored": _update_factored, "update_biases": every_error,
    "update_conv_2d_dsp": _update_blocks(_conv_2d_gradient),
    "update_depthwise_conv_2d_dsp": _update_blocks(dsp_lines.depthwise_gradient),
    "update_depthwise_conv_2d_lines": _update_blocks(lines.depthwise_gradient),
}
