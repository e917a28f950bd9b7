"""A device with its store in simulated flash (``tests/store_flash``), and what it may know."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

from c_engine import COMPILER, SANITIZE
from kept_files import kept

ROOT = Path(__file__).parents[2]
SIMULATOR = ROOT / "tests" / "store_flash"
INCLUDES = [f"-I{ROOT / name}" for name in ("firmware/store", "firmware/link", "tests/store_flash")]
STORE = [ROOT / "firmware" / "store" / "store.c", ROOT / "firmware" / "link" / "frames.c"]
SOURCES = [*STORE, SIMULATOR / "simulator.c", SIMULATOR / "desk.c"]
TEARS = ("before", "after", "hidden", "part", "unreadable", "weak")
NOTHING, FLASH, NO_TRIAL, FULL = -1, -4, -5, -6
EMPTY, FOREIGN, TRIAL, USED, CONFIRMED = range(5)

# Bytes of a unit and of a sector, sectors, bytes of the state: every family of the tree's boards,
# and others between.
GEOMETRIES = (
    (1, 1024, 2, 333),
    (2, 1024, 4, 1400),      # STM32F1
    (4, 4096, 2, 333),       # nRF52
    (4, 16384, 2, 1000),     # STM32F4, its small sectors
    (4, 131072, 2, 333),     # STM32F4
    (8, 2048, 2, 333),       # STM32L4, L5, G0
    (8, 2048, 6, 5000),
    (16, 8192, 2, 333),
    (32, 1024, 2, 77),
    (32, 131072, 2, 1000),   # STM32H7
    (256, 4096, 4, 5000),    # the Pico's flash chip
)


class Record(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_uint32) for name in
        ("kind", "generation", "erases", "id", "bytes", "state_crc", "score", "crc")
    ]


class Slot(ctypes.Structure):
    _fields_ = [("record", Record)] + [
        (name, ctypes.c_uint8) for name in ("state", "confirmations", "certain")
    ]


def build_desk(folder: Path) -> ctypes.CDLL:
    """The store, the simulator and the desk as a library."""
    library = folder / "desk.so"
    with kept(library, SANITIZE) as made:
        if not made:
            flags = ["-std=gnu99", "-O2", "-g", "-fPIC", "-shared", f"-fsanitize={SANITIZE}",
                     "-fno-sanitize-recover=all", "-Wall", "-Wextra", "-Werror", *INCLUDES]
            subprocess.run([COMPILER, *flags, *SOURCES, "-o", str(library)], check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.desk_slot.restype = ctypes.POINTER(Slot)
    loaded.flash_bytes.restype = ctypes.POINTER(ctypes.c_uint8)
    return loaded


class Desk:
    """The device, and beside it all that its flash may hold after the cuts so far.

    A possible content is (confirmed, waiting): the number of the state that is confirmed, 0 where
    none is, and of the trial that the next boot runs, or None.  A cut leaves what was before its
    operation or what should be after it; whatever a boot runs must be one of these, and whole.
    """

    def __init__(self, library, unit: int, sector: int, sectors: int, state_bytes: int):
        self.c = library
        assert library.desk_new(unit, sector, sectors, state_bytes) >= state_bytes
        self.possible: set = {(0, None)}
        self.tags, self.running, self.trial = 1, 0, False
        self.weak = False  # whether what a cut left may read otherwise at each power-up

    # -- what happens to it -----------------------------------------------------------------------

    def cut(self, at: int, tear: str, seed: int = 1) -> None:
        """The power goes at the operation ``at`` from now on, the first being 1."""
        self.weak |= tear == "weak"
        self.c.flash_cut(at, TEARS.index(tear), seed)

    def boot(self) -> int | None:
        """Power-up; the number of the state that runs, None where the power went."""
        slot = self.c.desk_boot()
        before = self.possible
        if self.c.flash_is_off():
            self.possible = before | {(c, None) for c, _ in before}
            return None
        self._see(slot)
        assert self.c.flash_abuses() == 0
        return self.running

    def _see(self, slot: int) -> None:
        """The state that was booted must be one that can have been kept."""
        assert slot >= NOTHING, slot
        self.running = self.c.desk_tag(self.tags)
        self.trial = slot >= 0 and self.c.desk_slot(slot).contents.state != CONFIRMED
        as_seen = {s for s in self.possible if _runs(s) == (self.running, self.trial)}
        assert as_seen, (self.running, self.trial, self.possible)
        others = self.possible - as_seen if self.weak else set()
        self._agreeing = {(c, None) for c, _ in as_seen}
        self.possible = self._agreeing | others

    def commit(self, score: int = 0) -> int:
        """Learn something new and keep it."""
        new, self.tags = self.tags, self.tags + 1
        self.c.desk_learn(new)
        status = self.c.desk_commit(score)
        after = {(c, new) for c, _ in self._agreeing}
        between = {(c, None) for c, _ in self._agreeing}
        if self._settle(status == 0, after, between):
            self.running, self.trial = new, True
        return status

    def confirm(self) -> int:
        status = self.c.desk_confirm()
        if self._settle(status == 0, {(self.running, None)}, set()):
            self.trial = False
        return status

    def rollback(self) -> int:
        """Give the trial up."""
        status = self.c.desk_rollback()
        if self._settle(status >= NOTHING, {(c, None) for c, _ in self._agreeing}, set()):
            self._see(status)
        return status

    def _settle(self, done: bool, after: set, between: set) -> bool:
        """Whether the operation was done; if not, it left what was, is to be, or lies between."""
        assert self.c.flash_abuses() == 0
        done = done and not self.off  # what a device says without power nobody hears
        if done:
            self.possible = self._agreeing = after
        else:
            self.possible = self.possible | self._agreeing | between | after
        return done

    def operations(self) -> int:
        """Of the flash, since `cut`."""
        return self.c.flash_operations()

    @property
    def off(self) -> bool:
        return bool(self.c.flash_is_off())


def _runs(content: tuple) -> tuple:
    """What a boot runs, and whether as a trial."""
    confirmed, waiting = content
    return (confirmed, False) if waiting is None else (waiting, True)
