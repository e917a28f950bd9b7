"""The backward pass, lowered once: the steps that learner, schedule and generator all take.

An error is ``mantissa * 2**exponent * unit`` (``docs/numerics.md`` section 4).  The unit of each
activation is a product of scales along the way down from the loss, known beforehand, so that
only exponents move while a device learns.  Where an activation has several readers their errors
are added in its first one's unit.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.operators import WeightedLayer
from edgetune.learn.program import Layer, Program

RATIO_UNIT = 2.0**-15  # of errors after their channel's ratio


@dataclass(frozen=True)
class Scale:
    """Multiply each channel's error of ``layer``'s output by its weight scale."""

    layer: WeightedLayer
    error: int


@dataclass(frozen=True)
class Join:
    """Add an error in another unit: times ``multiplier / 2**15 * 2**shift``, multiplier in
    [2**14, 2**15]."""

    multiplier: int
    shift: int


@dataclass(frozen=True)
class InputError:
    """From the error ``source`` of ``layer``'s output to the error ``target`` of its input
    ``operand``: written, or with ``join`` added to what another reader has written."""

    layer: Layer
    operand: int
    source: int
    target: int
    join: Join | None = None


@dataclass(frozen=True)
class Measure:
    """The gradient of ``layer``, for a rule that looks at all of them before any update."""

    layer: WeightedLayer
    error: int


@dataclass(frozen=True)
class Update:
    """The gradient of ``layer`` from the error of its output, and its step."""

    layer: WeightedLayer
    error: int


Step = Scale | InputError | Measure | Update


@dataclass(frozen=True)
class Backward:
    """``steps`` in order; errors are named by the activation whose memory they belong to.

    ``units``: activation -> unit of its error, before a `Scale` step.
    ``gradient_units``: one a trained layer, in the program's order: the loss's derivative by a
    weight's integer is gradient * 2**exponent * unit, so masses compare between layers.  Hundreds
    of operators below the loss a unit may be less than the least float: 0.
    """

    steps: tuple[Step, ...]
    units: dict[int, float]
    gradient_units: tuple[float, ...]


class Unit(NamedTuple):
    """``fraction`` * 2**``exponent``, of any size; rounded as a float is."""

    fraction: float
    exponent: int = 0

    def times(self, factor: float) -> Unit:
        fraction, shift = math.frexp(self.fraction * factor)
        return Unit(fraction, self.exponent + shift)

    def __float__(self) -> float:
        with np.errstate(over="ignore", under="ignore"):
            return float(np.ldexp(self.fraction, self.exponent))


def lower_backward(
    program: Program, trained: list[WeightedLayer], whole: bool = False
) -> Backward:
    """The steps from the logits' error down to every layer of ``trained``.

    Args:
        whole: all gradients are measured before the first update.
    """
    backward = _Backward(program, trained).run()
    return replace(backward, steps=_measured_first(backward.steps)) if whole else backward


def _measured_first(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    updates = [step for step in steps if isinstance(step, Update)]
    measured = (
        Measure(step.layer, step.error) if isinstance(step, Update) else step for step in steps
    )
    return (*measured, *updates)


class _Backward:
    def __init__(self, program: Program, trained: list[WeightedLayer]):
        self.program, self.trained = program, trained
        self.steps: list[Step] = []
        logits = program.logits
        unit = program.loss.unit(program.activations[logits].scale)
        self.units = {program.storage(logits): Unit(unit)}
        self.gradient_units: dict[WeightedLayer, Unit] = {}
        self.wanted = self._wanted()

    def run(self) -> Backward:
        for layer in reversed(self.program.layers):
            error = self.program.storage(layer.output)
            if error in self.wanted and error in self.units:
                self._layer(layer, error)
        units = tuple(float(self.gradient_units[layer]) for layer in self.trained)
        below = {activation: float(unit) for activation, unit in self.units.items()}
        return Backward(tuple(self.steps), below, units)

    def _wanted(self) -> set[int]:
        """The activations whose error some trained layer needs: its output, and whatever is
        computed from that."""
        wanted: set[int] = set()
        storage = self.program.storage
        for layer in self.program.layers:
            if layer in self.trained or wanted & {storage(i) for i in layer.inputs}:
                wanted.add(storage(layer.output))
        return wanted

    def _layer(self, layer: Layer, error: int) -> None:
        unit = self.units[error]
        if isinstance(layer, WeightedLayer) and layer.ratio is not None:
            self.steps.append(Scale(layer, error))
            unit = unit.times(RATIO_UNIT)
        for operand, index in enumerate(layer.inputs):
            if (target := self.program.storage(index)) in self.wanted:
                self._pass_on(layer, operand, error, target, unit)
        if layer in self.trained:
            self.gradient_units[layer] = unit.times(self._factor(layer, 0))
            self.steps.append(Update(layer, error))

    def _pass_on(self, layer: Layer, operand: int, source: int, target: int, unit: Unit) -> None:
        unit = unit.times(self._factor(layer, operand))
        join = None
        if target in self.units:
            other = self.units[target]
            join = join_of(unit.fraction / other.fraction, unit.exponent - other.exponent)
        else:
            self.units[target] = unit
        self.steps.append(InputError(layer, operand, source, target, join))

    def _factor(self, layer: Layer, operand: int) -> float:
        activations = self.program.activations
        xs = [activations[index] for index in layer.inputs]
        return layer.input_unit(operand, xs, activations[layer.output])


def join_of(ratio: float, exponent: int = 0) -> Join:
    """``ratio`` * 2**``exponent`` > 0 as a multiplier of 15 bits and a shift."""
    fraction, shift = math.frexp(ratio)
    return Join(math.floor(fraction * 2**15 + 0.5), shift + exponent)
