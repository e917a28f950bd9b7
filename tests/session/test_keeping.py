"""A device keeps what it learnt in its flash: over resets, power cuts and bad ideas."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from emulators import need_emulator
from thinned import thinned
from tiny_tflite import ModelBuilder

from edgetune.boards import load_board
from edgetune.device.host import FLASH
from edgetune.errors import DoesNotFitError, LinkError, UsageError
from edgetune.learn.recipe import Recipe
from edgetune.link.messages import WORD, Request
from edgetune.link.store import NOTHING
from edgetune.model.read import read_tflite
from edgetune.plan.cost import estimate
from edgetune.plan.plan import make_plan
from edgetune.session.connection import connect
from edgetune.session.firmware import build_firmware
from edgetune.session.reporter import Reporter
from edgetune.session.simulation import new_learner

MICROBIT = Path(__file__).parents[1] / "store_flash" / "microbit"
ADAPTIVE = Recipe(rule="adaptive")
MODEL = (
    ModelBuilder((1, 6, 6, 2), 1 / 40, -7, seed=8).conv(4, 3, activation="RELU").mean()
    .dense(5).softmax().build()
)
SAMPLES = ModelBuilder((1, 6, 6, 2)).random_inputs(60, seed=3)[:, 0]
LABELS = np.random.default_rng(4).integers(0, 5, 60)
CUT = "EDGETUNE_FLASH_CUT"


def firmware_for(board, folder, native: bool):
    plan = make_plan(read_tflite(MODEL), ADAPTIVE, load_board(board), store=True)
    return build_firmware(plan, folder, "small", native=native)


@pytest.fixture(scope="module")
def on_host(tmp_path_factory):
    return firmware_for("stm32f4-discovery", tmp_path_factory.mktemp("host"), native=True)


@pytest.fixture(scope="module")
def in_qemu(tmp_path_factory):
    need_emulator()
    return firmware_for(MICROBIT, tmp_path_factory.mktemp("microbit"), native=False)


@pytest.fixture(name="device", params=thinned(["host", "qemu"], 2))
def open_device(request, tmp_path, monkeypatch):
    """A client of a device whose flash is erased; QEMU's is that of an nRF51."""
    monkeypatch.setenv(FLASH, str(tmp_path / "flash.bin"))
    firmware = request.getfixturevalue("on_host" if request.param == "host" else "in_qemu")
    with connect(firmware, request.param, Reporter()) as client:
        client.start(3, 0)
        yield client


def learn(client, count: int, first: int = 0) -> int:
    """So many steps; the digest after them."""
    loss = make_plan(read_tflite(MODEL), ADAPTIVE, load_board("mps2-an386")).program.loss
    steps = [i % len(SAMPLES) for i in range(first, first + count)]
    samples = [(SAMPLES[i].tobytes(), loss.encode(int(LABELS[i]))) for i in steps]
    return [result.digest for result in client.train_many(samples)][-1]


def restart(client) -> int:
    """The digest of what a reset leaves."""
    client.reset()
    client.hello()
    return client.digest(full=True)


def test_what_was_learnt_is_known_after_a_reset(device):
    learnt = learn(device, 100)
    device.commit(score=7)
    assert device.store_status().trial.score == 7
    later = learn(device, 20, 100)
    assert restart(device) == learnt  # as it was committed, and it learns on from there
    assert learn(device, 20, 100) == later
    device.confirm()
    assert [restart(device) for _ in range(2)] == [learnt, learnt]
    status = device.store_status()
    assert (status.confirmed.erases, status.steps, status.trial) == (1, 0, None)
    plan = make_plan(read_tflite(MODEL), ADAPTIVE, load_board(MICROBIT), store=True)
    assert device.stats().stack_used <= estimate(plan).stack_bytes


def test_a_trial_that_nobody_confirms_goes_back(device):
    first = device.digest()
    learn(device, 10)
    device.commit()
    assert restart(device) != first
    restart(device)
    plan = make_plan(read_tflite(MODEL), ADAPTIVE, load_board("mps2-an386"))
    assert device.digest() == new_learner(plan, 0, 1).digest()
    assert device.store_status().running == NOTHING


