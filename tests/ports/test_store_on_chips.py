"""The store on the flash drivers of the boards, against models of their controllers."""

from pathlib import Path

import pytest
from emulators import needs_gcc
from flash_boards import CODE, COMMON, ERROR, MODELS, Bench
from flash_boards import quick as impatient
from registers import RECORDER, Machine, Registers
from thinned import quick

from edgetune.resources import resource_path

pytestmark = needs_gcc

FIRMWARE = resource_path("firmware")
STORE = [
    Path(__file__).parents[1] / "store_flash" / "on_chip.c",
    FIRMWARE / "store" / "store.c", FIRMWARE / "link" / "frames.c",
]
ECCD, ECCR = 1 << 31, {"nucleo-l476rg": 0x18, "nucleo-g071rb": 0x18, "nucleo-l552ze": 0x30}
DBECCERR, SR, CCR = 1 << 26, 0x10, 0x14
SCB_CCR, BFHFNMIGN = 0xE000ED14, 1 << 8


def chip_of(folder, name: str) -> Bench:
    board = impatient(name)
    sources = [*COMMON, *board.port_sources, *board.geometry.sources]
    chip = Bench(Machine(
        folder, board, sources, extra=[RECORDER, *STORE], code_at=CODE, defines={"ET_STORE": 1}
    ))
    chip.models.append(Registers("SCB", SCB_CCR, {0: 0}, size=4))
    chip.machine.restart(chip.models)
    return chip


@pytest.mark.parametrize("name", quick(MODELS, ("nucleo-h753zi", "nucleo-l476rg")))
def test_a_chip_keeps_what_it_committed(tmp_path, name):
    chip = chip_of(tmp_path, name)
    store, flash = chip.board.store, chip.board.flash
    assert chip._call("chip_boot") == 0
    for first in (1, 2, 3):
        assert chip._call("chip_commit", first) == 0
        assert chip._call("chip_boot") == first
        assert chip._call("chip_confirm") == 0
    assert [chip._call("chip_boot") for _ in range(2)] == [3, 3]
    assert chip._call("chip_commit", 4) == 0
    assert [chip._call("chip_boot") for _ in range(3)] == [4, 3, 3]
    before = chip.read(flash.origin, store.origin - flash.origin)
    assert before == b"\xff" * len(before)  # all that was programmed is the store's


def test_reading_keeps_to_flash(tmp_path):
    chip = chip_of(tmp_path, "nrf52840-dk")
    flash = chip.board.flash
    assert chip._call("et_flash_read", flash.end - 4, chip.machine.scratch, 4) == 0
    for address, count in ((flash.end - 3, 4), (flash.origin - 4, 4), (flash.end, 1)):
        status = chip._call("et_flash_read", address, chip.machine.scratch, count)
        assert status == ERROR["OUT_OF_RANGE"]


@pytest.mark.parametrize("name", quick(ECCR, ("nucleo-l476rg",)))
def test_an_l4_notes_the_interrupt_of_a_unit_that_cannot_be_read(tmp_path, name):
    """It comes in the middle of a copy; what was noted before is not this copy's."""
    chip = chip_of(tmp_path, name)
    chip.flash.values[ECCR[name]] = ECCD
    noted = chip.machine.address("unreadable")
    chip.machine.call("et_nmi")
    assert chip.machine.values("FLASH", ECCR[name]) == [ECCD]
    assert chip.machine.words(noted, 1) == [1]
    comes = iter([False, True])

    def meanwhile(*_):
        if next(comes):
            chip.machine.write(noted, b"\1\0\0\0")

    assert read_last(chip, 8, meanwhile) == [0, ERROR["UNREADABLE"]]


def test_an_h7_reads_past_a_word_that_cannot_be_read(tmp_path):
    """Bus errors are no faults meanwhile, and only then."""
    chip = chip_of(tmp_path, "nucleo-h753zi")
    scb, second, seen = chip.models[-1], chip.controllers[1], []

    def meanwhile(*_):
        seen.append(scb.values[0])
        second.values[SR] |= DBECCERR * (len(seen) == 2)

    assert read_last(chip, 32, meanwhile) == [0, ERROR["UNREADABLE"]]
    assert seen == [BFHFNMIGN] * 2 and scb.values[0] == 0
    assert second.values[CCR] == DBECCERR  # what was there before is cleared first


def read_last(chip, count: int, meanwhile) -> list[int]:
    """Read the last bytes of flash twice; what happens meanwhile happens before they are copied."""
    chip.machine.trap(chip.machine.address("memcpy") & ~1, meanwhile)
    at = chip.board.flash.end - count
    return [chip._call("et_flash_read", at, chip.machine.scratch, count) for _ in range(2)]
