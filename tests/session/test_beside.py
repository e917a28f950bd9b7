"""The simulation in a process of its own: it computes what the learner computes, names the first
step that differs, and its end is an error."""

import os
import pickle
import signal

import pytest
from operator_examples import EXAMPLES
from shared_data import digits
from tiny_tflite import ModelBuilder

from edgetune.boards import load_board
from edgetune.errors import DivergenceError, ToolchainError
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.link.messages import TrainResult
from edgetune.model.read import read_tflite
from edgetune.plan.plan import make_plan
from edgetune.session import beside
from edgetune.session.beside import Beside
from edgetune.session.simulation import new_learner
from edgetune.session.simulation_child import simulated

STEPS = 5


@pytest.fixture(scope="module", name="plan")
def of_the_demo():
    return make_plan(digits().graph, Recipe(), load_board("stm32f4-discovery"))


@pytest.fixture(scope="module", name="begun")
def as_a_run_begins(plan):
    return new_learner(plan, seed=3, total_steps=STEPS)


@pytest.fixture(scope="module", name="told")
def what_a_device_says(plan, begun):
    """Of each step its sample, its target and the result."""
    learner, data = new_learner(plan), digits().data
    learner.load_state(begun.state())
    found = []
    for sample, target in zip(data.tune_x[:STEPS], data.tune_y):
        ours = simulated(learner, sample, target)
        result = TrainResult(ours.prediction, ours.draws, ours.measure, ours.digest)
        found.append((sample, target, result))
    return found, learner.state()


@pytest.fixture(autouse=True)
def no_process_is_left():
    yield
    while beside._idle:
        beside._idle.pop().end()


def follow(simulation, told) -> None:
    """As a run does: the next sample is on its way before a result is looked at."""
    for (_, _, result), ahead in zip(told, [*told[1:], None]):
        if ahead:
            simulation.begin(*ahead[:2])
        simulation.step(result)


def test_it_agrees_with_an_honest_device(plan, begun, told):
    steps, end = told
    with Beside(plan, begun.state()) as simulation:
        assert simulation.digest == begun.digest()
        for _ in range(2):  # the second time as a guard goes back
            simulation.begin(*steps[0][:2])
            follow(simulation, steps)
            assert (simulation.state, simulation.steps) == (end, STEPS)
            assert simulation.digest == steps[-1][2].digest
            assert sum(simulation.spent["layer_draws"]) == steps[-1][2].draws
            simulation.take_over(begun.state(), begun.digest())
        with pytest.raises(DivergenceError, match="at step 0"):
            simulation.take_over(begun.state(), begun.digest() ^ 1)


@pytest.mark.parametrize("wrong", ["prediction", "draws", "measure", "digest"])
def test_the_first_step_that_differs_is_named(plan, begun, told, wrong):
    """The state is then that of the last step that agreed."""
    steps = [list(step) for step in told[0]]
    for at in (2, 4):
        facts = vars(steps[at][2])
        steps[at][2] = TrainResult(**facts | {wrong: facts[wrong] ^ 1})
    with Beside(plan, begun.state()) as simulation:
        simulation.begin(*steps[0][:2])
        with pytest.raises(DivergenceError, match="at step 3") as caught:
            follow(simulation, steps)
        assert wrong in caught.value.cause and simulation.steps == 2


def test_a_process_serves_run_after_run_unless_one_broke_off(plan, begun, told):
    def pid(broken: bool) -> int:
        with Beside(plan, begun.state()) as simulation:
            simulation.begin(*told[0][0][:2])
            if not broken:
                follow(simulation, told[0][:1])
            return simulation._worker._child.pid

    first = pid(broken=False)
    assert pid(broken=False) == pid(broken=True) == first != pid(broken=False)


@pytest.mark.parametrize("at_work", [True, False])
def test_the_end_of_its_process_is_an_error(plan, begun, told, at_work):
    with Beside(plan, begun.state()) as simulation:
        assert simulation.digest == begun.digest()
        if at_work:
            simulation.begin(*told[0][0][:2])
        os.killpg(simulation._worker._child.pid, signal.SIGKILL)
        simulation._worker._child.wait()
        with pytest.raises(ToolchainError, match="broke off") as caught:
            simulation.begin(*told[0][1][:2])
            follow(simulation, told[0])
        assert "SIGKILL" in caught.value.cause and "--no-verify" in caught.value.next_step
    assert not beside._idle


def test_programs_of_all_operators_can_be_handed_over():
    for kind, add in EXAMPLES.items():
        graph = read_tflite(add(ModelBuilder((1, 6, 6, 2), 1 / 40, -9, seed=3).conv(4, 3)).build())
        again = pickle.loads(pickle.dumps(program := lower(graph)))
        kinds = [[layer.kind for layer in one.layers] for one in (program, again)]
        assert kinds[0] == kinds[1], kind
