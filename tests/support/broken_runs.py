"""A small run on the PC that is broken off on purpose; a test module imports the fixtures
`firmware` and `whole`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tiny_tflite import ModelBuilder

from edgetune.boards import load_board
from edgetune.data import Dataset
from edgetune.data.preprocessing import Preprocessing
from edgetune.guard import RUNNING
from edgetune.learn.recipe import Recipe
from edgetune.link.channel import Channel
from edgetune.model.read import read_tflite
from edgetune.plan.plan import make_plan
from edgetune.session.firmware import build_firmware
from edgetune.session.order import sample_order
from edgetune.session.run_folder import RunFolder, status_of
from edgetune.session.running import Run
from edgetune.session.tuning import TuneSettings, tune

STEPS, WRONG = 160, 100  # the guard looks at such a run, window by window


class Killed(BaseException):
    """Nothing gets to run after it, as after SIGKILL."""


@pytest.fixture(scope="module", name="firmware")
def built_firmware(tmp_path_factory):
    b = ModelBuilder((1, 6, 6, 2), 1 / 40, -7, seed=8).conv(4, 3, activation="RELU")
    graph = read_tflite(b.mean().dense(3).softmax().build())
    plan = make_plan(graph, Recipe(rate=4.0), load_board("stm32f4-discovery"))
    return build_firmware(plan, tmp_path_factory.mktemp("built"), "small", native=True)


def samples() -> Dataset:
    """Three classes; from step ``WRONG`` on labels mean nothing, so that the guard goes back."""
    source = np.random.default_rng(3)
    y = np.arange(STEPS) % 3
    points = source.normal(0, 90, (3, 6, 6, 2))
    x = np.clip(points[y] + source.normal(0, 10, (STEPS, 6, 6, 2)), -128, 127).astype(np.int8)
    order = sample_order(STEPS, None, 1, 0)
    y[order[WRONG:]] = source.integers(0, 3, STEPS - WRONG)
    return Dataset(x, y, x[:20], y[:20], Preprocessing(quantized=True))


def learn(firmware, folder, guard=RUNNING, reporter=None, endless=True, **settings):
    chosen = TuneSettings(passes=1, guard=guard, endless=endless, **settings)
    return tune(firmware, "host", samples(), chosen, folder, reporter)


def outcome(result) -> tuple:
    """All of a run but for what depends on its process."""
    plain = replace(result, before=None, after=None, outputs=None, stats=None)
    return plain, result.before.value, result.after.value, result.outputs.tobytes()


@pytest.fixture(scope="module", name="whole")
def undisturbed(firmware, tmp_path_factory):
    """Undisturbed runs by guard and settings, their results and logs, and their requests."""
    found = {}

    def run(**settings):
        key = tuple(sorted(settings.items()))
        if key not in found:
            folder = tmp_path_factory.mktemp("whole")
            with pytest.MonkeyPatch.context() as patch, RunFolder(folder) as out:
                count = breaking(patch, None, None)
                result = learn(firmware, out, **settings)
            found[key] = outcome(result), (folder / "metrics.jsonl").read_text(), count[0]
        return found[key]

    return run


def breaking(patch, at: int | None, failure) -> list[int]:
    """The ``at``-th request raises ``failure``; counts them."""
    count, submit = [0], Channel.submit

    def broken(channel, *message):
        count[0] += 1
        if count[0] == at:
            raise failure
        return submit(channel, *message)

    patch.setattr(Channel, "submit", broken)
    return count


def broken_off(firmware, folder, monkeypatch, at, failure, **settings):
    with monkeypatch.context() as patch:
        breaking(patch, at, failure)
        if isinstance(failure, Killed):
            patch.setattr(Run, "_leave", lambda *others: None)
        with pytest.raises(type(failure)) as caught, RunFolder(folder) as out:
            learn(firmware, out, **settings)
    assert status_of(folder) == "failed"
    return caught.value
