"""The C engine's losses against the numpy reference, bit for bit, and against the real loss."""

import ctypes

import numpy as np
import pytest
from c_engine import COMPILER, Clip, address, u32
from host_structs import host_objects
from random_layers import int8

from edgetune.learn.block import normalise
from edgetune.learn.losses import Reconstruction, SigmoidCrossEntropy, SoftmaxCrossEntropy
from edgetune.learn.losses.sigmoid_cross_entropy import sigmoid_table
from edgetune.learn.losses.squared_error import NO_LIMIT, SquaredError
from edgetune.learn.program import exponential_table
from edgetune.plan.constants import loss_constants

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C compiler for this machine")


def check(library, rng, loss, logits, target, x):
    """One sample through C and numpy, its logits masked by some range."""
    clip = (-129, 128) if rng.random() < 0.5 else (int(rng.integers(-128, 0)), 100)
    encoded = np.frombuffer(loss.encode(target) or bytes(4), np.uint8).copy()
    e, measure = np.zeros(loss.size, np.int8), u32()
    parameters = host_objects(loss_constants(loss, shared=None))["loss"]
    assert getattr(library, f"et_{loss.kind}_accepts")(u32(loss.size), address(encoded))
    shift = getattr(library, f"et_{loss.kind}_error")(
        ctypes.byref(parameters), u32(loss.size), address(logits), address(encoded), address(x),
        Clip(*clip), address(e), ctypes.byref(measure),
    )
    acc, expected = loss.error(logits.astype(np.int64), target, x.astype(np.int64))
    mantissa, expected_shift = normalise(np.where((logits > clip[0]) & (logits < clip[1]), acc, 0))
    assert (shift, measure.value) == (expected_shift, expected)
    np.testing.assert_array_equal(e, mantissa)


def some_weights(rng, size):
    return None if rng.random() < 0.5 else rng.integers(1, 2**16, size).astype(np.uint16)


def test_softmax_cross_entropy(library):
    rng = np.random.default_rng(7)
    for round_ in range(60):
        size, weights = int(rng.integers(2, 300)), None
        weights = some_weights(rng, size)
        table = exponential_table(float(10 ** rng.uniform(-4, 0.5)))
        loss = SoftmaxCrossEntropy(size, float(rng.choice([0, 0.1, 0.9])), weights, table=table)
        logits = int8(rng, size, extreme=round_ % 3 == 0)
        check(library, rng, loss, logits, int(rng.integers(size)), logits)
    wrong = np.array([size, 0], np.uint16)
    assert not library.et_softmax_cross_entropy_accepts(u32(size), address(wrong))


def test_sigmoid_cross_entropy(library):
    rng = np.random.default_rng(8)
    for round_ in range(60):
        size = int(rng.integers(1, 40))
        weights = some_weights(rng, size)
        table = sigmoid_table(float(10 ** rng.uniform(-3, 0)), int(rng.integers(-128, 128)))
        loss = SigmoidCrossEntropy(
            size, float(rng.choice([0, 0.2])), weights, probabilities=table
        )
        logits = int8(rng, size, extreme=round_ % 3 == 0)
        check(library, rng, loss, logits, rng.integers(0, 2, size), logits)
    wrong = np.full(size, 2, np.uint8)
    assert not library.et_sigmoid_cross_entropy_accepts(u32(size), address(wrong))


def test_squared_error(library):
    rng = np.random.default_rng(9)
    for round_ in range(60):
        size, limit = int(rng.integers(1, 40)), int(rng.choice([1, 300, 20000, NO_LIMIT]))
        loss = SquaredError(size, 0.05, int(rng.integers(-128, 128)), limit)
        logits = int8(rng, size, extreme=round_ % 3 == 0)
        check(library, rng, loss, logits, rng.normal(0, 5, size), logits)


def test_reconstruction(library):
    rng = np.random.default_rng(10)
    for _ in range(30):
        size, table = int(rng.integers(1, 40)), rng.integers(-(2**15), 2**15, 256).astype(np.int16)
        loss = Reconstruction(size, 0.05, 3, table=table)
        check(library, rng, loss, int8(rng, size), None, int8(rng, size))


# -- the derivative of the real loss -------------------------------------------------------------


def slope(function, logits, step=1e-4):
    """d function / d logit by central differences."""
    steps = np.eye(len(logits)) * step
    return np.array([(function(logits + s) - function(logits - s)) / (2 * step) for s in steps])


def test_softmax_points_where_the_loss_does():
    scale, weights, smoothing = 0.1, np.array([256, 512, 64, 256], np.uint16), 0.1
    loss = SoftmaxCrossEntropy(4, smoothing, weights, table=exponential_table(scale))
    logits, label = np.array([10, -20, 5, 0]), 1

    def real(q):
        z = scale * q - np.log(np.exp(scale * q).sum())
        target = smoothing / 4 + (1 - smoothing) * (np.arange(4) == label)
        return -(weights[label] / 256) * (target * z).sum()

    error, measure = loss.error(logits, label, None)
    np.testing.assert_allclose(error * loss.unit(scale), slope(real, logits), atol=1e-5)
    assert measure == pytest.approx(2**15 * np.exp(-2) / np.exp(scale * logits).sum(), abs=2)


def test_sigmoid_points_where_the_loss_does():
    scale, zero_point, weights = 0.05, -7, np.array([256, 700, 256], np.uint16)
    table = sigmoid_table(scale, zero_point)
    loss = SigmoidCrossEntropy(3, 0.0, weights, probabilities=table)
    logits, labels = np.array([30, -40, 5]), np.array([0, 1, 1])

    def real(q):
        p = 1 / (1 + np.exp(-scale * (q - zero_point)))
        weight = np.where(labels == 1, weights / 256, 1)
        return -(weight * np.where(labels == 1, np.log(p), np.log(1 - p))).sum()

    error, _ = loss.error(logits, labels, None)
    np.testing.assert_allclose(error * loss.unit(scale), slope(real, logits), atol=1e-5)


@pytest.mark.parametrize("delta", [None, 0.4])
def test_squared_error_points_where_the_loss_does(delta):
    scale, zero_point = 0.05, 12
    limit = NO_LIMIT if delta is None else round(256 * delta / scale)
    loss = SquaredError(3, scale, zero_point, limit)
    logits, wanted = np.array([30, -40, 20]), np.array([1.03, -2.0, 0.1])

    def real(q):
        off = np.abs(scale * (q - zero_point) - wanted)
        huber = delta is not None
        size = np.where(huber & (off > (delta or 0)), (delta or 0) * (off - (delta or 0) / 2),
                        off**2 / 2)
        return size.mean()

    error, measure = loss.error(logits, wanted, None)
    np.testing.assert_allclose(error * loss.unit(scale), slope(real, logits), atol=1e-4)
    off = np.abs(scale * (logits - zero_point) - wanted).mean()
    assert measure * scale / 256 == pytest.approx(off, rel=1e-2)


def test_a_saturated_output_is_not_pushed_further():
    loss = SquaredError(4, 0.1, 0)
    error, _ = loss.error(np.array([127, 127, -128, -128]), np.array([99, 0, 0, -99.0]), None)
    assert (error != 0).tolist() == [False, True, True, False]
