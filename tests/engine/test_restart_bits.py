"""Every rule, with and without an end, through a guard's way back and a restart: after each step
the device's digest, recomputed from its memory, is the simulation's.

The way back and the kept state are those of `tune`.  On the host a few steps; thorough: on the
emulated cores; slow: many steps on all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from emulators import CORES, need_emulator
from thinned import quick
from tiny_tflite import ModelBuilder

from edgetune.boards import load_board
from edgetune.errors import DivergenceError
from edgetune.guard import SampleLosses, Samples
from edgetune.learn.kept import going_on, keep, state_id, state_of
from edgetune.learn.recipe import Recipe
from edgetune.learn.rules import RULES
from edgetune.learn.state import state_type
from edgetune.link.client import Client
from edgetune.model.read import read_tflite
from edgetune.plan.plan import make_plan
from edgetune.session.connection import connect
from edgetune.session.firmware import Firmware, build_firmware
from edgetune.session.guarding import DeviceDesk
from edgetune.session.reporter import Reporter
from edgetune.session.simulation import Simulation

WHOLE_CORES = "M0+", "M4"  # of every rule; the others of those that serve as a default
MAIN_RULES = "fixed", "adaptive"
CELLS = [
    (rule, core) for rule in RULES for core in ("M0+", "M4", "M7", "M33", "M55")
    if core in WHOLE_CORES or rule in MAIN_RULES
]
STEPS = 4  # between two events


def network():
    """Per-channel scales, a rectified convolution, a pool and two dense layers."""
    builder = ModelBuilder((1, 8, 8, 1), 1 / 40, -7, seed=6)
    builder.conv(4, 3, 2, activation="RELU").max_pool(2).dense(8, "RELU").dense(4).softmax()
    return read_tflite(builder.build())


X = ModelBuilder((1, 8, 8, 1)).random_inputs(64, seed=3)[:, 0]
Y = np.random.default_rng(4).integers(0, 4, len(X))


@dataclass
class Pair:
    """A device and the simulation beside it."""

    client: Client
    simulation: Simulation
    done: int = 0

    def learn(self, steps: int) -> None:
        for _ in range(steps):
            x, y = X[self.done % len(X)], int(Y[self.done % len(X)])
            target = self.simulation.learner.program.loss.encode(y)
            result = self.client.train(x.tobytes(), target)
            self.simulation.step(x, y, result)
            assert self.client.digest(full=True) == result.digest
            self.done += 1

    def desk(self) -> DeviceDesk:
        losses = SampleLosses(self.simulation.learner.program)
        return DeviceDesk(self.client, self.simulation, losses)

    def state(self) -> bytes:
        """The device's, which is the simulation's."""
        state = self.client.read_state()
        assert state == self.simulation.learner.state()
        return state


@contextmanager
def fresh(firmware: Firmware, device: str, total_steps: int) -> Iterator[Pair]:
    """A device that has just started."""
    with connect(firmware, device, Reporter()) as client:
        client.start(7, total_steps)
        yield Pair(client, Simulation(firmware.plan, 7, total_steps))


def build(folder, rule: str, board: str, native: bool) -> Firmware:
    plan = make_plan(network(), Recipe(rule=rule), load_board(board))
    return build_firmware(plan, folder, "small", native=native)


def go_back(pair: Pair, steps: int) -> None:
    """As a guard does after a fall, with a look at other weights on the way."""
    start = pair.desk().state()
    pair.learn(steps)
    held = pair.desk().state()
    pair.learn(steps)
    desk, present = pair.desk(), pair.state()
    desk.restore(start)
    desk.losses(Samples(X, Y, np.arange(3)))
    desk.restore(present)
    assert pair.state() == present
    desk.restore(held)
    assert pair.state()[16:] == held[16:] != present[16:]  # behind the step counter
    assert pair.state()[:16] == present[:16]


def whole_life(firmware: Firmware, device: str, total_steps: int, steps: int = STEPS) -> None:
    """Learning, a way back, learning, a restart of the device, learning."""
    plan = firmware.plan
    identity = state_id(plan.program, plan.recipe)
    with fresh(firmware, device, total_steps) as pair:
        pair.learn(steps)
        go_back(pair, steps)
        pair.learn(steps)
        kept, done = keep(identity, pair.state()), pair.done
    with fresh(firmware, device, 99) as pair:
        state = going_on(state_of(kept, identity, plan.state_bytes), total_steps)
        pair.simulation.take_over(state, pair.client.write_state(state))
        pair.done = done
        assert pair.state() == state
        pair.learn(steps)
        expected = steps if total_steps else done + steps
        assert (pair.simulation.learner.step, pair.simulation.learner.total_steps) == (
            expected, total_steps
        )
        pair.state()


@pytest.fixture(scope="module", name="native")
def of_this_computer(tmp_path_factory):
    """The firmware of a rule, built once."""
    return cache(
        lambda rule: build(tmp_path_factory.mktemp(rule), rule, "stm32f4-discovery", native=True)
    )


@pytest.mark.parametrize("rule", quick(RULES, ["adaptive"]))
def test_every_rule_on_the_host(rule, native):
    for total_steps in (0, 5 * STEPS):
        whole_life(native(rule), "host", total_steps)


@pytest.mark.parametrize("age", [300, 700, 1500, 2300])
def test_patience_without_an_end_on_the_host(age, native):
    """So much is left of the goal, which the state has in its gain, where all is to be learnt."""
    firmware = native("adaptive")
    with fresh(firmware, "host", 0) as pair:
        pair.learn(2)
        state = bytearray(pair.state())
        recipe = firmware.plan.recipe
        block = state_type(firmware.plan.trained, type(firmware.plan.rule), recipe.learns_weights)
        network = np.frombuffer(state, block)["network"]
        network["age"], network["most_since"] = age << 16, 1 << 24
        pair.simulation.take_over(bytes(state), pair.client.write_state(bytes(state)))
        pair.learn(STEPS)
        assert np.frombuffer(pair.state(), block)["network"]["gain"]["mantissa"] > 0


@pytest.mark.thorough
@pytest.mark.parametrize("rule, core", CELLS)
def test_every_rule_on_cores(rule, core, tmp_path):
    need_emulator()
    firmware = build(tmp_path, rule, CORES[core], native=False)
    for total_steps in (0, 5 * STEPS):
        whole_life(firmware, "qemu", total_steps)


@pytest.mark.slow
@pytest.mark.parametrize("core", ["host", "M0+", "M4", "M7", "M33", "M55"])
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_for_long(rule, core, tmp_path):
    """Past the counts of every mean."""
    if core != "host":
        need_emulator()
    board = CORES.get(core, "stm32f4-discovery")
    firmware = build(tmp_path, rule, board, native=core == "host")
    for total_steps in (0, 1500):
        whole_life(firmware, "host" if core == "host" else "qemu", total_steps, 300)


@pytest.mark.parametrize(
    "rule", quick([name for name in RULES if RULES[name].layer_words], MAIN_RULES)
)
def test_a_way_back_that_forgets_the_rules_words_is_seen(rule, native, monkeypatch):
    """The device keeps those that it has."""
    firmware = native(rule)
    plan = firmware.plan
    write, first = Client.write_state, plan.state_bytes - plan.parameters_type.itemsize

    def forgetful(client, state):
        return write(client, state[:16] + client.read_state()[16:first] + state[first:])

    with fresh(firmware, "host", 0) as pair:
        pair.learn(STEPS)
        monkeypatch.setattr(Client, "write_state", forgetful)
        with pytest.raises(DivergenceError):
            go_back(pair, STEPS)
