"""Harmful streams on a device: it ends with the weights that it began with, bit for bit."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict

import numpy as np
import pytest
from cli_runner import BOARD, DATA, MODEL, ON_HOST, edgetune, refused, succeed
from tiny_tflite import ModelBuilder

from edgetune.boards import load_board
from edgetune.data import Dataset
from edgetune.data.preprocessing import Preprocessing
from edgetune.errors import LinkError, UsageError
from edgetune.guard import NONE, RUNNING, HeldOutGuard, RunningGuard
from edgetune.learn.recipe import Recipe
from edgetune.learn.state import LEARNER
from edgetune.link.client import Client
from edgetune.link.errors import device_gone, device_reset
from edgetune.model.read import read_tflite
from edgetune.plan.cost import estimate
from edgetune.plan.plan import make_plan
from edgetune.session import tuning
from edgetune.session.firmware import build_firmware
from edgetune.session.guarding import HeldOut
from edgetune.session.interpreter import Judgement
from edgetune.session.order import sample_order
from edgetune.session.run_folder import RunFolder
from edgetune.session.tuning import TuneSettings, tune

pytestmark = pytest.mark.thorough  # tests/guard has what a guard decides
STEPS, CLASSES = 400, 4
TRUSTED = "trusted"  # samples of its own, never trained on


def points(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Four classes, each around a place of its own; not all can be told apart."""
    random, places = np.random.default_rng(seed), np.random.default_rng(3).normal(0, 40, (4, 8))
    y = random.integers(0, CLASSES, count)
    return np.clip(places[y] + random.normal(0, 30, (count, 8)), -128, 127).astype(np.int8), y


def built(folder, content: bytes, recipe: Recipe = Recipe(), board: str = BOARD, native=True):
    plan = make_plan(read_tflite(content), recipe, load_board(board))
    return build_firmware(plan, folder, "small", native=native)


def run(firmware, folder, x, y, guard, device: str = "host", verify=True):
    """Learns ``x``, ``y`` in this order; ``verify``: compares all with the simulation."""
    at = np.empty(len(x), int)
    at[sample_order(len(x), None, 1, 0)] = np.arange(len(x))
    data = Dataset(x[at], y[at], *points(400, seed=8), Preprocessing())
    held = HeldOut(*points(200, seed=9)) if guard == TRUSTED else None
    with RunFolder(folder) as out:
        settings = TuneSettings(passes=1, guard=guard, verify=verify)
        return tune(firmware, device, data, settings, out, held_out=held)


@pytest.fixture(autouse=True)
def without_a_judge(monkeypatch):
    """Of the tuned files: other tests have them judged."""
    monkeypatch.setattr(tuning, "judge", lambda *others, **options: Judgement())


@pytest.fixture(scope="module")
def untuned(tmp_path_factory):
    model = ModelBuilder((1, 8), seed=2).dense(12, activation="RELU").dense(10, activation="RELU")
    folder = tmp_path_factory.mktemp("untuned")
    return built(folder, model.dense(CLASSES).softmax().build())


@pytest.fixture(scope="module")
def tuned(untuned, tmp_path_factory):
    """Firmware of weights that know the classes."""
    folder = tmp_path_factory.mktemp("tuned")
    result = run(untuned, folder, *points(1200, seed=7), NONE, verify=False)
    assert result.accuracy_after > 0.8
    return built(folder / "firmware", (folder / "tuned.tflite").read_bytes())


def wrong_labels(x, y, random):
    other = (y + random.integers(1, CLASSES, len(y))) % CLASSES
    return x, np.where(random.random(len(y)) < 0.4, other, y)


def one_class(x, y, random):
    rows = random.choice(np.flatnonzero(y == 1), len(y))
    return x[rows], y[rows]


def stuck_sensor(x, y, random):
    return np.repeat(x[:1], len(x), axis=0), random.integers(0, CLASSES, len(y))


def shuffled(x, y, random):
    return x, random.permutation(y)


def harmed(harm):
    return harm(*points(STEPS, seed=5), np.random.default_rng(6))


HARSH = Recipe(rule="fixed", rate=140)  # does harm where the default rule does hardly any


