"""What every operator passes back is the derivative of what it computes.

``input_error`` times ``input_unit``, both integers' side, against differences of the operator in
real numbers: for an example of every kind, layer by layer.
"""

import numpy as np
import pytest
from operator_examples import EXAMPLES
from real_network import RealNetwork
from tiny_tflite import ModelBuilder

from edgetune.learn.lower import lower
from edgetune.learn.program import Layer
from edgetune.model.kinds import KINDS, LOSS, VIEW
from edgetune.model.read import read_tflite

STEP = 1e-3  # of a difference, in steps of the integers


def some_values(rng, activation) -> np.ndarray:
    """int64, no two alike, so that each window has one maximum; none at a function's kink."""
    if activation.constant is not None:
        return activation.constant.astype(np.int64)
    values = rng.permutation(np.setdiff1d(np.arange(-128, 128), activation.zero_point))
    return values[: activation.size].reshape(activation.shape)


def some_errors(rng, layer, shape) -> np.ndarray:
    """Mantissas; of channels with weight scales of their own those of the largest one, to which
    the unit belongs."""
    e = rng.integers(-127, 128, shape)
    ratio = getattr(layer, "ratio", None)
    return e if ratio is None else e * (ratio == 2**15)


def real_error(network, layer, operand, e, xs) -> np.ndarray:
    """Of each value of the input the sum of ``e`` times the output's steps by one of its steps."""
    activations = network.program.activations
    sources, y = [activations[i] for i in layer.inputs], activations[layer.output]

    def output(place, step):
        reals = [a.scale * (x - a.zero_point) for a, x in zip(sources, xs)]
        reals[operand] = reals[operand].copy()
        reals[operand].flat[place] += step * sources[operand].scale
        return network.output(layer, reals, y.shape) / y.scale

    differences = [
        (output(place, STEP) - output(place, -STEP)) / (2 * STEP)
        for place in range(xs[operand].size)
    ]
    return np.array([(d * e).sum() for d in differences]).reshape(xs[operand].shape)


def passing(kind) -> bool:
    return KINDS[kind].trains != LOSS and KINDS[kind].runs != VIEW


@pytest.mark.parametrize("kind", [*filter(passing, KINDS)])
def test_errors_are_derivatives_in_their_unit(kind):
    b = EXAMPLES[kind](ModelBuilder((1, 6, 6, 2), 1 / 40, -9, seed=3).conv(4, 3))
    program, rng = lower(read_tflite(b.build())), np.random.default_rng(4)
    network, layer = RealNetwork(program), program.layers[-1]
    assert type(layer).input_error is not Layer.input_error
    sources, y = [program.activations[i] for i in layer.inputs], program.activations[layer.output]
    xs, e = [some_values(rng, source) for source in sources], some_errors(rng, layer, y.shape)
    for operand in range(len(sources)):
        ours = layer.input_error(operand, e, xs) * layer.input_unit(operand, sources, y)
        real = real_error(network, layer, operand, e, xs)
        np.testing.assert_allclose(ours, real, rtol=1e-3, atol=1e-3 * np.abs(real).max())
        assert np.abs(real).max() > 1e-3
