"""From MODEL and --board to firmware: the part that most verbs have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from edgetune.boards import Board, load_board
from edgetune.cli.printer import Printer
from edgetune.data import Dataset, Preprocessing, Targets, load_data, stored_preprocessing
from edgetune.device import needs_native, resolve_device
from edgetune.learn.recipe import Recipe
from edgetune.model.graph import Graph, Tensor
from edgetune.model.read import read_tflite
from edgetune.plan.cost import Estimate, estimate
from edgetune.plan.fit import check_fit
from edgetune.plan.plan import Plan, make_plan
from edgetune.quantize import Conversion, load
from edgetune.session.conversion import convert_by, read_int8
from edgetune.session.firmware import Firmware, build_firmware
from edgetune.session.flashing import ensure_firmware
from edgetune.session.tools import check_tools


@dataclass(frozen=True)
class Job:
    """What the options name. Files and boards are read when they are first asked for.

    ``flash``: write the firmware to a board on a serial port that runs another.
    ``conversion``: what became of a float model, see ``in_int8``.
    """

    model: str
    board_name: str
    device_name: str | None
    recipe: Recipe
    out: str | None
    cmsis_nn: Path | None
    flash: bool = False
    conversion: Conversion | None = None

    @property
    def title(self) -> str:
        return Path(self.model).stem

    @cached_property
    def board(self) -> Board:
        return load_board(self.board_name)

    def in_int8(self, printer: Printer, source: dict) -> Job:
        """Itself; of a float model, the job of the int8 file made of it by the tuning set."""
        found = load(self.model)
        if not isinstance(found, Graph):
            return self
        printer.note(f"Converting {self.model} to int8")
        data = _load(source, found.input, found.output.size)
        return replace(self, conversion=convert_by(found, data))

    @cached_property
    def graph(self) -> Graph:
        """The int8 model."""
        if self.conversion is None:
            return read_int8(self.model)
        return read_tflite(self.conversion.content)

    @cached_property
    def plan(self) -> Plan:
        return make_plan(self.graph, self.recipe, self.board, bool(self.cmsis_nn))

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
        stored = stored_preprocessing(self.graph)
        dataset = _load(source, self.graph.input, self.plan.program.classes, stored)
        if dataset.classes:
            named = ", ".join(f"{i} {name}" for i, name in enumerate(dataset.classes))
            printer.note(f"Classes: {named}")
        for warning in dataset.warnings:
            printer.note(f"Warning: {warning}")
        return dataset

    def firmware(self, printer: Printer, folder: Path | None = None) -> Firmware:
        """Generate and build for the device, into ``folder`` where one is given; see ``flash``."""
        firmware = self.build(printer, needs_native(self.device), folder)
        if self.flash:
            ensure_firmware(firmware, self.device, printer.reporter)
        return firmware

    def build(self, printer: Printer, native: bool, folder: Path | None = None) -> Firmware:
        """Generate and build for this computer or for the board."""
        plan, folder = self.plan, folder or self.folder
        target = "this computer" if native else self.board.title
        printer.note(f"Building firmware for {target} in {folder}")
        return build_firmware(
            plan, folder, self.title, native=native, cmsis_nn=self.cmsis_nn
        )


def _load(
    source: dict, tensor: Tensor, classes: int, stored: Preprocessing | None = None
) -> Dataset:
    others = source | {"class_names": source["class_names"] or ()}
    targets = Targets("class", classes)
    return load_data(graph_input=tensor, targets=targets, stored=stored, **others)
