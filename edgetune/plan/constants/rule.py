"""The constants of the update rules, a row a trained layer."""

from __future__ import annotations

from collections.abc import Callable

from edgetune.learn.rules import (
    Adaptive,
    FixedRate,
    Multinomial,
    MultinomialGlobal,
    Niti,
    Rule,
    Sgd,
)
from edgetune.learn.scaled import Scaled
from edgetune.plan.c_data import Array, CObject, Pointer, Struct, struct
from edgetune.plan.constants.layer import I16, I32, U8, U32

SCALED = struct("et_scaled", (U32, "mantissa"), (I32, "exponent"))
FIXED_RATE = struct("et_fixed_rate", (U32, "limit_q8"))
ADAPTIVE = struct(
    "et_adaptive", (SCALED, "share unit most_moved of_output"),
    (U32, "errors most_trials_q16 inputs"), (I16, "input_zero_point"),
    (U8, "outputs square_shift"),
)
MULTINOMIAL = struct("et_multinomial", (SCALED, "null_mass"), (U32, "trials"))
MULTINOMIAL_GLOBAL = struct(
    "et_multinomial_global", (SCALED, "null_mass unit trials"),
    (Pointer("et_multinomial_global_network"), "network"),
)
SGD = struct(
    "et_sgd", (Pointer("const et_scaled"), "factors"), (U32, "factor_step"), (SCALED, "bias")
)
NITI = struct("et_niti", (U32, "bits"))
TABLE = "rules"


def rule_constants(rule: Rule) -> list[CObject]:
    """The table of the rule's constants, in the order of the trained layers, and before it what
    it points at."""
    kind = next(kind for kind in type(rule).__mro__ if kind in _TABLES)
    ctype, rows = _TABLES[kind](rule)
    return [*_factors(rule), CObject(TABLE, Array(ctype, len(rows)), tuple(rows))]


def _fixed_rate(rule: FixedRate) -> tuple[Struct, list[dict]]:
    return FIXED_RATE, [{"limit_q8": limit} for limit in rule.limits_q8]


def _adaptive(rule: Adaptive) -> tuple[Struct, list[dict]]:
    return ADAPTIVE, [
        {
            "share": _scaled(facts.share), "unit": _scaled(facts.unit),
            "most_moved": _scaled(facts.most_moved), "of_output": _scaled(facts.of_output),
            "errors": facts.errors, "most_trials_q16": facts.most_trials_q16,
            "inputs": facts.inputs, "input_zero_point": facts.input_zero_point,
            "outputs": facts.outputs, "square_shift": facts.square_shift,
        }
        for facts in rule.facts
    ]


def _multinomial(rule: Multinomial) -> tuple[Struct, list[dict]]:
    return MULTINOMIAL, [
        {"null_mass": _scaled(c), "trials": n} for c, n in zip(rule.null_masses, rule.trials_of)
    ]


def _multinomial_global(rule: MultinomialGlobal) -> tuple[Struct, list[dict]]:
    return MULTINOMIAL_GLOBAL, [
        {
            "null_mass": _scaled(c), "unit": _scaled(unit),
            "trials": _scaled(rule.trials_of_all), "network": "&state.network",
        }
        for c, unit in zip(rule.null_masses, rule.units)
    ]


def _sgd(rule: Sgd) -> tuple[Struct, list[dict]]:
    return SGD, [
        {
            "factors": f"&{_factors_of(index)}[0]", "factor_step": int(len(facts.factors) > 1),
            "bias": _scaled(facts.bias),
        }
        for index, facts in enumerate(rule.facts)
    ]


def _factors(rule: Rule) -> list[CObject]:
    """Of SGD, a table a layer: a row's factor, or one for all."""
    found = [facts.factors for facts in rule.facts] if isinstance(rule, Sgd) else []
    return [
        CObject(_factors_of(index), Array(SCALED, len(factors)), tuple(map(_scaled, factors)))
        for index, factors in enumerate(found)
    ]


def _factors_of(index: int) -> str:
    return f"factors_{index}"


def _niti(rule: Niti) -> tuple[Struct, list[dict]]:
    return NITI, [{"bits": rule.bits} for _ in rule.learning.trained]


def _scaled(value: Scaled) -> dict:
    return {"mantissa": value.mantissa, "exponent": value.exponent}


_TABLES: dict[type[Rule], Callable[..., tuple[Struct, list[dict]]]] = {
    FixedRate: _fixed_rate, Adaptive: _adaptive, MultinomialGlobal: _multinomial_global,
    Multinomial: _multinomial, Sgd: _sgd, Niti: _niti,
}
