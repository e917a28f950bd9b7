"""Targets of every kind come from every source, and what cannot be one is named."""

from __future__ import annotations

import re
import sys
import wave

import numpy as np
import pytest

from edgetune.data import Targets, load_data, load_labelled, load_samples
from edgetune.errors import DataError, UsageError
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


# -- the kinds --------------------------------------------------------------------------------


def test_what_is_no_kind_of_target():
    with pytest.raises(UsageError, match="kind 'heatmap'") as caught:
        Targets("heatmap")
    assert "class, labels, values, input" in caught.value.next_step
    with pytest.raises(UsageError, match="size 0"):
        Targets("values", 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, bool])
@pytest.mark.parametrize("shape", [(N, 4), (N, 4, 1), (N, 2, 2)])
def test_labels_are_zeros_and_ones_of_any_type_and_shape(tmp_path, dtype, shape):
    data = load_data(archive(tmp_path, HOT.astype(dtype).reshape(shape)), UNIT, targets=LABELS)
    assert data.tune_y.dtype == data.test_y.dtype == np.uint8
    np.testing.assert_array_equal(data.test_y, HOT)
    assert data.targets == LABELS and data.classes == () and data.warnings == []


@pytest.mark.parametrize("shape", [(N,), (N, 1)])
@pytest.mark.parametrize("targets", [ONE_LABEL, Targets("labels")])
def test_one_label_may_be_a_plain_vector(tmp_path, shape, targets):
    data = load_data(archive(tmp_path, HOT[:, 0].reshape(shape)), UNIT, targets=targets)
    np.testing.assert_array_equal(data.tune_y, HOT[:, :1])
    assert data.targets == ONE_LABEL


@pytest.mark.parametrize(
    ("y", "kind"), [(["no", "yes"], "names"), (["0", "1"], "texts of numbers")]
)
def test_one_label_may_be_one_of_two_names(tmp_path, y, kind):
    data = load_data(archive(tmp_path, np.array(y)[HOT[:, 0]]), UNIT, targets=ONE_LABEL)
    assert data.tune_y.dtype == np.uint8 and data.classes == (("no", "yes") * (kind == "names"))
    np.testing.assert_array_equal(data.tune_y, HOT[:, :1])
    turned = load_data(tmp_path / "d.npz", UNIT, targets=ONE_LABEL, class_names=tuple(y[::-1]))
    np.testing.assert_array_equal(turned.tune_y, 1 - HOT[:, :1])


WRONG_LABELS = {
    "class numbers": (LABELS, np.arange(N) % 4, "one number a sample; the model gives 4 labels",
                      r"numpy.eye\(4, dtype='uint8'\)\[y\]"),
    "another number of labels": (LABELS, HOT[:, :3], "3 numbers a sample; .* 4 labels",
                                 "rows of 4"),
    "one-hot for one label": (ONE_LABEL, HOT[:, :2], "2 numbers a sample; .* one label", "argmax"),
    "minus one": (ONE_LABEL, HOT[:, 0] * 2 - 1, "other than 0 and 1: -1", r"\(y > 0\)"),
    "shares": (LABELS, HOT * 0.5, "other than 0 and 1: 0.5", r"\(y > 0\)"),
    "NaN": (LABELS, np.full((N, 4), np.nan), "other than 0 and 1: nan", r"\(y > 0\)"),
    "names of several": (LABELS, np.full((N, 4), "a"), "other than 0 and 1: 'a'", "Save 0"),
    "three names": (ONE_LABEL, np.array(["a", "b", "c"])[np.arange(N) % 3], "There are 3 classes",
                    "Leave out"),
    "too few": (LABELS, HOT[1:], "20 samples but 19 labels in tune_y", "written"),
    "columns of none": (Targets("labels"), HOT[:, :0], "0 numbers a sample", "Save rows"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_LABELS)
def test_wrong_labels_are_named(tmp_path, case):
    targets, y, words, step = WRONG_LABELS[case]
    with pytest.raises(DataError, match=words) as caught:
        load_data(archive(tmp_path, y), UNIT, targets=targets)
    assert caught.value.cause
    assert re.search(step, caught.value.next_step)


def test_labels_that_never_change_are_warned_of(tmp_path):
    y = HOT.copy()
    y[:, 1], y[:, 3] = 0, 1
    warnings = load_data(archive(tmp_path, y), UNIT, targets=LABELS).warnings
    assert warnings == [
        "Labels that no sample has in tune_y, counted from 0: 1.",
        "Labels that every sample has in tune_y, counted from 0: 3.",
    ]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int16, np.uint8])
@pytest.mark.parametrize("shape", [(N, 2), (N, 2, 1), (N, 1, 2)])
def test_values_are_numbers_of_any_type_and_shape(tmp_path, dtype, shape):
    y = np.abs(REAL).astype(dtype).reshape(shape)
    data = load_data(archive(tmp_path, y), UNIT, targets=VALUES)
    assert data.tune_y.dtype == data.test_y.dtype == np.float64 and data.warnings == []
    np.testing.assert_array_equal(data.test_y, y.reshape(N, 2))


