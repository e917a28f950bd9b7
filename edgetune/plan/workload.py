"""The work of a training step as far as it depends on values: taken from the simulation.

The cost of a draw depends on how many there are and where they fall.  The numpy engine has the
device's bits, so a few steps of it give these counts exactly.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import numpy as np

from edgetune.learn.generator import Generator
from edgetune.learn.learner import Learner
from edgetune.learn.lower.backward import InputError
from edgetune.learn.memory import keep_memory
from edgetune.learn.operators import WeightedLayer
from edgetune.learn.program import Layer
from edgetune.learn.rules.rule import Draw
from edgetune.plan.dsp_lines import summed_rows
from edgetune.plan.halvings import halved_errors
from edgetune.plan.plan import Plan
from edgetune.plan.schedule import Stage
from edgetune.plan.work import Work

STEPS = 8
NEAR = 16  # columns for a draw, up to which update_factored.c passes them one by one
LAID = 32  # points at a time: ET_NOTED of step.h
PAIRED = "et_conv_2d_dsp_gradient"
FORMED, HALVED = "formed_", "halved_"
PATIENCE = 50_000_000  # weights times positions that may be simulated; then fewer steps are


def nonzero_inputs(plan: Plan, count: int, seed: int = 0) -> np.ndarray:
    """Random int8 inputs [count, input_bytes], none at the zero point."""
    random = np.random.default_rng(seed)
    x = random.integers(-128, 128, (count, plan.input_bytes)).astype(np.int8)
    inputs = [plan.program.activations[i] for i in plan.program.inputs]
    zero = np.repeat([a.zero_point for a in inputs], [a.size for a in inputs])
    return np.where(x == zero, zero + np.where(zero < 127, 1, -1), x).astype(np.int8)


def observe(plan: Plan) -> dict[str, dict[str, float]]:
    """Layer name -> counts, means over the first steps of the bench, in the midst of a run.

    "draws"; "moved": values that had a step; "rows": output channels that were drawn; "walk":
    columns passed in rows that were drawn; "errors": share of the output's errors that are
    not zero; "halved_rows": halvings of the rows on the way to the drawn ones, where draws are
    independent; `FORMED` and a number: blocks of so many rows of the gradient that were formed;
    what `summed_rows` has of a gradient that is summed in pairs;
    of a factored gradient's columns "passed", "searches", "strides" and "halvings"; its
    "near_rows", whose columns are passed, times that their points are "laid", and its "far_rows",
    whose columns are searched; draws of its "biases", and "bias_rows", those that were drawn;
    "starts", whether anything was drawn, and the "passed_rows" then; `HALVED` and an activation:
    its errors that were halved as larger ones came.
    """
    keep_memory()
    steps = max(1, min(STEPS, PATIENCE // max(1, _macs(plan))))
    observer = _Observer(plan.program, plan.recipe)
    observer.draw = observer.noting(observer.draw)
    observer.stages = {
        s.layer.name: s for s in plan.schedule.stages if s.layer and s.phase == "update"
    }
    observer.lanes = plan.board.core.lanes
    observer.errors_of = {
        (s.layer.name, s.layer.inputs[s.step.operand]): s.kernel.cost
        for s in plan.schedule.stages if s.layer and isinstance(s.step, InputError)
    }
    inputs, target = nonzero_inputs(plan, STEPS)[:steps], plan.program.loss.any_target
    observer.under_way(inputs[0], target(0))
    observer.counts.clear()
    for i, x in enumerate(inputs):
        observer.train(x, target(i))
    return {
        name: {key: total / steps for key, total in counts.items()}
        for name, counts in observer.counts.items()
    }


def _macs(plan: Plan) -> int:
    activations = plan.program.activations
    return sum(
        layer.weights.size * (activations[layer.output].size // layer.rows)
        for layer in plan.program.weighted_layers
    )


class _Observer(Learner):
    stages: dict[str, Stage]
    errors_of: dict[tuple[str, int], str]  # layer and activation: the kernel
    lanes: int  # of the core
    layer: Layer | None = None  # whose error was asked for last
    drawn: np.ndarray | None = None  # how often each value of the layer under work was

    def noting(self, draw: Draw) -> Draw:
        """``draw``, whose counts are kept: not all of them move a weight."""
        def noted(magnitudes: np.ndarray, n: int, generator: Generator) -> np.ndarray:
            self.drawn = draw(magnitudes, n, generator)
            return self.drawn
        return noted

    def start(self, seed: int, total_steps: int) -> None:
        super().start(seed, total_steps)
        self.counts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))

    def _update(
        self, layer: WeightedLayer, error: np.ndarray, exponent: int, x: np.ndarray
    ) -> int:
        before, self.drawn = _columns(layer), None
        draws = super()._update(layer, error, exponent, x)
        changed = _columns(layer) - before
        steps = np.zeros_like(before) if self.drawn is None else self.drawn
        if self.rule.centred(self.trained.index(layer)):
            changed[:, -1] = steps[:, -1]  # biases that hold the centre change without a step
        counts = self.counts[layer.name]
        counts["draws"] += draws
        counts["moved"] += np.count_nonzero(changed)
        counts["rows"] += int(steps.any(axis=1).sum())
        counts["walk"] += _WALKS[self.recipe.draw](steps)
        if self.recipe.draw == "independent":
            counts["halved_rows"] += _row_halvings(steps)
        counts["errors"] += float(np.mean(error != 0))
        for name, count in self._of_kernel(layer, steps, error).items():
            counts[name] += count
        return draws

    def _error_of(self, layer: Layer, storage: int) -> tuple[np.ndarray, int]:
        self.layer = layer
        return super()._error_of(layer, storage)

    def _masked(self, index: int, acc: np.ndarray) -> np.ndarray:
        seen = super()._masked(index, acc)
        if self.layer and (kernel := self.errors_of.get((self.layer.name, index))):
            made = self.program.activations
            self.counts[self.layer.name][f"{HALVED}{index}"] += halved_errors(
                kernel, self.layer, seen, made[index].shape, made[self.layer.output].shape
            )
        return seen

    def _of_kernel(
        self, layer: WeightedLayer, steps: np.ndarray, error: np.ndarray
    ) -> dict[str, Any]:
        stage = self.stages[layer.name]
        if stage.kernel.forms:
            rows = stage.buffers["gradient"].size // (4 * (layer.row_size + 1))
            found: dict[str, Any] = dict(formed_blocks(steps.any(axis=1), rows))
            if stage.kernel.forms == PAIRED and not self.lanes:
                made = self.program.activations
                work = Work(layer, made[layer.input].shape, made[layer.output].shape, {})
                found |= {name: float(n) for name, n in summed_rows(work, error, rows).items()}
            return found
        if stage.kernel.cost == "update_factored":
            return _SEARCHES[self.recipe.draw](steps) + Counter(biases=int(steps[:, -1].sum()))
        return Counter()


def formed_blocks(drawn: np.ndarray, rows: int) -> Counter:
    """Blocks that update_blocks.c forms: each once, then from the first row ``drawn`` [rows] bool
    on that the last one lacks."""
    starts = list(range(0, len(drawn), rows))
    last = starts[-1]
    for row in np.flatnonzero(drawn).tolist():
        if not last <= row < last + rows:
            last = row
            starts.append(last)
    sizes = Counter(min(rows, len(drawn) - start) for start in starts)
    return Counter({f"{FORMED}{size}": count for size, count in sizes.items()})


def _searches_in_order(steps: np.ndarray) -> Counter:
    """In each row on from the last column; none where that is drawn again.  In rows of few columns
    for a draw they are passed one by one, for so many points at a time as vectors lay; the bias is
    not searched."""
    weights = steps[:, :-1]
    many = steps.sum(axis=1) * NEAR >= weights.shape[1]
    passed = np.where(weights > 0, np.arange(weights.shape[1]), 0).max(axis=1)
    draws = weights[many].sum(axis=1)
    near, far = draws[draws > 0], weights[~many]
    return _far_searches(far) + Counter(
        starts=int(steps.any()), passed_rows=len(steps) * int(steps.any()),
        passed=int(passed[many].sum()), near_rows=near.size, laid=int((near // LAID + 1).sum()),
        far_rows=np.count_nonzero(far.any(axis=1)), bias_rows=np.count_nonzero(steps[:, -1]),
    )


def _far_searches(weights: np.ndarray) -> Counter:
    rows, targets = np.nonzero(weights)
    first = np.append(True, rows[1:] != rows[:-1])
    before = np.where(first, 0, np.append(0, targets[:-1]))
    on = targets > before
    return _turns(before[on] + 1, targets[on], weights.shape[1])


def _searches_from_the_start(steps: np.ndarray) -> Counter:
    targets = np.repeat(np.nonzero(steps)[1], steps[steps > 0])
    return _turns(np.zeros_like(targets), targets, steps.shape[1] - 1)


def _turns(low: np.ndarray, target: np.ndarray, last: int) -> Counter:
    """Turns of both loops of ``find_column`` in update_factored.c."""
    high, strides, halvings, stride = np.full_like(low, last), 0, 0, 4
    going = low + stride < high
    while going.any():
        strides += int(going.sum())
        found = going & (low + stride >= target)
        high = np.where(found, low + stride, high)
        low = np.where(going & ~found, low + stride + 1, low)
        stride += stride
        going &= ~found & (low + stride < high)
    halvings = int(_halvings(low, high, target).sum())
    return Counter({"searches": len(low), "strides": strides, "halvings": halvings})


def _halvings(low: np.ndarray, high: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Turns of each search by halving, as draw.c and update_factored.c have it."""
    turns = np.zeros_like(target)
    while (going := low < high).any():
        turns += going
        middle = low + (high - low) // 2
        below = middle >= target
        high = np.where(going & below, middle, high)
        low = np.where(going & ~below, middle + 1, low)
    return turns


