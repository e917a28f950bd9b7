"""A run that breaks off, by whatever, is carried on to the end of an undisturbed one."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from broken_runs import (  # noqa: F401 - fixtures too
    STEPS,
    Killed,
    breaking,
    broken_off,
    built_firmware,
    learn,
    outcome,
    samples,
    undisturbed,
)
from cli_runner import DATA, MODEL, ON_HOST, refused, succeed
from notes import Notes

from edgetune.errors import DataError, DeviceNotFoundError, LinkError, UsageError
from edgetune.guard import NONE
from edgetune.link.channel import Channel
from edgetune.link.errors import device_gone, device_reset
from edgetune.model.read import read_tflite
from edgetune.session import running
from edgetune.session.connection import connect
from edgetune.session.run_folder import RunFolder, is_live, status_of
from edgetune.session.tuning import TuneSettings, tune

ROOT = Path(__file__).parents[2]
WAYS = [KeyboardInterrupt(), device_gone(), Killed()]
KINDS = {
    "verified": {}, "guarded by a share": {"guard": 0.25}, "unguarded": {"guard": NONE},
    "unverified": {"verify": False, "save_every": 30},
}


def check_resumed(firmware, folder, whole, monkeypatch, at, failure, settings):
    expected, log, _ = whole(**settings)
    broken_off(firmware, folder, monkeypatch, at, failure, **settings)
    with RunFolder(folder, resumed=True) as out:
        result = learn(firmware, out, **settings)
    assert outcome(result) == expected
    assert (folder / "metrics.jsonl").read_text() == log
    files = {path.name for path in folder.iterdir()}
    assert files == {
        "run.json", "metrics.jsonl", "state.bin", "tuned.tflite", "predictions.npz", "report.html",
    }
    assert status_of(folder) == "done"


def test_these_guards_go_back(whole):
    """Else nothing of what they were told would matter."""
    kept = [whole(**KINDS[kind])[0][0].guard.kept for kind in ("verified", "guarded by a share")]
    assert kept == ["best", "start"]


QUICK = [("verified", 0), ("guarded by a share", 1), ("unguarded", 2), ("unverified", 2)]


@pytest.mark.parametrize(("kind", "way"), [
    pytest.param(kind, way, marks=[pytest.mark.thorough] * ((kind, way) not in QUICK))
    for kind in KINDS for way in range(len(WAYS))
])
def test_a_run_is_carried_on(firmware, whole, tmp_path, monkeypatch, kind, way):
    """Broken off at its first request, its last, and one between."""
    settings, failure = KINDS[kind], WAYS[way]
    requests = whole(**settings)[2]
    source = random.Random(10 * way + list(KINDS).index(kind))
    for at in (1, source.randrange(2, requests), requests):
        folder = tmp_path / str(at)
        check_resumed(firmware, folder, whole, monkeypatch, at, failure, settings)


# -- processes that end, at any moment ------------------------------------------------------------


def in_a_child(work, at: int, ending) -> int:
    """A copy of this process runs ``work`` up to its ``at``-th request, and then ``ending``; the
    number of requests that it made, or -1 where an error ended it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with pytest.MonkeyPatch.context() as patch:
                count = ending_at(patch, at, ending)
                work()
            os.write(writing, count[0].to_bytes(4, "little"))
        finally:
            os._exit(1)
    os.close(writing)
    with open(reading, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return int.from_bytes(told, "little") if told else -1


def ending_at(patch, at: int, ending) -> list[int]:
    count, submit = [0], Channel.submit

    def counted(channel, *message):
        count[0] += 1
        if count[0] == at:
            ending(patch)
        return submit(channel, *message)

    patch.setattr(Channel, "submit", counted)
    return count


def _killed(patch):
    os.kill(os.getpid(), signal.SIGKILL)


def _terminated(patch):
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as the command line has it
    os.kill(os.getpid(), signal.SIGTERM)


def _from_now_on(patch, failure):
    """The device is asked again before it is given up, so it fails again and again."""
    def fail(*others):
        raise failure()

    patch.setattr(Channel, "submit", fail)
    fail()


def _unplugged(patch):
    _from_now_on(patch, device_gone)


def _reset(patch):
    _from_now_on(patch, device_reset)


def _full(patch):
    """The disk takes nothing more, and the cable goes."""
    import edgetune.files as files

    def full(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    patch.setattr(files, "_write_new", full)
    _from_now_on(patch, device_gone)


ENDINGS = (_killed, _terminated, _unplugged, _reset, _full)


def check_moment(firmware, whole, folder, kind: str, ending, at: int) -> None:
    """Resumed to the end of an undisturbed run; its last files, which no run writes over, apart."""
    settings = KINDS[kind] | {"save_every": 20}
    expected, log, _ = whole(**settings)

    def work():
        with RunFolder(folder) as out:
            learn(firmware, out, **settings)

    assert in_a_child(work, at, ending) == -1
    assert status_of(folder) in ("failed", "running") and not is_live(folder)
    with RunFolder(folder, resumed=True) as out:
        result = learn(firmware, out, **settings)
    assert outcome(result) == expected and (folder / "metrics.jsonl").read_text() == log
    files = {path.name for path in folder.iterdir()}
    assert files == {
        "run.json", "metrics.jsonl", "state.bin", "tuned.tflite", "predictions.npz", "report.html",
    }


def moments(count: int, seed: int):
    source = random.Random(seed)
    for number in range(count):
        yield list(KINDS)[number % len(KINDS)], ENDINGS[number % len(ENDINGS)], source.random()


@pytest.mark.parametrize("count", [
    pytest.param(5, marks=pytest.mark.thorough), pytest.param(300, marks=pytest.mark.slow),
])
def test_a_process_that_ends_at_any_moment(firmware, whole, tmp_path, count):
    """By SIGKILL, SIGTERM, a cable, resets, a full disk."""
    for number, (kind, ending, share) in enumerate(moments(count, seed=count)):
        at = 1 + int(share * whole(**(KINDS[kind] | {"save_every": 20}))[2])
        check_moment(firmware, whole, tmp_path / str(number), kind, ending, at)


@pytest.mark.thorough
def test_a_run_breaks_off_again_and_again(firmware, whole, tmp_path, monkeypatch):
    expected, log, _ = whole()
    broken_off(firmware, tmp_path, monkeypatch, 60, device_gone())
    for at in (3, 40, 90, 5):
        with monkeypatch.context() as patch:
            breaking(patch, at, KeyboardInterrupt())
            with pytest.raises(KeyboardInterrupt), RunFolder(tmp_path, resumed=True) as out:
                learn(firmware, out)
    with RunFolder(tmp_path, resumed=True) as out:
        assert outcome(learn(firmware, out)) == expected
    assert (tmp_path / "metrics.jsonl").read_text() == log


@pytest.mark.parametrize("verify", [True, False])
def test_the_cable_pulled_in_the_closing_evaluation_costs_no_step(
    firmware, whole, tmp_path, monkeypatch, verify
):
    """What was learnt is named, and is there as a model."""
    settings = {"guard": NONE, "verify": verify}
    requests = whole(**settings)[2]
    error = broken_off(firmware, tmp_path, monkeypatch, requests - 10, device_gone(), **settings)
    assert f"edgetune tune --resume {tmp_path}" in error.next_step and error.exit_code == 4
    assert f"the weights of step {STEPS:,} are in {tmp_path / 'last.tflite'}" in error.next_step
    told = json.loads((tmp_path / "run.json").read_text())
    assert told["error"]["message"] == error.message and told["settings"]["passes"] == 1
    last = (tmp_path / "last.tflite").read_bytes()
    with RunFolder(tmp_path, resumed=True) as out, monkeypatch.context() as patch:
        count = breaking(patch, None, None)
        learn(firmware, out, **settings)
    assert (tmp_path / "tuned.tflite").read_bytes() == last
    assert count[0] < requests - STEPS  # nothing was learnt again


def test_ctrl_c_says_how_to_go_on(firmware, tmp_path, monkeypatch):
    notes = Notes()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        breaking(patch, 70, KeyboardInterrupt())
        with RunFolder(tmp_path) as out:
            learn(firmware, out, reporter=notes)
    said = notes.said[-1]
    assert f"edgetune tune --resume {tmp_path}" in said and "last.tflite" in said
    assert read_tflite(tmp_path / "last.tflite").content != firmware.plan.program.graph.content
    assert json.loads((tmp_path / "run.json").read_text())["error"]["exit_code"] == 130


def test_a_device_that_starts_afresh_is_restored_by_the_run_itself(
    firmware, whole, tmp_path, monkeypatch
):
    expected, log, requests = whole()
    for at in (5, requests // 2, requests - 3):
        with monkeypatch.context() as patch, RunFolder(tmp_path / str(at)) as out:
            breaking(patch, at, device_reset())
            assert outcome(learn(firmware, out)) == expected
        assert (tmp_path / str(at) / "metrics.jsonl").read_text() == log


@pytest.mark.parametrize("back", [True, False])
def test_a_board_that_is_unplugged_is_waited_for(firmware, whole, tmp_path, monkeypatch, back):
    """Behind a port that goes and comes is the host's device."""
    port, waits, count, submit = tmp_path / "port", [], [0], Channel.submit
    port.touch()

    def plugged(built, device, reporter):
        if not port.exists():
            raise DeviceNotFoundError("a", "b", "c")
        return connect(built, "host", reporter)

    def unplugged(channel, *message):
        count[0] += 1
        if count[0] == 70:
            port.unlink()
            raise device_gone()
        return submit(channel, *message)

    def wait(seconds):
        waits.append(seconds)
        if back and len(waits) == 3:
            port.touch()

    monkeypatch.setattr(Channel, "submit", unplugged)
    monkeypatch.setattr(running, "connect", plugged)
    monkeypatch.setattr(running, "sleep", wait)
    monkeypatch.setattr(running, "RETURN_SECONDS", 60.0 if back else 0.0)
    notes, settings = Notes(), TuneSettings(passes=1, endless=True)
    with RunFolder(tmp_path / "run") as out:
        if back:
            result = tune(firmware, str(port), samples(), settings, out, notes)
            assert outcome(result) == whole()[0] and len(waits) == 3
        else:
            with pytest.raises(LinkError, match="gone away"):
                tune(firmware, str(port), samples(), settings, out, notes)
    assert any("waiting for it, to carry on the run" in text for text in notes.said)


def test_a_board_that_is_not_there_is_not_waited_for(firmware, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "sleep", lambda seconds: pytest.fail("it was waited for"))
    with pytest.raises(DeviceNotFoundError), RunFolder(tmp_path / "run") as out:
        tune(firmware, str(tmp_path / "port"), samples(), TuneSettings(passes=1), out)


def test_a_device_that_starts_afresh_for_ever_is_given_up(firmware, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(LinkError, match="was reset"):
        def reset(*others):
            raise device_reset()

        patch.setattr(Channel, "submit", reset)
        with RunFolder(tmp_path) as out:
            learn(firmware, out)


@pytest.mark.parametrize("change", [
    {"seed": 1}, {"samples": 50}, {"guard": NONE}, {"endless": False},
])
def test_another_run_is_not_carried_on(firmware, tmp_path, monkeypatch, change):
    broken_off(firmware, tmp_path, monkeypatch, 60, device_gone())
    with pytest.raises(DataError, match="another one"), RunFolder(tmp_path, resumed=True) as out:
        learn(firmware, out, **change)
    with RunFolder(tmp_path, resumed=True) as out:
        assert learn(firmware, out).verified


def test_a_damaged_checkpoint_is_named(firmware, tmp_path, monkeypatch):
    broken_off(firmware, tmp_path, monkeypatch, 60, device_gone())
    content = (tmp_path / "checkpoint.npz").read_bytes()
    source = random.Random(4)
    for _ in range(40):
        spoilt = bytearray(content[: source.choice([len(content), source.randrange(len(content))])])
        for _ in range(3):
            spoilt[source.randrange(len(spoilt))] ^= 1 << source.randrange(8)
        (tmp_path / "checkpoint.npz").write_bytes(spoilt)
        with pytest.raises((DataError, UsageError)), RunFolder(tmp_path, resumed=True) as out:
            learn(firmware, out)


# -- full disks ----------------------------------------------------------------------------------


def test_lost_lines_of_the_log_cost_no_weights(firmware, whole, tmp_path):
    """The log is on a full device from the first line on."""
    with RunFolder(tmp_path) as out:
        out._metrics.close()
        out._metrics = open("/dev/full", "a+", buffering=1)
        assert outcome(learn(firmware, out)) == whole()[0]
    told = json.loads((tmp_path / "run.json").read_text())
    assert told["log_lost"] == os.strerror(errno.ENOSPC) and told["status"] == "done"


def test_a_disk_that_fills_meanwhile_has_room_for_what_was_learnt(
    firmware, whole, tmp_path, monkeypatch
):
    """From the first step on nothing can be written but into what was reserved."""
    import edgetune.files as files

    write, full = files._write_new, []

    def fills(path, content):
        if (tmp_path / "reserved").exists() and (tmp_path / "metrics.jsonl").stat().st_size:
            full.append(path)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        write(path, content)

    monkeypatch.setattr(files, "_write_new", fills)
    notes = Notes()
    with RunFolder(tmp_path) as out:
        assert outcome(learn(firmware, out, reporter=notes, save_every=20)) == whole(
            save_every=20
        )[0]
    assert full and any("is not saved" in text and "No space" in text for text in notes.said)
    assert (tmp_path / "tuned.tflite").is_file() and not (tmp_path / "reserved").exists()


def test_a_disk_without_room_is_named_before_the_run(firmware, tmp_path, monkeypatch):
    def full(*others):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    room = pytest.raises(UsageError, match="no room for the run's results")
    with room as caught, RunFolder(tmp_path) as out:
        learn(firmware, out)
    assert "No space left" in caught.value.cause and status_of(tmp_path) == "failed"


def test_weights_are_rescued_where_their_folder_takes_nothing_more(
    firmware, tmp_path, monkeypatch
):
    import edgetune.files as files

    write = files._write_new
    rescued = tmp_path / "elsewhere"
    rescued.mkdir()

    def gone(path, content):
        if (tmp_path / "run" / "metrics.jsonl").stat().st_size and path.parent == tmp_path / "run":
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        write(path, content)

    monkeypatch.setattr(files, "_write_new", gone)
    monkeypatch.setattr("tempfile.tempdir", str(rescued))
    breaking(monkeypatch, 80, device_gone())
    with pytest.raises(LinkError) as caught, RunFolder(tmp_path / "run") as out:
        learn(firmware, out)
    (found,) = rescued.glob("*/last.tflite")
    assert str(found) in caught.value.next_step and read_tflite(found)


# -- from the command line -----------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.parametrize("words", [
    (), ("--guard", "0.2", "--train", "last", "--seed", "3", "--no-verify"),
])
def test_the_command_line_carries_on_what_was_killed(tmp_path, monkeypatch, words):
    """By SIGKILL, without another option; a run that is done is not carried on."""
    monkeypatch.chdir(tmp_path)
    tuned = ("tune", MODEL, *ON_HOST, "--data", DATA, "--samples", 150, "--passes", 2, *words)
    expected = succeed(*tuned, "--out", "whole")
    command = [sys.executable, "-c", "from edgetune.cli.main import main; main()", *map(str, tuned)]
    child = subprocess.Popen(
        [*command, "--out", "killed", "--save-every", "20"], stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    log = tmp_path / "killed" / "metrics.jsonl"
    while not (log.is_file() and log.read_text().count("\n") > 60):
        assert child.poll() is None
        time.sleep(0.01)
    child.kill()
    child.wait()
    assert status_of(tmp_path / "killed") == "running" and not is_live(tmp_path / "killed")
    resumed = succeed("tune", "--resume", "killed")
    same = ("digest", "steps", "before", "after", "guard", "verified", "rectifiers")
    assert [resumed[name] for name in same] == [expected[name] for name in same]
    left = (tmp_path / "killed" / "metrics.jsonl", tmp_path / "whole" / "metrics.jsonl")
    assert left[0].read_text() == left[1].read_text()
    assert "was done" in refused("tune", "--resume", "killed")["cause"]
    assert refused("tune", "--resume", "nowhere")["exit_code"] == 2


def test_a_folder_without_a_run_is_not_resumed(tmp_path):
    assert "no run to resume" in refused("tune", "--resume", tmp_path)["message"]
