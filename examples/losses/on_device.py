"""The device's side: `edgetune.Job`, given the float model and the data as a user would."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from shipped_data import Task

from edgetune import Job, Recipe, TuneSettings
from edgetune.learn.lower import lower
from edgetune.model.graph import Graph
from edgetune.session.firmware import Firmware
from edgetune.session.run_folder import RunFolder
from edgetune.session.tuning import TuneResult

BOARD = "stm32f4-discovery"
CHOICES = [None, 10.0, 2.5]  # rates; None is the default, 8 for these losses


@dataclass
class OnDevice:
    """The firmware runs as a process of this computer; every file goes into ``folder``.

    ``recipe``: but for the loss, which is the task's.  ``guard``: as `TuneSettings` has it.
    """

    task: Task
    folder: Path
    recipe: Recipe = Recipe()
    guard: str = TuneSettings.guard

    @cached_property
    def graph(self) -> Graph:
        """The int8 model before tuning."""
        return self._job(self.task, self.task.model, "whole").graph

    @property
    def default_rate(self) -> float:
        """Of the recipe's rule, for the task's model."""
        recipe = self._of(self.task)
        return recipe.rule_for(lower(self.graph, recipe.loss_choice)).rate

    @cached_property
    def firmware(self) -> Firmware:
        return self._job(self.task, self.graph.content, "whole").firmware(self.folder / "firmware")

    def tuned(self, seed: int, part: Task | None = None) -> TuneResult:
        """The run with ``seed``; on the data of ``part`` instead of the task's."""
        job = self._job(part or self.task, self.graph.content, f"seed{seed}")
        passes = self.task.passes
        settings = TuneSettings(seed, passes=passes, verify=False, guard=self.guard)
        with RunFolder.fresh(self.folder / "runs", f"seed{seed}") as run:
            return job.tune(settings, run, self.firmware)

    def _job(self, part: Task, model: bytes, name: str) -> Job:
        self.folder.mkdir(parents=True, exist_ok=True)
        file, data = self.folder / f"{name}.tflite", self.folder / f"{name}.npz"
        file.write_bytes(model)
        np.savez(data, **part.arrays)
        return Job(file, BOARD, self._of(part), {"path": data, "scale": 1.0}, device="host")

    def _of(self, part: Task) -> Recipe:
        return replace(self.recipe, loss=part.loss)
