"""The model file of a device's state."""

from __future__ import annotations

from edgetune.learn.learner import Learner
from edgetune.model.graph import Place
from edgetune.model.write import BIAS, WEIGHTS, read_weights, write_weights
from edgetune.plan.plan import Plan
from edgetune.session.simulation import new_learner


def tuned_model(plan: Plan, state: bytes) -> bytes:
    """The model file with what a device's ``state`` holds of it in its places."""
    graph, learner = plan.program.graph, learner_of(plan, state)
    arrays = zip(trained_places(plan), learner.parameters(), strict=True)
    return write_weights(graph, {
        place: values.reshape(read_weights(graph, place).shape) for place, values in arrays
    })


def trained_places(plan: Plan) -> list[Place]:
    """Where the model's file keeps what is trained, or lacks it: a bias that is added then.
    In the order of `Learner.parameters`."""
    numbers = (WEIGHTS, BIAS) if plan.recipe.learns_weights else (BIAS,)
    return [(layer.operator, number) for layer in plan.trained for number in numbers]


def learner_of(plan: Plan, state: bytes) -> Learner:
    """The numpy engine in this state."""
    learner = new_learner(plan)
    learner.load_state(state)
    return learner
