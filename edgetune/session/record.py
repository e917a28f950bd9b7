"""What a run is asked for, what it brings, and what run.json keeps of both."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.guard.choice import RUNNING
from edgetune.plan.cost import estimate
from edgetune.plan.plan import Plan

if TYPE_CHECKING:
    from edgetune.data import Dataset
    from edgetune.guard import Outcome, Rectified
    from edgetune.link.messages import Stats
    from edgetune.measures.measure import Measure
    from edgetune.quantize import Conversion
    from edgetune.session.further import SetResult


@dataclass(frozen=True)
class TuneSettings:
    """``samples`` of the tuning set (None: all) in ``passes`` passes; ``seed`` decides their
    order and the device's draws; ``verify``: repeat every step in numpy and compare.
    ``guard``: "running", which judges by the error that runs along; a share of the tuning
    samples, above 0 and at most 0.5, that is held out, or a file of samples, to judge by those;
    or "none" (docs/learning.md).  ``endless``: trials do not anneal toward the run's end, as on a
    device that learns without one.  ``continued``: the folder of a run of the same model and
    recipe, whose state, weights and rule's and generator's, this one goes on from; of a `Job`
    also "last", its last run.  ``save_every``: steps between two savings of the run, from which
    it can be resumed; None: every few seconds.  ``faults``: of the line to the device, as
    `FaultRates.parse` reads them; they change nothing that is learnt."""

    seed: int = 0
    samples: int | None = None
    passes: int = 2
    verify: bool = True
    guard: str | float = RUNNING
    endless: bool = False
    continued: str | os.PathLike | None = None
    save_every: int | None = None
    faults: str | None = None

    def total_steps(self, steps: int) -> int:
        """Over which the trials of a run of ``steps`` anneal; 0 where they do not."""
        return 0 if self.endless else steps


@dataclass(frozen=True)
class TuneResult:
    """``before``, ``after``: what the device's outputs for the test set were worth; ``outputs``
    int8 [n, outputs], the device's after tuning; ``steps`` that were done; ``digest`` recomputed
    from the device's memory at the end.  ``guard``: which weights the run ended with, and why.
    ``rectifiers``: of each rectified layer the channels that answer, before the run and with what
    it learnt.  ``executed_instructions``: the device's since its start, where it counts them.
    ``file_agrees``: for how many samples tflite-runtime makes of the tuned file what the device
    does, a prediction or outputs; None where ``no_judge`` says why nothing could.
    ``file_fault``: why the file is not the network that was trained, for ``check_tuned_file``;
    both "" where there is nothing to say.  ``test``: the test set sample by sample; ``also``: the
    further sets likewise, by their names.  ``layers``: what changed in each, see `layer_changes`;
    ``traffic``: on the line, of all connections of the run, see `Client.traffic`."""

    before: Measure
    after: Measure
    outputs: np.ndarray
    steps: int
    digest: int
    verified: bool
    state: bytes
    stats: Stats
    guard: Outcome
    rectifiers: tuple[Rectified, ...] = ()
    executed_instructions: int | None = None
    file_agrees: int | None = None
    file_fault: str = ""
    no_judge: str = ""
    test: SetResult | None = None
    also: Mapping[str, SetResult] = field(default_factory=dict)
    layers: tuple[dict, ...] = ()
    traffic: Mapping[str, int] = field(default_factory=dict, compare=False)

    @property
    def sets(self) -> tuple[SetResult, ...]:
        """The test set and the further ones."""
        return (*filter(None, (self.test,)), *self.also.values())

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for each set that is worth less than before, beyond its standard error."""
        return tuple(found.words for found in self.also.values() if found.fell)

    def __repr__(self) -> str:
        """In one line: a notebook shows it."""
        return (
            f"<TuneResult: {self.after.name} {self.before.shown} to {self.after.shown} in "
            f"{self.steps:,} steps, digest {self.digest:08x}>"
        )

    @property
    def accuracy_before(self) -> float | None:
        """The share of right predictions, 0 to 1; None of a model that makes none."""
        return self.before.accuracy

    @property
    def accuracy_after(self) -> float | None:
        return self.after.accuracy

    @property
    def predictions(self) -> np.ndarray:
        """Argmax of each output, int64 [n], the lowest index on ties."""
        return self.outputs.argmax(axis=1)


def begun_record(
    plan: Plan, model: str | os.PathLike | None, device: str, data: Dataset,
    settings: TuneSettings, conversion: Conversion | None = None,
    also: Mapping[str, Dataset] | None = None, again: dict | None = None,
) -> dict:
    """What run.json keeps of a run from its first second on: enough to repeat it; the model's
    file is null if not known."""
    split = asdict(data.split) if data.split else None
    return {
        "model": {"file": model and Path(model).name, "sha256": plan.program.graph.sha256},
        "board": plan.board.name,
        "device": device,
        "recipe": plan.recipe.as_dict(),
        "loss": plan.program.loss.name,
        "target": plan.program.loss.target,
        "trained": [layer.name for layer in plan.trained],
        "settings": settings_record(settings),
        "data": {
            "preprocessing": data.preprocessing.as_dict(), "split": split,
            "classes": list(data.classes),
            "samples": {"tune": len(data.tune_x), "test": len(data.test_x),
                        **{name: len(one.test_x) for name, one in (also or {}).items()}},
        },
        "plan": {
            "arena_bytes": plan.arena_bytes, "state_bytes": plan.state_bytes,
            "table_bytes": plan.table_bytes, "stack_bytes": estimate(plan).stack_bytes,
            "ram_available": plan.board.ram.length, "flash_available": plan.flash_length,
            "cost": estimate(plan).as_dict(), "arena": arena_record(plan),
        },
        **(again or {}),
        **({"conversion": conversion.report.as_dict()} if conversion else {}),
    }


def arena_record(plan: Plan) -> dict:
    """Who lies where in the arena, and when: the stages' names, and the buffers with bytes and
    first and last stage."""
    return {
        "stages": [stage.name for stage in plan.schedule.stages],
        "buffers": [
            {"name": b.name, "offset": b.offset, "size": b.size, "first": b.first, "last": b.last}
            for b in plan.schedule.buffers if b.offset is not None and not b.outside
        ],
    }


def result_record(result: TuneResult) -> dict:
    """What is added when the run is done."""
    return {
        "result": {
            "before": result.before.as_dict(),
            "after": result.after.as_dict(),
            "accuracy_before": result.accuracy_before,
            "accuracy_after": result.accuracy_after,
            "steps": result.steps,
            "digest": f"{result.digest:08x}",
            "verified": result.verified,
            "file_agrees": result.file_agrees,
            "file_fault": result.file_fault,
            "no_judge": result.no_judge,
            "stack_used": result.stats.stack_used,
            "executed_instructions": result.executed_instructions,
            "test": result.test and result.test.as_dict(),
            "also": {name: found.as_dict() for name, found in result.also.items()},
        },
        "layers": list(result.layers),
        "link": {
            **result.traffic, "device_bad_frames": result.stats.bad_frames,
            "device_bytes_dropped": result.stats.rx_overruns,
        },
        "guard": result.guard.as_dict(),
        "rectifiers": [asdict(layer) for layer in result.rectifiers],
    }


def settings_record(settings: TuneSettings) -> dict:
    """As JSON holds them."""
    found = asdict(settings) | {"guard": str(settings.guard)}
    return found if found["continued"] is None else found | {"continued": str(found["continued"])}
