"""Float networks of dense layers: trained by scikit-learn, written as .tflite files."""

from __future__ import annotations

import warnings

import numpy as np

from edgetune.model.encode import encode
from edgetune.model.graph import Graph, Operator, Tensor

SETTINGS = {"max_iter": 400, "random_state": 2026}
DENSE = {"keep_num_dims": False, "weights_format": 0}


def regressor(x: np.ndarray, y: np.ndarray, hidden: tuple[int, ...], decay: float) -> bytes:
    """A network that gives ``y`` (n, outputs) for ``x`` (n, inputs): its float .tflite file."""
    from sklearn.neural_network import MLPRegressor  # slow to import

    return _trained(MLPRegressor(hidden_layer_sizes=hidden, alpha=decay, **SETTINGS), x, y, False)


def labeller(x: np.ndarray, y: np.ndarray, hidden: tuple[int, ...], decay: float) -> bytes:
    """The same for several labels ``y`` (n, labels) of 0 and 1; it ends with a LOGISTIC."""
    from sklearn.neural_network import MLPClassifier

    return _trained(MLPClassifier(hidden_layer_sizes=hidden, alpha=decay, **SETTINGS), x, y, True)


def _trained(network, x: np.ndarray, y: np.ndarray, logistic: bool) -> bytes:
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(x, y if y.shape[1] > 1 else y[:, 0])
    layers = list(zip(network.coefs_, network.intercepts_, strict=True))
    return encode(dense_graph(layers, logistic))


def dense_graph(layers: list[tuple[np.ndarray, np.ndarray]], logistic: bool) -> Graph:
    """Weights (inputs, outputs) and biases of each layer as a float Graph, RELU between them."""
    tensors = [Tensor(0, "input", (1, len(layers[0][0])), "float32")]
    operators = []
    for number, (weights, bias) in enumerate(layers):
        last = number == len(layers) - 1
        inputs = len(tensors) - 1, _constant(tensors, weights.T), _constant(tensors, bias)
        options = {"fused_activation_function": "NONE" if last else "RELU", **DENSE}
        _append(tensors, operators, "FULLY_CONNECTED", inputs, len(bias), options)
    if logistic:
        size = tensors[-1].shape[1]
        _append(tensors, operators, "LOGISTIC", (len(tensors) - 1,), size, {})
    return Graph(tensors, operators, (0,), (len(tensors) - 1,))


def _constant(tensors: list[Tensor], values: np.ndarray) -> int:
    index, data = len(tensors), np.ascontiguousarray(values, np.float32)
    tensors.append(Tensor(index, f"constant{index}", data.shape, "float32", data=data))
    return index


def _append(tensors, operators, kind: str, inputs: tuple[int, ...], size: int, options: dict):
    index = len(tensors)
    tensors.append(Tensor(index, f"{kind.lower()}{index}", (1, size), "float32"))
    operators.append(Operator(len(operators), kind, inputs, (index,), options))
