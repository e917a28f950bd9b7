"""Every loss from the command line: what tune, eval and run.json say of it, and what is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from cli_runner import BOARD, ON_HOST, edgetune, refused, succeed
from learning import autoencoder, classifier, multi_label, noise, one_output, regression
from shared_data import reference_outputs
from thinned import thinned

from edgetune.learn.losses import LossChoice
from edgetune.learn.lower import lower
from edgetune.measures.labels import auc
from edgetune.model.read import read_tflite

MODELS = {f.__name__: f for f in (autoencoder, classifier, multi_label, one_output, regression)}
COUNT = 24  # samples, half of them the test set


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save(name: str, **changes) -> tuple[str, ...]:
    """Writes model and data; MODEL and the options that every verb takes.  None leaves an array
    out."""
    builder = MODELS[name]()
    Path(f"{name}.tflite").write_bytes(builder.build())
    data = noise(builder, lower(read_tflite(f"{name}.tflite"), LossChoice()).loss, COUNT)
    arrays = {key: getattr(data, key) for key in ("tune_x", "tune_y", "test_x", "test_y")}
    if name == "autoencoder":
        arrays |= {"tune_y": None, "test_y": np.arange(COUNT // 2) % 2}
    arrays |= changes
    np.savez("d.npz", **{key: array for key, array in arrays.items() if array is not None})
    return (f"{name}.tflite", *ON_HOST, "--data", "d.npz")


@dataclass(frozen=True)
class Run:
    """``folder``: where it ran; ``words``: the command line but for the verb."""

    folder: Path
    words: tuple[str, ...]
    result: dict

    @property
    def record(self) -> dict:
        return json.loads((self.folder / "run" / "run.json").read_text())

    def outputs(self) -> np.ndarray:
        """What tflite-runtime makes of the test set by the tuned file, real, (n, outputs)."""
        graph = read_tflite(self.folder / "run" / "tuned.tflite")
        q, raw = graph.output.quantization, reference_outputs(graph, self.data["test_x"])
        return q.scale[0] * (raw.reshape(len(raw), -1).astype(float) - q.zero_point[0])

    @property
    def data(self):
        return np.load(self.folder / "d.npz")


# loss: model, further options, the measure, further ones
RUNS = {
    "softmax": (
        "classifier", ("--class-weights", "1,4,0.25,2", "--label-smoothing", "0.2"), "accuracy", (),
    ),
    "sigmoid": (
        "multi_label", ("--class-weights", "1,2.5,0.3,9,1"), "AUC",
        ("F1", "AUC by label", "F1 by label"),
    ),
    "mse": ("regression", (), "MAE", ("RMSE",)),
    "huber": ("regression", ("--loss", "huber", "--huber-delta", "0.2"), "MAE", ("RMSE",)),
    "reconstruction": (
        "autoencoder", (), "AUC", ("RMSE", "RMSE of normal", "RMSE of anomalies"),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def run_by(tmp_path_factory):
    """The run of each loss, made once."""
    runs: dict[str, Run] = {}

    def run(loss: str) -> Run:
        if loss not in runs:
            folder = tmp_path_factory.mktemp(loss)
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(folder)
                words = (*save(RUNS[loss][0]), *RUNS[loss][1])
                runs[loss] = Run(folder, words, succeed("tune", *words, "--out", "run"))
        return runs[loss]

    return run


QUICK = ("mse",)


@pytest.mark.parametrize("loss", [
    *QUICK, *(pytest.param(loss, marks=pytest.mark.thorough) for loss in RUNS if loss not in QUICK),
])
def test_tune_by_every_loss(loss, run_by):
    *_, figure, others = RUNS[loss]
    result, record = run_by(loss).result, run_by(loss).record
    assert result["loss"] == record["loss"] == loss and result["verified"]
    assert result["steps"] == COUNT and result["file_agrees"] == result["test_samples"]
    for when in ("before", "after"):
        found = record["result"][when]
        assert found == result[when] and found["name"] == figure
        assert tuple(found["others"]) == others
        assert found["higher_is_better"] == (figure != "MAE")
        assert record["result"][f"accuracy_{when}"] == result[f"accuracy_{when}"]
        assert (result[f"accuracy_{when}"] is None) == (figure != "accuracy")
    assert result["before"]["value"] != result["after"]["value"] or figure == "accuracy"


@pytest.mark.thorough
def test_run_json_keeps_what_was_said_of_the_loss(run_by):
    recipe = run_by("softmax").record["recipe"]
    assert recipe["class_weights"] == [1, 4, 0.25, 2] and recipe["label_smoothing"] == 0.2
    assert recipe["loss"] == "auto"
    recipe = run_by("huber").record["recipe"]
    assert (recipe["loss"], recipe["huber_delta"]) == ("huber", 0.2)


@pytest.mark.thorough
@pytest.mark.parametrize("loss", ["softmax", "huber"])
def test_options_of_the_loss_reach_the_device(loss, run_by):
    plain = succeed("tune", *save(RUNS[loss][0]), "--out", "run")
    assert plain["digest"] != run_by(loss).result["digest"]


def test_errors_of_values_are_those_of_the_tuned_file(run_by):
    """In the outputs' unit."""
    run = run_by("mse")
    found = run.result["after"]
    errors = run.outputs() - run.data["test_y"]
    assert found["value"] == pytest.approx(np.abs(errors).mean())
    assert found["others"]["RMSE"] == pytest.approx(np.sqrt((errors**2).mean()))


