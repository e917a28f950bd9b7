"""The example of the losses: its parts are disjoint, and the device learns as float does."""

import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

if find_spec("sklearn") is None:  # looked for, not imported: that takes a second
    pytest.skip("scikit-learn is not installed", allow_module_level=True)
sys.path.append(str(Path(__file__).parents[2] / "examples" / "losses"))

import every_rate  # noqa: E402
import every_rule  # noqa: E402
from choice import FOLDS, choose, folds, held_out_score  # noqa: E402
from on_device import OnDevice  # noqa: E402
from peers import Ladder  # noqa: E402
from shipped_data import TASKS, Task, parts, strangers  # noqa: E402
from tables import figure, print_table  # noqa: E402
from yardstick import Adam, InFloat, Sgd  # noqa: E402

from edgetune.errors import UsageError  # noqa: E402
from edgetune.guard import NONE  # noqa: E402
from edgetune.learn.recipe import Recipe  # noqa: E402
from edgetune.measures.measure import Measure  # noqa: E402


def test_parts_are_disjoint_and_hold_every_sample():
    cut = parts(100, 30, 50)
    assert [len(part) for part in cut] == [30, 50, 20]
    assert np.array_equal(np.sort(np.concatenate(cut)), np.arange(100))


def test_anomalies_are_in_the_test_set_only():
    normal = np.arange(40) % 4 > 0
    first, tune, test, flags = strangers(normal, 10, 12)
    assert normal[first].all() and normal[tune].all() and np.array_equal(flags == 0, normal[test])
    assert np.array_equal(np.sort(np.concatenate([first, tune, test])), np.arange(40))


def small_task(**changes) -> Task:
    x = np.arange(23, dtype=np.float32)[:, None]
    given = dict(figure="RMSE", tune_x=x, tune_y=2 * x, test_x=-x, test_y=-x) | changes
    return Task(b"", "mse", "values", passes=1, **given)


def test_folds_leave_the_test_set_alone():
    found = folds(small_task())
    held = np.concatenate([part.test_x[:, 0] for part in found])
    assert len(found) == FOLDS and np.array_equal(np.sort(held), np.arange(23))
    for part in found:
        both = np.concatenate([part.tune_x, part.test_x])[:, 0]
        assert np.array_equal(np.sort(both), np.arange(23))
        assert np.array_equal(part.tune_y, 2 * part.tune_x)
        assert np.array_equal(part.test_y, 2 * part.test_x)


@pytest.mark.parametrize(("name", "higher", "best"), [("AUC", True, 3), ("RMSE", False, 1)])
def test_the_best_is_chosen_and_the_unknown_never(name, higher, best):
    def tuned(part, choice, seed):
        return Measure(name, None if choice == 9 else choice, higher)

    assert choose(small_task(), [2, 9, 3, 1], tuned) == best


def test_a_score_is_the_mean_over_the_folds():
    def tuned(part, seed):
        return Measure("RMSE", float(part.test_x.min()), False, {"RMSE": float(seed)})

    assert held_out_score(small_task(), tuned) == -(1000 + 1001 + 1002 + 1003 + 1004) / 5


def test_a_figure_need_not_be_what_a_run_is_judged_by():
    task = small_task(figure="AUC")
    assert figure(task, Measure("AUC", 0.5, True)) == 0.5
    assert figure(task, Measure("RMSE", 0.5, False, {"AUC": 0.7})) == 0.7


def test_a_table_has_a_line_for_every_task_that_is_named(monkeypatch, capsys):
    monkeypatch.setitem(TASKS, "small", small_task)
    print_table(("before",), ["small", "small"], lambda task, folder: [folder.name])
    line = "| small | RMSE | small |"
    assert capsys.readouterr().out.splitlines() == [
        "| task | figure | before |", "|---|---|---|", line, line
    ]  # fmt: skip


class RecordedDevice:
    """In place of a device: what it would run with, and a figure that its rate decides."""

    default_rate = 8.0
    runs: list[tuple[Recipe, str]]

    def __init__(self, task, folder, recipe, guard):
        self.recipe, self.guard, self.graph = recipe, guard, None

    def tuned(self, seed, part=None):
        if self.recipe.rate == 16:
            raise UsageError("the rate is too high", "", "")
        self.runs.append((self.recipe, self.guard))
        found = Measure("RMSE", self.recipe.rate or 0.0, False, {"RMSE": self.recipe.rate or 0.0})
        return SimpleNamespace(before=Measure("RMSE", 9.0, False), after=found)


@pytest.fixture
def recorded(monkeypatch):
    monkeypatch.setattr(RecordedDevice, "runs", [], raising=False)
    for module in (every_rate, every_rule):
        monkeypatch.setattr(module, "OnDevice", RecordedDevice)
    return RecordedDevice.runs


def test_factors_are_of_a_rules_default_rate_and_no_guard_helps(recorded, monkeypatch, tmp_path):
    monkeypatch.setattr(every_rate, "RULES", {"adaptive": (0.5, 1), "fixed": (4,)})
    monkeypatch.setattr(every_rate, "OPTIMIZERS", {})
    cells = every_rate.cells(2, small_task(), tmp_path)
    assert cells == ["9.0000", "4.0000 +- 0.0000", "8.0000 +- 0.0000", "32.0000 +- 0.0000"]
    assert [(recipe.rule, recipe.rate) for recipe, _ in recorded] == [
        *[("adaptive", 4.0)] * 2, *[("adaptive", 8.0)] * 2, *[("fixed", 32.0)] * 2
    ]  # fmt: skip
    assert {guard for _, guard in recorded} == {NONE}


def test_a_peers_constant_has_the_best_score_of_its_ladder(recorded, tmp_path):
    peer = every_rule.Peer("niti", Ladder((1, 2, 4, 16), 2))
    assert every_rule.cell(1, small_task(), peer, tmp_path) == "1.0000 +- 0.0000 (1)"
    published = every_rule.Peer("multinomial", null_mass=0.0)
    assert every_rule.cell(1, small_task(), published, tmp_path) == "0.0000 +- 0.0000"
    assert {guard for _, guard in recorded} == {NONE}


# task: bounds of the figure before and after, and float's rate
BOUNDS = {
    "diabetes": (0.84, 0.81, 3e-3),
    "labels of digits": (0.70, 0.98, 3e-2),
}


@pytest.mark.thorough
def test_a_cell_of_float_has_the_rate_that_was_chosen(monkeypatch, tmp_path):
    monkeypatch.setattr(every_rate.yardstick, "CHOICES", [(Sgd, 3e-3), (Sgd, 1.0), (Adam, 3e-3)])
    task = TASKS["diabetes"]()
    graph = OnDevice(task, tmp_path).graph
    assert every_rate.in_float(task, graph, Sgd, 1).endswith("(0.003)")
    assert every_rate.in_float(task, graph, Adam, 1).endswith("(0.003)")


@pytest.mark.thorough
@pytest.mark.parametrize("name", BOUNDS)
def test_the_device_learns_as_float_does(name, tmp_path):
    """One seed, float at the rate named: within 3 % of its RMSE, 1.5 points of its AUC."""
    before, after, rate = BOUNDS[name]
    task = TASKS[name]()
    device = OnDevice(task, tmp_path)
    result = device.tuned(0)
    in_float = InFloat(task, device.graph, (Adam, rate)).tuned(0)
    ours, start, theirs = (
        found.value if found.name == task.figure else found.others[task.figure]
        for found in (result.after, result.before, in_float)
    )
    if task.figure == "AUC":
        assert start < before and ours > after and ours > theirs - 0.015
    else:
        assert start > before and ours < after and ours < 1.03 * theirs