@pytest.mark.parametrize("shape", [(N,), (N, 1)])
@pytest.mark.parametrize("targets", [ONE_VALUE, Targets("values")])
def test_one_value_may_be_a_plain_vector(tmp_path, shape, targets):
    data = load_data(archive(tmp_path, REAL[:, 0].reshape(shape)), UNIT, targets=targets)
    np.testing.assert_array_equal(data.tune_y, REAL[:, :1])
    assert data.targets == ONE_VALUE


def with_value(value):
    y = REAL.copy()
    y[7, 1] = value
    return y


WRONG_VALUES = {
    "NaN": (with_value(np.nan), "tune_y holds 1 values that are NaN", "value 1 of sample 7"),
    "infinity": (with_value(-np.inf), "tune_y holds 1 values that are NaN or inf", "sample 7"),
    "another number": (REAL[:, :1], "1 numbers a sample; the model gives 2", r"\(20, 1\)"),
    "names": (np.full((N, 2), "a"), "no real numbers: it is of type <U1", "numbers"),
    "complex": (REAL * 1j, "no real numbers: it is of type complex128", "numbers"),
    "too few": (REAL[1:], "20 samples but 19 labels in tune_y", "Every sample"),
}


@pytest.mark.parametrize("case", WRONG_VALUES)
def test_wrong_values_are_named(tmp_path, case):
    y, words, cause = WRONG_VALUES[case]
    with pytest.raises(DataError, match=words) as caught:
        load_data(archive(tmp_path, y), UNIT, targets=VALUES)
    assert re.search(cause, caught.value.cause) and caught.value.next_step


def test_a_value_that_never_changes_is_warned_of(tmp_path):
    y = np.stack([REAL[:, 0], np.full(N, 2.5)], axis=1)
    warnings = load_data(archive(tmp_path, y), UNIT, targets=VALUES).warnings
    assert warnings == ["Outputs whose values in tune_y are all the same, counted from 0: 1."]


@pytest.mark.parametrize("kind", ["labels", "values"])
def test_both_sets_have_targets_of_one_size(tmp_path, kind):
    path = archive(tmp_path, HOT, test_y=HOT[:, :3])
    with pytest.raises(DataError, match="tune_y holds 4 numbers a sample, test_y 3"):
        load_data(path, UNIT, targets=Targets(kind))


@pytest.mark.parametrize("targets", [LABELS, VALUES], ids=["labels", "values"])
def test_names_of_classes_without_classes_are_refused(tmp_path, targets):
    with pytest.raises(UsageError, match="--classes does not go with") as caught:
        load_data(archive(tmp_path, HOT), UNIT, targets=targets, class_names=("a", "b"))
    assert caught.value.cause.endswith(targets.described + ".")


# -- the input as its own target --------------------------------------------------------------


def test_the_input_needs_no_labels(tmp_path):
    data = load_data(archive(tmp_path), UNIT, targets=INPUT)
    assert data.tune_y.shape == (N, 0) and data.tune_y.dtype == np.uint8
    assert data.tune_y[3].tobytes() == b"" and data.test_y is None
    assert data.targets == INPUT and data.warnings == []


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, bool, "<U1", "S1"])
def test_a_test_set_may_flag_anomalies(tmp_path, dtype):
    y = FLAGS.astype(int).astype(dtype)
    data = load_data(archive(tmp_path, test_y=y[:, None]), UNIT, targets=INPUT)
    assert data.test_y.dtype == np.uint8 and data.tune_y.shape == (N, 0)
    np.testing.assert_array_equal(data.test_y, FLAGS)


@pytest.mark.parametrize(
    ("names", "given"),
    [(("normal", "anomalous"), ()), (("Good", "scratch"), ()), ((b"good", b"bad"), ()),
     (("a", "b"), ("a", "b")), (("zero", "2"), ("zero",))],
)  # fmt: skip
def test_names_may_flag_anomalies(tmp_path, names, given):
    path = archive(tmp_path, test_y=np.array(names)[FLAGS])
    data = load_data(path, UNIT, targets=INPUT, class_names=given)
    np.testing.assert_array_equal(data.test_y, FLAGS)
    assert data.warnings == [] and data.classes == ()


def test_anomalies_alone_are_flagged(tmp_path):
    path = archive(tmp_path, test_y=np.full(N, "anomaly"))
    assert (load_data(path, UNIT, targets=INPUT).test_y == 1).all()


