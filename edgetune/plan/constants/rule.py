"""The constants of the update rules, a row a trained layer."""

from __future__ import annotations

from edgetune.learn.rules import Adaptive, FixedRate, Rule
from edgetune.learn.scaled import Scaled
from edgetune.plan.c_data import Array, CObject, Pointer, Struct, struct
from edgetune.plan.constants.layer import I32, U32

SCALED = struct("et_scaled", (U32, "mantissa"), (I32, "exponent"))
FIXED_RATE = struct("et_fixed_rate", (U32, "limit_q8"))
ADAPTIVE = struct(
    "et_adaptive", (SCALED, "share unit most_moved"), (U32, "square_shift errors"),
    (Pointer("et_adaptive_network"), "network"),
)
TABLE = "rules"


def rule_constants(rule: Rule) -> CObject:
    """The table of the rule's constants, in the order of the trained layers."""
    ctype, rows = _adaptive(rule) if isinstance(rule, Adaptive) else _fixed_rate(rule)
    return CObject(TABLE, Array(ctype, len(rows)), tuple(rows))


def _fixed_rate(rule: Rule) -> tuple[Struct, list[dict]]:
    assert isinstance(rule, FixedRate)
    return FIXED_RATE, [{"limit_q8": limit} for limit in rule.limits_q8]


def _adaptive(rule: Adaptive) -> tuple[Struct, list[dict]]:
    return ADAPTIVE, [
        {
            "share": _scaled(facts.share), "unit": _scaled(facts.unit),
            "most_moved": _scaled(facts.most_moved), "square_shift": facts.square_shift,
            "errors": facts.errors, "network": "&state.network",
        }
        for facts in rule.facts
    ]


def _scaled(value: Scaled) -> dict:
    return {"mantissa": value.mantissa, "exponent": value.exponent}
