"""The draws' statistics: the multinomial exactly, and the systematic draw's expectation.

Seeds are fixed.  A chi-square test fails where its statistic exceeds the quantile of
probability 1 - 1e-6 (Wilson and Hilferty's approximation), so a right draw fails any of
them with a probability near one in a hundred thousand.
"""

from math import factorial, sqrt

import numpy as np
import pytest
from c_engine import COMPILER, CUpdate, build
from random_layers import errors, int8, random_layer

from edgetune.learn import operators as p
from edgetune.learn.draws import DRAWS, independent_draw, systematic_draw
from edgetune.learn.generator import Generator

pytestmark = pytest.mark.thorough
SIGMAS = 4.753  # of a normal variable: exceeded with probability 1e-6
UNIT = 256  # limits are in Q8


def chi_square_limit(freedom: int) -> float:
    return freedom * (1 - 2 / (9 * freedom) + SIGMAS * sqrt(2 / (9 * freedom))) ** 3


def assert_follows(observed, expected):
    """``observed`` counts of outcomes against the ``expected`` ones, those below 8 pooled."""
    rare = expected < 8
    observed = np.append(observed[~rare], observed[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    assert observed[-1] <= expected[-1] + SIGMAS * sqrt(expected[-1]) + 12
    observed, expected = observed[:-1], expected[:-1]
    statistic = float(((observed - expected) ** 2 / expected).sum())
    assert statistic < chi_square_limit(len(expected))


def random_magnitudes(rng, shape):
    magnitudes = (rng.pareto(1.0, shape) * 1000).astype(np.int64)
    magnitudes[rng.random(shape) < 0.2] = 0
    return magnitudes


@pytest.fixture(scope="module")
def independent(tmp_path_factory):
    """The engine of independent draws."""
    if COMPILER is None:
        pytest.skip("no C compiler for this machine")
    return build(tmp_path_factory.mktemp("i"), "-DET_DRAW_INDEPENDENT")


# -- independent draws -------------------------------------------------------------------------


def test_independent_marginals():
    """Every weight's hits over many draws: chi-square against n * |g| / S."""
    rng, generator = np.random.default_rng(31), Generator(31)
    for _ in range(4):
        magnitudes = random_magnitudes(rng, (6, 9))
        n = 20000
        counts = independent_draw(magnitudes, n, generator)
        assert counts.sum() == n and not counts[magnitudes == 0].any()
        assert_follows(counts.ravel(), n * magnitudes.ravel() / magnitudes.sum())


def multinomial_outcomes(n: int, probabilities):
    """Every vector of counts with sum ``n``, and its probability."""
    outcomes = [()]
    for _ in probabilities[1:]:
        outcomes = [o + (k,) for o in outcomes for k in range(n - sum(o) + 1)]
    outcomes = [o + (n - sum(o),) for o in outcomes]
    weights = [
        factorial(n) * np.prod([q**k / factorial(k) for q, k in zip(probabilities, o)])
        for o in outcomes
    ]
    return outcomes, np.array(weights)


def assert_joint(draw_once, magnitudes, n: int, repeats: int):
    """The joint distribution of the counts of ``n`` trials, over all possible outcomes."""
    probabilities = magnitudes.ravel() / magnitudes.sum()
    outcomes, weights = multinomial_outcomes(n, probabilities)
    index = {outcome: i for i, outcome in enumerate(outcomes)}
    observed = np.zeros(len(outcomes))
    for _ in range(repeats):
        observed[index[tuple(int(k) for k in draw_once().ravel())]] += 1
    assert_follows(observed, repeats * weights)


def test_independent_joint_distribution():
    """Not the mean counts only: every way in which 3 trials can fall on 2 x 3 weights."""
    generator = Generator(32)
    magnitudes = np.array([[5, 1, 3], [2, 0, 9]], np.int64)
    nonzero = magnitudes[magnitudes > 0]
    assert_joint(
        lambda: independent_draw(magnitudes, 3, generator)[magnitudes > 0], nonzero, 3, 20000
    )


class Draws:
    """Counts drawn by the C engine: a dense layer of weights 0 takes one update each."""

    def __init__(self, library, e, x, zero_point, n, factored, seed):
        layer, *_ = random_layer(np.random.default_rng(0), p.FullyConnected)
        layer = p.FullyConnected(**{
            **vars(layer), "weights": np.zeros((e.size, x.size), np.int8),
            "bias": np.zeros(e.size, np.int32), "input_zero_point": zero_point,
        })
        self.e, self.x, self.n, self.factored = e, x, n, factored
        self.gradient = layer.gradient(e.astype(np.int64), x.astype(np.int64))
        shapes = (1, 1, x.size), (1, 1, e.size)
        # C equals S from the first update on, so that half of the limit is drawn.
        self.update = CUpdate(library, layer, *shapes, 2 * n * UNIT, seed)

    def once(self) -> np.ndarray:
        """Counts of one update, [rows, inputs + 1]."""
        self.update.weights[...], self.update.bias[...] = 0, 0
        assert self.update.step(self.e, 0, self.x, self.factored) == self.n
        steps = -np.column_stack([self.update.weights.astype(np.int64), self.update.bias // 64])
        assert (steps * np.sign(self.gradient) >= 0).all()
        return np.abs(steps)


@pytest.mark.thorough
@pytest.mark.parametrize("factored", [False, True], ids=["exact", "factored"])
def test_c_independent_joint_distribution(independent, factored):
    e, x = np.array([3, -1], np.int8), np.array([40, -90], np.int8)
    draws = Draws(independent, e, x, 10, 3, factored, seed=33)
    assert_joint(draws.once, np.abs(draws.gradient), 3, 20000)


@pytest.mark.thorough
@pytest.mark.parametrize("factored", [False, True], ids=["exact", "factored"])
def test_c_independent_marginals(independent, factored):
    rng = np.random.default_rng(34)
    e, x = errors(rng, 12), int8(rng, 30)
    draws = Draws(independent, e, x, -7, 40, factored, seed=34)
    repeats = 400
    counts = sum(draws.once() for _ in range(repeats))
    magnitudes = np.abs(draws.gradient)
    assert counts.max() < 127 * repeats and not counts[magnitudes == 0].any()
    assert_follows(counts.ravel(), repeats * 40 * magnitudes.ravel() / magnitudes.sum())


# -- systematic draws --------------------------------------------------------------------------


def test_systematic_counts_are_the_expectation_rounded():
    """Each count is n * |g| / S rounded down or up."""
    rng, generator = np.random.default_rng(35), Generator(35)
    for n in (1, 2, 7, 50, 3000):
        magnitudes = random_magnitudes(rng, (7, 11))
        counts = systematic_draw(magnitudes, n, generator)
        assert counts.sum() == n
        share = n * magnitudes / magnitudes.sum()
        assert (counts >= np.floor(share)).all()
        assert (counts <= np.ceil(share)).all()


class Offsets(Generator):
    """A generator that runs through every offset once: the exact expectation."""

    def __init__(self):
        super().__init__(0)
        self.offset = -1

    def below(self, total: int) -> int:
        self.offset += 1
        return self.offset


def test_systematic_expectation_is_exact():
    """Over all S offsets each weight takes n * |g| hits: not one more or less."""
    rng = np.random.default_rng(36)
    for n in (1, 3, 10, 64):
        magnitudes = rng.integers(0, 40, (3, 5))
        offsets = Offsets()
        total = int(magnitudes.sum())
        counts = sum(systematic_draw(magnitudes, n, offsets) for _ in range(total))
        np.testing.assert_array_equal(counts, n * magnitudes)


@pytest.mark.parametrize("factored", [False, True], ids=["exact", "factored"])
def test_c_systematic_expectation(library, factored):
    """A count lies between two neighbours, so its variance is at most 1/4."""
    rng = np.random.default_rng(37)
    e, x = errors(rng, 12), int8(rng, 30)
    draws = Draws(library, e, x, -7, 40, factored, seed=37)
    repeats = 2000
    mean = sum(draws.once() for _ in range(repeats)) / repeats
    share = 40 * np.abs(draws.gradient) / np.abs(draws.gradient).sum()
    assert np.abs(mean - share).max() < 6 * sqrt(0.25 / repeats)


# -- the step ----------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", DRAWS)
def test_expected_step_points_along_the_gradient(draw):
    """The mean of sign(g) * counts is n / S * g: cosine and length, not the direction alone."""
    rng, generator = np.random.default_rng(38), Generator(38)
    gradient = random_magnitudes(rng, (8, 10)) * rng.choice([-1, 1], (8, 10))
    magnitudes, n, repeats = np.abs(gradient), 30, 3000
    total = sum(DRAWS[draw](magnitudes, n, generator) for _ in range(repeats))
    mean, expected = np.sign(gradient) * total / repeats, n * gradient / magnitudes.sum()
    cosine = (mean * expected).sum() / np.linalg.norm(mean) / np.linalg.norm(expected)
    # A count's variance is at most its mean; the means sum to n.
    noise = sqrt(n / repeats)
    assert np.linalg.norm(mean - expected) < 2 * noise
    assert cosine > 1 - 2 * (noise / np.linalg.norm(expected)) ** 2
