"""What a learner has learnt, in the file that it learns from."""

from edgetune.learn.learner import Learner
from edgetune.model.graph import Graph
from edgetune.model.write import BIAS, WEIGHTS, read_weights, write_weights


def written(graph: Graph, learner: Learner) -> bytes:
    new = {}
    for layer in learner.trained:
        for number, values in ((WEIGHTS, layer.weights), (BIAS, layer.bias)):
            place = layer.operator, number
            new[place] = values.reshape(read_weights(graph, place).shape)
    return write_weights(graph, new)
