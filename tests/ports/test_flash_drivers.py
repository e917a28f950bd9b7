"""Flash drivers against models of the controllers that refuse what the controllers refuse."""


import pytest
from emulators import needs_gcc
from flash_boards import ERROR, MODELS, Bench, make_machine, sectors_of
from flash_boards import quick as impatient
from registers import flash_f1, flash_f4, flash_h7, flash_l4
from thinned import quick, thinned

from edgetune.boards import list_boards, load_board

pytestmark = needs_gcc

STM32 = [name for name in MODELS if name != "nrf52840-dk"]
QUICK = "stm32f4-discovery", "nrf52840-dk"

# Each controller's flag for an error that is neither protection nor wrong use.
FAULTS = {
    flash_f1.FlashF1: flash_f1.PGERR,
    flash_f4.FlashF4: flash_f4.OPERR,
    flash_l4.FlashL4: flash_l4.OPERR,
    flash_l4.FlashG0: flash_l4.OPERR,
    flash_l4.FlashL5: flash_l4.OPERR,
    flash_h7.FlashH7: flash_h7.OPERR,
}


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    made = {}

    def get(name):
        if name not in made:
            made[name] = make_machine(tmp_path_factory.mktemp(name), impatient(name))
        return made[name]

    return get


@pytest.fixture(params=quick(MODELS, QUICK))
def bench(request, machines):
    return Bench(machines(request.param))


@pytest.fixture(params=quick(STM32, QUICK))
def stm32(request, machines):
    return Bench(machines(request.param))


def _data(count: int) -> bytes:
    return bytes((7 * i + 1) & 0xFF for i in range(count))


@pytest.mark.parametrize("index", thinned([0, 1, -1], 3))
def test_one_sector_is_erased_and_no_other(bench, index):
    address, size = bench.sectors[index]
    flash = bench.board.flash
    bench.machine.write(flash.origin, b"\x5a" * flash.length)
    assert bench.erase(address) == 0
    assert bench.locked
    before, after = address - flash.origin, flash.end - address - size
    assert bench.read(flash.origin, before) == b"\x5a" * before
    assert bench.read(address, size) == b"\xff" * size
    assert bench.read(address + size, after) == b"\x5a" * after


@pytest.mark.parametrize("index", [0, -1])
def test_units_are_programmed_where_they_belong(bench, index):
    address, size = bench.sectors[index]
    data = _data(2 * bench.unit)
    assert bench.program(address, data) == 0
    assert bench.locked
    assert bench.program(address + size - bench.unit, data[bench.unit :]) == 0
    assert bench.locked
    blank = b"\xff" * (size - 3 * bench.unit)
    assert bench.read(address, size) == data + blank + data[bench.unit :]


@pytest.mark.parametrize("place", [1, 0.5, -1])
def test_a_range_may_cross_sectors(bench, place):
    """0.5: into the second half, which is the second bank where there are two."""
    sectors = bench.sectors
    index = len(sectors) // 2 if place == 0.5 else place
    address = sectors[index][0] - 2 * bench.unit
    assert bench.program(address, _data(4 * bench.unit)) == 0
    assert bench.read(address, 4 * bench.unit) == _data(4 * bench.unit)
    assert bench.locked


def test_data_may_lie_anywhere(bench):
    address = bench.sectors[-1][0]
    bench.machine.write(bench.machine.scratch, b"?" + _data(bench.unit))
    source = bench.machine.scratch + 1
    assert bench.machine.call("et_flash_program", address, source, bench.unit) == 0
    assert bench.read(address, bench.unit) == _data(bench.unit)


def test_an_erased_unit_can_be_programmed_again(bench):
    address = bench.sectors[-1][0]
    for value in (b"\x12", b"\x34"):
        assert bench.erase(address) == 0
        assert bench.program(address, value * bench.unit) == 0
        assert bench.read(address, bench.unit) == value * bench.unit


def test_nothing_is_nothing(bench):
    assert bench.program(bench.board.flash.end, b"") == 0
    assert bench.locked


