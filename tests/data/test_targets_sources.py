"""Targets of every kind out of files of arrays, tables, functions and folders."""

from __future__ import annotations

import sys
import wave

import numpy as np
import pytest
from target_data import (
    HOT,
    IMAGE,
    INPUT,
    KINDS,
    LABELS,
    NAMES,
    ONE_LABEL,
    ONE_VALUE,
    REAL,
    SOUND,
    UNIT,
    VALUES,
    N,
    X,
    halves,
    table,
    with_value,
)
from thinned import thinned_rows

from edgetune.data import Targets, load_data, load_samples
from edgetune.errors import DataError, UsageError
from edgetune.model.graph import Tensor

# -- sources ----------------------------------------------------------------------------------


def assert_same(data, other):
    for name in ("tune_x", "tune_y", "test_x", "test_y"):
        one, two = getattr(data, name), getattr(other, name)
        assert (one is None) == (two is None)
        if one is not None:
            np.testing.assert_array_equal(np.asarray(one), np.asarray(two))


@pytest.mark.parametrize(("targets", "y"), thinned_rows(KINDS, 2), ids=NAMES)
@pytest.mark.parametrize("memory", [1, 1 << 20])
def test_files_of_arrays_are_the_archive(tmp_path, targets, y, memory):
    expected, _ = halves(tmp_path, targets, y)
    np.save(tmp_path / "x.npy", X)
    labels = None if y is None else tmp_path / "y.npy"
    if y is not None:
        np.save(labels, y)
    options = {"graph_input": UNIT, "split": 0.5, "targets": targets, "memory": memory}
    assert_same(load_data(tmp_path / "x.npy", labels=labels, **options), expected)
    assert_same(load_data(tmp_path / "d.npz", **options), expected)


@pytest.mark.parametrize(("targets", "y"), thinned_rows(KINDS, 2), ids=NAMES)
@pytest.mark.parametrize("memory", [1, 1 << 20])
def test_the_last_columns_of_a_table_are_the_targets(tmp_path, targets, y, memory):
    expected, _ = halves(tmp_path, targets, y)
    path = table(tmp_path, *([] if y is None else [y]))
    assert_same(load_data(path, UNIT, 0.5, targets, memory=memory), expected)


@pytest.mark.parametrize("columns", ["t1,t2", "t1, t2", "4,5", "t1,5"])
def test_columns_of_a_table_by_name_or_number(tmp_path, columns):
    expected, _ = halves(tmp_path, VALUES, REAL)
    path = table(tmp_path, REAL, header="a,b,c,t1,t2")
    assert_same(load_data(path, UNIT, 0.5, VALUES, label_column=columns), expected)
    turned = load_data(path, UNIT, 0.5, VALUES, label_column=",".join(columns.split(",")[::-1]))
    np.testing.assert_array_equal(turned.tune_y, expected.tune_y[:, ::-1])


def test_columns_need_not_be_the_last(tmp_path):
    lines = [f"{t[0]!r},{x[0]},{t[1]!r},{x[1]},{x[2]}" for t, x in zip(REAL.tolist(), X)]
    (tmp_path / "d.csv").write_text("\n".join(["t1,a,t2,b,c", *lines]))
    data = load_data(tmp_path / "d.csv", UNIT, 0.5, VALUES, label_column="t1,t2")
    assert_same(data, halves(tmp_path, VALUES, REAL)[0])


def test_a_column_whose_name_has_a_comma(tmp_path):
    path = table(tmp_path, REAL[:, 0], header='a,b,c,"t,1"')
    data = load_data(path, UNIT, 0.5, ONE_VALUE, label_column="t,1")
    assert sorted([*data.tune_y[:, 0], *data.test_y[:, 0]]) == sorted(REAL[:, 0])


def test_one_label_of_a_table_may_be_a_name(tmp_path):
    path = table(tmp_path, np.array(["off", "on"])[HOT[:, 0]])
    data = load_data(path, UNIT, 0.5, ONE_LABEL)
    assert data.classes == ("off", "on")
    assert_same(data, halves(tmp_path, ONE_LABEL, HOT[:, 0])[0])


def test_wrong_targets_of_a_table_are_named_by_their_line(tmp_path):
    y = REAL.astype(str)
    y[6, 1] = "warm"
    with pytest.raises(DataError, match="d.csv, line 8, column 5: 'warm' is not") as caught:
        load_data(table(tmp_path, y, header="a,b,c,t1,t2"), UNIT, 0.5, VALUES)
    assert "--label-column NAME,NAME" in caught.value.next_step
    with pytest.raises(DataError, match="d.csv holds 1 values that are NaN"):
        load_data(table(tmp_path, with_value(np.nan)), UNIT, 0.5, VALUES)
    with pytest.raises(UsageError, match="no column t3"):
        load_data(table(tmp_path, REAL, header="a,b,c,t1,t2"), UNIT, 0.5, VALUES,
                  label_column="t1,t3")
    with pytest.raises(DataError, match="no columns beside its labels"):
        load_data(table(tmp_path), UNIT, 0.5, Targets("values", 3))


def test_several_columns_are_no_class_number(tmp_path):
    with pytest.raises(DataError, match="does not hold one class number per sample"):
        load_data(table(tmp_path, HOT), UNIT, 0.5, label_column="4,5")


