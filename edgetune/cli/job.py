"""From MODEL and --board to firmware: the part that most verbs have in common."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from edgetune.boards import Board, load_board
from edgetune.cli.printer import Printer
from edgetune.data import Dataset, load_data
from edgetune.device import needs_native, resolve_device
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.plan.cost import Estimate, estimate
from edgetune.plan.fit import check_fit
from edgetune.plan.plan import Plan, make_plan
from edgetune.session.firmware import Firmware, build_firmware
from edgetune.session.tools import check_tools


@dataclass(frozen=True)
class Job:
    """What the options name. Files and boards are read when they are first asked for."""

    model: str
    board_name: str
    device_name: str | None
    recipe: Recipe
    out: str | None
    cmsis_nn: Path | None

    @property
    def title(self) -> str:
        return Path(self.model).stem

    @cached_property
    def board(self) -> Board:
        return load_board(self.board_name)

    @cached_property
    def plan(self) -> Plan:
        return make_plan(read_tflite(self.model), self.recipe, self.board, bool(self.cmsis_nn))

    @cached_property
    def estimate(self) -> Estimate:
        """What the plan costs."""
        return estimate(self.plan)

    def check_fit(self) -> None:
        """DoesNotFitError where the plan is larger than the board, if the board is to run it.

        With CMSIS-NN the build finds out, because a plan knows the engine's own kernels only.
        """
        if self.device_name != "host" and not self.plan.cmsis_nn:
            check_fit(self.plan, self.estimate)

    @cached_property
    def device(self) -> str:
        """The device that is meant; what its build and its emulator need is there."""
        name = resolve_device(self.device_name, self.board)
        check_tools(name, self.board)
        return name

    @property
    def folder(self) -> Path:
        """Where the C project goes."""
        return Path(self.out or f"build/{self.title}-{self.board.name}")

    def data(self, printer: Printer, source: dict) -> Dataset:
        """The samples that ``source`` names (see `data_options`), as the model takes them."""
        program = self.plan.program
        others = source | {"class_names": source["class_names"] or ()}
        dataset = load_data(graph_input=program.graph.input, classes=program.classes, **others)
        if dataset.classes:
            named = ", ".join(f"{i} {name}" for i, name in enumerate(dataset.classes))
            printer.note(f"Classes: {named}")
        for warning in dataset.warnings:
            printer.note(f"Warning: {warning}")
        return dataset

    def firmware(self, printer: Printer, folder: Path | None = None) -> Firmware:
        """Generate and build for the device, into ``folder`` where one is given."""
        return self.build(printer, needs_native(self.device), folder)

    def build(self, printer: Printer, native: bool, folder: Path | None = None) -> Firmware:
        """Generate and build for this computer or for the board."""
        plan, folder = self.plan, folder or self.folder
        target = "this computer" if native else self.board.title
        printer.note(f"Building firmware for {target} in {folder}")
        return build_firmware(
            plan, folder, self.title, native=native, cmsis_nn=self.cmsis_nn
        )
