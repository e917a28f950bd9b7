"""Targets of every kind come from every source, and what cannot be one is named."""

from __future__ import annotations

import re

import numpy as np
import pytest
from target_data import (
    FLAGS,
    HOT,
    INPUT,
    KINDS,
    LABELS,
    NAMES,
    ONE_LABEL,
    ONE_VALUE,
    REAL,
    UNIT,
    VALUES,
    N,
    X,
    archive,
    halves,
    with_value,
)
from thinned import thinned

from edgetune.data import Targets, load_data, load_labelled, load_samples
from edgetune.errors import DataError, UsageError

# -- the kinds --------------------------------------------------------------------------------


def test_what_is_no_kind_of_target():
    with pytest.raises(UsageError, match="kind 'heatmap'") as caught:
        Targets("heatmap")
    assert "class, labels, values, input" in caught.value.next_step
    with pytest.raises(UsageError, match="size 0"):
        Targets("values", 0)


@pytest.mark.parametrize("dtype", thinned([np.uint8, np.int64, np.float32, bool], 2))
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


@pytest.mark.parametrize("dtype", thinned(
    [np.float16, np.float32, np.float64, np.int16, np.uint8], 2
))  # fmt: skip
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