@pytest.mark.parametrize(("harm", "recipe"), [
    (wrong_labels, HARSH), (one_class, HARSH), (stuck_sensor, Recipe()),
    (shuffled, Recipe()),
], ids=["wrong_labels", "one_class", "stuck_sensor", "shuffled"])
def test_harm_ends_with_the_weights_of_the_beginning(tuned, tmp_path, harm, recipe):
    content = tuned.plan.program.graph.content
    if recipe != Recipe():
        tuned = built(tmp_path / "build", content, recipe)
    x, y = harmed(harm)
    unguarded = run(tuned, tmp_path / "unguarded", x, y, NONE)
    assert unguarded.accuracy_after < unguarded.accuracy_before - 0.02
    assert unguarded.guard.kept == "last" and unguarded.guard.cost.forward_passes == 0
    for guard in (RUNNING, TRUSTED, 0.2):
        folder = tmp_path / str(guard)
        result = run(tuned, folder, x, y, guard)
        found = result.guard
        assert (found.kept, found.step) == ("start", 0) and "--no-guard" in found.advice
        assert result.accuracy_after == result.accuracy_before and result.verified
        assert (folder / "tuned.tflite").read_bytes() == content
        record = json.loads((folder / "run.json").read_text())
        assert record["guard"]["kept"] == "start" and record["guard"]["reason"] == found.reason
        assert record["settings"]["guard"] == str(guard)


@pytest.mark.parametrize("guard", [RUNNING, TRUSTED])
def test_a_healthy_run_is_left_alone(untuned, tmp_path, guard):
    x, y = points(STEPS, seed=3)
    alone = run(untuned, tmp_path / "alone", x, y, NONE)
    result = run(untuned, tmp_path / "guarded", x, y, guard)
    assert result.digest == alone.digest and result.state == alone.state
    found = result.guard
    assert (found.kept, found.step, found.falls, found.advice) == ("last", STEPS, (), "")
    cost = estimate(untuned.plan)
    share = cost.forward_instructions / cost.step_instructions
    passes = found.cost.forward_passes  # as `edgetune plan` says it
    if guard == TRUSTED:
        assert passes == HeldOutGuard.passes(200, STEPS, share)
    else:  # the window of 25 and the last two of 100 steps, by the last weights and by the best
        assert passes == 25 + 2 * 100 == RunningGuard.passes(STEPS)
    names = [layer.layer for layer in result.rectifiers]
    assert names == ["fully_connected_0", "fully_connected_1"]
    assert result.rectifiers == alone.rectifiers and not any(r.fell for r in result.rectifiers)


def test_a_further_run_does_no_harm(tuned, tmp_path):
    for seed in (11, 12):
        result = run(tuned, tmp_path / str(seed), *points(STEPS, seed), RUNNING)
        assert result.accuracy_after >= result.accuracy_before - 0.03


