"""SOFTMAX and LOG_SOFTMAX; a loss takes their exponentials too."""

from __future__ import annotations

import numpy as np

from edgetune.learn import operators as p
from edgetune.learn.program import Program
from edgetune.plan.c_data import CObject, Pointer, array_object, struct
from edgetune.plan.constants.layer import (
    I32,
    U32,
    layer_constants,
)

EXPONENTIAL = struct("et_exponential", (Pointer("const uint32_t"), "table"), (U32, "length"))


@layer_constants.register
def _(layer: p.Softmax, program: Program, errors: bool) -> list[CObject]:
    return exponential_constants(layer.name, layer.table)


LOG_SOFTMAX = struct(
    "et_log_softmax",
    (EXPONENTIAL, "exponential"), (I32, "multiplier shift back_multiplier back_shift least"),
)


@layer_constants.register
def _(layer: p.LogSoftmax, program: Program, errors: bool) -> list[CObject]:
    values = array_object(f"{layer.name}_table", layer.table)
    return [values, CObject(layer.name, LOG_SOFTMAX, {
        "exponential": {"table": values.name, "length": len(layer.table)},
        "multiplier": layer.forth[0], "shift": layer.forth[1],
        "back_multiplier": layer.back[0], "back_shift": layer.back[1],
        "least": -layer.least - 1,
    })]


SOFTMAX_ROWS = struct(
    "et_softmax_rows", (EXPONENTIAL, "exponential"), (U32, "rows classes")
)


@layer_constants.register
def _(layer: p.SoftmaxRows, program: Program, errors: bool) -> list[CObject]:
    values = array_object(f"{layer.name}_table", layer.table)
    return [values, CObject(layer.name, SOFTMAX_ROWS, {
        "exponential": {"table": values.name, "length": len(layer.table)},
        "rows": layer.rows, "classes": layer.classes,
    })]


def exponential_constants(name: str, table: np.ndarray) -> list[CObject]:
    """An ``et_exponential`` called ``name``, after its table."""
    values = array_object(f"{name}_table", table)
    return [values, CObject(name, EXPONENTIAL, {"table": values.name, "length": len(table)})]
