"""Folders of images as samples, a folder for each class."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from data_sources import BYTE, COLOUR, GREY, assert_same, from_npz, tensor

from edgetune.data import Preprocessing, load_data, load_samples
from edgetune.errors import DataError


@pytest.fixture
def folder(tmp_path, arrays, pillow):
    """The images as PNG files in one folder for each class."""
    root = tmp_path / "images"
    for number, (x, y) in enumerate(zip(*arrays)):
        (root / "ab"[y]).mkdir(parents=True, exist_ok=True)
        pillow.fromarray(x).save(root / "ab"[y] / f"{number:02}.png")
    return root


def test_a_folder_of_images_is_the_archive(tmp_path, arrays, folder):
    data = load_data(folder, COLOUR, 0.5, scale=BYTE)
    assert data.classes == ("a", "b")
    by_class = np.argsort(arrays[1], kind="stable")
    expected = from_npz(tmp_path, (arrays[0][by_class], arrays[1][by_class]))
    assert_same(data, expected)
    assert_same(load_data(folder, COLOUR, 0.5, scale=BYTE, memory=10), expected)


def test_an_order_stored_with_a_model_is_that_of_arrays(folder):
    stored = Preprocessing(BYTE, order="chw")
    assert_same(load_data(folder, COLOUR, 0.5, stored=stored),
                load_data(folder, COLOUR, 0.5, scale=BYTE))
    with pytest.raises(DataError, match="holds samples of shape"):
        load_data(folder, COLOUR, 0.5, scale=BYTE, order="chw")


@pytest.mark.parametrize("suffix", ["png", "bmp", "pgm", "jpg", "JPEG"])
def test_kinds_of_images(tmp_path, pillow, suffix):
    for label in "ab":
        (tmp_path / "i" / label).mkdir(parents=True)
        for i in range(2):
            grey = np.full((4, 6), 40 + 100 * i, np.uint8)
            pillow.fromarray(grey).save(tmp_path / "i" / label / f"{i}.{suffix}")
    data = load_data(tmp_path / "i", GREY, 0.5, scale=BYTE)
    assert sorted(np.concatenate([data.tune_x, data.test_x])[:, 0, 0, 0].astype(int) + 128) == [
        40, 40, 140, 140
    ]  # fmt: skip
    assert load_data(tmp_path / "i", COLOUR, 0.5, scale=BYTE).tune_x.shape == (2, 4, 6, 3)


def test_other_sizes_are_named_or_resized(folder, pillow):
    pillow.new("RGB", (9, 7), (10, 20, 30)).save(folder / "b" / "odd.png")
    with pytest.raises(DataError, match="odd.png is 9 x 7 pixels.* 6 x 4") as caught:
        load_data(folder, COLOUR, 0.5, scale=BYTE)
    assert "20 of 6 x 4, 1 of 9 x 7" in caught.value.cause
    assert "--fit resize" in caught.value.next_step
    data = load_data(folder, COLOUR, 0.5, scale=BYTE, fit="resize")
    plain = np.array([10, 20, 30]) - 128
    images = np.concatenate([data.tune_x, data.test_x])
    assert any((image == plain).all() for image in images)
    assert data.preprocessing.fit == "resize"


def test_undeclared_images_are_refused_with_a_declaration(folder):
    with pytest.raises(DataError, match="do not look like") as caught:
        load_data(folder, COLOUR, 0.5)
    assert "--scale 0.00392157" in caught.value.next_step


@pytest.mark.parametrize("length", [0, 20, 60])
def test_an_unreadable_image_is_named(folder, length):
    path = folder / "a" / "04.png"
    path.write_bytes(path.read_bytes()[:length])
    for memory in (10, 1 << 20):
        with pytest.raises(DataError, match=f"{path} cannot be read"):
            load_data(folder, COLOUR, 0.5, scale=BYTE, memory=memory)


def test_images_of_16_bits_are_named(folder, pillow):
    pillow.fromarray(np.zeros((4, 6), np.uint16)).save(folder / "a" / "deep.png")
    with pytest.raises(DataError, match="deep.png has more than 8 bits"):
        load_data(folder, COLOUR, 0.5, scale=BYTE)


def test_empty_folders_are_named(tmp_path, folder):
    (folder / "c").mkdir()
    with pytest.raises(DataError, match="class folder .*c is empty"):
        load_data(folder, COLOUR, 0.5, scale=BYTE)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty holds no samples") as caught:
        load_data(tmp_path / "empty", COLOUR, 0.5)
    assert "CLASS/FILE" in caught.value.next_step


def test_other_files_are_counted_and_hidden_ones_passed_over(folder):
    (folder / "a" / "notes.txt").write_text("x")
    (folder / "a" / ".hidden.png").write_text("x")
    (folder / ".cache").mkdir()
    assert "1 files" in load_data(folder, COLOUR, 0.5, scale=BYTE).warnings[0]


def test_one_class_only_is_a_warning(folder):
    for path in (folder / "b").iterdir():
        path.unlink()
    (folder / "b").rmdir()
    warnings = load_data(folder, COLOUR, 0.5, scale=BYTE).warnings
    assert "the tune set holds one class only: 0." in warnings


def test_images_for_a_model_without_channels(folder):
    with pytest.raises(DataError, match="no input for a model"):
        load_data(folder, tensor(4, 6, 9), 0.5)


def test_images_to_calibrate_by_may_lie_in_one_folder(folder):
    x, _, _ = load_samples(folder / "a", COLOUR, scale=BYTE)
    assert x.shape == (10, 4, 6, 3)


def test_without_pillow_the_extra_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(Exception, match="without Pillow") as caught:
        load_data(folder, COLOUR, 0.5)
    assert caught.value.exit_code == 9 and "[images]" in caught.value.next_step
