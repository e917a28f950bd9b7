"""Small networks for every loss, with samples and targets that mean nothing: for bits."""

from __future__ import annotations

import numpy as np
from tiny_tflite import ModelBuilder

from edgetune.data import Dataset
from edgetune.data.preprocessing import Preprocessing
from edgetune.data.targets import Targets
from edgetune.learn.losses import Loss


def multi_label() -> ModelBuilder:
    """Five labels at once, each through a sigmoid."""
    b = ModelBuilder((1, 7, 7, 2), 1 / 40, 3, seed=41).conv(6, 3, activation="RELU").mean()
    return b.dense(8, "RELU").dense(5).unary("LOGISTIC", scale=1 / 256)


def one_output() -> ModelBuilder:
    """A yes or no."""
    b = ModelBuilder((1, 12), 1 / 40, 3, seed=42).dense(9, "RELU")
    return b.dense(1).unary("LOGISTIC", scale=1 / 256)


def regression() -> ModelBuilder:
    """One real value."""
    return ModelBuilder((1, 12), 1 / 40, 3, seed=43).dense(9, "RELU").dense(1)


def bounded_regression() -> ModelBuilder:
    """Three values between -1 and 1."""
    b = ModelBuilder((1, 6, 6, 2), 1 / 40, 3, seed=44).conv(5, 3, activation="RELU")
    return b.mean().dense(3).unary("TANH", scale=1 / 128, zero_point=0)


def autoencoder() -> ModelBuilder:
    b = ModelBuilder((1, 20), 0.1, 10, seed=45).dense(12, "RELU").dense(4, "RELU")
    return b.dense(12, "RELU").dense(20)


def classifier(classes: int = 4) -> ModelBuilder:
    b = ModelBuilder((1, 6, 6, 2), 1 / 40, 3, seed=46).conv(5, 3, activation="RELU6")
    return b.mean().dense(classes).softmax()


# name: network, recipe
LEARNING = {
    "multi-label": (multi_label, {}),
    "weighted multi-label": (
        multi_label, {"class_weights": (1, 2.5, 0.3, 9, 1), "label_smoothing": 0.1},
    ),
    "one output": (one_output, {}),
    "regression": (regression, {}),
    "Huber": (regression, {"loss": "huber", "huber_delta": 0.2}),
    "bounded regression": (bounded_regression, {}),
    "autoencoder": (autoencoder, {}),
    "weighted classes": (
        classifier, {"class_weights": (1, 4, 0.25, 2), "label_smoothing": 0.2},
    ),
}


def noise(builder: ModelBuilder, loss: Loss, count: int = 40) -> Dataset:
    """Random samples, half of them the test set, with any targets."""
    x = builder.random_inputs(count, seed=3)[:, 0]
    wanted = [loss.any_target(7 * i) for i in range(count)]
    y = np.zeros((count, 0), np.uint8) if loss.target == "input" else np.array(wanted)
    half = count // 2
    return Dataset(
        x[:half], y[:half], x[half:], y[half:], Preprocessing(quantized=True),
        targets=Targets(loss.target, loss.size),
    )
