"""The float yardstick's gradients are the loss's slopes, in every layer."""

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
sys.path.insert(0, str(ROOT / "examples" / "accuracy"))

from float_net import Network  # noqa: E402

from edgetune.model.read import read_tflite  # noqa: E402

MODELS = [ROOT / "examples" / "digits" / "digits_int8.tflite"]
MODELS += [SHARED / f"{name}_int8.tflite" for name in ("har", "mnist", "kws")]


def loss(network: Network, x: np.ndarray, label: int) -> float:
    logits = network.logits(x)[0]
    top = logits.max()
    return float(np.log(np.exp(logits - top).sum()) + top - logits[label])


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_gradients_are_the_slopes_of_the_loss(path):
    if not path.exists():
        pytest.skip(f"{path.name} is not on this machine")
    graph = read_tflite(path)
    network = Network(graph)
    for layer in network.trained:
        layer.weights = layer.weights.astype(np.float64)
        layer.bias = layer.bias.astype(np.float64)
    generator = np.random.default_rng(3)
    low, high = ((q - graph.input.quantization.zero_point[0]) for q in (-128, 127))
    x = generator.uniform(low, high, graph.input.shape) * graph.input.quantization.scale[0] / 4
    network.step(x, label=1, rate=0.0)
    for layer in network.trained:
        for values, gradient in ((layer.weights, layer.d_weights), (layer.bias, layer.d_bias)):
            direction = generator.standard_normal(values.shape) * (np.abs(gradient) > 0)
            direction += gradient / (np.linalg.norm(gradient) + 1e-30)
            slope = float((gradient * direction).sum())
            length, kept = 1e-7, values.copy()
            values[...] = kept + length * direction
            above = loss(network, x, 1)
            values[...] = kept - length * direction
            measured = (above - loss(network, x, 1)) / (2 * length)
            values[...] = kept
            assert measured == pytest.approx(slope, rel=1e-3, abs=1e-4)
            assert np.abs(gradient).max() > 0
