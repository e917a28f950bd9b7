"""``edgetune.tune``: the main job in one call, for a script or a notebook."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from edgetune.boards import Board
from edgetune.data.arrays import Arrays
from edgetune.dataclass import dataclass
from edgetune.errors import UsageError
from edgetune.guard.choice import RUNNING
from edgetune.learn.losses import CLASS
from edgetune.learn.losses.loss import ONE_Q15
from edgetune.learn.recipe import Recipe
from edgetune.plan.plan import Plan
from edgetune.session.job import Job
from edgetune.session.record import TuneResult, TuneSettings
from edgetune.session.reporter import Reporter
from edgetune.session.tuning import check_tuned_file

Numbers = float | Sequence[float]


@dataclass(frozen=True)
class Tuned:
    """What became of a run.

    ``model``: the path that it began with; ``tuned``: the .tflite file that it ended with;
    ``folder``: of the run.  ``result``: all that was measured.  ``history``: of each pass over the
    tuning set what its steps were worth before their updates, as Keras' ``History.history`` has
    it: "loss" (of classes the mean cross-entropy in nats; of several labels one less the mean
    probability of the right answers; else the mean absolute error, in the outputs' unit), and of
    classes "accuracy" (0 to 1).  ``warnings``: sentences about the data.
    """

    model: Path
    board: str
    device: str
    folder: Path
    tuned: Path
    result: TuneResult
    history: dict[str, list[float]]
    warnings: tuple[str, ...] = ()

    @property
    def accuracy_before(self) -> float | None:
        """The share of right predictions, 0 to 1; None of a model that makes none."""
        return self.result.accuracy_before

    @property
    def accuracy_after(self) -> float | None:
        return self.result.accuracy_after

    @property
    def digest(self) -> str:
        """Of all that was learnt, recomputed by the device at the end: 8 hex digits."""
        return f"{self.result.digest:08x}"

    def __repr__(self) -> str:
        found = self.result
        return (
            f"<Tuned {self.model.name} on {self.device}: {found.after.name} {found.before.shown} "
            f"to {found.after.shown} in {found.steps:,} steps, in {self.folder}>"
        )

    def _repr_html_(self) -> str:
        """A table for a notebook."""
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th>"
            f"<td style='text-align:left'>{escape(text)}</td></tr>" for name, text in self._rows()
        )
        return f"<table>{rows}</table>"

    def _rows(self) -> list[tuple[str, str]]:
        found = self.result
        same = "every step" if found.verified else "not asked for"
        return [
            ("model", f"{self.model.name}, on {self.device} ({self.board})"),
            (f"{found.after.name} before", found.before.shown),
            (f"{found.after.name} after", f"{found.after.shown}, {found.steps:,} steps"),
            ("weights kept", " ".join(filter(None, (
                found.guard.kept, found.guard.reason, found.guard.advice,
            )))),
            ("equal to the simulation", f"{same}, digest {self.digest}"),
            ("tuned model", str(self.tuned)),
            *(("warning", text) for text in self.warnings),
        ]


def tune(
    model: str | os.PathLike[str],
    *,
    board: str | Board,
    x: Any = None,
    y: Any = None,
    test: Any = None,
    split: float | None = None,
    device: str | None = None,
    recipe: Recipe = Recipe(),
    seed: int = 0,
    samples: int | None = None,
    passes: int = 2,
    guard: str | float = RUNNING,
    verify: bool = True,
    endless: bool = False,
    continued: str | os.PathLike[str] | None = None,
    classes: Sequence[str] = (),
    scale: Numbers | None = None,
    offset: Numbers | None = None,
    mean: Numbers | None = None,
    order: str | None = None,
    out: str | os.PathLike[str] | None = None,
    reporter: Reporter | None = None,
    **reading: Any,
) -> Tuned:
    """``model`` goes on learning on a device, and comes back as a .tflite file.

    It is `edgetune tune` in one call: what `edgetune.Job` does with the same words, in a folder of
    the same kind.  Data as on the command line, or arrays::

        tuned = edgetune.tune("model.tflite", board="stm32f4-discovery", x=x, y=y, split=0.8)
        tuned.history["accuracy"], tuned.accuracy_after

    Args:
        model: an int8 .tflite file, or a float model, which ``x`` makes int8.
        board: its name, its folder, or the board.
        x: samples [n, ...] in the model's order of dimensions: real values, or what ``scale`` and
            ``offset`` make real; int8 is quantised already.  Of several inputs a mapping of their
            names to arrays.  Or where they are: a path, or "module:function", as --data has it.
        y: what they should give, [n, ...]: class numbers or names, labels, values; a path where
            ``x`` is one of an .npy file.
        test: the pair (x, y) of a test set, or its path.
        split: without a test set the share to tune on, above 0 and below 1.
        device: "host", "qemu", "renode", "auto", "/dev/tty...", "id:SERIAL"; None: the board's
            first emulator, or "host".
        recipe: which layers learn, by which loss and rule.
        seed, samples, passes, guard, verify, endless, continued: see `TuneSettings`.
        classes: the names of classes 0, 1, ... where ``y`` holds names.
        scale, offset, mean, order: what makes the data real values, as --scale and its like.
        out: the run's folder; without it a numbered one below runs/.
        reporter: is told what happens.
        reading: what else `load_data` takes of a path by name: ``window=(50, 25)``, ``features``,
            ``fit``, ``sample_rate``, ``label_column``, ``part``.

    Raises:
        UsageError: there is no test set, or arguments exclude each other.
        ModelError, DataError, DoesNotFitError: before anything is built.
        ToolchainError, DeviceNotFoundError, LinkError: the device, or the way to it, fails.
        DivergenceError: it does not compute what the simulation computes.
    """
    data: dict[str, Any] = _source(x, y, test, split)
    said = {"class_names": tuple(classes), "scale": scale, "offset": offset, "mean": mean,
            "order": order}
    data |= {name: value for name, value in said.items() if value not in (None, ())} | reading
    job = Job(model, board, recipe, data, device=device, out=out, reporter=reporter)
    settings = job.resolved(TuneSettings(
        seed, samples, passes, verify, guard, endless, continued
    ))
    job.check(settings)
    with job.run_folder() as folder:
        result = job.tune(settings, folder)
        check_tuned_file(result, folder)
        lines = (folder.path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    steps = [json.loads(line) for line in lines]
    return Tuned(
        Path(model), job.board.name, job.device, folder.path, folder.tuned, result,
        history_of(job.plan, steps, passes), tuple(job.data.warnings),
    )


def history_of(plan: Plan, steps: Sequence[dict[str, Any]], passes: int) -> dict[str, list[float]]:
    """The means of each pass, see `Tuned`; a run that its guard ended has fewer passes.

    Args:
        steps: lines of metrics.jsonl.
        passes: of a whole run.
    """
    if not steps:
        return {}
    loss = plan.program.loss
    measures = np.array([step["measure"] for step in steps], float)
    if loss.target == CLASS:
        floor = 1 / (2 * ONE_Q15)  # half of the smallest probability that a device reports
        found = {
            "loss": -np.log(np.maximum(measures / ONE_Q15, floor)),
            "accuracy": np.array([step["prediction"] == step["label"] for step in steps], float),
        }
    else:
        found = {"loss": _in_units(plan, measures)}
    size = math.ceil(len(steps) / passes)
    cuts = range(size, len(steps), size)
    return {
        name: [float(part.mean()) for part in np.split(values, list(cuts))]
        for name, values in found.items()
    }


def _in_units(plan: Plan, measures: np.ndarray) -> np.ndarray:
    """One less the probability, or the absolute error in the outputs' unit."""
    from edgetune.guard import SampleLosses

    losses = SampleLosses(plan.program)
    values = np.array([losses.of_measure(int(measure)) for measure in measures])
    if losses.shares:
        return values
    return values * plan.program.activations[plan.program.logits].scale


def _source(x: Any, y: Any, test: Any, split: float | None) -> dict[str, Any]:
    """What a `Job` takes as its data."""
    if x is None:
        raise UsageError(
            "No data is named.", "x is None.",
            "Give arrays, x and y, or a path: x='digits.npz'.",
        )
    if _is_path(x):
        if y is not None and not _is_path(y):
            raise UsageError(
                "x is a path and y is not.", "Both are paths, or both are arrays.",
                "Load the samples too: numpy.load(x).",
            )
        return _named(path=x, labels=y, split=split) | _test_path(test)
    if test is not None and _is_path(test):
        raise UsageError(
            "x is an array and test is a path.", "Both are read alike.",
            "Give test=(test_x, test_y).",
        )
    if test is None and split is None:
        raise UsageError(
            "There is nothing to test on.",
            "A measure is only worth reading on samples that were not tuned on.",
            "Give split=0.8, or test=(test_x, test_y).",
        )
    test_x, test_y = (None, None) if test is None else _pair(test)
    return _named(path=Arrays(x, y, test_x, test_y), split=split)


def _pair(test: Any) -> tuple[Any, Any]:
    if isinstance(test, (tuple, list)) and len(test) == 2:
        return test[0], test[1]
    raise UsageError(
        "test is no pair of samples and labels.", f"It is a {type(test).__name__}.",
        "Give test=(test_x, test_y); of a model that gives its input back, test=(test_x, None).",
    )


def _test_path(test: Any) -> dict[str, Any]:
    if test is None or _is_path(test):
        return _named(test=test)
    test_x, test_y = _pair(test)
    if not _is_path(test_x):
        raise UsageError(
            "x is a path and test holds arrays.", "Both are read alike.",
            "Give the test set's path.",
        )
    return _named(test=test_x, test_labels=test_y)


def _named(**given: Any) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


def _is_path(value: Any) -> bool:
    return isinstance(value, (str, os.PathLike))
