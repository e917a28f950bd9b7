"""The Learner: forward, one training step, digest and state.  The oracle of the C engine.

The order of everything is normative: ``docs/numerics.md``.
"""

from __future__ import annotations

import copy
from dataclasses import astuple, dataclass

import numpy as np

from edgetune.learn.block import normalise
from edgetune.learn.digest import parameter_digest
from edgetune.learn.generator import MASK32, Generator, mix32
from edgetune.learn.operators import FORWARD, GRADIENT, INPUT_ERROR, softmax_cross_entropy
from edgetune.learn.path import backward_layers
from edgetune.learn.program import Program
from edgetune.learn.recipe import Recipe
from edgetune.learn.rule import DRAWS, NullMass, anneal_q16, apply_steps, trial_count
from edgetune.learn.state import NULL_MASS, state_type


@dataclass(frozen=True)
class StepResult:
    """``prediction`` before the update, ``draws`` applied, p(label) in Q15."""

    prediction: int
    draws: int
    probability_q15: int


class Learner:
    """Runs and trains a Program in numpy, on its own copy of the weights.

    Args:
        program: from ``lower``; not changed.
        recipe: what to train.
        seed: of the generator, 0 .. 2**32 - 1.
        total_steps: steps over which the trials anneal to none; 0 for no annealing.
    """

    def __init__(self, program: Program, recipe: Recipe, seed: int = 0, total_steps: int = 0):
        self.program = copy.copy(program)
        self.program.layers = copy.deepcopy(program.layers)
        self.recipe = recipe
        self.trained = recipe.trained(self.program)
        self.limits_q8 = recipe.limits_q8(self.program)
        if recipe.reset:
            for layer in self.trained:
                layer.weights[...] = 0
                layer.bias[...] = 0
        self.start(seed, total_steps)

    def start(self, seed: int, total_steps: int):
        """A fresh generator, rule state and step counter; the weights stay."""
        self.generator = Generator(seed & MASK32)
        self.step = 0
        self.total_steps = total_steps
        self.null_masses = [NullMass() for _ in self.trained]

    # -- forward ---------------------------------------------------------------------------

    def forward(self, x: np.ndarray) -> np.ndarray:
        """The model's int8 output, flat, for one int8 input of the model's shape."""
        self._forward(x)
        return self.values[self.program.output].reshape(-1).astype(np.int8)

    def predict(self, x: np.ndarray) -> int:
        """Argmax of the model's output, the lowest index on ties."""
        return int(self.forward(x).argmax())

    def _forward(self, x: np.ndarray):
        activations = self.program.activations
        self.values = [None] * len(activations)
        for index, activation in enumerate(activations):
            if activation.constant is not None:
                self.values[index] = activation.constant.astype(np.int64)
        self.values[self.program.input] = np.asarray(x, np.int64).reshape(
            activations[self.program.input].shape
        )
        for layer in self.program.layers:
            inputs = (self._value(index) for index in layer.inputs)
            shape = activations[layer.output].shape
            self.values[layer.output] = FORWARD[type(layer)](layer, *inputs, shape)
        self._value(self.program.output)
        self._value(self.program.logits)

    def _value(self, index: int) -> np.ndarray:
        """The activation, a view of its storage where it is a view."""
        activation = self.program.activations[index]
        if self.values[index] is None:
            self.values[index] = self.values[activation.storage].reshape(activation.shape)
        return self.values[index]

    # -- training --------------------------------------------------------------------------

    def train(self, x: np.ndarray, label: int) -> StepResult:
        """One step on one sample: forward, loss, and layer by layer from the last: the error of
        its input first, with the weights as they were, then its update."""
        self._forward(x)
        logits = self._value(self.program.logits)
        prediction = int(self.values[self.program.output].reshape(-1).argmax())
        acc, probability = softmax_cross_entropy(self.program.loss_table, logits, label)
        error, exponent = self._error(self.program.logits, acc.reshape(logits.shape), 0)
        anneal = anneal_q16(self.step, self.total_steps)
        draws = 0
        layers = backward_layers(self.program, self.trained)
        for layer in layers:
            x = self._value(layer.input)
            error = error.reshape(self.program.activations[layer.output].shape)
            if layer.weighted and layer.ratio is not None:
                error, shift = normalise(error * layer.ratio.astype(np.int64))
                exponent += shift
            below = None
            if layer is not layers[-1]:
                acc = INPUT_ERROR[type(layer)](layer, error, x)
                below = self._error(layer.input, acc, exponent)
            if any(layer is other for other in self.trained):
                draws += self._update(layer, error, exponent, x, anneal)
            if below is not None:
                error, exponent = below
        self.step += 1
        return StepResult(prediction, draws, probability)

    def _error(self, index: int, acc: np.ndarray, exponent: int):
        """Zero where the activation's producer clipped, then normalise."""
        activation, value = self.program.activations[index], self._value(index)
        open_ = (value > activation.clip_low) & (value < activation.clip_high)
        mantissa, shift = normalise(np.where(open_, acc, 0))
        return mantissa, exponent + shift

    def _update(self, layer, error, exponent, x, anneal) -> int:
        gradient = GRADIENT[type(layer)](layer, error, x)
        magnitudes = np.abs(gradient)
        mass = int(magnitudes.sum())
        if mass == 0:
            return 0
        index = next(i for i, other in enumerate(self.trained) if other is layer)
        ratio = self.null_masses[index].ratio_q16(mass, exponent)
        n = trial_count(self.limits_q8[index], ratio, anneal, self.generator)
        if n:
            counts = DRAWS[self.recipe.draw](magnitudes, n, self.generator)
            apply_steps(layer, np.sign(gradient) * counts)
        return n

    # -- state -----------------------------------------------------------------------------

    def parameters(self) -> list[np.ndarray]:
        """Trained weights and biases, layer by layer."""
        return [array for layer in self.trained for array in (layer.weights, layer.bias)]

    def digest(self) -> int:
        """32 bits over trained parameters, step counter, generator and rule state."""
        words = [parameter_digest(self.parameters()), self.step, *self.generator.state]
        for mass in self.null_masses:
            words += [mass.total, mass.exponent & MASK32, mass.count]
        digest = 0
        for word in words:
            digest = mix32(digest + word + 0x9E3779B9)
        return digest

    def state(self) -> bytes:
        """The device's state block: generator, counters, rule state, weights and biases."""
        block = np.zeros(1, state_type(self.trained))[0]
        block["learner"] = (self.generator.state, self.step, self.total_steps)
        for i, mass in enumerate(self.null_masses):
            block[NULL_MASS.member][i] = astuple(mass)
        for i, array in enumerate(self.parameters()):
            block["parameters"][i][...] = array.reshape(-1)
        return block.tobytes()

    def load_state(self, state: bytes):
        """Take over a state block made by ``state`` or read from a device."""
        block = np.frombuffer(state, state_type(self.trained), 1)[0]
        learner = block["learner"]
        self.generator.state = tuple(learner["generator"].tolist())  # Python's integers
        self.step, self.total_steps = int(learner["step"]), int(learner["total_steps"])
        self.null_masses = [
            NullMass(*block[NULL_MASS.member][i].tolist()) for i in range(len(self.trained))
        ]
        for i, array in enumerate(self.parameters()):
            array[...] = block["parameters"][i].reshape(array.shape)