@pytest.mark.thorough
def test_the_auc_of_labels_is_that_of_the_tuned_file(run_by):
    run = run_by("sigmoid")
    each = [auc(scores, y) for scores, y in zip(run.outputs().T, run.data["test_y"].T)]
    assert run.result["after"]["others"]["AUC by label"] == pytest.approx(each)
    assert run.result["after"]["value"] == pytest.approx(np.mean(each))


@pytest.mark.thorough
@pytest.mark.parametrize(("loss", "said"), [
    ("mse", "MAE "), ("sigmoid", "F1 "), ("reconstruction", "RMSE of anomalies "),
])  # fmt: skip
def test_eval_of_the_tuned_model_measures_what_tune_did(loss, said, run_by, monkeypatch):
    run = run_by(loss)
    monkeypatch.chdir(run.folder)
    words = ("eval", run.result["tuned"], *run.words[1:])
    found = succeed(*words)
    assert found["measure"] == run.result["after"] and found["accuracy"] is None
    text = edgetune(*words).stdout
    assert "12 test samples: " in text and said in text


@pytest.mark.thorough
def test_one_output_has_an_accuracy_as_well():
    y = np.arange(COUNT // 2) % 2
    result = succeed("tune", *save("one_output", tune_y=y, test_y=y), "--min-accuracy", "0")
    assert result["after"]["name"] == "AUC"
    assert result["accuracy_after"] == result["after"]["others"]["accuracy"] is not None


@pytest.mark.thorough
def test_tune_says_what_it_measured():
    text = edgetune("tune", *save("regression"), "--out", "run").stdout
    assert "1 value, mse loss" in text and "MAE on host, 12 test samples: " in text
    assert "After it: MAE " in text and "12 of the device's 12 outputs" in text


# -- refusals ---------------------------------------------------------------------------------

HALF = COUNT // 2
USAGE = {
    "softmax of one output": ("regression", ("--loss", "softmax"), "loss softmax", "one output"),
    "mse behind a SOFTMAX": ("classifier", ("--loss", "mse"), "loss mse", "ends with a SOFTMAX"),
    "weights of a value": (
        "regression", ("--class-weights", "2"), "loss mse", "class weights are for classes",
    ),
    "too few weights": (
        "classifier", ("--class-weights", "1,2"), "loss softmax", "2 class weights for 4 outputs",
    ),
    "a weight of nothing": (
        "classifier", ("--class-weights", "1,0,1,1"), "class weights", "above 0",
    ),
    "all smoothed away": ("classifier", ("--label-smoothing", "1"), "smoothing of 1", "below 1"),
    "no delta": ("regression", ("--huber-delta", "0"), "delta of 0", "delta above 0"),
    "nothing to give back": (
        "regression", ("--loss", "reconstruction"), "loss reconstruction", "1 values of 12",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", thinned(USAGE, 3))
@pytest.mark.parametrize("verb", ["plan", "tune"])
def test_losses_that_do_not_suit(verb, case):
    name, words, message, cause = USAGE[case]
    place = save(name)
    error = refused(verb, *(place if verb == "tune" else (place[0], "--board", BOARD)), *words)
    assert error["exit_code"] == 2
    assert message in error["message"] and cause in error["cause"]
    assert not Path("runs").exists()


def test_unknown_losses_and_weights():
    error = refused("tune", *save("classifier"), "--loss", "hinge")
    assert error["exit_code"] == 2 and "hinge" in error["message"]
    error = refused("tune", *save("classifier"), "--class-weights", "1,two")
    assert error["exit_code"] == 2 and "1,two" in error["message"]


@pytest.mark.parametrize("verb", ["eval", "tune"])
def test_no_accuracy_can_be_asked_of_a_regressor(verb):
    error = refused(verb, *save("regression"), "--min-accuracy", "0.5")
    assert error["exit_code"] == 2 and "this model has none" in error["message"]
    assert "mse" in error["cause"] and "--min-accuracy" in error["next_step"]
    assert not Path("runs").exists()


BITS = np.arange(HALF * 5).reshape(HALF, 5) % 2
TARGETS = {
    "class numbers for labels": (
        "multi_label", {"tune_y": np.arange(HALF) % 5}, "a class number is none",
    ),
    "labels beyond one": ("multi_label", {"tune_y": 2 * BITS}, "0 and 1"),
    "too few labels": ("multi_label", {"tune_y": BITS[:, :4]}, "4"),
    "too many values": ("regression", {"tune_y": np.zeros((HALF, 2))}, "2 numbers a sample"),
    "no numbers": ("regression", {"test_y": np.full(HALF, np.nan)}, "NaN"),
    "no targets": ("regression", {"tune_y": None}, "tune_y"),
    "flags beyond one": ("autoencoder", {"test_y": np.arange(HALF)}, "flags"),
}


@pytest.mark.parametrize("case", thinned(TARGETS, 3))
def test_targets_that_do_not_suit(case):
    name, arrays, words = TARGETS[case]
    error = refused("tune", *save(name, **arrays))
    assert error["exit_code"] == 8 and words in error["message"] + error["cause"]
    assert not Path("runs").exists()
