"""Losses of single samples, from what a device answers: of a step before its update, and of a
forward pass.  Both are in one unit, so that they can be compared sample by sample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.losses import CLASS, INPUT, LABELS
from edgetune.learn.losses.loss import ONE_Q15
from edgetune.learn.losses.squared_error import STEP_Q8
from edgetune.learn.program import Program

if TYPE_CHECKING:
    from edgetune.link.messages import TrainResult


@dataclass(frozen=True)
class Samples:
    """Samples ``rows`` of ``x`` with targets ``y``, as `Dataset` holds them; iterated as pairs,
    and cut by slices."""

    x: Any
    y: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[tuple[np.ndarray, Any]]:
        return ((self.x[row], self.y[row]) for row in self.rows)

    def __getitem__(self, part: slice) -> Samples:
        return replace(self, rows=self.rows[part])

    @property
    def targets(self) -> np.ndarray:
        return self.y[self.rows]


class SampleLosses:
    """Losses of single samples of ``program``: of classes 0 where the prediction is right, else
    1; of labels 1 less the mean probability of the right answers; else the mean absolute error of
    the outputs, in output steps.  ``kind`` of targets; ``shares``: losses lie between 0 and 1."""

    def __init__(self, program: Program):
        self._program, self.loss = program, program.loss
        self.kind = program.loss.target
        self.shares = self.kind in (CLASS, LABELS)

    def of_step(self, result: TrainResult, target: Any) -> float:
        """Of a training step, before its update."""
        if self.kind == CLASS:
            return float(result.prediction != target)
        return self.of_measure(result.measure)

    def of_output(self, output: np.ndarray, sample: np.ndarray, target: Any) -> float:
        """Of a forward pass: the int8 ``output``, flat, for an int8 ``sample``."""
        if self.kind == CLASS:
            return float(output.argmax() != target)
        if self._program.logits != self._program.output:  # probabilities behind the logits
            end = self._program.activations[self._program.output]
            found = end.scale * (output.astype(float) - end.zero_point)
            return float(np.abs(found - np.asarray(target).reshape(-1)).mean())
        logits, x = output.astype(np.int64), np.asarray(sample, np.int64)
        return self.of_measure(self.loss.error(logits, target, x)[1])

    def of_constant(self, samples: Samples) -> np.ndarray:
        """(n,), of the best answer that is the same for all ``samples``: what can be reached
        without a look at them.  Of labels their shares, which no calibrated answer beats."""
        if self.kind == CLASS:
            targets = samples.targets
            return (targets != np.bincount(targets).argmax()).astype(float)
        if self.kind == LABELS:
            wanted = samples.targets.reshape(len(samples), -1).astype(float)
            return np.abs(wanted - wanted.mean(axis=0)).mean(axis=1)
        wanted = np.array([self._wanted(x, y) for x, y in samples], float) / STEP_Q8
        return np.abs(wanted - np.median(wanted, axis=0)).mean(axis=1)

    def weights(self, samples: Samples) -> np.ndarray | float:
        """Of samples, so that all of their classes weigh the same: (n,), or 1 without classes."""
        if self.kind != CLASS:
            return 1.0
        targets = samples.targets
        return 1.0 / np.bincount(targets)[targets]

    def one_sided(self, samples: Samples) -> bool:
        """Whether ``samples`` are all of one class."""
        return self.kind == CLASS and len(np.unique(samples.targets)) < 2

    def words(self, losses: np.ndarray) -> str:
        """What ``losses`` (n,) come to: "95.2 % right", "a mean error of 3.41 output steps"."""
        mean = float(np.mean(losses))
        if self.kind == CLASS:
            return f"{100 * (1 - mean):.1f} % right"
        if self.kind == LABELS:
            return f"a mean probability of {1 - mean:.3f} for what is right"
        return f"a mean error of {mean:.3g} output steps"

    def of_measure(self, measure: int) -> float:
        """Of a step whose reply has this measure; not of classes."""
        return 1 - measure / ONE_Q15 if self.kind == LABELS else measure / STEP_Q8

    def _wanted(self, sample: np.ndarray, target: Any) -> np.ndarray:
        x = np.asarray(sample, np.int64)
        return self.loss.wanted(None if self.kind == INPUT else target, x)
