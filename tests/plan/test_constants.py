"""What the generated tables say of the trained layers and of the loss."""

import numpy as np
import pytest
from branching import NETWORKS
from tiny_tflite import ModelBuilder

from edgetune.boards import load_board
from edgetune.learn.draws import apply_steps
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.plan.plan import make_plan


def plan_of(builder, **recipe):
    return make_plan(read_tflite(builder.build()), Recipe(**recipe), load_board("mps2-an385"))


def trained_rows(plan):
    return plan.constants[-2][1].value


def names(plan):
    return {constant.name for group in plan.constants for constant in group}


def loss_of(plan):
    return plan.constants[-3][-1].value


def test_strides_lead_to_the_weight_that_the_rule_moves():
    plan = plan_of(NETWORKS["separable"]())
    assert {row["column_stride"] > 1 for row in trained_rows(plan)} == {True, False}
    for layer, row in zip(plan.trained, trained_rows(plan), strict=True):
        assert (row["rows"], row["row_size"]) == (layer.rows, layer.row_size)
        for place in ((0, 0), (1, 2), (layer.rows - 1, layer.row_size - 1)):
            steps = np.zeros((layer.rows, layer.row_size + 1), int)
            steps[place] = 1
            layer.weights[...] = 5
            apply_steps(layer, steps)
            at = place[0] * row["row_stride"] + place[1] * row["column_stride"]
            assert np.flatnonzero(layer.weights.reshape(-1) != 5).tolist() == [at]


def test_each_trained_layer_has_its_own_place_in_the_state():
    plan = plan_of(NETWORKS["separable"]())
    expected, first = [], 0
    for i, layer in enumerate(plan.trained):
        prefix = f"state.parameters.{layer.name}"
        expected.append((f"{prefix}_weights", f"{prefix}_bias", f"&state.layers[{i}]", first))
        first += layer.weights.size + layer.rows
    keys = ("weights", "bias", "words", "first_index")
    assert [tuple(row[key] for key in keys) for row in trained_rows(plan)] == expected


def test_biases_alone_have_rows_without_weights():
    plan = plan_of(NETWORKS["separable"](), layers=("biases",))
    first = 0
    for layer, row in zip(plan.trained, trained_rows(plan), strict=True):
        assert (row["rows"], row["row_size"], row["weights"]) == (layer.rows, 0, 0)
        assert row["bias"] == f"state.parameters.{layer.name}_bias"
        assert row["first_index"] == first
        first += layer.rows
    assert [c.name for c in plan.frozen] == [f"{la.name}_weights" for la in plan.trained]
    assert plan.initial_bytes == 4 * first
    # Learner, and of the rule 12 words of the network and 6 of each layer.
    assert plan.state_bytes == 16 + 48 + 24 * len(plan.trained) + 4 * first


def test_what_is_not_trained_is_frozen():
    every = plan_of(NETWORKS["separable"]())
    assert every.frozen == [] and every.frozen_bytes == 0
    last = plan_of(NETWORKS["separable"](), layers=("last",))
    names = [f"{layer.name}_{what}" for layer in last.program.weighted_layers[:-1]
             for what in ("weights", "bias")]
    assert [constant.name for constant in last.frozen] == names


def test_nothing_trained_has_no_table():
    plan = plan_of(NETWORKS["separable"](), layers=("none",))
    assert plan.constants[-2:] == [[], []]


@pytest.mark.parametrize("beta, own", [(1.0, False), (0.5, True)])
def test_the_loss_shares_the_table_of_a_softmax_that_has_the_same(beta, own):
    plan = plan_of(ModelBuilder((1, 9), seed=61).dense(4).softmax(beta))
    assert ("loss_exponential" in names(plan)) == ("loss_exponential_table" in names(plan)) == own
    exponential = loss_of(plan)["exponential"]
    assert exponential == ("&loss_exponential" if own else f"&{plan.program.layers[-1].name}")
    assert exponential.removeprefix("&") in names(plan)


def test_a_model_without_softmax_has_a_table_for_the_loss():
    plan = plan_of(ModelBuilder((1, 9), seed=61).dense(4))
    assert {"loss", "loss_exponential", "loss_exponential_table"} <= names(plan)
    assert loss_of(plan)["exponential"] == "&loss_exponential"
