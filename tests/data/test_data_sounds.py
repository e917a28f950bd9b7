"""Folders of sounds as samples, a folder for each class."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from data_sources import SOUND, assert_same, tensor

from edgetune.data import Preprocessing, load_data
from edgetune.errors import DataError


def write_wav(path: Path, values: np.ndarray, width: int = 2, rate: int = 8000, channels: int = 1):
    """``values`` from -1 to below 1 as PCM of ``width`` bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = np.floor(np.asarray(values) * 2.0 ** (8 * width - 1)).astype("<i4")
    if width == 1:
        content = (whole + 128).astype(np.uint8).tobytes()
    else:
        content = whole.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :width].tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(content)


@pytest.fixture
def sounds(tmp_path):
    for label in ("no", "yes"):
        for i in range(2):
            values = np.linspace(-0.9, 0.9, 100) * (1 if label == "no" else -1)
            write_wav(tmp_path / "wavs" / label / f"{i}.wav", values)
    return tmp_path / "wavs"


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_every_width_of_pcm_is_the_same_sound(tmp_path, width):
    values = np.arange(-128, 128)[:100] / 128
    for label in "ab":
        for i in range(2):
            write_wav(tmp_path / "w" / label / f"{i}.wav", values, width)
    data = load_data(tmp_path / "w", SOUND, 0.5, scale=1)
    np.testing.assert_array_equal(data.tune_x[0, :, 0], np.arange(-128, -28))
    assert data.preprocessing.sample_rate == 8000


def test_a_folder_of_sounds(sounds):
    data = load_data(sounds, SOUND, 0.5)
    assert data.classes == ("no", "yes") and data.tune_x.shape == (2, 100, 1)
    ramp = np.linspace(-0.9, 0.9, 100) * 128
    assert np.abs(data.tune_x[data.tune_y == 0][0, :, 0] - ramp).max() <= 1
    assert_same(load_data(sounds, SOUND, 0.5, memory=1), data)


def test_another_sample_rate_is_named(sounds):
    write_wav(sounds / "yes" / "odd.wav", np.zeros(100), rate=16000)
    with pytest.raises(DataError, match="odd.wav has a sample rate of 16000 Hz, not 8000"):
        load_data(sounds, SOUND, 0.5)
    with pytest.raises(DataError, match="0.wav has a sample rate of 8000 Hz, not 16000"):
        load_data(sounds, SOUND, 0.5, sample_rate=16000)
    with pytest.raises(DataError, match="not 16000"):
        load_data(sounds, SOUND, 0.5, stored=Preprocessing(sample_rate=16000))


@pytest.mark.parametrize(("length", "fit"), [(150, "crop"), (60, "pad")])
def test_other_lengths_are_named_or_fitted(sounds, length, fit):
    write_wav(sounds / "yes" / "odd.wav", np.full(length, 0.5))
    with pytest.raises(DataError, match=f"odd.wav holds {length} values") as caught:
        load_data(sounds, SOUND, 0.5)
    assert f"--fit {fit} " in caught.value.next_step
    for allowed in (fit, "crop-pad"):
        data = load_data(sounds, SOUND, 0.5, fit=allowed)
        odd = next(x for x in [*data.tune_x, *data.test_x] if (x[:60] == 64).all())
        np.testing.assert_array_equal(odd[:, 0], [64] * min(length, 100) + [0] * (100 - length))


def test_sounds_in_frames(sounds):
    data = load_data(sounds, tensor(4, 40, scale=1 / 128, zero_point=0), 0.5, frame=(40, 20))
    whole = load_data(sounds, SOUND, 0.5).tune_x[:, :, 0]
    for row in range(4):
        np.testing.assert_array_equal(data.tune_x[:, row], whole[:, 20 * row : 20 * row + 40])
    with pytest.raises(DataError, match="do not make up"):
        load_data(sounds, SOUND, 0.5, frame=(30, 10))


def test_stereo_is_named_or_taken(sounds, tmp_path):
    write_wav(sounds / "yes" / "odd.wav", np.zeros(200), channels=2)
    with pytest.raises(DataError, match="odd.wav has 2 channels; the model takes 1"):
        load_data(sounds, SOUND, 0.5)
    left_right = np.stack([np.full(100, 0.25), np.full(100, -0.5)], axis=1)
    for label in "ab":
        for i in range(2):
            write_wav(tmp_path / "s" / label / f"{i}.wav", left_right, channels=2)
    stereo = tensor(100, 2, scale=1 / 128, zero_point=0)
    assert (load_data(tmp_path / "s", stereo, 0.5).tune_x == [32, -64]).all()


@pytest.mark.parametrize("length", [0, 10, 30, 43, 100])
def test_an_unreadable_sound_is_named(sounds, length):
    path = sounds / "no" / "1.wav"
    path.write_bytes(path.read_bytes()[:length])
    for memory in (1, 1 << 20):
        with pytest.raises(DataError, match=f"{path} cannot be read"):
            load_data(sounds, SOUND, 0.5, memory=memory)
