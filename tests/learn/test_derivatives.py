"""The integer gradients, with exponent and unit, are the loss's derivatives.

Every trained layer's gradient * 2**exponent * unit is held against differences of the loss of the
same network in real numbers.  With mantissas of 8 bits the direction must be right; their
truncation makes errors smaller by some per cent a layer, so sizes are looked at with mantissas
that lose nothing: then a wrong unit, anywhere on the way, shows at once.
"""

import numpy as np
import pytest
from branching import NETWORKS
from real_network import RealNetwork
from thinned import quick
from tiny_tflite import ModelBuilder

from edgetune.learn import block, learner
from edgetune.learn.losses import LossChoice
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite

SAMPLES, WEIGHTS, BIASES = 3, 20, 4  # inputs, and what is looked at of a layer
FINE_BITS = 20


class Watched(learner.Learner):
    """Keeps each layer's gradient as a derivative instead of stepping."""

    def derivatives(self, x, label) -> dict[str, np.ndarray]:
        self.gradients = {}
        self.train(x, label)
        return self.gradients

    def _update(self, layer, error, exponent, x):
        unit = self.backward.gradient_units[self.trained.index(layer)]
        self.gradients[layer.name] = layer.gradient(error, x) * (2.0**exponent * unit)
        return 0


def normalise_finely(acc):
    """`normalise` with so many bits that nothing is lost."""
    shift = max(0, int(np.abs(acc).max(initial=0)).bit_length() - FINE_BITS)
    return np.sign(acc) * (np.abs(acc) >> shift), shift


def fine_derivatives(watched, x, label) -> dict[str, np.ndarray]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (block, learner):
            patch.setattr(module, "normalise", normalise_finely)
        return watched.derivatives(x, label)


def places_of(layer, rng):
    """Some parameters: their (part, flat place) as `RealNetwork` counts, and (row, column) of
    the gradient."""
    numbers = np.arange(layer.weights.size).reshape(layer.weights.shape)
    rows = layer.by_row(numbers)  # [rows, row_size] of places in the weights
    at = [(int(rng.integers(layer.rows)), int(rng.integers(layer.row_size)))
          for _ in range(WEIGHTS)]
    places = [(0, int(rows[place])) for place in at]
    biases = [int(row) for row in rng.permutation(layer.rows)[:BIASES]]
    return places + [(1, row) for row in biases], at + [(row, layer.row_size) for row in biases]


def derivatives(builder) -> dict[str, np.ndarray]:
    """Layer -> [3, places]: of 8 bits, of fine mantissas, and in real numbers."""
    program = lower(read_tflite(builder.build()), LossChoice("softmax"))
    watched, real = Watched(program, Recipe()), RealNetwork(program)
    rng, found = np.random.default_rng(8), {layer.name: [] for layer in watched.trained}
    for x in inputs_of(watched, builder):
        label = int(rng.integers(program.classes))
        coarse, fine = watched.derivatives(x, label), fine_derivatives(watched, x, label)
        for layer in watched.trained:
            name, (places, at) = layer.name, places_of(layer, rng)
            ours = [[gradients[name][place] for place in at] for gradients in (coarse, fine)]
            found[name].append([*ours, real.derivatives(x, label, name, places)])
    return {name: np.concatenate(rows, axis=1) for name, rows in found.items()}


def inputs_of(watched, builder):
    """Inputs whose logits do not saturate: there the error is held back."""
    kept, program = [], watched.program
    for x in builder.random_inputs(60, seed=7)[:, 0]:
        watched.forward(x)
        if np.abs(watched.values[program.storage(program.logits)]).max() < 127:
            kept.append(x)
    assert len(kept) >= SAMPLES
    return kept[:SAMPLES]


def compared(ours, real) -> tuple[float, float]:
    """Cosine, and how many times as large."""
    norms = np.linalg.norm(ours), np.linalg.norm(real)
    return float(ours @ real / np.prod(norms)), float(norms[0] / norms[1])


def mixed() -> ModelBuilder:
    """What the networks lack: one scale for all channels, a product of two maps, windows of
    unequal count, padding on its own, a difference from a constant, functions at both ends."""
    b = ModelBuilder((1, 7, 8, 3), 1 / 50, 5, seed=18).conv(6, 3, activation="RELU6",
                                                            per_channel=False)
    start = b.save()
    b.depthwise(3, multiplier=1).join("MUL", start).average_pool(3, 1, "SAME")
    b.pad(1, 0, 0, 1).max_pool(2, 1).join("SUB", b.constant([3, 2, 4, 1, 2.5, 3.5]), swap=True)
    b.unary("RELU6").mean().dense(9, per_channel=True).unary("LOGISTIC", scale=1 / 256)
    return b.dense(5)


def twice() -> ModelBuilder:
    """Activations that one operator reads twice, and a constant that a small map repeats for."""
    b = ModelBuilder((1, 5, 5, 3), 1 / 50, 5, seed=19).conv(4, 3)
    b.join("MUL", b.save()).conv(4, 1).concatenate(b.save())
    b.join("ADD", b.save(), "RELU").mean(keep_dims=True).conv(5, 1)
    table = np.random.default_rng(20).normal(0.5, 1, (1, 4, 4, 5))
    b.join("MUL", b.constant(table), swap=True)
    return b.conv(6, 2, 2, activation="RELU").dense(4)


CASES = {name: NETWORKS[name] for name in ("residual", "inverted residual", "dense net")}
CASES |= {"mixed": mixed, "twice": twice}


@pytest.mark.parametrize("network", quick(CASES, ["twice"]))
def test_gradients_are_derivatives(network):
    table = {}
    for name, (coarse, fine, real) in derivatives(CASES[network]()).items():
        table[name] = *compared(coarse, real), *compared(fine, real)
    print(*(f"{name:24} {np.round(row, 4)}" for name, row in table.items()), sep="\n")
    for direction, size, fine_direction, fine_size in table.values():
        assert direction > 0.97 and 0.75 < size < 1.05, table
        assert fine_direction > 0.985 and abs(fine_size - 1) < 0.04, table
