"""Writes the tutorials' models, examples/tutorials/*.tflite: small float networks, trained on what
``make_data.py`` there makes of sensors as they were at first.

    python tools/tutorial_models.py

Convolutions stay random; the last layer is a ridge regression, and the reconstruction of bands by
principal components: no framework is needed.  Needs librosa for the features of sound.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "examples" / "tutorials"
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support"), str(FOLDER)]

import make_data as data  # noqa: E402
from float_builder import FloatBuilder  # noqa: E402

from edgetune.data.features import parse_features  # noqa: E402
from edgetune.floats.engine import FloatEngine  # noqa: E402
from edgetune.model.encode import encode  # noqa: E402

WINDOW = 50  # rows
FEATURES = "log-mel,window=512,hop=256,bands=20"
LOGITS = 4.0  # how far the right class is above the others


def classifier(builder: FloatBuilder, features: int, x: np.ndarray, y: np.ndarray, classes: int):
    """``builder``'s network with a dense layer behind ``features`` that tells ``y`` from ``x``."""
    engine = FloatEngine(builder.graph(features))
    found = engine.run_all(x)
    found = found.reshape(len(found), -1)
    ones = np.concatenate([found, np.ones((len(found), 1))], 1)
    wanted = LOGITS * (np.eye(classes)[y] - 1 / classes)
    solved = np.linalg.solve(ones.T @ ones + 0.1 * np.eye(ones.shape[1]), ones.T @ wanted)
    logits = builder.dense(features, classes)
    weights, bias = builder.operators[-1].inputs[1:]
    builder.tensors[weights].data = solved[:-1].T.astype(np.float32)
    builder.tensors[bias].data = solved[-1].astype(np.float32)
    return builder.graph(builder.add("SOFTMAX", logits, beta=1.0))


def wearable():
    random = np.random.default_rng(1)
    names = list(data.ACTIVITIES)
    y = np.arange(300) % 3
    x = np.stack([data.moving(random, names[i], WINDOW) for i in y])[..., None]
    b = FloatBuilder((1, WINDOW, 3, 1), seed=3)
    first = b.conv(b.input, 8, (7, 3), stride=(2, 1), padding="VALID", fused="RELU")
    second = b.conv(first, 12, (5, 1), stride=(2, 1), padding="VALID", fused="RELU")
    return classifier(b, b.mean(second), x.astype(np.float32), y, 3)


def words():
    random, recipe = np.random.default_rng(2), parse_features(FEATURES)
    y = np.arange(180) % 3
    sounds = [data.whistle(random, data.SIGNALS[i], dull=False) for i in y]
    x = np.stack([recipe.of(sound, data.RATE) for sound in sounds])[..., None]
    b = FloatBuilder((1, *x.shape[1:]), seed=5)
    first = b.conv(b.input, 8, 3, stride=2, fused="RELU")
    second = b.conv(first, 8, 3, stride=2, fused="RELU")
    return classifier(b, b.reshape(second, (1, int(np.prod(b.shape(second))))), x, y, 3)


def machine():
    x = data.humming(np.random.default_rng(3), 400, False, False).astype(np.float64)
    _, _, axes = np.linalg.svd(x - x.mean(0), full_matrices=False)
    b = FloatBuilder((1, data.BANDS))
    code = b.dense(b.input, 4)
    inner = b.operators[-1].inputs[1:]
    output = b.dense(code, data.BANDS)
    outer = b.operators[-1].inputs[1:]
    for index, values in zip((*inner, *outer), (axes[:4], -axes[:4] @ x.mean(0),
                                                axes[:4].T, x.mean(0))):
        b.tensors[index].data = np.ascontiguousarray(values, np.float32)
    return b.graph(output)


def main() -> None:
    for make in (wearable, words, machine):
        (FOLDER / f"{make.__name__}.tflite").write_bytes(encode(make()))


if __name__ == "__main__":
    main()
