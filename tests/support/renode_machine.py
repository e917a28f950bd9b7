"""Runs a board's image with the models of tests/support/renode_platforms.py, as a device."""

from pathlib import Path

import pytest
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from renode_models import Counter, Uarte
from renode_platforms import PLATFORMS, TIMERS

from edgetune.boards import Board
from edgetune.device.base import Device

unicorn = pytest.importorskip("unicorn", reason="unicorn is not installed (extra `test`)")
arm = pytest.importorskip("unicorn.arm_const")

_CORES = {
    "cortex-m0plus": arm.UC_CPU_ARM_CORTEX_M0, "cortex-m3": arm.UC_CPU_ARM_CORTEX_M3,
    "cortex-m4": arm.UC_CPU_ARM_CORTEX_M4, "cortex-m7": arm.UC_CPU_ARM_CORTEX_M7,
    "cortex-m33": arm.UC_CPU_ARM_CORTEX_M33,
}
_WINDOWS = (
    (0x10000000, 0x10000), (0x40000000, 0x20000000), (0xE0000000, 0x100000),
)
_END = 0x9FFF0000  # a page of ours, where handlers return to
_WFI = b"\x30\xbf"
_SAVED = [getattr(arm, f"UC_ARM_REG_R{i}") for i in range(13)]
_SAVED += [arm.UC_ARM_REG_LR, arm.UC_ARM_REG_XPSR, arm.UC_ARM_REG_SP]
SECONDS = 60  # for one run until the core sleeps; a bound, not an expectation


class ModelDevice(Device):
    """The core runs within `write` and `open`, until it sleeps with nothing left to receive.

    It starts from the vectors at the lowest address of a section that takes memory, as Renode
    does (Bus/SymbolLookup.cs, Arm-M/CortexM.cs).
    """

    name = "models of Renode's platform"

    def __init__(self, board: Board, elf: Path):
        facts = board.emulators["renode"]
        self._platform, self._elf = PLATFORMS[facts["platform"]], elf
        kind, base, irq = self._platform.uarts[facts["uart"]]
        self.uart = kind(base, irq)
        self.models = [self.uart, *self._platform.models()]
        if facts.get("dwt"):
            self.models.append(Counter(0xE0001000, 4))
        if facts.get("timer"):
            self.models.append(Counter(TIMERS[facts["timer"]], 0x24))
        self._core = unicorn.Uc(
            unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS
        )
        self._core.ctl_set_cpu_model(_CORES[board.core.name])
        self._interrupts, self._vectors, self._asleep = 0, 0, False
        self._failure: Exception | None = None

    def open(self) -> None:
        for origin, size in (*self._platform.memories, (_END, 0x1000)):
            self._core.mem_map(origin, size)
        for base, size in _WINDOWS:
            self._core.mmio_map(base, size, self._load, base, self._store, base)
        if isinstance(self.uart, Uarte):
            self.uart.memory = self._core
        self._load_image()
        self._core.reg_write(arm.UC_ARM_REG_SP, self._word(self._vectors))
        self._run(self._word(self._vectors + 4))

    def read(self, timeout: float) -> bytes:
        data = bytes(self.uart.sent)
        self.uart.sent.clear()
        return data

    def write(self, data: bytes) -> None:
        self.uart.deliver(data)
        while self.uart.pending:
            assert self._interrupts >> self.uart.irq & 1, "the UART's interrupt is not enabled"
            self._interrupt()
        self._run(self._core.reg_read(arm.UC_ARM_REG_PC) | 1)

    def close(self) -> None:
        self._core.emu_stop()

    def alive(self) -> bool:
        return self._failure is None

    def _word(self, address: int) -> int:
        return int.from_bytes(self._core.mem_read(address, 4), "little")

    def _load_image(self) -> None:
        with open(self._elf, "rb") as file:
            elf = ELFFile(file)
            segments = list(elf.iter_segments("PT_LOAD"))
            for segment in segments:
                self._core.mem_write(segment["p_paddr"], segment.data())
                self._sleep_at(segment["p_paddr"], segment.data())
            self._vectors = min(
                section["sh_addr"] + segment["p_paddr"] - segment["p_vaddr"]
                for section in elf.iter_sections() if section["sh_flags"] & SH_FLAGS.SHF_ALLOC
                for segment in segments if segment.section_in_segment(section)
            )

    def _sleep_at(self, address: int, code: bytes) -> None:
        """Stop before every WFI; data that looks like one is never executed."""
        place = code.find(_WFI)
        while place >= 0:
            self._core.hook_add(
                unicorn.UC_HOOK_CODE, self._sleep, begin=address + place, end=address + place
            )
            place = code.find(_WFI, place + 1)

    def _sleep(self, core, address, *_) -> None:
        self._asleep = True
        core.emu_stop()

    def _run(self, pc: int) -> None:
        """From ``pc`` to the next WFI; the core then stands behind it."""
        self._asleep = False
        self._core.emu_start(pc, _END, timeout=SECONDS * 1_000_000)
        self._check()
        assert self._asleep, f"it runs and runs at {self._core.reg_read(arm.UC_ARM_REG_PC):#x}"
        self._core.reg_write(arm.UC_ARM_REG_PC, self._core.reg_read(arm.UC_ARM_REG_PC) + 2 | 1)

    def _interrupt(self) -> None:
        pc = self._core.reg_read(arm.UC_ARM_REG_PC)
        saved = [self._core.reg_read(register) for register in _SAVED]
        handler = self._word(self._vectors + 4 * (16 + self.uart.irq))
        self._core.reg_write(arm.UC_ARM_REG_LR, _END | 1)
        self._core.emu_start(handler, _END, timeout=SECONDS * 1_000_000)
        self._check()
        for register, value in zip(_SAVED, saved, strict=True):
            self._core.reg_write(register, value)
        self._core.reg_write(arm.UC_ARM_REG_PC, pc | 1)

    def _check(self) -> None:
        if self._failure:
            raise self._failure

    def _load(self, _core, offset, size, base) -> int:
        return self._access(lambda model, place: model.read(place), base + offset) or 0

    def _store(self, _core, offset, size, value, base) -> None:
        address = base + offset
        if 0xE000E100 <= address < 0xE000E140:
            self._interrupts |= value << 8 * (address - 0xE000E100)
        self._access(lambda model, place: model.write(place, value), address)

    def _access(self, action, address: int):
        try:
            for model in self.models:
                if model.base <= address < model.base + model.size:
                    return action(model, address - model.base)
        except Exception as error:
            self._failure = error
            self._core.emu_stop()
        return 0
