"""The simulation that runs beside a device and must agree with it, bit for bit."""

from __future__ import annotations

import numpy as np

from edgetune.errors import DivergenceError
from edgetune.learn.learner import Learner
from edgetune.learn.memory import keep_memory
from edgetune.link.messages import TrainResult
from edgetune.plan.plan import Plan
from edgetune.session.simulation_child import Simulated, simulated


def new_learner(plan: Plan, seed: int = 0, total_steps: int = 0) -> Learner:
    """The numpy engine in the state that the firmware of ``plan`` starts in."""
    return Learner(plan.program, plan.recipe, seed, total_steps)


class Simulation:
    """Repeats every step in numpy and compares result and digest."""

    def __init__(self, plan: Plan, seed: int, total_steps: int):
        keep_memory()
        self.learner = new_learner(plan, seed, total_steps)

    def step(self, sample: np.ndarray, target, result: TrainResult):
        """Repeat one step.

        Raises:
            DivergenceError: the device's prediction, draws, probability or digest is another.
        """
        compare_step(self.learner.step + 1, result, simulated(self.learner, sample, target))

    def take_over(self, state: bytes, digest: int) -> None:
        """A state that was written to the device, which then had this ``digest``.

        Raises:
            DivergenceError: the device holds another.
        """
        self.learner.load_state(state)
        compare_written(self.learner.step, digest, self.learner.digest())

    def differences(self, state: bytes) -> list[str]:
        """The trained layers whose parameters in a device's ``state`` are not the simulation's."""
        theirs = Learner(self.learner.program, self.learner.recipe)
        theirs.load_state(state)
        return differences(self.learner, theirs)


def differences(ours: Learner, theirs: Learner) -> list[str]:
    """The trained layers whose parameters differ, by name, with how many of them do."""
    return [
        f"{mine.name} ({int(np.sum(mine.weights != other.weights))} weights, "
        f"{int(np.sum(mine.bias != other.bias))} biases)"
        for mine, other in zip(ours.trained, theirs.trained)
        if (mine.weights != other.weights).any() or (mine.bias != other.bias).any()
    ]


def compare_step(step: int, result: TrainResult, ours: Simulated) -> None:
    """Raises DivergenceError where the device's ``result`` of a ``step`` is not ``ours``."""
    names = ("prediction", "measure", "draws", "digest")
    pairs = {name: (getattr(result, name), getattr(ours, name)) for name in names}
    wrong = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    if wrong:
        raise diverged(step, wrong)


def compare_written(step: int, digest: int, ours: int) -> None:
    """Raises DivergenceError where a device has another ``digest`` than a state written to it."""
    if digest != ours:
        raise diverged(step, {"digest of a state written": (digest, ours)})


def diverged(step: int, wrong: dict) -> DivergenceError:
    """``wrong``: name -> (device's value, simulation's)."""
    facts = "; ".join(f"{name}: device {a:#x}, simulation {b:#x}" for name, (a, b) in wrong.items())
    return DivergenceError(
        f"The device differs from the simulation at step {step}.",
        facts,
        "Run edgetune verify to see the first layer that differs; report the model and recipe.",
    )
