"""The example of the losses: its parts are disjoint, and the device learns as float does."""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

if find_spec("sklearn") is None:  # looked for, not imported: that takes a second
    pytest.skip("scikit-learn is not installed", allow_module_level=True)
sys.path.append(str(Path(__file__).parents[2] / "examples" / "losses"))

from choice import FOLDS, choose, folds  # noqa: E402
from on_device import OnDevice  # noqa: E402
from shipped_data import TASKS, Task, parts, strangers  # noqa: E402
from yardstick import Adam, InFloat  # noqa: E402

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
    given = dict(tune_x=x, tune_y=2 * x, test_x=-x, test_y=-x) | changes
    return Task(b"", "mse", "values", "RMSE", 1, **given)


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


# task: bounds of the figure before and after, and float's rate
BOUNDS = {
    "diabetes": (0.84, 0.81, 3e-3),
    "labels of digits": (0.70, 0.98, 3e-2),
}


@pytest.mark.thorough
@pytest.mark.parametrize("name", BOUNDS)
def test_the_device_learns_as_float_does(name, tmp_path):
    """One seed, float at the rate named: within 3 % of its RMSE, 1.5 points of its AUC."""
    before, after, rate = BOUNDS[name]
    task = TASKS[name]()
    device = OnDevice(task, tmp_path, verify=False)
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
