"""Further sets are measured before a run and after it, and what was forgotten is said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from cli_runner import DATA, MODEL, ON_HOST, refused, succeed
from shared_data import digits, reference_outputs

from edgetune.ci.outcome import Outcome
from edgetune.ci.project import Project
from edgetune.cli.printer import Printer
from edgetune.cli.settings import read_settings
from edgetune.cli.show_sets import show_sets
from edgetune.errors import DataError, UsageError
from edgetune.measures import Measure
from edgetune.session.checkpoint import identity
from edgetune.session.further import Place, SetResult, places_of


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_sets_are_named_in_every_way():
    asked = ("clean=old.npz", "dim=old.npz:val", "tune", "made=load.py:old", "pair=x.npy:y.npy")
    found = places_of(asked)
    assert found == {
        "clean": Place("old.npz"), "dim": Place("old.npz", "val"), "tune": Place(None, "tune"),
        "made": Place("load.py:old"), "pair": Place("x.npy", labels="y.npy"),
    }
    assert [place.whole or f":{place.part}" for place in found.values()] == [
        "old.npz", "old.npz:val", ":tune", "load.py:old", "x.npy:y.npy",
    ]
    assert places_of(",".join(asked)) == found
    assert places_of({"clean": Path("old.npz"), "tune": ":tune"}) == {
        "clean": Place("old.npz"), "tune": Place(None, "tune"),
    }
    assert places_of(None) == places_of(()) == {}


@pytest.mark.parametrize("wrong", ["=old.npz", "clean=", "a=x,a=y", "test=x.npz", "a b=x.npz"])
def test_what_names_no_set_is_refused(wrong):
    with pytest.raises(UsageError, match="set"):
        places_of(wrong)


def result(name: str, won: int, lost: int, kept: int = 50) -> SetResult:
    before = np.repeat([1.0, 0.0, 0.0], [won, lost, kept])
    after = np.repeat([0.0, 1.0, 0.0], [won, lost, kept])
    worth = [Measure("accuracy", 1 - losses.mean(), True) for losses in (before, after)]
    return SetResult(name, *worth, before, after)


@pytest.mark.parametrize("won, lost, fell", [
    (0, 0, False), (0, 1, False), (0, 2, True), (4, 6, False), (3, 7, True), (7, 3, False),
])
def test_a_set_fell_where_it_lost_more_than_the_standard_error(won, lost, fell):
    """(lost - won) / sqrt(lost + won) above 1."""
    found = result("old", won, lost)
    assert (found.won, found.lost, found.fell) == (won, lost, fell)
    facts = found.as_dict()
    assert facts["fell"] == fell and facts["samples"] == 50 + won + lost
    if fell:
        assert f"{lost} of {found.samples} samples are worse than before and {won} better" in (
            found.words
        )


@pytest.mark.thorough
def test_a_run_tells_what_it_forgot(folder):
    """The further set is what the model predicts: it knows all of it before the run."""
    task = digits()
    known = reference_outputs(task.graph, task.data.test_x).argmax(axis=1)
    with np.load(DATA) as data:
        np.savez("old.npz", x=data["test_x"], y=known, scale=data["scale"])
    words = ("tune", MODEL, *ON_HOST, "--data", DATA, "--also", "known=old.npz", "--also",
             "own=:tune", "--samples", 60, "--passes", 1, "--no-guard", "--out", "json")
    facts = succeed(*words)
    found = facts["also"]["known"]
    assert found["before"]["value"] == 1 and found["samples"] == len(known) and found["fell"]
    assert found["lost"] == round((1 - found["after"]["value"]) * len(known)) and not found["won"]
    assert facts["also"]["own"]["samples"] == 500 and not facts["also"]["own"]["fell"]
    [warning] = facts["warnings"]
    assert warning.startswith("known fell from 100.0 %")
    assert json.loads(Path("json/run.json").read_text())["result"]["also"] == facts["also"]
    after = succeed("eval", "json/tuned.tflite", *ON_HOST, "--data", "old.npz", "--also",
                    f"new={DATA}")
    assert after["accuracy"] == found["after"]["value"] and after["count"] == len(known)
    assert after["also"]["new"]["accuracy"] == facts["accuracy_after"]


def write_every_kind(x: np.ndarray, y: np.ndarray) -> dict[str, str]:
    """The same samples as every source that `--data` takes; x: uint8 (n, 8, 8, 1), to 16."""
    from PIL import Image

    np.save("x.npy", x), np.save("y.npy", y)
    np.savez("all.npz", x=x, y=y)
    np.savez("parts.npz", tune_x=x[:2], tune_y=y[:2], test_x=x, test_y=y)
    table = np.column_stack([x.reshape(len(x), -1), y])
    np.savetxt("all.csv", table, "%d", ",")
    Path("loader.py").write_text(
        "import numpy\n\ndef load():\n    return numpy.load('x.npy'), numpy.load('y.npy')\n"
    )
    for n, (image, label) in enumerate(zip(x, y)):
        place = Path("images", str(label))
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[:, :, 0]).save(place / f"{n}.png")
    return {"pair": "x.npy:y.npy", "archive": "all.npz", "divided": "parts.npz", "csv": "all.csv",
            "function": "loader.py:load", "folder": "images"}


@pytest.mark.thorough
def test_every_source_that_data_takes_is_a_further_set(folder):
    """And gives what it gives as the data."""
    with np.load(DATA) as data:
        x, y = data["upright_test_x"][:40].astype(np.uint8), data["upright_test_y"][:40]
    y[:7] = (y[:7] + 1) % 10
    kinds = write_every_kind(x, y)
    also = [word for name, source in kinds.items() for word in ("--also", f"{name}={source}")]
    declared = ("--scale", 1 / 16, "--classes", "0,1,2,3,4,5,6,7,8,9")
    facts = succeed("eval", MODEL, *ON_HOST, "--data", "all.npz", *declared, *also)
    assert {*facts["also"]} == {*kinds} and 0.6 < facts["accuracy"] < 0.85
    assert all(one["count"] == 40 and one["accuracy"] == facts["accuracy"]
               for one in facts["also"].values())


def test_the_sets_stand_side_by_side_and_quiet_hides_no_fall(capsys):
    sets = (result("test", 9, 0), result("old", 0, 9))
    printer = Printer("tune", as_json=False)
    printer.quiet = True
    show_sets(printer, SimpleNamespace(
        also={"old": sets[1]}, sets=sets, after=sets[0].after, warnings=(sets[1].words,)
    ))
    said = capsys.readouterr()
    rows = [line.split() for line in said.out.splitlines()]
    assert rows[1:] == [["test", "59", "84.7", "%", "100.0", "%", "9", "0"],
                        ["old", "59", "100.0", "%", "84.7", "%", "0", "9"]]
    assert said.err.startswith("Warning: old fell from 100.0 % to 84.7 %")


def test_a_set_that_is_not_there_is_refused_before_anything_is_built(folder):
    error = refused("tune", MODEL, *ON_HOST, "--data", DATA, "--also", "old=absent.npz")
    assert "absent.npz" in error["message"] and not list(folder.iterdir())


def test_a_part_stands_for_the_test_set(folder):
    facts = succeed("eval", MODEL, *ON_HOST, "--test-data", DATA, "--test-part", "tune")
    assert facts["count"] == 500
    assert refused("eval", MODEL, *ON_HOST)["message"] == "No data is named."


def test_a_resumed_run_has_the_sets_that_it_began_with():
    plan = type("Plan", (), {"recipe": type("Recipe", (), {"as_dict": lambda self: {}})()})
    data, order = digits().data, np.arange(3)
    few = replace(data, test_x=data.test_x[:5], test_y=data.test_y[:5])
    runs = [identity(plan, {}, data, order, also) for also in (None, {}, {"old": few})]
    assert runs[0] == runs[1] != runs[2] and runs[2]["also"] == {"old": 5}


def test_a_project_names_them_once(folder):
    Path("edgetune.toml").write_text('also = ["clean=old.npz", "tune"]\ntest-part = "val"\n')
    Path("old.npz").touch()
    assert read_settings(["tune"], folder)["tune"]["also"] == ("clean=old.npz", "tune")
    chosen = Project(folder).with_settings({})
    assert chosen["also"] == {"clean": str(folder / "old.npz"), "tune": ":tune"}
    (folder / "x.npy").touch(), (folder / "y.npy").touch()
    chosen = Project(folder).with_settings({"also": "pair=x.npy:y.npy,val=old.npz:val"})
    assert chosen["also"] == {
        "pair": f"{folder / 'x.npy'}:{folder / 'y.npy'}", "val": f"{folder / 'old.npz'}:val",
    }


def test_a_pipeline_demands_that_it_remembers():
    sets = {"old": result("old", 0, 9), "other": result("other", 1, 1)}
    outcome = Outcome("host", *(sets["old"].before,) * 2, 9, 1, "0" * 8, True, None, Path(),
                      Path(), dict, also=sets)
    outcome.assert_remembers("other")
    for name in ("old", None, "absent"):
        with pytest.raises(pytest.fail.Exception, match="forget|not measured"):
            outcome.assert_remembers(name)


def test_all_of_one_set_is_the_test_set_where_nothing_is_tuned():
    from edgetune.data import load_data

    task = digits()
    with np.load(DATA) as data:
        arrays = dict(data)
    np.savez("one.npz", x=arrays["test_x"], y=np.full(397, 3), val_x=arrays["tune_x"],
             val_y=arrays["tune_y"], scale=arrays["scale"])
    tensor = task.graph.input
    with pytest.raises(DataError, match="which part"):
        load_data("one.npz", tensor)
    whole = load_data("one.npz", tensor, whole=True)
    np.testing.assert_array_equal(np.asarray(whole.test_x), np.asarray(task.data.test_x))
    assert sum("one class only" in warning for warning in whole.warnings) == 1
    held = load_data("one.npz", tensor, test_part="val")
    assert (len(held.tune_x), len(held.test_x)) == (397, 500)
    with pytest.raises(UsageError, match="exclude"):
        load_data("one.npz", tensor, 0.5, test_part="val")
