"""The simulation that runs beside a device and must agree with it, bit for bit."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

import numpy as np

from edgetune.errors import DivergenceError
from edgetune.learn.learner import Learner
from edgetune.link.messages import TrainResult
from edgetune.plan.plan import Plan

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # of glibc's malloc.h


@cache
def keep_memory() -> None:
    """Has malloc keep what numpy gives back: a step then takes half the time, because the system
    need not clear the same pages again.  Where that is not possible it takes all of it."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_MMAP_THRESHOLD, 32 << 20)
        libc.mallopt(_TRIM_THRESHOLD, 1 << 30)


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
        ours = self.learner.train(sample, target)
        pairs = {
            "prediction": (result.prediction, ours.prediction),
            "measure": (result.measure, ours.measure),
            "draws": (result.draws, min(ours.draws, 65535)),
            "digest": (result.digest, self.learner.digest()),
        }
        wrong = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
        if wrong:
            raise diverged(self.learner.step, wrong)

    @property
    def spent(self) -> dict[str, list[int]]:
        """Of the last step, a number a trained layer: the draws, and the weights and biases that
        they left at their bound."""
        spent = self.learner.spent
        return {"layer_draws": [n for n, _ in spent], "layer_held": [n for _, n in spent]}

    def take_over(self, state: bytes, digest: int) -> None:
        """A state that was written to the device, which then had this ``digest``.

        Raises:
            DivergenceError: the device holds another.
        """
        self.learner.load_state(state)
        if digest != self.learner.digest():
            raise diverged(
                self.learner.step, {"digest of a state written": (digest, self.learner.digest())}
            )

    def differences(self, state: bytes) -> list[str]:
        """The trained layers whose parameters in a device's ``state`` are not the simulation's."""
        theirs = Learner(self.learner.program, self.learner.recipe)
        theirs.load_state(state)
        return [
            f"{ours.name} ({int(np.sum(ours.weights != other.weights))} weights, "
            f"{int(np.sum(ours.bias != other.bias))} biases)"
            for ours, other in zip(self.learner.trained, theirs.trained)
            if (ours.weights != other.weights).any() or (ours.bias != other.bias).any()
        ]


def diverged(step: int, wrong: dict) -> DivergenceError:
    """``wrong``: name -> (device's value, simulation's)."""
    facts = "; ".join(f"{name}: device {a:#x}, simulation {b:#x}" for name, (a, b) in wrong.items())
    return DivergenceError(
        f"The device differs from the simulation at step {step}.",
        facts,
        "Run edgetune verify to see the first layer that differs; report the model and recipe.",
    )
