"""Where the integer engine's gradients point, beside the float network's, layer by layer."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from float_net import Network, Reconstruction, SoftmaxCrossEntropy
from float_net.weighted import Depthwise, Weighted

from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.model.graph import Graph
from edgetune.model.kinds import WEIGHTED

LOSSES = {"softmax": SoftmaxCrossEntropy, "reconstruction": Reconstruction}


@dataclass(frozen=True)
class Directions:
    """Cosines [samples, layers] between integer and float gradients of a layer's weights; nan
    where one of them is zero.

    ``layers``: names of the layers that train.  ``cosines``: to the float network.  ``on_grid``: to
    a float network whose activations are rounded to their int8 grid, so that both gradients
    are taken at the same activations: what is lost there is the backward pass's own loss.
    ``others``: names of the weighted layers that do not train.
    """

    layers: list[str]
    cosines: np.ndarray
    on_grid: np.ndarray
    others: list[str]

    @property
    def medians(self) -> np.ndarray:
        """Of ``cosines``, over the samples that gave a layer a gradient; nan without any."""
        return _medians(self.cosines)

    @property
    def grid_medians(self) -> np.ndarray:
        """Of ``on_grid``."""
        return _medians(self.on_grid)

    @property
    def silent(self) -> np.ndarray:
        """Share of the samples that gave a layer no gradient, 0..1."""
        return np.isnan(self.cosines).mean(axis=0)


def _medians(cosines: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmedian(cosines, axis=0)


class Watched(Learner):
    """Keeps each layer's gradient instead of stepping."""

    def _update(self, layer, error, exponent, x):
        self.gradients[layer.operator] = layer.gradient(error, x)[:, :-1]
        return 0


def integer_gradients(learner: Watched, sample: np.ndarray, target) -> dict[int, np.ndarray]:
    """By operator, d loss / d integer weight up to a factor, [rows, row_size]."""
    learner.gradients = {}
    learner.train(sample, target)
    return learner.gradients


def float_rows(layer: Weighted, scales: np.ndarray) -> np.ndarray:
    """d loss / d integer weight, [rows, row_size]: the chain rule through the weights' scale."""
    gradient = layer.d_weights
    if isinstance(layer, Depthwise):
        gradient = gradient.reshape(-1, gradient.shape[-1]).T
    gradient = gradient.reshape(len(layer.bias), -1)
    return gradient * np.broadcast_to(scales, len(gradient))[:, None]


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """nan where ``a`` or ``b`` is zero."""
    a, b = a.reshape(-1).astype(np.float64), b.reshape(-1).astype(np.float64)
    length = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / length) if length > 0 else float("nan")


def directions(graph: Graph, samples: np.ndarray, targets, loss: str = "softmax") -> Directions:
    """Compares the gradients of ``loss`` (a name of ``LOSSES``) that both take at the same weights.

    Args:
        samples: int8 in the model's input quantisation, [n, ...].
        targets: for the loss, [n].
    """
    recipe = Recipe(loss=loss)
    learner = Watched(lower(graph, recipe.loss_choice), recipe)
    networks = [Network(graph, LOSSES[loss](), on_grid=grid) for grid in (False, True)]
    operators = [layer.operator for layer in learner.trained]
    cosines = [], []
    for sample, target in zip(samples, targets):
        integers = integer_gradients(learner, sample, target)
        for network, rows in zip(networks, cosines):
            floats = float_gradients(network, graph, sample, target)
            rows.append([cosine(integers[i], floats[i]) for i in operators])
    weighted = {layer.name: layer.operator for layer in learner.program.weighted_layers}
    others = [name for name, i in weighted.items() if i not in operators]
    names = [layer.name for layer in learner.trained]
    return Directions(names, *(np.array(rows) for rows in cosines), others)


def float_gradients(network: Network, graph: Graph, sample, target) -> dict[int, np.ndarray]:
    """By operator, d loss / d integer weight, [rows, row_size]."""
    network.gradients(_real(sample, graph), target)
    weights = {o.index: graph.tensors[o.inputs[1]] for o in graph.operators if o.kind in WEIGHTED}
    return {
        layer.operator: float_rows(layer, weights[layer.operator].quantization.scale)
        for layer in network.trained
    }


def _real(sample: np.ndarray, graph: Graph) -> np.ndarray:
    """float32, a batch of one."""
    q = graph.input.quantization
    real = (sample.astype(np.float64) - q.zero_point[0]) * q.scale[0]
    return real.reshape(graph.input.shape).astype(np.float32)
