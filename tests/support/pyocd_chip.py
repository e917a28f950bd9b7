"""A chip for the real pyOCD: memory in its own map, with no debug port and no flash algorithm."""

from __future__ import annotations

from types import SimpleNamespace

from pyocd.core import target
from pyocd.core.memory_map import MemoryMap, RamRegion


class Chip(target.Target):
    """A target: ``memory`` from the start of flash, as pyOCD's memory map describes it."""

    def __init__(self, core: str = "Cortex-M4", length: int = 0x100000):
        self.cores = {0: SimpleNamespace(name=core)}
        self.selected_core = SimpleNamespace(node_name="core")
        self.debug_sequence_delegate = None
        self.origin = 0x08000000
        self.memory = bytearray(b"\xff" * length)
        self.memory_map = MemoryMap(RamRegion(start=self.origin, length=length))
        self.calls: list[str] = []
        self.failure: Exception | None = None
        self.sticks = True
        self.identity: int | Exception = 0x20036413  # DBGMCU_IDCODE of an STM32F407

    def write_memory_block8(self, address: int, data) -> None:
        if self.failure:
            raise self.failure
        if self.sticks:
            at = address - self.origin
            self.memory[at : at + len(data)] = bytes(data)

    def read_memory_block8(self, address: int, count: int) -> list[int]:
        at = address - self.origin
        return list(self.memory[at : at + count])

    def read32(self, address: int) -> int:
        assert address == 0xE0042000
        if isinstance(self.identity, Exception):
            raise self.identity
        return self.identity

    def reset_and_halt(self) -> None:
        self.calls.append("reset and halt")

    def reset(self) -> None:
        self.calls.append("reset")


class Session:
    """A session with the chip of a test; ``opening`` is raised where a real one connects."""

    chip: Chip
    opening: Exception | None = None
    options: dict = {}

    def __init__(self, probe, options):
        Session.options = options
        self.target = Session.chip
        self.board = SimpleNamespace(target=self.target)

    def __enter__(self):
        if Session.opening:
            raise Session.opening
        return self

    def __exit__(self, *_):
        self.target.calls.append("closed")


def probe(serial: str = "066BFF", name: str = "STLink V2-1"):
    return SimpleNamespace(
        unique_id=serial, description=name, associated_board_info=None, session=None,
        create_associated_board=lambda: None,
    )