LOADER = """
import numpy as np
from targets_for_loader import X, Y

def arrays():
    return X, Y

def pairs():
    yield from zip(X, Y)

def alone():
    return X

def samples():
    yield from X

def none():
    return X, None

def no_pair():
    yield from ((x, None) for x in X)
"""


@pytest.fixture
def loader(tmp_path, monkeypatch):
    """A module of functions that give the samples and the labels that are asked for."""
    (tmp_path / "loader.py").write_text(LOADER)

    def with_labels(y):
        module = type(sys)("targets_for_loader")
        module.X, module.Y = X, y
        monkeypatch.setitem(sys.modules, "targets_for_loader", module)
        return f"{tmp_path / 'loader.py'}:"

    return with_labels


@pytest.mark.parametrize(("targets", "y"), thinned_rows(KINDS[:3], 2), ids=NAMES[:3])
@pytest.mark.parametrize("function", ["arrays", "pairs"])
def test_functions_give_targets(tmp_path, loader, targets, y, function):
    data = load_data(loader(y) + function, UNIT, 0.5, targets)
    assert_same(data, halves(tmp_path, targets, y)[0])


@pytest.mark.parametrize("function", ["alone", "samples", "none", "no_pair"])
def test_functions_may_give_samples_alone(tmp_path, loader, function):
    data = load_data(loader(None) + function, UNIT, 0.5, INPUT)
    assert_same(data, halves(tmp_path, INPUT)[0])
    assert len(load_samples(loader(None) + function, UNIT)[0]) == N
    with pytest.raises(DataError, match="failed|but 0 labels"):
        load_data(loader(None) + function, UNIT, 0.5, VALUES)


def test_a_pair_of_samples_is_no_label(loader):
    """Arrays are samples whatever their length; only a tuple or a list is a pair."""
    path = loader(None) + "samples"
    two = Tensor(0, "input", (1, 2), "int8", UNIT.quantization)
    sys.modules["targets_for_loader"].X = X[:, :2]
    assert load_data(path, two, 0.5, INPUT).tune_x.shape == (N // 2, 2)


# -- folders ----------------------------------------------------------------------------------


def images(folder, *names):
    """Grey PNG files: two a name, in the folder itself for the name "."."""
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    for number, name in enumerate(names):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(2):
            grey = np.full((4, 6), 100 * number + 50 * i, np.uint8)
            pillow.fromarray(grey).save(folder / name / f"{number}{i}.png")
    return folder


def of_folder(folder, targets=INPUT, **options):
    return load_data(folder, IMAGE, **({"split": 0.5} | options), targets=targets, scale=1 / 255)


def test_images_of_one_folder_are_their_own_targets(tmp_path):
    tune, test = images(tmp_path / "a", "."), images(tmp_path / "b", "good", "scratch")
    data = of_folder(tune, split=None, test=test)
    assert data.tune_x.shape == (2, 4, 6, 1) and data.tune_y.shape == (2, 0)
    assert data.test_y.tolist() == [0, 0, 1, 1] and data.warnings == []
    assert data.test_x[:, 0, 0, 0].tolist() == [-128, -78, -28, 22]


def test_sounds_of_one_folder_are_their_own_targets(tmp_path):
    for number in range(4):
        with wave.open(str(tmp_path / f"{number}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(np.full(50, 8000 * number, "<i2").tobytes())
    data = load_data(tmp_path, SOUND, 0.5, INPUT, scale=1)
    assert data.tune_x.shape == (2, 50, 1) and data.test_y is None


def test_a_split_of_folders_keeps_anomalies_for_the_test(tmp_path):
    data = of_folder(images(tmp_path, "normal", "anomalous"))
    assert len(data.tune_x) == 1 and data.test_y.tolist() == [1, 1, 0]


def test_folders_of_classes_flag_nothing(tmp_path):
    data = of_folder(images(tmp_path, "cat", "dog"))
    assert data.test_y is None and "cat, dog" in data.warnings[0]
    named = of_folder(tmp_path, class_names=("cat", "dog"))
    assert named.test_y.tolist() == [0, 1, 1]


def test_numbered_folders_flag_nothing(tmp_path):
    data = of_folder(images(tmp_path, "2", "7"))
    assert data.test_y is None and "names 2, 7" in data.warnings[0]


def test_files_beside_folders_are_refused(tmp_path):
    with pytest.raises(DataError, match="files beside folders") as caught:
        of_folder(images(tmp_path, ".", "scratch"))
    assert "named normal" in caught.value.next_step
    assert len(load_samples(tmp_path, IMAGE, scale=1 / 255)[0]) == 4


def test_two_folders_are_the_answers_of_one_label(tmp_path):
    data = of_folder(images(tmp_path, "person", "empty"), ONE_LABEL)
    assert data.classes == ("empty", "person") and sorted(data.test_y.ravel()) == [0, 1]


@pytest.mark.parametrize("targets", [LABELS, ONE_VALUE], ids=["labels", "values"])
def test_folders_are_no_other_targets(tmp_path, targets):
    with pytest.raises(DataError, match="folder for each class") as caught:
        of_folder(images(tmp_path, "1", "2"), targets)
    assert targets.described in caught.value.cause and ".npz" in caught.value.next_step
