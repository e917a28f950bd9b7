"""Trials that set themselves: by what a step is measured to change, and by the error.

All trained layers together may lower the loss, to first order, by so many times its mean, with
trials in proportion to their weights.  No layer moves its own output further than the
layers behind it can bear, and a network that is right hardly moves.  Weights move about the mean
of their layer's input, all but those that give the logits.  ``docs/numerics.md`` sections 4 and 5.
"""

from __future__ import annotations

import math

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.fixedpoint import bit_length, quotient
from edgetune.learn.operators import WeightedLayer
from edgetune.learn.rules.echo import Echo
from edgetune.learn.rules.null_mass import MEAN_COUNT, NullMass
from edgetune.learn.rules.rule import (
    MAX_TRIALS,
    Gradient,
    Learning,
    Outcome,
    Rule,
    anneal_q16,
)
from edgetune.learn.scaled import MOST, Scaled, ScaledWords, scaled, scaled_real
from edgetune.learn.words import record

RATE = 56.0  # what a step is to win, over the mean shortfall
SHALLOW, DEEP = 5, 10  # layers: up to the first the whole of it, from the second on a half
UNSETTLED, BIASES = 1 / 7, 1 / 22  # of it, where no doubt takes anything off; of biases alone
FEW = 4  # layers whose weights learn: the share of it of fewer, where doubt takes something off
DENSE = 1 / 3  # of it, likewise, where all are dense, and a gradient is no mean of positions
OF_TWO = 1 / 2  # of it, of two classes, of which doubt takes less off
LAST_MOVED = 64  # steps of its own output, the layer that gives the logits
MOST_MOVED, SHALLOW_MOVE, SHARED_MOVE = 32, 1100, 160  # the others; over the layers' cube or square
WATCHED = 64  # outputs, for their mean size, which it may not exceed by more than one step
SETTLED, REMEMBERED = 16, 1024  # samples: right ones before the first; of the long mean
STUCK = 2.0**-62  # the multiplier of an output that nothing moves, where a file has one of 0
PATIENCE = 700  # steps until a half is left of a goal without an end
OLDEST = 2240 << 16  # steps, Q16: 1/106 is left


@dataclass
class AdaptiveNetwork:
    """Means of the shortfall, Q24: of the last 64 samples, since the start, and the most that the
    latter has been in this run.  ``age``: steps since much was new, Q16.  ``gain``: trials of this
    step over a layer's share."""

    samples: int = 0
    shortfall: int = 0
    samples_since: int = 0
    shortfall_since: int = 0
    most_since: int = 0
    age: int = 0
    echo: Echo = record(Echo)
    gain: ScaledWords = record(ScaledWords)


@dataclass
class AdaptiveLayer:
    """``decrease``: the mean of what a trial lowers the loss by; ``output``: the sum of the last
    sample's outputs, without their sign."""

    null_mass: NullMass = record(NullMass)
    decrease: ScaledWords = record(ScaledWords)
    output: int = 0


@dataclass(frozen=True)
class LayerFacts:
    """``share``: the number of weights; ``unit``: of the gradient, over that of the
    shortfall; ``most_moved``: steps that the output may move, over its multiplier; ``of_output``:
    the same of one step of the sum of outputs, of which ``outputs`` are summed, 0 where their
    size does not count; ``square_shift``: of magnitudes before they are squared; ``errors``:
    elements of the output; ``most_trials_q16``: of a step; ``inputs``: elements of the input, 0
    where it has no centre, and ``input_zero_point``."""

    share: Scaled
    unit: Scaled
    most_moved: Scaled
    of_output: Scaled
    outputs: int
    square_shift: int
    errors: int
    most_trials_q16: int
    inputs: int
    input_zero_point: int


