"""The integer gradients point where the float gradients point, layer by layer.

The float network's own gradients are held against finite differences in test_float_net.py.
"""

import sys
from pathlib import Path

import pytest
from shared_data import digits, load_task

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "accuracy"))

from directions import directions  # noqa: E402

SAMPLES = 15


@pytest.mark.parametrize(("name", "least"), [
    ("digits", 0.98), *(pytest.param(*task, marks=pytest.mark.thorough)
                        for task in (("har", 0.98), ("mnist", 0.98), ("kws", 0.96))),
])
def test_direction(name, least):
    task = digits() if name == "digits" else load_task(name)
    found = directions(task.graph, task.data.tune_x[:SAMPLES], task.data.tune_y[:SAMPLES])
    assert (found.medians > least).all(), dict(zip(found.layers, found.medians))
    assert (found.silent < 0.5).all(), dict(zip(found.layers, found.silent))
    assert not found.others
