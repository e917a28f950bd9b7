"""The Pico's flash driver against a model of the boot ROM: nothing touches flash meanwhile."""


import pytest
from emulators import needs_gcc
from flash_boards import ERROR, make_machine, sectors_of
from registers.rp2040_rom import BAUDR, BootRom, Ssi
from thinned import thinned

from edgetune.boards import load_board

pytestmark = needs_gcc

SECTOR, PAGE = 4096, 256
INSTRUCTIONS = 1_000_000


class Pico:
    """The driver where it belongs, in flash: what must run from RAM has to be there."""

    def __init__(self, folder):
        self.board = load_board("raspberry-pi-pico")
        self.machine = make_machine(folder, self.board, code_at=None)
        self.ssi = Ssi()
        self.rom = BootRom(self.machine, self.ssi)
        self.restart()

    def restart(self):
        self.machine.restart([self.ssi])
        self.rom.restart()
        return self

    def call(self, function, *arguments):
        result = self.machine.call(function, *arguments, instructions=INSTRUCTIONS)
        assert self.rom.readable and not self.machine.masked
        assert self.ssi.values[BAUDR] == 4, "reads stay slow"
        return result - (1 << 32) if result >> 31 else result

    def program(self, address, data):
        """Program from the start of RAM, where nothing else lies but the stack's end."""
        source = self.board.ram.origin
        self.machine.write(source, data)
        return self.call("et_flash_program", address, source, len(data))


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    return Pico(tmp_path_factory.mktemp("pico"))


@pytest.fixture
def pico(machine):
    return machine.restart()


def _data(count):
    return bytes((5 * i + 3) & 0xFF for i in range(count))


@pytest.mark.parametrize("index", thinned([1, 300, -1], 3))
def test_one_sector_is_erased(pico, index):
    address, size = sectors_of(pico.board)[index]
    pico.machine.write(address - 1 if index == 300 else address, b"\0" * size)
    assert pico.call("et_flash_erase", address) == 0
    assert pico.machine.read(address, size) == b"\xff" * size
    assert [(step[0], step[1], step[2]) for step in pico.rom.operations] == [
        ("RE", address - 0x10000000, SECTOR)
    ]


def test_pages_are_programmed_across_sectors(pico):
    address = sectors_of(pico.board)[-1][0] - PAGE
    assert pico.program(address, _data(2 * PAGE)) == 0
    assert pico.machine.read(address, 2 * PAGE) == _data(2 * PAGE)
    assert [step[0] for step in pico.rom.operations] == ["RP", "RP"]


def test_what_lies_in_flash_can_be_programmed(pico):
    source, target = (address for address, _ in sectors_of(pico.board)[-2:])
    pico.machine.write(source, _data(PAGE))
    assert pico.call("et_flash_program", target, source, PAGE) == 0
    assert pico.machine.read(target, PAGE) == _data(PAGE)


def test_arguments_are_refused_before_the_rom_is_asked(pico):
    last = sectors_of(pico.board)[-1][0]
    assert pico.call("et_flash_erase", last + PAGE) == ERROR["MISALIGNED"]
    assert pico.call("et_flash_erase", pico.board.flash.end) == ERROR["OUT_OF_RANGE"]
    assert pico.program(last + 4, _data(PAGE)) == ERROR["MISALIGNED"]
    assert pico.program(last, _data(PAGE - 4)) == ERROR["MISALIGNED"]
    assert pico.program(last + SECTOR - PAGE, _data(2 * PAGE)) == ERROR["OUT_OF_RANGE"]
    pico.machine.write(last + 7, b"\0")
    assert pico.program(last, _data(PAGE)) == ERROR["NOT_ERASED"]
    assert not pico.rom.operations


def test_a_chip_that_ignores_the_commands_is_noticed(pico):
    pico.rom.worn = True
    last = sectors_of(pico.board)[-1][0]
    assert pico.program(last, _data(PAGE)) == ERROR["DIFFERS"]
    pico.machine.write(last + SECTOR - 1, b"\0")
    assert pico.call("et_flash_erase", last) == ERROR["DIFFERS"]


@pytest.mark.parametrize("lacking", ["IF", "EX", "RE", "RP", "FC", "CX"])
def test_a_rom_without_a_function_is_refused(pico, lacking):
    pico.rom.lacking = lacking
    assert pico.call("et_flash_erase", sectors_of(pico.board)[-1][0]) == ERROR["REFUSED"]
    assert not pico.rom.operations


def test_the_model_sees_code_in_flash(pico):
    """Flash goes away in the middle of a call that runs there."""
    pico.rom.steps = ["IF"]
    with pytest.raises(AssertionError, match="while it cannot be read"):
        pico.machine.call("et_flash_sector_bytes", 0x10001000)