class Adaptive(Rule):
    """Args:
        rate: what a step is to win, over the mean shortfall; None for the default.
    """

    name = "adaptive"
    symbol = "adaptive"
    network_words = AdaptiveNetwork
    layer_words = AdaptiveLayer
    sources = "trials.c", "centre.c"
    watches_outputs = True
    network: AdaptiveNetwork
    layers: list[AdaptiveLayer]

    def __init__(self, learning: Learning, rate: float | None = None):
        super().__init__(learning)
        self.loss = learning.program.loss
        self.rate = self._default_rate() if rate is None else rate
        self.rate_q8 = round(256 * self.rate)
        self.facts = [self._facts(index) for index in range(len(learning.trained))]

    def _default_rate(self) -> float:
        layers, weights = len(self.learning.trained), self.learning.weights
        rate = default_rate(layers)
        if not self.loss.settles:
            rate *= UNSETTLED
        elif weights:
            rate *= min(1.0, layers / FEW) * (DENSE if self._is_dense() else 1.0)
        rate *= OF_TWO if self.of_two else 1.0
        return rate if weights else rate * BIASES

    def _is_dense(self) -> bool:
        """Whether every trained output has one position."""
        return all(self._output_size(layer) == layer.rows for layer in self.learning.trained)

    def _output_size(self, layer: WeightedLayer) -> int:
        return self.learning.program.activations[layer.output].size

    @classmethod
    def observers(cls, loss):
        return ("softmax_echo", "adaptive_observe") if loss.echoes else ("adaptive_observe",)

    def _facts(self, index: int) -> LayerFacts:
        learning, layer = self.learning, self.learning.trained[index]
        program = learning.program
        y, logits = program.activations[layer.output], program.activations[program.logits]
        unit = learning.backward.gradient_units[index] / self.loss.shortfall_unit(logits.scale)
        is_last = self._is_last(layer)
        moved = LAST_MOVED if is_last else most_moved(len(learning.trained))
        multiplier = max(largest_multiplier(layer), STUCK)
        outputs = outputs_watched(y.size, layer.rows)
        count = learning.count(layer)
        return LayerFacts(
            share=scaled(count),
            unit=scaled_real(unit),
            most_moved=scaled_real(moved / multiplier),
            of_output=Scaled() if is_last else scaled_real(1 / outputs / multiplier),
            outputs=outputs,
            square_shift=square_shift(count + layer.rows, y.size // layer.rows),
            errors=y.size,
            most_trials_q16=most_trials_q16(count) if learning.weights else MAX_TRIALS << 16,
            inputs=program.activations[layer.input].size if self.centred(index) else 0,
            input_zero_point=layer.input_zero_point,
        )

    def output_step(self, index: int) -> int:
        layer = self.learning.trained[index]
        return output_step(self._output_size(layer), layer.rows)

    def under_way(self) -> None:
        if self.network is not None:
            self.network.samples_since = REMEMBERED - SETTLED
            self.network.shortfall_since = self.network.most_since = 1 << 23

    def observe(self, outcome: Outcome) -> None:
        network, shortfall = self.network, self.loss.shortfall(outcome.measure)
        if self.loss.echoes:
            self._listen(outcome, shortfall)
        network.samples = min(network.samples + 1, MEAN_COUNT)
        network.shortfall = _counted(network.shortfall, shortfall, network.samples)
        network.samples_since = min(network.samples_since + 1, REMEMBERED - SETTLED)
        network.shortfall_since = _counted(
            network.shortfall_since, shortfall, SETTLED + network.samples_since
        )
        most = network.most_since if outcome.step else 0
        network.most_since = max(most, network.shortfall_since)
        network.age = _aged(network)
        total = Scaled()
        for layer, facts, output in zip(self.layers, self.facts, outcome.outputs, strict=True):
            layer.output = output
            total = total + layer.decrease.value * facts.share
        goal = scaled(self._goal(outcome), -24)
        network.gain.value = goal / total if total.mantissa else total

    def _listen(self, outcome: Outcome, shortfall: int) -> None:
        echo, mean, label = self.network.echo, self.network.shortfall, int(outcome.target)
        previous = echo.turn_to(label)
        if self.of_two:
            echo.hear_other(label, previous is not None, shortfall, mean, outcome.step)
        elif previous is not None:
            heard = self.loss.probability(outcome.logits, previous) << 9
            others = shortfall // (self.loss.size - 1)
            echo.hear(heard, others, (5 * mean * others) >> 25, outcome.step)

    def _goal(self, outcome: Outcome) -> int:
        """What this step is to win, Q24."""
        network = self.network
        goal = (self.rate_q8 * network.shortfall) >> 8
        goal = (goal * min(16, outcome.step + 8)) >> 4
        goal = (goal * self._left_q16(outcome)) >> 16
        return network.echo.times(min(goal, MOST))

    def _left_q16(self, outcome: Outcome) -> int:
        """Of the goal, by what there was to learn, and by the time that is left or has gone."""
        network = self.network
        doubt = self._doubt_q16(network.most_since)
        square = (doubt * doubt) >> 16
        cube = (square * doubt) >> 16
        if outcome.total_steps:
            if not self.of_two:
                cube = (cube * min(1 << 16, 2 * square)) >> 16
            return (anneal_q16(outcome.step, outcome.total_steps) * cube) >> 16
        return min(_patience_q16(network.age), cube)

    def _doubt_q16(self, shortfall: int) -> int:
        """By guessing one of two classes a half is missing, of many nearly all."""
        doubt = shortfall >> 7
        doubt += doubt >> 1 if self.of_two else 0
        return min(1 << 16, doubt) if self.loss.settles else 1 << 16

    @property
    def of_two(self) -> bool:
        """Whether what is learnt is one of two classes."""
        return self.loss.settles and self.loss.size == 2

    @property
    def settles(self) -> int:
        """As et_adaptive_observe takes it."""
        return 2 if self.of_two else int(self.loss.settles)

    def centred(self, index: int) -> bool:
        layer = self.learning.trained[index]
        return self.learning.weights and layer.has_centre and not self._is_last(layer)

    def _is_last(self, layer: WeightedLayer) -> bool:
        """Whether its outputs are the logits."""
        program = self.learning.program
        return program.storage(layer.output) == program.storage(program.logits)

    def trials_q16(self, index: int, gradient: Gradient) -> int:
        layer, facts = self.layers[index], self.facts[index]
        ratio = scaled(layer.null_mass.ratio_q16(gradient.mass, gradient.exponent), -16)
        squares = int(np.square(gradient.magnitudes >> facts.square_shift).sum())
        mean = scaled(squares, 2 * facts.square_shift) / scaled(gradient.mass)
        if not mean.mantissa:
            return 0
        decrease = Scaled(mean.mantissa, mean.exponent + gradient.exponent) * facts.unit
        _note(layer, ratio * decrease)
        wanted = facts.share * ratio * self.network.gain.value
        errors = scaled(int(np.abs(gradient.error).sum()))
        room = errors / mean
        trials = [wanted.to_q16(), (facts.most_moved * room).to_q16(), facts.most_trials_q16]
        if facts.of_output.mantissa:
            size = scaled(layer.output + facts.outputs)
            trials.append((facts.of_output * size * room).to_q16())
        return min(trials)


def default_rate(layers: int) -> float:
    """Of so many trained layers: many lower the same loss, each not knowing of the others.  In
    deep networks it is the bound of moves that holds them back."""
    return RATE * SHALLOW / min(max(layers, SHALLOW), DEEP)


def most_moved(layers: int) -> float:
    """Steps that a layer with others behind it may move its output by."""
    return min(MOST_MOVED, max(SHALLOW_MOVE / layers**3, SHARED_MOVE / layers**2))


def output_step(outputs: int, rows: int) -> int:
    """Every how many-th output is looked at: few of many, of all channels."""
    step = max(1, outputs // WATCHED)
    while math.gcd(step, rows) > 1:
        step += 1
    return step


def outputs_watched(outputs: int, rows: int) -> int:
    return -(-outputs // output_step(outputs, rows))


def most_trials_q16(weights: int) -> int:
    """In a step: one and a half for each weight."""
    return min(MAX_TRIALS << 16, 3 * weights << 15)


def _aged(network: AdaptiveNetwork) -> int:
    """One step older, and younger by what the error is worse than it has been on the whole."""
    usual = max(network.shortfall_since, 1)
    worse = min(max(network.shortfall - usual - (usual >> 2), 0), usual)
    return min(network.age - ((network.age * worse // usual) >> 6) + (1 << 16), OLDEST)


def _patience_q16(age: int) -> int:
    """1 / (1 + (age / PATIENCE)^4): whole at first, when the error falls fast, and little soon
    after, when noise has to."""
    share_q12 = (age >> 4) // PATIENCE
    square_q12 = share_q12 * share_q12 >> 12
    return (1 << 31) // ((1 << 15) + (square_q12 * square_q12 >> 9))


def _note(layer: AdaptiveLayer, decrease: Scaled) -> None:
    k = layer.null_mass.count
    before = layer.decrease.value.times_ratio(k - 1, k)
    layer.decrease.value = before + decrease.times_ratio(1, k)


def _counted(mean: int, value: int, count: int) -> int:
    """The mean of ``count`` values, the last one counted in; the quotient is truncated."""
    return mean + quotient(value - mean, count)


def largest_multiplier(layer: WeightedLayer) -> float:
    """M of the channel whose output a step of a sum moves furthest."""
    return max(
        m * 2.0 ** (s - 31) for m, s in zip(layer.multiplier.tolist(), layer.shift.tolist())
    )


def square_shift(count: int, positions: int) -> int:
    """With which the squares of ``count`` gradients, each a sum over so many ``positions``, add
    up to less than 2**63."""
    most = bit_length(positions * 127 * 255)
    return max(0, -(-(2 * most + bit_length(count) - 63) // 2))