def test_arguments_are_refused_before_a_register_is_touched(bench):
    flash, unit = bench.board.flash, bench.unit
    last = bench.sectors[-1][0]
    assert bench.erase(last + unit) == ERROR["MISALIGNED"]
    assert bench.erase(flash.end) == ERROR["OUT_OF_RANGE"]
    assert bench.erase(flash.origin - 0x1000) == ERROR["OUT_OF_RANGE"]
    assert bench.program(last + 1, _data(unit)) == ERROR["MISALIGNED"]
    assert bench.program(last, _data(unit + 1)) == ERROR["MISALIGNED"]
    assert bench.program(flash.end - unit, _data(2 * unit)) == ERROR["OUT_OF_RANGE"]
    assert bench.program(flash.origin - unit, _data(2 * unit)) == ERROR["OUT_OF_RANGE"]
    assert bench.program(last, b"", -unit & 0xFFFFFFFF) == ERROR["OUT_OF_RANGE"]
    assert bench.touched == 0 and not bench.machine.writes


def test_what_is_not_erased_is_not_programmed(bench):
    address = bench.sectors[-1][0]
    bench.machine.write(address + 2 * bench.unit - 1, b"\xfe")
    assert bench.program(address, _data(2 * bench.unit)) == ERROR["NOT_ERASED"]
    assert bench.touched == 0
    assert bench.read(address, bench.unit) == b"\xff" * bench.unit


def test_the_size_of_a_sector(bench):
    for address, size in bench.sectors[:6] + bench.sectors[-2:]:
        assert bench.machine.call("et_flash_sector_bytes", address) == size
        assert bench.machine.call("et_flash_sector_bytes", address + bench.unit) == 0
    assert bench.machine.call("et_flash_sector_bytes", bench.board.flash.end) == 0


@pytest.mark.thorough
@pytest.mark.parametrize("operation", ["erase", "program"])
def test_a_controller_that_stays_busy_is_given_up(bench, operation):
    address = bench.sectors[0][0]
    bench.flash.busy_reads = None
    arguments = () if operation == "erase" else (_data(2 * bench.unit),)
    assert getattr(bench, operation)(address, *arguments) == ERROR["BUSY"]
    before = len(bench.machine.writes)
    assert bench.erase(address) == ERROR["BUSY"]
    assert not [w for w in bench.machine.writes[before:] if w.name == bench.flash.name]
    bench.flash.left, bench.flash.busy_reads = 0, 1
    assert bench.erase(address) == 0
    assert bench.locked


def test_a_protected_sector_stays_as_it_is(stm32):
    address = stm32.sectors[-1][0]
    for controller in stm32.controllers:
        controller.protected = {address}
    assert stm32.program(address, _data(stm32.unit)) == ERROR["PROTECTED"]
    assert stm32.locked
    stm32.machine.write(address, b"\x5a")
    assert stm32.erase(address) == ERROR["PROTECTED"]
    assert stm32.locked
    assert stm32.read(address, 2) == b"\x5a\xff"


def test_cells_that_do_not_change_are_noticed(bench):
    address, size = bench.sectors[-1]
    for controller in bench.controllers:
        controller.worn = {address + size - 1}
    assert bench.program(address + size - bench.unit, _data(bench.unit)) == ERROR["DIFFERS"]
    bench.machine.write(address + size - 1, b"\x7f")
    assert bench.erase(address) == ERROR["DIFFERS"]
    assert bench.locked


def test_old_errors_do_not_stop_the_next_operation(stm32):
    flags = [1 << bit for bit in range(32) if stm32.flash.ERRORS >> bit & 1]
    for flag in flags:
        stm32.flash.fail(flag)
        assert stm32.erase(stm32.sectors[0][0]) == 0
        stm32.flash.fail(flag)
        assert stm32.program(stm32.sectors[0][0], _data(stm32.unit)) == 0
    assert stm32.locked


@pytest.mark.parametrize("operation", ["erase", "program"])
def test_an_error_of_the_controller_is_reported(stm32, operation):
    flash = stm32.flash
    run = flash.run
    flash.run = lambda: (flash.fail(FAULTS[type(flash)]), run())
    arguments = () if operation == "erase" else (_data(2 * stm32.unit),)
    assert getattr(stm32, operation)(stm32.sectors[0][0], *arguments) == ERROR["REFUSED"]
    assert stm32.locked
    assert stm32.read(stm32.sectors[0][0] + stm32.unit, stm32.unit) == b"\xff" * stm32.unit