@pytest.mark.parametrize("guard", [RUNNING, TRUSTED])
def test_a_collapse_is_taken_back_at_once_and_ends_the_run(tuned, tmp_path, guard):
    """A rate far too high."""
    recipe = Recipe(rule="fixed", rate=600.0)
    reckless = built(tmp_path / "build", tuned.plan.program.graph.content, recipe)
    x, y = points(STEPS, seed=5)
    alone = run(reckless, tmp_path / "a", x, y, NONE)
    assert alone.accuracy_after < 0.5 and any(layer.fell for layer in alone.rectifiers)
    result = run(reckless, tmp_path / "b", x, y, guard)
    assert any(layer.fell for layer in result.rectifiers)  # of what was given up
    record = json.loads((tmp_path / "b" / "run.json").read_text())
    assert record["rectifiers"] == [asdict(layer) for layer in result.rectifiers]
    found = result.guard
    assert found.kept == "start" and result.accuracy_after == result.accuracy_before
    assert found.falls and all(fall.back_to == 0 for fall in found.falls)
    assert found.stopped == (len(found.falls) == 4) and result.steps <= STEPS
    assert np.frombuffer(result.state, LEARNER, 1)["step"] == result.steps
    assert (result.steps < STEPS) or guard == TRUSTED  # which looks four times in all
    lines = (tmp_path / "b" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == list(range(result.steps))


def spoilt_halfway():
    x, y = points(2 * STEPS, seed=5)
    y[STEPS:] = np.random.default_rng(6).permutation(y[STEPS:])
    return x, y


@pytest.mark.parametrize("guard", [RUNNING, TRUSTED])
def test_the_best_weights_are_kept_where_labels_turn_wrong_halfway(untuned, tmp_path, guard):
    alone = run(untuned, tmp_path / "a", *spoilt_halfway(), NONE)
    result = run(untuned, tmp_path / "b", *spoilt_halfway(), guard)
    assert result.guard.kept == "best" and 0 < result.guard.step <= STEPS
    assert result.accuracy_after > max(0.7, alone.accuracy_after + 0.2)


def test_weights_of_the_beginning_stand_where_none_were_surely_better(tuned, tmp_path):
    """Some window of a tuned network is a lucky one: its weights are no gain."""
    result = run(tuned, tmp_path, *spoilt_halfway(), RUNNING)
    assert (result.guard.kept, result.accuracy_after) == ("start", result.accuracy_before)


@pytest.mark.parametrize("board", ["mps2-an386", "mps2-an385-m0plus"])
def test_emulated_cores_come_back_to_the_same_bits(untuned, tmp_path, board):
    for tool in ("arm-none-eabi-gcc", "qemu-system-arm"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    here = run(untuned, tmp_path / "here", *spoilt_halfway(), TRUSTED)
    content = untuned.plan.program.graph.content
    firmware = built(tmp_path / "firmware", content, board=board, native=False)
    there = run(firmware, tmp_path / "there", *spoilt_halfway(), TRUSTED, "qemu")
    assert here.guard.kept == "best" and there.guard == here.guard
    assert there.digest == here.digest and there.state == here.state


# ---- a line that breaks


def breaking(monkeypatch, at: int, error: LinkError, spoil=None):
    """The ``at``-th evaluation on a device breaks off in its middle; ``spoil``: what becomes of
    the device then."""
    count, infer_many = [0], Client.infer_many

    def broken(client, samples):
        count[0] += 1
        for done, result in enumerate(infer_many(client, samples)):
            if count[0] == at and done == 10:
                if spoil:
                    spoil(client)
                raise error
            yield result

    monkeypatch.setattr(Client, "infer_many", broken)


@pytest.mark.parametrize("guard", [RUNNING, TRUSTED])
@pytest.mark.parametrize(("error", "spoil"), [
    (device_gone, None), (device_reset, lambda client: client.start(9, 9)),
])  # fmt: skip
def test_a_line_that_breaks_while_judging_loses_nothing(
    untuned, tmp_path, monkeypatch, guard, error, spoil
):
    whole = run(untuned, tmp_path / "a", *spoilt_halfway(), guard)
    for at in (2, 3):  # the first is that of the test set
        with monkeypatch.context() as patch:
            breaking(patch, at, error(), spoil)
            result = run(untuned, tmp_path / str(at), *spoilt_halfway(), guard)
        assert result.state == whole.state and result.guard.kept == whole.guard.kept


def test_a_line_that_stays_broken_leaves_the_best_weights(untuned, tmp_path, monkeypatch):
    def gone(client):
        raise device_gone()

    breaking(monkeypatch, 6, device_gone(), lambda client: monkeypatch.setattr(
        Client, "hello", gone
    ))
    with pytest.raises(LinkError) as caught:
        run(untuned, tmp_path, *points(STEPS, seed=5), TRUSTED)
    assert str(tmp_path / "best.tflite") in caught.value.next_step
    best = read_tflite(tmp_path / "best.tflite")
    assert best.content != untuned.plan.program.graph.content


# ---- what tells nothing, and what is no guard


def test_held_out_samples_that_tell_nothing_are_named(untuned, tmp_path):
    x, y = points(120, seed=5)
    few = run(untuned, tmp_path / "few", x[:30], y[:30], 0.5).guard
    assert few.kind == RUNNING and "too few" in few.notes[0] and "fewer than 100" in few.notes[1]
    alike = np.flatnonzero(y == y[0])
    with RunFolder(tmp_path / "alike") as out:
        data = Dataset(x, y, x, y, Preprocessing())
        held = HeldOut(x[alike], y[alike])
        found = tune(untuned, "host", data, TuneSettings(passes=1), out, held_out=held).guard
    assert found.kind == RUNNING and f"of class {y[0]}" in found.notes[0]


def test_one_class_is_seen_in_a_short_run_too(tuned, tmp_path):
    """Too short to tell anything else."""
    x, y = harmed(one_class)
    result = run(tuned, tmp_path / "one", x[:60], y[:60], RUNNING)
    assert result.guard.kept == "start" and "of class 1" in result.guard.reason
    assert result.accuracy_after == result.accuracy_before
    assert run(tuned, tmp_path / "all", *points(60, seed=5), RUNNING).guard.kept == "last"


def test_a_guard_that_is_none_is_refused(untuned, tmp_path):
    x, y = points(40, seed=5)
    for guard in ("0.9", "clean.npz"):
        with pytest.raises(UsageError):
            run(untuned, tmp_path, x, y, guard)


def test_the_command_line_takes_a_file_a_share_or_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ("tune", MODEL, *ON_HOST, "--data", DATA, "--samples", 60, "--passes", 1)
    by_file = succeed(*words, "--guard", DATA, "--out", "a")
    assert by_file["guard"]["kind"] == "held-out" and by_file["plan"]["guard"]["ram_bytes"] == 0
    assert "held-out" in by_file["guard"]["reason"] and "397" in by_file["guard"]["reason"]
    assert succeed(*words, "--no-guard", "--out", "b")["guard"]["kind"] == NONE
    said = edgetune(*words, "--guard", "0.1", "--out", "c").stdout
    assert "Guard: no RAM" in said and "50 held-out samples" in said


def test_a_share_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ("tune", MODEL, *ON_HOST, "--data", DATA, "--guard", "0.7")
    assert refused(*words)["exit_code"] == 2
