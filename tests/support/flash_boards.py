"""The boards whose flash drivers are tested, each with the models of its registers."""

import re
from dataclasses import replace
from itertools import chain

from registers import RECORDER, Machine, Registers
from registers.flash_f1 import FlashF1
from registers.flash_f4 import FlashF4
from registers.flash_h7 import FlashH7
from registers.flash_l4 import FlashG0, FlashL4, FlashL5
from registers.flash_nrf52 import FlashNrf52

from edgetune.boards import Board, load_board
from edgetune.resources import resource_path

_HEADER = (resource_path("firmware") / "ports" / "flash.h").read_text()
ERROR = {name: int(value) for name, value in re.findall(r"ET_FLASH_(\w+) = (-?\d+)", _HEADER)}

CODE = 0x60000000  # no chip has memory here: code there survives the erase of every sector
COMMON = ["cortex_m/core.c", "cortex_m/port.c"]

MODELS = {
    "stm32vldiscovery": FlashF1,
    "stm32f4-discovery": FlashF4,
    "stm32f746-discovery": lambda sectors: FlashF4(sectors, access=0),
    "nucleo-l476rg": FlashL4,
    "nucleo-l552ze": FlashL5,
    "nucleo-g071rb": FlashG0,
    "nucleo-h753zi": FlashH7,
    "nrf52840-dk": FlashNrf52,
}


def quick(name: str) -> Board:
    """The board, with a bound on waiting that is soon reached."""
    board = load_board(name)
    return replace(board, geometry=replace(board.geometry, busy_ms=1))


def sectors_of(board: Board) -> list[tuple[int, int]]:
    """(first address, bytes) of every sector."""
    sizes = chain.from_iterable([size] * count for count, size in board.geometry.sectors)
    sectors, address = [], board.flash.origin
    for size in sizes:
        sectors.append((address, size))
        address += size
    return sectors


def make_machine(folder, board: Board, code_at=CODE) -> Machine:
    """The board's whole port and its flash driver, without models."""
    sources = [*COMMON, *board.port_sources, *board.geometry.sources]
    return Machine(folder, board, sources, extra=[RECORDER], code_at=code_at)


def make_models(board: Board) -> list[Registers]:
    """The flash controller first, then what caches there are."""
    controller = MODELS[board.name](sectors_of(board))
    models = [controller, *([controller.second] if isinstance(controller, FlashH7) else [])]
    if "cortex_m/cache.c" in board.port_sources:
        models.append(Registers("CACHE", 0xE000EF50, {0x00: 0, 0x0C: 0}, size=0x10))
    if "stm32/icache.c" in board.port_sources:
        models.append(Registers("ICACHE", 0x40030400, {0x00: 1, 0x04: 0}))
    return models


class Bench:
    """One board at its start: calls of flash.h, with the error as a negative number."""

    def __init__(self, machine: Machine):
        self.machine = machine
        self.board = machine.board
        self.models = make_models(self.board)
        self.controllers = self.models[: 1 + (self.board.name == "nucleo-h753zi")]
        self.sectors = sectors_of(self.board)
        self.unit = self.board.geometry.unit
        machine.restart(self.models)

    @property
    def flash(self):
        return self.controllers[0]

    @property
    def locked(self) -> bool:
        return all(controller.locked for controller in self.controllers)

    @property
    def touched(self) -> int:
        return sum(controller.touched for controller in self.controllers)

    def erase(self, address: int) -> int:
        return self._call("et_flash_erase", address)

    def program(self, address: int, data: bytes, count: int | None = None) -> int:
        self.machine.write(self.machine.scratch, data)
        count = len(data) if count is None else count
        return self._call("et_flash_program", address, self.machine.scratch, count)

    def read(self, address: int, count: int) -> bytes:
        return self.machine.read(address, count)

    def _call(self, function: str, *arguments: int) -> int:
        result = self.machine.call(function, *arguments, instructions=20_000_000)
        return result - (1 << 32) if result >> 31 else result
