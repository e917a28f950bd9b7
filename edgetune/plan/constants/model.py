"""What is not of one layer: the model's own activations, the trained layers, the parameters."""

from __future__ import annotations

from collections.abc import Sequence

from edgetune.learn import operators as p
from edgetune.learn.digest import digest_base
from edgetune.learn.program import Program
from edgetune.learn.rules import Rule
from edgetune.learn.state import (
    bias_member,
    parameters_of,
    parameters_type,
    weights_member,
)
from edgetune.plan.c_data import Array, CObject, Pointer, array_object, struct
from edgetune.plan.constants.layer import U32
from edgetune.plan.constants.rule import TABLE, rule_constants


def activation_constants(program: Program) -> list[CObject]:
    """The activations that the model itself brings."""
    return [
        array_object(f"constant_{index}", activation.constant)
        for index, activation in enumerate(program.activations)
        if activation.constant is not None
    ]


TRAINED = struct(
    "et_trained",
    (U32, "rows row_size row_stride column_stride first_index"),
    (Pointer("int8_t"), "weights"), (Pointer("int32_t"), "bias"),
    (Pointer("const et_rule_constants"), "rule"), (Pointer("et_rule_layer"), "words"),
)


def trained_constants(
    trained: Sequence[p.WeightedLayer], rule: Rule, weights: bool = True
) -> list[CObject]:
    """The rule's constants and the table of the trained layers, which points at them and into
    the state block; none without any.

    Args:
        weights: whether theirs learn; else their rows hold the biases alone.
    """
    if not trained:
        return []
    rows = tuple(
        _trained(layer, first, index, weights)
        | ({} if rule.layers else {"words": 0})
        for index, (layer, first) in enumerate(zip(trained, digest_base(trained, weights)))
    )
    return [*rule_constants(rule), CObject("trained", Array(TRAINED, len(rows)), rows)]


def _trained(layer: p.WeightedLayer, first_index: int, index: int, weights: bool) -> dict:
    depthwise = isinstance(layer, p.DepthwiseConv2D)  # channels last
    row_stride, column_stride = (1, layer.rows) if depthwise else (layer.row_size, 1)
    return {
        "rows": layer.rows, "row_size": layer.row_size if weights else 0,
        "row_stride": row_stride, "column_stride": column_stride,
        "first_index": first_index,
        "weights": f"state.parameters.{weights_member(layer)}" if weights else 0,
        "bias": f"state.parameters.{bias_member(layer)}",
        "rule": f"&{TABLE}[{index}]", "words": f"&state.layers[{index}]",
    }


def frozen_constants(
    layers: Sequence[p.WeightedLayer], trained: Sequence[p.WeightedLayer], weights: bool = True
) -> list[CObject]:
    """What stays in flash of ``layers``: weights and biases of those not ``trained``, and where
    ``weights`` do not learn those of all."""
    learning = set(parameters_type(trained, weights).names or ())
    return [
        constant for layer in layers for constant in parameter_constants(layer)
        if constant.name not in learning
    ]


def parameter_constants(layer: p.WeightedLayer, weights: bool = True) -> list[CObject]:
    """Its weights, unless ``weights`` is false, and its biases as arrays."""
    return [array_object(*item) for item in parameters_of(layer, weights).items()]