def test_a_controller_that_does_not_unlock_is_left_alone(stm32):
    stm32.flash.lock.dead = True
    address = stm32.sectors[0][0]
    assert stm32.erase(address) == ERROR["LOCKED"]
    assert stm32.program(address, _data(stm32.unit)) == ERROR["LOCKED"]
    written = {w.offset for w in stm32.machine.writes if w.name == stm32.flash.name}
    assert written <= {stm32.flash.KEY, 0x00}  # 0: FLASH_ACR, for the caches


def test_a_controller_that_is_open_gets_no_key(stm32):
    stm32.flash.lock.open = True
    assert stm32.erase(stm32.sectors[0][0]) == 0
    assert not stm32.machine.values(stm32.flash.name, stm32.flash.KEY)
    assert stm32.locked


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["stm32f4-discovery", "nucleo-l476rg", "nucleo-g071rb"])
def test_the_caches_in_front_of_flash_are_emptied(machines, name):
    bench = Bench(machines(name))
    access = bench.flash.values[0]
    for operation in (
        lambda: bench.erase(bench.sectors[-1][0]),
        lambda: bench.program(bench.sectors[-1][0], _data(bench.unit)),
    ):
        assert operation() == 0
        assert not bench.flash.stale
        assert bench.flash.values[0] == access


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["stm32f746-discovery", "nucleo-h753zi"])
def test_the_cores_cache_forgets_every_line(machines, name):
    bench = Bench(machines(name))
    address, size = bench.sectors[-1]
    assert bench.program(address + 32, _data(2 * bench.unit)) == 0
    lines = bench.machine.values("CACHE", 0x0C)
    assert lines == list(range(address + 32, address + 32 + 2 * bench.unit, 32))
    bench.machine.writes.clear()
    assert bench.erase(address) == 0
    assert bench.machine.values("CACHE", 0x0C) == list(range(address, address + size, 32))
    assert bench.machine.order((bench.controllers[-1].name, 0x0C), ("CACHE", 0x0C)) or (
        bench.machine.order((bench.controllers[-1].name, 0x10), ("CACHE", 0x0C))
    )


@pytest.mark.thorough
def test_the_l5s_cache_is_emptied(machines):
    bench = Bench(machines("nucleo-l552ze"))
    assert bench.program(bench.sectors[-1][0], _data(8)) == 0
    assert bench.machine.values("ICACHE", 0x00) == [3]
    assert bench.machine.order(("FLASH", 0x28), ("ICACHE", 0x00))


@pytest.mark.thorough
def test_an_l5_with_one_bank_is_left_alone(machines):
    bench = Bench(machines("nucleo-l552ze"))
    bench.flash.values[flash_l4.FlashL5.OPTIONS] &= ~(1 << 22)
    assert bench.erase(bench.sectors[-1][0]) == ERROR["LAYOUT"]
    assert bench.program(bench.sectors[-1][0], _data(8)) == ERROR["LAYOUT"]
    assert not [write for write in bench.machine.writes if write.name == "FLASH"]


# From the maker's documents: sectors, the first address of the last one, its size.
@pytest.mark.parametrize(
    "name, count, last, size",
    [
        ("stm32f4-discovery", 12, 0x080E0000, 0x20000),
        ("nucleo-f401re", 8, 0x08060000, 0x20000),
        ("nucleo-f446re", 8, 0x08060000, 0x20000),
        ("stm32f746-discovery", 8, 0x080C0000, 0x40000),
        ("stm32vldiscovery", 128, 0x0801FC00, 0x400),
        ("nucleo-f103rb", 128, 0x0801FC00, 0x400),
        ("nucleo-l476rg", 512, 0x080FF800, 0x800),
        ("nucleo-l552ze", 256, 0x0807F800, 0x800),
        ("nucleo-g071rb", 64, 0x0801F800, 0x800),
        ("nucleo-h753zi", 16, 0x081E0000, 0x20000),
        ("nrf52840-dk", 256, 0x000FF000, 0x1000),
        ("raspberry-pi-pico", 512, 0x101FF000, 0x1000),
    ],
)
def test_the_sectors_are_those_of_the_chip(name, count, last, size):
    sectors = sectors_of(load_board(name))
    assert (len(sectors), *sectors[-1]) == (count, last, size)


def test_boards_without_flash_are_images_or_left_out():
    without = {name for name in list_boards() if load_board(name).geometry is None}
    assert {name for name in without if not name.startswith("mps")} == {"lm3s6965evb"}
