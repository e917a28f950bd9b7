"""Data as people keep it: a logger's rows in windows, folders train and test, features of sound."""

from __future__ import annotations

import wave

import numpy as np
import pytest
from data_sources import tensor

from edgetune.data import Targets, load_data, load_samples
from edgetune.data.features import Features, parse_features
from edgetune.errors import DataError, ToolchainError, UsageError

WINDOW = tensor(4, 2)  # 4 rows of 2 channels
TWO = Targets("class", 2)


def log(folder, rows, header="timestamp,ax,ay,label", name="log.csv"):
    """``rows``: (time, label); the values count on."""
    lines = [f"{t},{i / 100},{i / 100 + 0.5},{label}" for i, (t, label) in enumerate(rows)]
    (folder / name).write_text("\n".join([header, *lines]) + "\n")
    return folder / name


def still_then_walking(step=10):
    return [(step * i, "still" if i < 10 else "walk") for i in range(20)]


def starts(data) -> list[int]:
    """The first row of each window, which its first value tells."""
    x = np.concatenate([data.tune_x, data.test_x])
    return sorted(np.rint((x[:, 0, 0] + 128.0) / 255 * 100).astype(int).tolist())


def load(path, **options):
    return load_data(path, WINDOW, 0.5, TWO, **({"window": (4, 2)} | options))


def test_windows_keep_to_a_class(tmp_path):
    data = load(log(tmp_path, still_then_walking()))
    assert starts(data) == [0, 2, 4, 6, 10, 12, 14, 16] and data.classes == ("still", "walk")
    assert data.preprocessing.window == (4, 2) and "share rows" in data.warnings[0]
    one = np.concatenate([data.tune_x, data.test_x])
    first = one[np.argmin(one[:, 0, 0])].astype(int)
    np.testing.assert_allclose(first[:, 1] - first[:, 0], 127.5, atol=0.5)  # 0.5 / (1 / 255)
    assert not load(log(tmp_path, still_then_walking()), window=(4, 4)).warnings


@pytest.mark.parametrize("times", [
    [*range(0, 100, 10), *range(900, 1000, 10)], [*range(10), *range(10)],
    [f"2026-01-31T12:00:{i:02d}" for i in range(10)]
    + [f"2026-01-31T13:00:{i:02d}Z".removesuffix("Z") for i in range(10)],
], ids=["a gap", "back again", "dates"])
def test_windows_do_not_cross_a_gap(tmp_path, times):
    rows = [(t, "ab"[i % 2]) for i, t in enumerate(times)]
    path = log(tmp_path, [(t, "a") for t, _ in rows])
    data = load_data(path, WINDOW, 0.5, TWO, window=(4, 3))
    assert starts(data) == [0, 3, 6, 10, 13, 16]


def test_without_a_time_all_columns_are_values(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("\n".join(f"{i / 100};{i / 50};x" for i in range(8)).replace(".", ","))
    assert starts(load(path)) == [0, 2, 4]
    assert starts(load(log(tmp_path, still_then_walking(), "t [ms],a,b,activity"))) == [
        0, 2, 4, 6, 10, 12, 14, 16,
    ]


def test_windows_to_calibrate_by_need_no_labels(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("time,ax,ay\n" + "\n".join(f"{i},0.{i},0.{i}" for i in range(9)) + "\n")
    x, how, _ = load_samples(path, WINDOW, window=(4, 1))
    assert x.shape == (6, 4, 2) and how.as_dict()["window"] == [4, 1]


@pytest.mark.parametrize("options, error, words", [
    ({"window": (3, 1)}, DataError, "Windows of 3 rows do not make up"),
    ({"window": (8, 1)}, DataError, "has 2 values; in windows of 8 rows"),
    ({"window": (0, 1)}, UsageError, "window is"),
    ({"window": None}, DataError, "not a number|model takes"),
])
def test_windows_that_cannot_be(tmp_path, options, error, words):
    with pytest.raises(error, match=words):
        load(log(tmp_path, still_then_walking()), **options)


def test_what_a_logger_must_not_write(tmp_path):
    with pytest.raises(DataError, match="no 4 rows in a row"):
        load(log(tmp_path, [(i, "ab"[i % 2]) for i in range(12)]))
    with pytest.raises(DataError, match="sample 2: 'noon' is no time"):
        load(log(tmp_path, [(0, "a"), ("noon", "a"), (2, "a"), (3, "a")]))
    np.savez(tmp_path / "d.npz", x=np.zeros((4, 4, 2)), y=[0, 1, 0, 1])
    with pytest.raises(UsageError, match="--window does not go with"):
        load(tmp_path / "d.npz")


def test_a_stored_window_does_not_forbid_arrays(tmp_path):
    stored = load(log(tmp_path, still_then_walking())).preprocessing
    np.savez(tmp_path / "d.npz", x=np.random.default_rng(0).random((4, 4, 2)), y=[0, 1, 0, 1])
    data = load_data(tmp_path / "d.npz", WINDOW, 0.5, TWO, stored=stored)
    assert data.tune_x.shape == (2, 4, 2)
    again = load_data(log(tmp_path, still_then_walking()), WINDOW, 0.5, TWO, stored=stored)
    assert len(starts(again)) == 8


# -- folders ----------------------------------------------------------------------------------


def sound(path, values, rate=16000):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.asarray(values) * 32767).astype("<i2").tobytes())


