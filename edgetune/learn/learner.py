"""The Learner: forward, one training step, digest and state.  The oracle of the C engine.

The order of everything is normative: ``docs/numerics.md``.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.block import add_blocks, normalise
from edgetune.learn.digest import parameter_digest
from edgetune.learn.draws import DRAWS, apply_steps
from edgetune.learn.generator import MASK32, Generator, mix32
from edgetune.learn.lower.backward import InputError, Measure, Scale, Update, lower_backward
from edgetune.learn.operators import WeightedLayer, about
from edgetune.learn.program import Layer, Program
from edgetune.learn.recipe import Recipe
from edgetune.learn.rules import RULES, Gradient, Outcome
from edgetune.learn.rules.rule import Draw
from edgetune.learn.state import parameters_of, state_type
from edgetune.learn.words import load, store


@dataclass(frozen=True)
class StepResult:
    """``prediction`` before the update, ``draws`` applied, and the loss's ``measure`` of the
    sample (of softmax cross-entropy p(label) in Q15)."""

    prediction: int
    draws: int
    measure: int


class Learner:
    """Runs and trains a Program in numpy, on its own copy of the weights.

    ``spent``: of each trained layer the draws of the last step, and how many of its weights and
    biases they left at their bound.

    Args:
        program: from ``lower``; not changed.
        recipe: what to train.
        seed: of the generator, 0 .. 2**32 - 1.
        total_steps: steps over which the trials anneal to none; 0 for no annealing.
    """

    def __init__(self, program: Program, recipe: Recipe, seed: int = 0, total_steps: int = 0):
        self.program = copy.copy(program)
        self.program.layers = [_own(layer) for layer in program.layers]
        self.recipe = recipe
        self.draw: Draw = DRAWS[recipe.draw]
        self.trained = recipe.trained(self.program)
        self.backward = lower_backward(self.program, self.trained, RULES[recipe.rule].whole)
        self.rule = recipe.rule_for(self.program, self.backward)
        if recipe.reset:
            for array in self.parameters():
                array[...] = 0
        self.spent: list[tuple[int, int]] = []
        self.start(seed, total_steps)

    def start(self, seed: int, total_steps: int) -> None:
        """A fresh generator, rule state and step counter; the weights stay."""
        self.generator = Generator(seed & MASK32)
        self.step = 0
        self.total_steps = total_steps
        self.rule.start()

    def under_way(self, x: np.ndarray, target: Any) -> None:
        """From here on steps cost what they do in the midst of a run: the rule has its words
        and has seen the sample ``x`` with its ``target``."""
        self.step = 64
        self.rule.under_way()
        self.train(x, target)

    # -- forward ---------------------------------------------------------------------------

    def forward(self, x: np.ndarray) -> np.ndarray:
        """The model's int8 output, flat, for one int8 sample of the model's shape."""
        self._forward(x)
        return self._value(self.program.output).reshape(-1).astype(np.int8)

    def _forward(self, x: np.ndarray) -> None:
        activations = self.program.activations
        self.values: list[np.ndarray | None] = [None] * len(activations)
        for index, activation in enumerate(activations):
            if activation.constant is not None:
                self.values[index] = activation.constant.astype(np.int64)
        self._put_inputs(np.asarray(x, np.int64).reshape(-1))
        for layer in self.program.layers:
            shape = activations[layer.output].shape
            self.values[layer.output] = layer.forward(self._inputs(layer), shape)
        self._value(self.program.output)
        self._value(self.program.logits)

    def _put_inputs(self, x: np.ndarray) -> None:
        """The inputs from the values of all, flat."""
        shapes = [self.program.activations[index].shape for index in self.program.inputs]
        parts = np.split(x, np.cumsum([math.prod(shape) for shape in shapes]))
        for index, shape, part in zip(self.program.inputs, shapes, parts):
            self.values[index] = part.reshape(shape)

    def _inputs(self, layer: Layer) -> list[np.ndarray]:
        return [self._value(index) for index in layer.inputs]

    def _value(self, index: int) -> np.ndarray:
        """The activation, a view of its storage where it is a view."""
        activation = self.program.activations[index]
        value = self.values[index]
        if value is None:
            value = self._value(activation.storage).reshape(activation.shape)
            self.values[index] = value
        return value

    # -- training --------------------------------------------------------------------------

    def train(self, x: np.ndarray, target: Any) -> StepResult:
        """One step on one sample: forward, loss, then the steps of the backward pass.

        Args:
            x: int8, of the shape of the model's input; of several the values of all in a row.
            target: what the program's loss takes; None where that is the input itself.
        """
        self._forward(x)
        program = self.program
        prediction = int(self._value(program.output).argmax())
        logits = self._value(program.logits).reshape(-1)
        acc, measure = program.loss.error(logits, target, self._value(program.input))
        error = normalise(self._masked(program.logits, acc))
        self.errors = {program.storage(program.logits): error}
        if self.trained:
            outputs = self._outputs() if self.rule.watches_outputs else ()
            self.rule.observe(
                Outcome(self.step, self.total_steps, logits, target, measure, outputs)
            )
        self.draws, self.spent = 0, [(0, 0)] * len(self.trained)
        for step in self.backward.steps:
            _TAKE[type(step)](self, step)
        self.step += 1
        return StepResult(prediction, self.draws, measure)

    def _outputs(self) -> tuple[int, ...]:
        """Of each trained layer the sum of the outputs that the rule looks at, without sign."""
        return tuple(
            int(np.abs(
                self._value(layer.output).reshape(-1)[:: self.rule.output_step(index)]
                - self.program.activations[layer.output].zero_point
            ).sum())
            for index, layer in enumerate(self.trained)
        )

    def _scale(self, step: Scale) -> None:
        error, exponent = self._error_of(step.layer, step.error)
        assert step.layer.ratio is not None  # lowering makes no step without one
        mantissa, shift = normalise(error * step.layer.ratio.astype(np.int64))
        self.errors[step.error] = mantissa, exponent + shift

    def _input_error(self, step: InputError) -> None:
        layer = step.layer
        error, exponent = self._error_of(layer, step.source)
        acc = layer.input_error(step.operand, error, self._inputs(layer))
        mantissa, shift = normalise(self._masked(layer.inputs[step.operand], acc))
        below = mantissa, exponent + shift
        if step.join is not None:
            below = add_blocks(self.errors[step.target], below, step.join)
        self.errors[step.target] = below

    def _measure(self, step: Measure) -> None:
        error, exponent = self._error_of(step.layer, step.error)
        gradient = self._gradient(step.layer, error, self._value(step.layer.input))
        if gradient.any():
            facts = Gradient(np.abs(gradient), error, exponent)
            self.rule.measure(self.trained.index(step.layer), facts)

    def _learn(self, step: Update) -> None:
        error, exponent = self._error_of(step.layer, step.error)
        x = self._value(step.layer.input)
        self.draws += self._update(step.layer, error, exponent, x)

    def _error_of(self, layer: Layer, storage: int) -> tuple[np.ndarray, int]:
        """The error of the layer's output, in the output's shape."""
        mantissa, exponent = self.errors[storage]
        return mantissa.reshape(self.program.activations[layer.output].shape), exponent

    def _masked(self, index: int, acc: np.ndarray) -> np.ndarray:
        """Zero where the activation's producer clipped; flat."""
        return np.where(self._open(index), acc.reshape(-1), 0)

    def _open(self, index: int) -> np.ndarray:
        """Where the activation's producer did not clip; flat."""
        activation, value = self.program.activations[index], self._value(index).reshape(-1)
        return (value > activation.clip_low) & (value < activation.clip_high)

    def _update(
        self, layer: WeightedLayer, error: np.ndarray, exponent: int, x: np.ndarray
    ) -> int:
        index, gradient = self.trained.index(layer), self._gradient(layer, error, x)
        centre = self.rule.centre(index, x)
        gradient = about(gradient, centre) if centre else gradient
        self.rule.begin(index, exponent)
        if not gradient.any():
            return 0
        facts = Gradient(np.abs(gradient), error, exponent)
        counts = self.rule.counts(index, facts, self.draw, self.generator)
        held = apply_steps(layer, np.sign(gradient) * counts, centre)
        self.spent[index] = (int(counts.sum()), held)
        return int(counts.sum())

    def _gradient(self, layer: WeightedLayer, error: np.ndarray, x: np.ndarray) -> np.ndarray:
        learns_weights = self.recipe.learns_weights
        return layer.gradient(error, x) if learns_weights else layer.bias_gradient(error)

    # -- state -----------------------------------------------------------------------------

    def parameters(self) -> list[np.ndarray]:
        """All that is trained, weights and biases or biases alone, layer by layer."""
        weights = self.recipe.learns_weights
        return [a for layer in self.trained for a in parameters_of(layer, weights).values()]

    def digest(self) -> int:
        """32 bits over trained parameters, step counter, generator and rule state."""
        words = [parameter_digest(self.parameters()), self.step, *self.generator.state]
        words += [word & MASK32 for word in self.rule.words()]
        digest = 0
        for word in words:
            digest = mix32(digest + word + 0x9E3779B9)
        return digest

    def state(self) -> bytes:
        """The device's state block: generator, counters, rule state and `parameters`."""
        block = np.zeros(1, self._state_type)[0]
        block["learner"] = (self.generator.state, self.step, self.total_steps)
        for words, record in self._rule_words(block):
            store(record, words)
        for i, array in enumerate(self.parameters()):
            block["parameters"][i][...] = array.reshape(-1)
        return block.tobytes()

    @cached_property
    def _state_type(self) -> np.dtype:
        return state_type(self.trained, type(self.rule), self.recipe.learns_weights)

    def _rule_words(self, block: np.void) -> list[tuple[np.void, Any]]:
        """What the rule keeps, each record with its place in the state ``block``."""
        found = [] if self.rule.network is None else [(block["network"], self.rule.network)]
        return found + [(block["layers"][i], layer) for i, layer in enumerate(self.rule.layers)]

    def load_state(self, state: bytes) -> None:
        """Take over a state block made by ``state`` or read from a device."""
        block = np.frombuffer(state, self._state_type, 1)[0]
        learner = block["learner"]
        self.generator.state = tuple(learner["generator"].tolist())  # Python's integers
        self.step, self.total_steps = int(learner["step"]), int(learner["total_steps"])
        for words, record in self._rule_words(block):
            load(record, words)
        for i, array in enumerate(self.parameters()):
            array[...] = block["parameters"][i].reshape(array.shape)


def _own(layer: Layer) -> Layer:
    """A copy whose weights and biases are its own; nothing else of it changes."""
    layer = copy.copy(layer)
    if isinstance(layer, WeightedLayer):
        layer.weights, layer.bias = layer.weights.copy(), layer.bias.copy()
    return layer


_TAKE: dict[type, Callable[..., None]] = {
    Scale: Learner._scale, InputError: Learner._input_error, Measure: Learner._measure,
    Update: Learner._learn,
}