def _row_halvings(steps: np.ndarray) -> int:
    """Of independent draws: each searches its row among all."""
    rows = np.arange(len(steps))
    turns = _halvings(np.zeros_like(rows), np.full_like(rows, len(rows)), rows)
    return int(turns @ steps.sum(axis=1))


_SEARCHES = {"systematic": _searches_in_order, "independent": _searches_from_the_start}


def _walk_in_order(steps: np.ndarray) -> float:
    """Columns ascend, so a row of which any weight was drawn is walked once, to its end; the bias,
    behind the weights, is reached without."""
    weights = steps[:, :-1]
    return float(np.count_nonzero(weights.any(axis=1)) * weights.shape[1])


def _walk_at_random(steps: np.ndarray) -> float:
    """Draws of a row come in random order, and one before the last starts anew.  In the mean over
    all orders that is the mean column, and of every two draws of different columns the later
    column, divided by the draws."""
    columns = np.arange(steps.shape[1])
    draws = np.maximum(steps.sum(axis=1), 1)
    before = np.cumsum(steps, axis=1) - steps
    return float(((steps * columns * (1 + before)).sum(axis=1) / draws).sum())


_WALKS = {"systematic": _walk_in_order, "independent": _walk_at_random}


def _columns(layer: WeightedLayer) -> np.ndarray:
    """Weights and bias, [rows, row_size + 1]."""
    weights = layer.by_row(layer.weights)
    return np.concatenate([weights, layer.bias[:, None]], axis=1, dtype=np.int64)