def test_names_that_say_nothing_of_anomalies_are_warned_of(tmp_path):
    path = archive(tmp_path, np.array(["cat", "dog"])[FLAGS])
    data = load_data(path, UNIT, targets=INPUT)
    assert data.test_y is None and len(data.warnings) == 1
    assert "names cat, dog in test_y do not say" in data.warnings[0]


def test_anomalies_among_what_is_tuned_on_are_warned_of(tmp_path):
    warnings = load_data(archive(tmp_path, FLAGS), UNIT, targets=INPUT).warnings
    assert warnings == [
        "5 of 20 samples in tune_y are flagged as anomalies: the model learns them as if they "
        "were normal."
    ]


@pytest.mark.parametrize("y", [np.arange(N), HOT, FLAGS * 2 - 1, FLAGS * np.nan, FLAGS * 1j])
def test_numbers_that_are_no_flags_are_refused(tmp_path, y):
    with pytest.raises(DataError, match="test_y holds no flags of anomalies") as caught:
        load_data(archive(tmp_path, test_y=y), UNIT, targets=INPUT)
    assert "leave the labels out" in caught.value.next_step


# -- splits -----------------------------------------------------------------------------------


def halves(folder, targets, y=None):
    """What a split of ``x, y`` in half gives, and the rows of `X` that each set holds."""
    np.savez(folder / "d.npz", **({"x": X} if y is None else {"x": X, "y": y}))
    data = load_data(folder / "d.npz", UNIT, 0.5, targets)
    whole = load_samples(folder / "d.npz", UNIT)[0]
    rows = [[int((whole == sample).all(1).argmax()) for sample in x]
            for x in (data.tune_x, data.test_x)]
    assert sorted(sum(rows, [])) == list(range(N)) and rows[0] == sorted(rows[0])
    return data, rows


@pytest.mark.parametrize(("targets", "y"), KINDS[:2], ids=NAMES[:2])
def test_targets_stay_with_their_samples(tmp_path, targets, y):
    data, (tune, test) = halves(tmp_path, targets, y)
    assert len(tune) == len(test) == N // 2
    np.testing.assert_array_equal(data.tune_y, y[tune])
    np.testing.assert_array_equal(data.test_y, y[test])


def test_both_answers_of_one_label_are_split(tmp_path):
    for few in (2, 4, 6, 8):
        data, _ = halves(tmp_path, ONE_LABEL, np.arange(N) < few)
        assert data.tune_y.sum() == data.test_y.sum() == few // 2


def test_anomalies_are_only_tested_on(tmp_path):
    data, (tune, test) = halves(tmp_path, INPUT, FLAGS)
    assert len(tune) == 8 and not FLAGS[tune].any() and data.tune_y.shape == (8, 0)
    np.testing.assert_array_equal(data.test_y, FLAGS[test])
    assert test == sorted(test) and data.warnings == []


def test_without_flags_the_input_is_split_at_random(tmp_path):
    data, (tune, test) = halves(tmp_path, INPUT)
    assert len(tune) == len(test) == N // 2 and data.test_y is None


def test_nothing_but_anomalies_cannot_be_split(tmp_path):
    with pytest.raises(DataError, match="leaves one set empty"):
        halves(tmp_path, INPUT, np.ones(N))


def test_without_labels_a_split_is_asked_for(tmp_path):
    np.savez(tmp_path / "d.npz", x=X)
    with pytest.raises(DataError, match="is one set: which part is to be tuned on"):
        load_data(tmp_path / "d.npz", UNIT, targets=INPUT)


# -- sources ----------------------------------------------------------------------------------


def assert_same(data, other):
    for name in ("tune_x", "tune_y", "test_x", "test_y"):
        one, two = getattr(data, name), getattr(other, name)
        assert (one is None) == (two is None)
        if one is not None:
            np.testing.assert_array_equal(np.asarray(one), np.asarray(two))


@pytest.mark.parametrize(("targets", "y"), KINDS, ids=NAMES)
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


@pytest.mark.parametrize(("targets", "y"), KINDS, ids=NAMES)
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


@pytest.mark.parametrize(("targets", "y"), KINDS[:3], ids=NAMES[:3])
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


# -- other uses -------------------------------------------------------------------------------


@pytest.mark.parametrize(("targets", "y"), KINDS, ids=NAMES)
def test_one_set_to_measure_on(tmp_path, targets, y):
    x, found, warnings = load_labelled(archive(tmp_path, y), UNIT, targets)
    assert x.shape == (N, 3) and warnings == [] and (found is None) == (y is None)
    if y is not None:
        np.testing.assert_array_equal(found, y)


@pytest.mark.parametrize("y", [HOT, REAL, with_value(np.nan), np.full((N, 2), "a"), None])
def test_labels_are_not_looked_at_to_calibrate_by(tmp_path, y):
    expected = load_data(archive(tmp_path), UNIT, targets=INPUT).tune_x
    np.testing.assert_array_equal(load_samples(archive(tmp_path, y), UNIT)[0], expected)