def tone(hertz, length=1600, rate=16000):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(length) / rate)


@pytest.mark.parametrize("train, test", [("train", "test"), ("Training", "Validation")])
def test_a_folder_may_come_divided(tmp_path, train, test):
    for part, count in ((train, 3), (test, 2)):
        for name, hertz in (("low", 200), ("high", 2000)):
            for i in range(count):
                sound(tmp_path / part / name / f"{i}.wav", tone(hertz, 100))
    data = load_data(tmp_path, tensor(100, 1, scale=1 / 128, zero_point=0), targets=TWO)
    assert (len(data.tune_x), len(data.test_x)) == (6, 4) and data.classes == ("high", "low")
    with pytest.raises(UsageError, match="holds a tuning and a test set"):
        load_data(tmp_path, tensor(100, 1, scale=1 / 128, zero_point=0), 0.5, TWO)


def test_classes_may_be_called_train_and_test(tmp_path):
    for name in ("train", "test"):
        for i in range(4):
            sound(tmp_path / name / f"{i}.wav", tone(300, 100))
    data = load_data(tmp_path, tensor(100, 1, scale=1 / 128, zero_point=0), 0.5, TWO)
    assert data.classes == ("test", "train")


# -- features ---------------------------------------------------------------------------------


def test_a_recipe_is_what_it_says():
    assert parse_features("mfcc, bands=20, floor=1e-3, mel=slaney") == Features(
        "mfcc", bands=20, floor=1e-3, mel="slaney"
    )
    for wrong in ("mel", "log-mel,size=3", "log-mel,hop=x", "log-mel,hop=0", "mfcc,bands=4",
                  "log-mel,mel=bark", ""):
        with pytest.raises(UsageError, match="features"):
            parse_features(wrong)


def test_without_librosa_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ToolchainError) as error:
        parse_features("mfcc")
    assert "[sound]" in error.value.next_step


def by_hand(values, features, rate):
    """Log-mel energies by their definition: TensorFlow's mel filters, of height one."""
    n = np.arange(features.window)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * n / features.window)
    count = (len(values) - features.window) // features.hop + 1
    frames = np.stack([values[i * features.hop :][: features.window] for i in range(count)])
    energy = np.abs(np.fft.rfft(frames * hann)) ** 2
    mel = 2595 * np.log10(1 + np.array([features.low, features.high or rate / 2]) / 700)
    edges = 700 * (10 ** (np.linspace(*mel, features.bands + 2) / 2595) - 1)
    hertz = np.fft.rfftfreq(features.window, 1 / rate)
    up = (hertz - edges[:-2, None]) / np.diff(edges)[:-1, None]
    down = (edges[2:, None] - hertz) / np.diff(edges)[1:, None]
    return np.log(energy @ np.maximum(0, np.minimum(up, down)).T + features.floor)


@pytest.mark.thorough
def test_features_are_those_of_their_definition(tmp_path):
    pytest.importorskip("librosa", reason="librosa is not installed (the extra sound)")
    recipe = "log-mel,window=400,hop=160,bands=12,low=100,high=4000"
    features = parse_features(recipe)
    values = tone(440) + 0.1 * np.random.default_rng(0).standard_normal(1600)
    values[1000:] = 0  # the last frame is silent: its energy is the floor
    found = features.of(values, 16000)
    wanted = by_hand(values.astype(np.float32), features, 16000)
    np.testing.assert_allclose(found, wanted, atol=2e-3)
    k = np.arange(12)
    transform = np.cos(np.pi * np.outer(k[:5], 2 * k + 1) / 24) * np.sqrt(2 / 12)
    transform[0] /= np.sqrt(2)
    mfcc = parse_features(recipe.replace("log-mel", "mfcc") + ",coefficients=5")
    np.testing.assert_allclose(mfcc.of(values, 16000), wanted @ transform.T, atol=1e-2)
    for name in ("low", "high"):
        for i in range(4):
            sound(tmp_path / name / f"{i}.wav", tone(300 if name == "low" else 3000))
    shape = tensor(8, 12, 1, scale=0.15, zero_point=0)
    data = load_data(tmp_path, shape, 0.5, TWO, features=recipe, fit="crop-pad")
    assert data.tune_x.shape == (4, 8, 12, 1) and data.preprocessing.features == recipe
    with pytest.raises(DataError, match="Frames of 40 log-mel numbers"):
        load_data(tmp_path, shape, 0.5, TWO, features="log-mel", fit="crop-pad")
