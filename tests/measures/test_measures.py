"""The measures equal scikit-learn's, ties included; what cannot be worked out says why."""

from __future__ import annotations

import json

import numpy as np
import pytest

from edgetune.measures import Measure, evaluate
from edgetune.measures.classification import accuracy, confusion, predicted_classes
from edgetune.measures.evaluate import CONFUSED
from edgetune.measures.labels import auc, f1
from edgetune.measures.reconstruction import reconstruction_errors
from edgetune.measures.values import mae, rmse

STEPS = (3, 17, 256)  # distinct outputs: as few as an int8 sigmoid that is sure, and many


@pytest.fixture(scope="module")
def metrics():
    """scikit-learn's: it takes seconds to import, which collecting the tests must not."""
    from sklearn import metrics

    return metrics


@pytest.fixture
def random():
    return np.random.default_rng(5)


def answers(random, levels: int, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Scores 0..1 on a grid of ``levels``, and labels that they say something about."""
    scores = random.integers(0, levels, n) / (levels - 1)
    return scores, (scores + random.normal(0, 0.6, n) > 0.7).astype(np.uint8)


# -- classes ----------------------------------------------------------------------------------


@pytest.mark.thorough
def test_classes_equal_scikit_learn(metrics, random):
    outputs = random.integers(-3, 4, (300, 5)) * 0.25
    actual = random.integers(0, 4, 300)  # class 4 is predicted and never right
    predicted = predicted_classes(outputs)
    result = evaluate("class", outputs, actual)
    assert result.name == "accuracy" and result.higher_is_better
    assert result.value == metrics.accuracy_score(actual, predicted)
    expected = metrics.confusion_matrix(actual, predicted, labels=range(5))
    np.testing.assert_array_equal(result.confusion, expected)
    np.testing.assert_array_equal(confusion(predicted, actual, 5), expected)
    assert accuracy(predicted, predicted) == 1.0


def test_of_equal_outputs_the_lowest_class_is_taken():
    assert predicted_classes(np.array([[1, 2, 2], [3, 3, 3]])).tolist() == [1, 0]


def test_outputs_of_any_shape_are_rows():
    outputs = np.eye(3).reshape(3, 1, 1, 3)
    assert evaluate("class", outputs, np.arange(3)).value == 1.0


def test_the_confusion_as_a_table():
    result = evaluate("class", np.eye(3)[[0, 1, 1]], np.array([0, 1, 2]))
    headers, rows = result.table(("cat", "dog"))
    assert headers == ["actual / predicted", "cat", "dog", "2"]
    assert rows == [["cat", 1, 0, 0], ["dog", 0, 1, 0], ["2", 0, 1, 0]]
    assert Measure("MAE", 1.0, False).table() is None


def test_a_confusion_that_is_too_large_is_left_out():
    wide = evaluate("class", np.eye(21), np.arange(21))
    assert wide.table() is None and len(wide.confusion) == 21
    assert evaluate("class", np.eye(CONFUSED + 1), np.arange(CONFUSED + 1)).confusion is None


def test_a_class_without_an_output_is_counted_as_wrong():
    result = evaluate("class", np.ones((2, 1)), np.array([0, 2]))
    assert result.value == 0.5 and result.confusion[2] == [1, 0, 0]


# -- labels -----------------------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.parametrize("levels", STEPS)
def test_the_auc_counts_a_tie_half(metrics, random, levels):
    scores, labels = answers(random, levels)
    assert auc(scores, labels) == pytest.approx(metrics.roc_auc_score(labels, scores), abs=1e-12)


def test_the_auc_of_known_orders():
    labels = np.array([0, 0, 1, 1])
    assert auc(np.array([1, 2, 3, 4]), labels) == 1.0
    assert auc(np.array([4, 3, 2, 1]), labels) == 0.0
    assert auc(np.zeros(4), labels) == 0.5
    assert auc(np.array([1, 2, 2, 3]), labels) == 0.875


@pytest.mark.thorough
@pytest.mark.parametrize("levels", STEPS)
def test_one_label_equals_scikit_learn(metrics, random, levels):
    scores, labels = answers(random, levels)
    result = evaluate("labels", scores[:, None], labels[:, None])
    taken = scores >= 0.5
    assert result.name == "AUC" and result.higher_is_better
    assert result.value == pytest.approx(metrics.roc_auc_score(labels, scores))
    assert result.others["F1"] == pytest.approx(metrics.f1_score(labels, taken))
    assert result.others["accuracy"] == pytest.approx(metrics.accuracy_score(labels, taken))
    assert set(result.others) == {"F1", "accuracy"}


@pytest.mark.thorough
def test_several_labels_equal_scikit_learn(metrics, random):
    pairs = [answers(random, levels) for levels in STEPS]
    outputs, labels = (np.stack(part, axis=1) for part in zip(*pairs))
    result = evaluate("labels", outputs, labels)
    assert result.value == pytest.approx(metrics.roc_auc_score(labels, outputs, average="macro"))
    each = metrics.roc_auc_score(labels, outputs, average=None)
    np.testing.assert_allclose(result.others["AUC by label"], each)
    taken = outputs >= 0.5
    assert result.others["F1"] == pytest.approx(metrics.f1_score(labels, taken, average="macro"))
    each = metrics.f1_score(labels, taken, average=None)
    np.testing.assert_allclose(result.others["F1 by label"], each)
    assert "accuracy" not in result.others


def test_logits_have_another_threshold():
    outputs, labels = np.array([[-1.0], [0.25], [2.0]]), np.array([[0], [1], [1]])
    assert evaluate("labels", outputs, labels).others["accuracy"] == pytest.approx(2 / 3)
    assert evaluate("labels", outputs, labels, threshold=0).others["accuracy"] == 1.0
    assert evaluate("labels", outputs, labels, threshold=0.25).others["accuracy"] == 1.0


@pytest.mark.parametrize("label", [0, 1])
def test_the_auc_of_one_answer_only_is_unknown(label):
    result = evaluate("labels", np.array([[0.2], [0.8]]), np.full((2, 1), label))
    assert result.value is None and result.reason == "all samples have the same label"
    assert result.others["accuracy"] == 0.5
    assert "AUC unknown" in result.text and result.reason in result.text


def test_f1_without_positives():
    nothing = np.zeros(3, bool)
    assert f1(nothing, nothing) is None
    assert f1(~nothing, nothing) == 0.0
    assert f1(nothing, ~nothing) == 0.0
    assert f1(~nothing, ~nothing) == 1.0


def test_a_label_without_an_auc_is_left_out_of_the_mean():
    outputs = np.array([[0.9, 0.1, 0.6], [0.2, 0.1, 0.7], [0.6, 0.1, 0.4]])
    labels = np.array([[1, 0, 1], [0, 0, 0], [1, 0, 1]])
    result = evaluate("labels", outputs, labels)
    assert result.others["AUC by label"] == [1.0, None, 0.0] and result.value == 0.5
    assert result.others["F1 by label"] == [1.0, None, 0.5] and result.others["F1"] == 0.75
    assert "labels 1," in result.reason


# -- values -----------------------------------------------------------------------------------


@pytest.mark.thorough
def test_values_equal_scikit_learn(metrics, random):
    outputs, targets = random.normal(0, 5, (50, 3)).astype(np.float32), random.normal(0, 5, (50, 3))
    result = evaluate("values", outputs, targets)
    assert result.name == "MAE" and not result.higher_is_better
    assert result.value == pytest.approx(metrics.mean_absolute_error(targets, outputs))
    raw = metrics.mean_squared_error(targets, outputs, multioutput="raw_values")
    assert result.others["RMSE"] == pytest.approx(np.sqrt(raw.mean()))
    np.testing.assert_allclose(result.others["RMSE by output"], np.sqrt(raw))
    each = metrics.mean_absolute_error(targets, outputs, multioutput="raw_values")
    np.testing.assert_allclose(result.others["MAE by output"], each)
    np.testing.assert_allclose(mae(outputs, targets), each)
    np.testing.assert_allclose(rmse(outputs, targets), np.sqrt(raw))


def test_one_value_has_no_list_of_outputs():
    result = evaluate("values", np.array([[1.0], [5.0]]), np.array([[2.0], [2.0]]))
    assert result.value == 2.0 and result.others == {"RMSE": pytest.approx(np.sqrt(5))}


# -- reconstruction ---------------------------------------------------------------------------


def test_errors_of_reconstruction_are_one_a_sample(random):
    inputs = random.normal(size=(6, 4, 2))
    outputs = inputs.reshape(6, 8) + np.arange(6)[:, None]
    np.testing.assert_allclose(reconstruction_errors(outputs, inputs), np.arange(6), atol=1e-12)


@pytest.mark.thorough
def test_anomalies_show_in_the_error(metrics, random):
    inputs = random.integers(-4, 5, (200, 7)) * 0.5
    outputs = random.integers(-4, 5, (200, 7)) * 0.5
    flags = random.integers(0, 2, 200).astype(np.uint8)
    result = evaluate("input", outputs, flags, inputs)
    errors = np.sqrt(((outputs - inputs) ** 2).mean(axis=1))
    assert result.name == "AUC" and result.higher_is_better
    assert result.value == pytest.approx(metrics.roc_auc_score(flags, errors), abs=1e-12)
    whole = metrics.mean_squared_error(inputs, outputs)
    assert result.others["RMSE"] == pytest.approx(np.sqrt(whole))
    for name, flag in (("RMSE of normal", 0), ("RMSE of anomalies", 1)):
        part = metrics.mean_squared_error(inputs[flags == flag], outputs[flags == flag])
        assert result.others[name] == pytest.approx(np.sqrt(part))


def test_without_flags_the_error_itself_counts():
    result = evaluate("input", np.zeros((2, 2)), None, np.array([[3.0, 3.0], [0.0, 0.0]]))
    assert (result.name, result.higher_is_better) == ("RMSE", False)
    assert result.value == pytest.approx(np.sqrt(4.5)) and result.others == {}


@pytest.mark.parametrize(("flag", "words"), [(0, "are normal"), (1, "flagged as anomalies")])
def test_flags_of_one_kind_only(flag, words):
    result = evaluate("input", np.ones((2, 1)), np.full(2, flag), np.zeros((2, 1)))
    assert (result.name, result.value) == ("RMSE", 1.0)
    assert result.others == {"AUC": None} and words in result.reason


# -- the result -------------------------------------------------------------------------------

KINDS = {
    "class": np.array([0, 1]),
    "labels": np.array([[0, 1], [1, 0]]),
    "values": np.array([[0.0, 1.0], [1.0, 0.5]]),
    "input": np.array([0, 1]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_results_are_json_and_one_line(kind):
    outputs = np.array([[0.75, 0.25], [0.5, 0.25]], np.float32)
    result = evaluate(kind, outputs, KINDS[kind], np.zeros((2, 2), np.float32))
    facts = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert facts["value"] == result.value and facts["name"] == result.name
    assert ("confusion" in facts) == (kind == "class") and "reason" not in facts
    assert "\n" not in result.text and result.text.startswith(f"{result.name} {result.shown}")


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_worked_out_says_why(kind):
    nothing = evaluate(kind, np.empty((0, 2)), KINDS[kind][:0], np.empty((0, 2)))
    assert nothing.value is None and nothing.reason == "there are no samples"
    outputs = np.array([[np.nan, 0.0], [0.0, 1.0]])
    broken = evaluate(kind, outputs, KINDS[kind], np.zeros((2, 2)))
    assert broken.value is None and "NaN" in broken.reason
    json.dumps(broken.as_dict(), allow_nan=False)


def test_numbers_on_the_terminal():
    assert Measure("accuracy", 0.9751, True).text == "accuracy 97.5 %"
    several = Measure("AUC", 0.93117, True, {"F1": 0.5, "accuracy": 0.75, "AUC by label": [1.0]})
    assert several.text == "AUC 0.9312 (F1 0.5, accuracy 75.0 %)"
    assert Measure("AUC", None, True, {"F1": None}, "of a reason").text == (
        "AUC unknown: of a reason"
    )


def test_which_of_two_is_better():
    low, high, unknown = (Measure("x", value, True) for value in (1.0, 2.0, None))
    assert high.is_better_than(low) and not low.is_better_than(high)
    assert not high.is_better_than(unknown) and not unknown.is_better_than(low)
    few, many = (Measure("MAE", value, False) for value in (1.0, 2.0))
    assert few.is_better_than(many) and not few.is_better_than(few)
