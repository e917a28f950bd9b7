"""Trained weights to and from a device, and what training changed."""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.errors import ModelError
from edgetune.learn.lower import lower
from edgetune.link.client import Client
from edgetune.model.compare import same_but_for
from edgetune.model.graph import Graph
from edgetune.model.read import read_tflite
from edgetune.model.write import read_weights
from edgetune.plan.plan import Plan
from edgetune.session.simulation import new_learner
from edgetune.session.tuning import trained_places, tuned_model


def pull(client: Client, plan: Plan) -> bytes:
    """The model file with the weights that the device holds now."""
    return tuned_model(plan, client.read_state())


def push(client: Client, plan: Plan, content: bytes) -> int:
    """Give the device the trained layers' weights of another file of the same model.

    The rule's state starts afresh.  Returns the device's digest.

    Raises:
        ModelError: ``content`` differs in more than the trained weights.
    """
    graph = plan.program.graph
    other = read_tflite(content, graph.choice)
    if not same_but_for(graph, other, trained_places(plan)):
        raise _another_model("It differs in more than the weights that this recipe trains.")
    learner = new_learner(plan)
    for place, values in zip(trained_places(plan), learner.parameters(), strict=True):
        values[...] = read_weights(other, place).reshape(values.shape)
    return client.write_state(learner.state())


def _another_model(cause: str) -> ModelError:
    return ModelError(
        "The file is not a tuned version of this model.", cause,
        "Give a file that tune or weights pull wrote for this model.",
    )


@dataclass(frozen=True)
class LayerDifference:
    """One layer of two files of a model: how many weights and biases differ, and by how much
    at most and on average over those that differ (in int8 steps)."""

    layer: str
    weights: int
    changed_weights: int
    changed_biases: int
    largest: int
    mean: float


def diff(before: Graph, after: Graph) -> list[LayerDifference]:
    """Layer by layer, what differs between two files of one model.

    Raises:
        ModelError: the models have different layers.
    """
    pairs = list(zip(lower(before).weighted_layers, lower(after).weighted_layers))
    same = all(a.name == b.name and a.weights.shape == b.weights.shape for a, b in pairs)
    if not same or len(before.operators) != len(after.operators):
        raise _another_model("Its layers are others.")
    return [_difference(a, b) for a, b in pairs]


def _difference(a, b) -> LayerDifference:
    steps = np.abs(b.weights.astype(int) - a.weights.astype(int))
    moved = steps[steps > 0]
    return LayerDifference(
        a.name, a.weights.size, len(moved), int((a.bias != b.bias).sum()),
        int(moved.max(initial=0)), float(moved.mean()) if len(moved) else 0.0,
    )
