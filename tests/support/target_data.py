"""Samples with targets of every kind."""

from __future__ import annotations

import numpy as np

from edgetune.data import Targets, load_data, load_samples
from edgetune.model.graph import Quantization, Tensor

N = 20
UNIT = Tensor(0, "input", (1, 3), "int8", Quantization(np.array([1 / 255]), np.array([-128])))
IMAGE = Tensor(0, "i", (1, 4, 6, 1), "int8", Quantization(np.array([1 / 255]), np.array([-128])))
SOUND = Tensor(0, "s", (1, 50, 1), "int8", Quantization(np.array([1 / 128]), np.array([0])))
random = np.random.default_rng(11)
X = random.random((N, 3)).astype(np.float32)
HOT = random.integers(0, 2, (N, 4))
HOT[:5], HOT[5:10] = 0, 1  # both answers, wherever the set is cut
REAL = random.normal(0, 40, (N, 2))
FLAGS = np.arange(N) % 4 // 3  # every fourth sample is an anomaly
LABELS, VALUES, INPUT = Targets("labels", 4), Targets("values", 2), Targets("input")
ONE_LABEL, ONE_VALUE = Targets("labels", 1), Targets("values", 1)
KINDS = [(LABELS, HOT), (VALUES, REAL), (INPUT, FLAGS), (INPUT, None)]
NAMES = ["labels", "values", "flags", "no flags"]


def archive(folder, y=None, **others):
    """The samples in an archive, tuned and tested on alike; a set of ``y`` None has no labels."""
    sets = {"tune_x": X, "test_x": X, "tune_y": y, "test_y": y} | others
    np.savez(folder / "d.npz", **{name: a for name, a in sets.items() if a is not None})
    return folder / "d.npz"


def table(folder, *columns, header=None):
    """The samples in a CSV file, followed by ``columns`` (n, ...)."""
    rows = np.concatenate([X.astype(str), *(np.asarray(c, str).reshape(N, -1) for c in columns)], 1)
    lines = [",".join(row) for row in rows]
    (folder / "d.csv").write_text("\n".join([header, *lines] if header else lines))
    return folder / "d.csv"


def with_value(value):
    y = REAL.copy()
    y[7, 1] = value
    return y


def halves(folder, targets, y=None):
    """What a split of ``x, y`` in half gives, and the rows of `X` that each set holds."""
    np.savez(folder / "d.npz", **({"x": X} if y is None else {"x": X, "y": y}))
    data = load_data(folder / "d.npz", UNIT, 0.5, targets)
    whole = load_samples(folder / "d.npz", UNIT)[0]
    rows = [[int((whole == sample).all(1).argmax()) for sample in x]
            for x in (data.tune_x, data.test_x)]
    assert sorted(sum(rows, [])) == list(range(N)) and rows[0] == sorted(rows[0])
    return data, rows
