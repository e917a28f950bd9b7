"""Parts for boards that tests add."""

from __future__ import annotations

from pathlib import Path

from pdsc_builder import FLASH, RAM, Device, memory, processor, write_pdsc

from edgetune.boards import load_board
from edgetune.boards.adding import BoardWishes, add_board

ROOT = Path(__file__).parents[2]


def _add(device: Device, wishes: BoardWishes | None = None, **others):
    return add_board(device.name, wishes, pdsc=write_pdsc(Path(), device), **others)


def _device(name, family, core, *memories, **facts):
    return Device(name, family, [processor(core, **facts), *memories])


_MEMORIES = (
    memory("Flash", 0x08000000, 0x20000, FLASH, "default", "startup"),
    memory("SRAM", 0x20000000, 0x5000, RAM, "default"),
)


# RM0090: register boundary addresses, vector table, RCC_APB2ENR; DS8626 table 9.
_USART1 = {
    "base": 0x40011000, "irq": 37, "apb": 2, "enable_register": 0x40023844, "enable_mask": 0x10,
    "alternate": 7,
}  # fmt: skip


def _regions(*memories, family="XM0 Series", **wishes):
    device = _device("XM0001", family, "Cortex-M4", *memories)
    wishes = BoardWishes(like="stm32f4-discovery", clock_hz=1_000_000, uart={
        key: 1 for key, value in load_board("stm32f4-discovery").uart.items()
        if isinstance(value, int)
    }, **wishes)
    board = _add(device, wishes, force=True).board
    return [(r.name, r.kind, r.origin, r.length, r.use) for r in board.regions]
