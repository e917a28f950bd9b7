"""Where MVE's own kernels run, and the loops that they make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from edgetune.boards import Core
from edgetune.learn import operators as p
from edgetune.learn.program import Shape
from edgetune.plan.dsp import no_scratch
from edgetune.plan.work import Work, groups

LANES, BYTES = 4, 16  # sums at once, and what a vector holds


def fully_connected_fits(layer: p.FullyConnected, x: Shape, y: Shape, core: Core) -> bool:
    """Where calibration leaves the DSP extension out, vectors are out too."""
    return core.dsp and core.mve


fully_connected_forward_fits = fully_connected_input_error_fits = fully_connected_fits
fully_connected_forward_scratch = fully_connected_input_error_scratch = no_scratch


def dense_forward(work: Work) -> Counter:
    """Four rows at a time; the others alone."""
    fours, rest = groups(work.layer.rows)
    turns = -(-work.layer.row_size // BYTES)
    return Counter({"sums": fours + rest, "rest": rest, "turns": (fours + rest) * turns})


def dense_input_error(work: Work) -> Counter:
    """16 columns at a time; the others by fours, and what is left of four."""
    blocks, rest = divmod(work.layer.row_size, BYTES)
    few = -(-rest // LANES)
    return Counter({
        "blocks": blocks, "block_rows": blocks * work.layer.rows,
        "few": few, "few_rows": few * work.layer.rows, "few_errors": rest,
    })


MVE_FEATURES: dict[str, Callable[[Work], dict]] = {
    "fully_connected_mve_forward": dense_forward,
    "fully_connected_mve_input_error": dense_input_error,
}
