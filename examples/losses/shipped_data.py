"""The tasks: real data sets that scikit-learn ships, and a network for each.

Every set is split once into three parts.  The network is pretrained on the first, as its instrument
or camera gave the samples; the parts to tune and to test on come from another one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from pretrained import labeller, regressor

SEED = 2026
LABELS = {
    "a closed loop": (0, 6, 8, 9),
    "even": (0, 2, 4, 6, 8),
    "above four": (5, 6, 7, 8, 9),
    "a prime": (2, 3, 5, 7),
}


@dataclass(frozen=True)
class Task:
    """``model``: the float .tflite file.  ``*_x`` float32 (n, inputs), real values.

    ``tune_y``, ``test_y``: as `edgetune.data.Dataset` has them for ``kind``; None where that is
    "input", but for flags of anomalies in a test set.  ``figure``: the measure to compare.
    """

    model: bytes
    loss: str
    kind: str
    figure: str
    passes: int
    tune_x: np.ndarray
    tune_y: np.ndarray | None
    test_x: np.ndarray
    test_y: np.ndarray | None

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """Those of a data file."""
        names = ("tune_x", "tune_y", "test_x", "test_y")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def of(self, tune: np.ndarray, test: np.ndarray) -> Task:
        """The task whose both sets are rows of this one's tuning set."""
        x, y = self.tune_x, self.tune_y
        labels = {} if y is None else {"tune_y": y[tune]}
        test_y = None if y is None else y[test]
        return replace(self, tune_x=x[tune], test_x=x[test], test_y=test_y, **labels)


def diabetes(loss: str = "mse") -> Task:
    """Regression: how far the disease has come after a year, from ten readings of a patient."""
    from sklearn.datasets import load_diabetes  # slow to import

    found = load_diabetes(scaled=False)
    first, tune, test = parts(len(found.target), 160, 160)
    x, y = standard(found.data, first), standard(found.target[:, None], first)
    model = regressor(x[first], y[first], (16, 8), decay=1.0)
    x = other_instrument(x)
    return Task(model, loss, "values", "RMSE", 8, x[tune], y[tune], x[test], y[test])


def digit_labels() -> Task:
    """Several labels at once: properties of a handwritten digit that is seen sideways."""
    from sklearn.datasets import load_digits

    found = load_digits()
    first, tune, test = parts(len(found.target), 800, 500)
    y = np.stack([np.isin(found.target, of) for of in LABELS.values()], axis=1).astype(np.uint8)
    upright, sideways = views(found.images)
    model = labeller(upright[first], y[first], (32,), decay=0.1)
    x = sideways
    return Task(model, "sigmoid", "labels", "AUC", 4, x[tune], y[tune], x[test], y[test])


def strange_digits() -> Task:
    """Anomalies: an autoencoder learns the digits 0 to 4, seen sideways; 5 to 9 stand out."""
    from sklearn.datasets import load_digits

    found = load_digits()
    first, tune, test, flags = strangers(found.target < 5, 350, 350)
    upright, sideways = views(found.images)
    model = regressor(upright[first], upright[first], (32, 12, 32), decay=0.01)
    x = sideways
    return Task(model, "reconstruction", "input", "AUC", 8, x[tune], None, x[test], flags)


def tumours() -> Task:
    """Anomalies: an autoencoder learns what benign tumours look like; malignant ones stand out."""
    from sklearn.datasets import load_breast_cancer

    found = load_breast_cancer()
    first, tune, test, flags = strangers(found.target == 1, 120, 120)
    x = standard(found.data, first)
    model = regressor(x[first], x[first], (20, 6, 20), decay=0.01)
    x = other_instrument(x)
    return Task(model, "reconstruction", "input", "AUC", 8, x[tune], None, x[test], flags)


TASKS = {
    "diabetes": diabetes,
    "diabetes, Huber": lambda: diabetes("huber"),
    "labels of digits": digit_labels,
    "strange digits": strange_digits,
    "tumours": tumours,
}


def parts(count: int, pretrain: int, tune: int) -> list[np.ndarray]:
    """Disjoint indices of the samples to pretrain on, to tune on, and, the rest, to test on."""
    order = np.random.default_rng(SEED).permutation(count)
    return np.split(order, [pretrain, pretrain + tune])


def strangers(normal: np.ndarray, pretrain: int, tune: int) -> list[np.ndarray]:
    """``parts`` of the normal samples; to the last the anomalies are added.  And its flags."""
    first, second, last = (np.flatnonzero(normal)[p] for p in parts(normal.sum(), pretrain, tune))
    test = np.concatenate([last, np.flatnonzero(~normal)])
    return [first, second, test, (~normal[test]).astype(np.uint8)]


def standard(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """``values`` (n, columns) as float32, each column of mean 0 and deviation 1 over ``rows``."""
    chosen = values[rows]
    return ((values - chosen.mean(axis=0)) / chosen.std(axis=0)).astype(np.float32)


def other_instrument(x: np.ndarray) -> np.ndarray:
    """What another instrument gives: each reading with a gain and an offset of its own."""
    random = np.random.default_rng(SEED)
    gain = random.uniform(0.5, 1.5, x.shape[1])
    return (gain * x + random.normal(0, 2, x.shape[1])).astype(np.float32)


def views(images: np.ndarray) -> list[np.ndarray]:
    """Images of values up to 16 as they are and turned by 90 degrees, flat, values up to 1."""
    both = images, np.rot90(images, axes=(1, 2))
    return [view.reshape(len(view), -1).astype(np.float32) / 16 for view in both]