def test_a_rollback_brings_the_confirmed_state_back_at_once(device):
    confirmed = learn(device, 10)
    device.commit()
    device.confirm()
    learn(device, 100, 10)
    device.commit()
    assert device.rollback() == confirmed == device.digest(full=True) == restart(device)
    with pytest.raises(LinkError, match="error 8"):
        device.rollback()
    with pytest.raises(LinkError, match="error 8"):
        device.confirm()


def test_commits_keep_their_distance(device):
    learn(device, 10)
    device.commit()  # the first is never too soon
    learn(device, 99, 10)
    with pytest.raises(LinkError, match="error 9"):
        device.commit()
    learn(device, 1, 109)
    device.commit()
    device.commit(force=True)
    assert [slot.erases for slot in device.store_status().slots] == [2, 2]


def test_what_is_worse_is_not_confirmed(device):
    learn(device, 10)
    device.commit(score=500)
    device.confirm()
    for score in (499, 0):
        device.commit(score, force=True)
        with pytest.raises(LinkError, match="error 10"):
            device.confirm()
    device.confirm(force=True)
    assert device.store_status().confirmed.score == 0


def test_a_half_written_state_is_not_kept(device):
    state = device.read_state()
    device._ask(Request.WRITE, WORD.pack(0) + state[:40])
    for refused in (device.commit, device.confirm, device.rollback):
        with pytest.raises(LinkError, match="error 5"):
            refused()


def test_a_run_with_an_end_goes_on_to_it(device):
    """The steps after a reset anneal as if there had been none."""
    device.start(5, 40)
    learn(device, 20)
    device.commit()
    end = learn(device, 20, 20)
    restart(device)
    assert learn(device, 20, 20) == end
    device.commit(force=True)
    restart(device)
    assert learn(device, 1) != end  # over, it learns on


def test_the_power_goes_at_any_operation_of_the_flash_file(on_host, tmp_path, monkeypatch):
    """Of a commit: the confirmation's renewal, an erase, the state, its record."""
    flash, record = tmp_path / "flash.bin", 8
    monkeypatch.setenv(FLASH, str(flash))
    with connect(on_host, "host", Reporter()) as client:
        client.start(3, 0)
        old = learn(client, 10)
        client.commit()
        client.confirm()
    kept = flash.read_bytes()
    new = learn_cut(on_host, 0, monkeypatch)
    commit = record + 1 + -(-on_host.plan.state_bytes // 4) + record
    for at in (1, record, record + 1, record + 2, commit // 2, commit - 7, commit, commit + 1):
        flash.write_bytes(kept)
        learn_cut(on_host, at, monkeypatch)
        with connect(on_host, "host", Reporter()) as client:
            assert client.digest(full=True) == (new if at > commit else old), at


def learn_cut(firmware, at: int, monkeypatch) -> int:
    """Learn, commit and confirm, with a cut at an operation of the flash; the digest learnt."""
    monkeypatch.setenv(CUT, str(at))
    with connect(firmware, "host", Reporter()) as client:
        learnt = learn(client, 10, 10)
        with pytest.raises(LinkError) if at else nullcontext():
            client.commit(force=True)
            client.confirm()
    monkeypatch.delenv(CUT)
    return learnt


def test_boards_without_a_store_say_so():
    graph = read_tflite(MODEL)
    for board in ("mps2-an386", "lm3s6965evb"):
        with pytest.raises(UsageError, match="no flash to keep"):
            make_plan(graph, ADAPTIVE, load_board(board), store=True)


def test_a_state_larger_than_a_slot_does_not_fit(tmp_path):
    board = load_board("nucleo-f401re")
    small = replace(board, store=replace(board.store, length=2048, sector=1024))
    plan = make_plan(read_tflite(MODEL), ADAPTIVE, small, store=True)
    assert plan.state_bytes > small.store.capacity - 2048
    wide = ModelBuilder((1, 6, 6, 2), 1 / 40, -7, seed=8).conv(40, 3).mean().dense(5).softmax()
    with pytest.raises(DoesNotFitError, match="the store's slot"):
        build_firmware(
            make_plan(read_tflite(wide.build()), ADAPTIVE, small, store=True), tmp_path, "wide"
        )
