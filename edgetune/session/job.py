"""The job: model, recipe, board, data and device, from their names to a device that learns."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgetune.boards import Board, load_board
from edgetune.build.cmsis_nn import find_cmsis_nn
from edgetune.data.targets import Targets
from edgetune.errors import UsageError
from edgetune.guard.choice import NONE, RUNNING, is_share
from edgetune.learn.losses import AUTO, INPUT, TARGETS, Loss, default_loss
from edgetune.learn.recipe import Recipe
from edgetune.model.graph import Graph, Tensor
from edgetune.model.read import read_tflite
from edgetune.plan.cost import Estimate, estimate
from edgetune.plan.fit import check_fit
from edgetune.plan.instructions import STEP
from edgetune.plan.plan import Plan
from edgetune.plan.thrift import Price, plan_within, prices
from edgetune.session.further import Further, Place, places_of
from edgetune.session.record import TuneResult, TuneSettings
from edgetune.session.reporter import Reporter

# All else is imported where it is used: a job that only plans starts in half the time.
if TYPE_CHECKING:
    from edgetune.codegen.library import Library, Wanted
    from edgetune.data import Dataset, Preprocessing
    from edgetune.quantize import Conversion
    from edgetune.session.firmware import Firmware
    from edgetune.session.guarding import HeldOut
    from edgetune.session.run_folder import RunFolder

# What is said of the tuning and test set alone.
_OF_TUNING = ("path", "labels", "test", "test_labels", "test_part", "part", "split", "whole")
RUNS = Path("runs")
LAST_RUN = "last"
PROJECTS = Path("build")


class Job:
    """What a device is to learn, and all that follows from it.

    Files and boards are read when they are first asked for, and errors are raised then: those of
    reading, conversion, planning, building and of the device.

    Args:
        model: an int8 .tflite file; or a float model, which the tuning set makes int8.
        board: one, its name, or its folder.
        data: where the samples come from, or all that `load_data` takes beside the model, by
            name: ``{"path": "digits.npz", "split": 0.8}``.  None: the job has no use for data,
            and a float model is refused.
        device: see `resolve_device`.
        out: where the results go; without it a folder below build/ or runs/.
        cmsis_nn: the folder of CMSIS-NN's sources, or "pack" for the installed pack.
        flash: write the firmware to a board on a serial port that runs another.
        store: the firmware keeps what it learnt in the board's flash (docs/store.md).
        ram: bytes of the board's RAM that the firmware may take; all without it.
        also: further sets, to be measured before and after: names and sources (docs/runs.md).
        baud: the most bits per second of the line to a board; without it what it is known to take.
    """

    def __init__(
        self, model: str | os.PathLike, board: str | Board, recipe: Recipe = Recipe(),
        data: str | os.PathLike | Mapping | None = None, *, device: str | None = None,
        out: str | os.PathLike | None = None, cmsis_nn: str | os.PathLike | None = None,
        flash: bool = False, reporter: Reporter | None = None, store: bool = False,
        ram: int | None = None, also: Further | None = None, baud: int | None = None,
    ):
        self.model, self.recipe, self.out = model, recipe, out
        self.source = data if isinstance(data, Mapping) or data is None else {"path": data}
        self.device_name, self.flash, self.store = device, flash, store
        self.reporter = reporter or Reporter()
        self.given_board, self.given_cmsis_nn, self.ram, self.baud = board, cmsis_nn, ram, baud
        self.places = places_of(also)
        self._held_out: dict[str | float, HeldOut] = {}

    @property
    def title(self) -> str:
        return Path(self.model).stem

    @cached_property
    def board(self) -> Board:
        given = self.given_board
        board = given if isinstance(given, Board) else load_board(given)
        board = board if self.ram is None else board.with_ram(self.ram)
        return board if self.baud is None else board.with_baud(self.baud)

    @cached_property
    def cmsis_nn(self) -> Path | None:
        """The folder of its sources."""
        return find_cmsis_nn(self.given_cmsis_nn) if self.given_cmsis_nn else None

    @cached_property
    def conversion(self) -> Conversion | None:
        """What became of a float model; None of an int8 one."""
        if self.source is None:
            return None
        from edgetune.quantize import load
        from edgetune.session.conversion import convert_by

        found = load(self.model, self.recipe.output, self.recipe.inputs)
        if not isinstance(found, Graph):
            return None
        self.reporter.note(f"Converting {self.model} to int8")
        return convert_by(found, self._load(found.input, self._targets_of_floats(found)))

    def _targets_of_floats(self, graph: Graph) -> Targets:
        """As the int8 model is going to have them."""
        name = self.recipe.loss
        if name == AUTO:
            last, shape = graph.operators[-1].kind, graph.output.shape
            source = graph.input.shape if len(graph.inputs) == 1 else None
            name = default_loss(last, shape, source, graph.output.size // shape[-1])
        return Targets(TARGETS[name], None if name == "reconstruction" else graph.output.size)

    @cached_property
    def graph(self) -> Graph:
        """The int8 model."""
        from edgetune.session.conversion import read_int8

        if self.conversion is None:
            return read_int8(self.model, self.recipe.output, self.recipe.inputs)
        return read_tflite(self.conversion.content)

    @cached_property
    def plan(self) -> Plan:
        return plan_within(
            self.graph, self.recipe, self.board, bool(self.cmsis_nn), store=self.store
        )

    @cached_property
    def estimate(self) -> Estimate:
        """What the plan costs."""
        return estimate(self.plan)

    @cached_property
    def prices(self) -> list[Price]:
        """What the plan gave up for RAM."""
        return prices(self.plan)

    def check_fit(self) -> None:
        """DoesNotFitError where the plan is larger than the board, if the board is to run it.

        With CMSIS-NN the build finds out, because a plan knows the engine's own kernels only.
        """
        if self.device_name != "host" and not self.plan.cmsis_nn:
            check_fit(self.plan, self.estimate)

    @cached_property
    def data(self) -> Dataset:
        """The samples as the int8 model takes them; their classes and warnings are noted."""
        from edgetune.data import stored_preprocessing

        stored = stored_preprocessing(self.graph)
        dataset = self._load(self.graph.input, targets_of(self.plan.program.loss), stored)
        self._say_classes(dataset.classes)
        for warning in dataset.warnings:
            self.reporter.warning(warning)
        return dataset

    def _say_classes(self, names: tuple[str, ...]) -> None:
        if not names:
            return
        named = ", ".join(f"{i} {name}" for i, name in enumerate(names))
        if (self.source or {}).get("class_names"):
            self.reporter.note(f"Classes: {named}")
        else:
            self.reporter.warning(
                f"Classes: {named}, by alphabet; --classes gives the model's order."
            )

    def to_evaluate(self) -> Job:
        """This job where nothing is tuned: all samples that are given are the test set, where
        they have none of their own."""
        given = {k: v for k, v in (self.source or {}).items() if v is not None}
        if "path" not in given and "test" in given:
            moved = {"test": "path", "test_labels": "labels", "test_part": "part"}
            given = {moved.get(name, name): value for name, value in given.items()}
        self.source = given | {"whole": True}
        return self

    def _load(
        self, tensor: Tensor, targets: Targets, stored: Preprocessing | None = None
    ) -> Dataset:
        """The samples for a model's input ``tensor``: the one place where a job reads data."""
        from edgetune.data import load_data

        given = {name: value for name, value in (self.source or {}).items() if value is not None}
        if "path" not in given:
            raise UsageError(
                "No data is named.", "Neither the call nor edgetune.toml names any.",
                'Name it in the call, or write data = "..." into edgetune.toml.',
            )
        return load_data(graph_input=tensor, targets=targets, stored=stored, **given)

    def held_out(self, guard: str | float) -> HeldOut | None:
        """The samples of the file that ``guard`` names, read once as the job's data are; None
        where it names none."""
        if guard in (RUNNING, NONE) or is_share(guard):
            return None
        if guard not in self._held_out:
            self._held_out[guard] = self._read_held_out(guard)
        return self._held_out[guard]

    def _read_held_out(self, guard: str | float) -> HeldOut:
        from edgetune.session.guarding import HeldOut

        x, y = self._read_labelled(guard)
        return HeldOut(x, np.zeros((len(x), 0)) if y is None else y)

    def _read_labelled(self, path, name: str = "", **of_set):
        """Samples and targets of a set beside the tuning and the test set, read as they are."""
        from edgetune.data import load_labelled, stored_preprocessing

        given = {k: v for k, v in (self.source or {}).items() if v is not None}
        how = {k: v for k, v in given.items() if k not in _OF_TUNING} | of_set
        x, y, warnings = load_labelled(
            path, self.graph.input, targets_of(self.plan.program.loss),
            stored=stored_preprocessing(self.graph), **self._classes(how),
        )
        for warning in warnings:
            self.reporter.warning(f"{name}: {warning}" if name else warning)
        return x, y

    @cached_property
    def also(self) -> dict[str, Dataset]:
        """The further sets: each the ``test_x`` and ``test_y`` of a Dataset like `data`."""
        return {name: self._further(name, place) for name, place in self.places.items()}

    def _further(self, name: str, place: Place) -> Dataset:
        source = place.source or (self.source or {}).get("path")
        x, y = self._read_labelled(source, name, part=place.part, labels=place.labels)
        return replace(self.data, test_x=x, test_y=y)

    def _classes(self, how: dict) -> dict:
        """With the names that the data's classes have, where it has names."""
        return how | ({"class_names": self.data.classes} if self.data.classes else {})

    @cached_property
    def device(self) -> str:
        """The device that is meant; what its build and its emulator need is there."""
        from edgetune.device import resolve_device
        from edgetune.session.tools import check_tools

        name = resolve_device(self.device_name, self.board)
        check_tools(name, self.board)
        return name

    def check(self, settings: TuneSettings | None = None) -> tuple[Dataset, str]:
        """Raises what can be known before anything is built or written; the data, the device."""
        from edgetune.session.order import check_steps
        from edgetune.session.running import faults_of

        self.check_fit()
        if settings:
            faults_of(settings)
            self.held_out(settings.guard)
            _ = self.also
            check_steps(len(self.data.tune_x), settings.samples, settings.passes)
        return self.data, self.device

    def firmware(self, folder: Path | None = None) -> Firmware:
        """Generate and build for the device, into ``folder`` where one is given; see ``flash``."""
        from edgetune.device import needs_native
        from edgetune.session.flashing import ensure_firmware

        firmware = self.build(needs_native(self.device), folder)
        if self.flash:
            ensure_firmware(firmware, self.device, self.reporter)
        return firmware

    def build(self, native: bool, folder: Path | None = None) -> Firmware:
        """Generate and build for this computer or for the board."""
        from edgetune.session.firmware import build_firmware
        from edgetune.session.run_folder import folder_name

        plan = self.plan
        name = f"{folder_name(self.title)}-{self.board.name}"
        folder = folder or Path(self.out or PROJECTS / name)
        target = "this computer" if native else self.board.title
        self.reporter.note(f"Building firmware for {target} in {folder}")
        return build_firmware(plan, folder, self.title, native=native, cmsis_nn=self.cmsis_nn)

    def library(self, folder: Path, wanted: Wanted) -> Library:
        """Write the model and the engine for a product's own firmware into ``folder``; without a
        prefix ``wanted`` gets one of the model's name.

        Raises:
            EdgetuneError: as `build`, and see `write_library`.
        """
        from edgetune.codegen.library.names import default_prefix
        from edgetune.codegen.library.write import write_library

        wanted = wanted if wanted.prefix else replace(wanted, prefix=default_prefix(self.title))
        self.check_fit()
        costs = [s.instructions for s in self.estimate.stages if s.phase != STEP]
        return write_library(folder, self.plan, self.title, wanted, costs)

    def run_folder(self) -> RunFolder:
        """The folder of a run: ``out``, else a fresh one below runs/."""
        from edgetune.session.run_folder import RunFolder

        return RunFolder(Path(self.out)) if self.out else RunFolder.fresh(RUNS, self.title)

    def resolved(self, settings: TuneSettings) -> TuneSettings:
        """``settings`` with the folder of the run that is to be continued, if one is; errors as
        of `kept_state`, and UsageError where the model has no run yet."""
        from edgetune.session.kept_states import kept_state
        from edgetune.session.run_folder import RunFolder

        if settings.continued is None:
            return settings
        last = settings.continued == LAST_RUN
        folder = RunFolder.latest(RUNS, self.title) if last else settings.continued
        kept_state(folder, self.plan)
        return replace(settings, continued=str(folder))

    def tune(
        self, settings: TuneSettings = TuneSettings(), folder: RunFolder | None = None,
        firmware: Firmware | None = None,
    ) -> TuneResult:
        """The main job: the device learns from the data, and ``folder`` keeps the run.

        Args:
            folder: that of `run_folder` without it.
            firmware: what was built for this job already.

        Raises:
            EdgetuneError: see `tune`, and whatever the job reads and builds.
        """
        from edgetune.session.again import again_record
        from edgetune.session.tuning import tune

        self.check(settings)
        held_out = self.held_out(settings.guard)
        settings = self.resolved(settings)
        if folder is None:
            with self.run_folder() as fresh:
                return self.tune(settings, fresh, firmware)
        return tune(
            firmware or self.firmware(folder.firmware), self.device, self.data, settings, folder,
            self.reporter, model=self.model, conversion=self.conversion, held_out=held_out,
            also=self.also, again=again_record(self, settings),
        )


def targets_of(loss: Loss) -> Targets:
    """What a data set has to hold for ``loss``."""
    return Targets(loss.target, None if loss.target == INPUT else loss.size)
