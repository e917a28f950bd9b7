"""The peers' rules in the compiled engine, layer by layer: every bit is the reference's.

Gradients of all sizes, zeros among them: what ``test_bits.py`` runs as a whole has no extremes.
"""

import ctypes

import numpy as np
import pytest
from c_engine import CUpdate, build, structure, u32
from host_structs import host_type
from random_layers import errors, int8, random_layer

from edgetune.learn import operators as p
from edgetune.learn.digest import parameter_digest
from edgetune.learn.draws import DRAWS, apply_steps
from edgetune.learn.generator import Generator
from edgetune.learn.rules import RULES, Gradient, Outcome
from edgetune.learn.rules.multinomial import MultinomialLayer
from edgetune.learn.rules.sgd import SgdFacts
from edgetune.learn.scaled import scaled_real
from edgetune.plan.constants.rule import MULTINOMIAL, NITI, SCALED, SGD

pytestmark = pytest.mark.thorough
NAMES = ("multinomial", "sgd-stochastic", "sgd-nearest", "niti")
KINDS = (p.Conv2D, p.DepthwiseConv2D, p.FullyConnected)
STEPS = 40
Words = structure(added=u32)


@pytest.fixture(scope="module", params=NAMES)
def engine(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    return request.param, build(folder, rule=request.param)


def number(rng, low, high):
    """2^low to 2^high."""
    return scaled_real(2.0 ** rng.uniform(low, high))


def multinomial(rule, rows, rng):
    rule.null_masses, rule.trials_of = [number(rng, -20, 40)], [int(rng.integers(1, 400))]
    rule.layers = [MultinomialLayer()]
    return host_type(MULTINOMIAL)(tuple(rule.null_masses[0]), rule.trials_of[0])


def sgd(rule, rows, rng):
    factors = [number(rng, -40, 0) for _ in range(rows)]
    rule.facts = [SgdFacts(factors, number(rng, -3, 3))]
    table = (host_type(SCALED) * rows)(*map(tuple, factors))
    constants = host_type(SGD)(ctypes.addressof(table), 1, tuple(rule.facts[0].bias))
    constants.kept = table
    return constants


def niti(rule, rows, rng):
    rule.bits = int(rng.integers(1, 8))
    return host_type(NITI)(rule.bits)


CONSTANTS = {
    "multinomial": multinomial, "sgd-stochastic": sgd, "sgd-nearest": sgd, "niti": niti,
}


def samples(rng, in_shape, out_shape):
    """Errors of all kinds, none too; exponents that jump."""
    for _ in range(STEPS):
        e = errors(rng, out_shape, extreme=rng.random() < 0.2)
        e[rng.random(out_shape) < rng.choice([0, 0.5, 0.95, 1])] = 0
        yield e, int(rng.integers(-25, 25)), int8(rng, in_shape)


def expected_step(rule, layer, generator, count, sample, biases) -> int:
    e, exponent, x = sample
    gradient = layer.gradient(e.astype(np.int64), x.astype(np.int64))
    gradient = gradient[:, -1:] if biases else gradient
    rule.observe(Outcome(count, STEPS, np.zeros(1), 0, 0))
    rule.begin(0, exponent)
    if not gradient.any():
        return 0
    facts = Gradient(np.abs(gradient), e, exponent)
    counts = rule.counts(0, facts, DRAWS["systematic"], generator)
    apply_steps(layer, np.sign(gradient) * counts)
    return int(counts.sum())


@pytest.mark.parametrize("biases", [False, True], ids=["all", "biases"])
@pytest.mark.parametrize("kind", KINDS)
def test_updates_are_the_references(engine, kind, biases):
    name, library = engine
    rng, taken = np.random.default_rng(21), 0
    for seed in range(4):
        layer, *shapes = random_layer(rng, kind)
        rule = object.__new__(RULES[name])
        constants, words = CONSTANTS[name](rule, layer.rows, rng), Words()
        c = CUpdate(library, layer, *shapes, 0, seed, STEPS, biases, constants, words, rule.drawn)
        generator = Generator(seed)
        learning = [layer.bias] if biases else [layer.weights, layer.bias]
        for count, sample in enumerate(samples(rng, *shapes)):
            n = expected_step(rule, layer, generator, count, sample, biases)
            assert c.step(*sample) == n
            np.testing.assert_array_equal(c.weights, layer.weights)
            np.testing.assert_array_equal(c.bias, layer.bias)
            assert tuple(c.learner.generator) == generator.state
            assert c.digest.value == parameter_digest(learning)
            if name == "multinomial":
                assert words.added == rule.layers[0].added
            taken += n
    assert taken
