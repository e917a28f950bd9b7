"""The nRF52840's UARTE and clock against models of their registers."""

from dataclasses import replace

import pytest
from emulators import needs_gcc
from registers import RECORDER, Machine, Registers
from registers.uarte import BAUDRATE, ENABLE, ENDTX, ERROR, ERRORSRC, STARTRX, TXD, Uarte

from edgetune.boards import load_board

pytestmark = [needs_gcc, pytest.mark.thorough]
BOARD = load_board("nrf52840-dk")
OUTSET, DIRSET, PIN_CNF = 0x508, 0x518, 0x700


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("uarte")


def _uart(folder, board=BOARD):
    """A started UART: machine, its UARTE, its port P0."""
    uarte = Uarte(board.uart["base"], board.ram)
    port = Registers("P0", 0x50000000, {OUTSET: 0, DIRSET: 0, PIN_CNF + 4 * 8: 2}, size=0x800)
    nvic = Registers("NVIC", 0xE000E100, {0: 0})
    uarte.memory = Machine(folder, board, ["nrf52/uarte.c"], [uarte, port, nvic], [RECORDER])
    uarte.memory.call("et_uart_start", 16_000_000)
    return uarte.memory, uarte, port


def _serve(machine, uarte):
    """As the core does: the handler runs while the line is high."""
    for _ in range(100):
        if not uarte.interrupt:
            return
        machine.call("et_uart_irq")
    raise AssertionError("the interrupt does not end")


def test_pins_are_ready_before_the_uart_takes_them(folder):
    machine, uarte, port = _uart(folder)
    assert (port.values[OUTSET], port.values[DIRSET]) == (1 << 6, 1 << 6)
    assert port.values[PIN_CNF + 4 * 8] == 3 << 2  # an input with pull-up
    assert machine.order(("P0", OUTSET), ("P0", DIRSET), ("UARTE", ENABLE), ("UARTE", STARTRX))
    assert uarte.values[BAUDRATE] == 0x01D60000  # 115108 Bd
    assert machine.values("NVIC", 0) == [1 << 2]


def test_each_byte_raises_the_interrupt(folder):
    machine, uarte, _ = _uart(folder)
    for byte in b"\x00A\xff":
        assert not uarte.interrupt
        uarte.receive(bytes([byte]))
        assert uarte.interrupt
        _serve(machine, uarte)
    assert machine.recorded() == b"\x00A\xff"


@pytest.mark.parametrize("late", [2, 3, 5])
def test_a_late_interrupt_loses_nothing(folder, late):
    machine, uarte, _ = _uart(folder)
    text = b"interrupts may be late "
    for start in range(0, len(text), late):
        uarte.receive(text[start : start + late])
        _serve(machine, uarte)
    assert machine.recorded() == text and uarte.values[ERROR] == 0


def test_reception_goes_on_after_an_overrun(folder):
    machine, uarte, _ = _uart(folder)
    uarte.receive(b"12345 lost")
    assert uarte.values[ERRORSRC]
    _serve(machine, uarte)
    assert machine.recorded() == b"12345"
    assert uarte.values[ERROR] == uarte.values[ERRORSRC] == 0
    uarte.receive(b"67")
    _serve(machine, uarte)
    assert machine.recorded() == b"1234567"


def test_bytes_without_a_stop_bit_are_zeros(folder):
    machine, uarte, _ = _uart(folder)
    for _ in range(3):
        uarte.receive_without_stop_bit()
        assert uarte.interrupt
        _serve(machine, uarte)
    uarte.receive(b"A")
    _serve(machine, uarte)
    assert machine.recorded() == b"\0\0\0A"


# PS 6.34.9: what stands nearest to a million, to 460,800 and to the board's own.
RATES = {1_000_000: 0x10000000, 460_800: 0x07400000, 0: 0x01D60000}


@pytest.mark.parametrize("baud", RATES)
def test_the_rate_is_changed_while_the_uart_is_off(folder, baud):
    machine, uarte, _ = _uart(folder)
    setting = machine.call("port_baud", baud)
    assert setting == (RATES[baud] if baud else 0)
    machine.call("port_baud_set", setting)
    assert uarte.values[BAUDRATE] == RATES[baud]
    uarte.receive(b"AB")
    _serve(machine, uarte)
    assert machine.recorded() == b"AB"


@pytest.mark.parametrize("baud", [921_600, 2_000_000, 1])
def test_rates_that_it_lacks_are_refused(folder, baud):
    machine, _, _ = _uart(folder)
    assert machine.call("port_baud", baud) == 0


def test_rates_below_the_board_s_own_are_refused(tmp_path):
    machine, _, _ = _uart(tmp_path, replace(BOARD, uart=BOARD.uart | {"baud": 460_800}))
    assert [machine.call("port_baud", baud) for baud in (115_200, 230_400)] == [0, 0]
    assert machine.call("port_baud", 1_000_000) == RATES[1_000_000]


@pytest.mark.parametrize("count", [0, 1, 16, 17, 200])
def test_bytes_out_of_flash_go_through_ram(folder, count):
    machine, uarte, _ = _uart(folder)
    data = bytes(range(1, 201))[:count]
    source = BOARD.flash.end - 256
    machine.write(source, data)
    machine.call("port_tx", source, count)
    assert uarte.sent == data
    assert all(BOARD.ram.holds(at, 16) for at in machine.values("UARTE", TXD))


def test_bytes_of_a_panic_wait_for_those_under_way(folder):
    machine, uarte, _ = _uart(folder)
    outgoing = machine.address("outgoing")
    machine.write(outgoing, b"under way")
    machine.write(machine.address("sending"), b"\x01")
    uarte.transfer, uarte.reads, uarte.values[ENDTX] = (outgoing, 9), 5, 0
    machine.write(machine.scratch, b" PANIC")
    machine.call("port_tx", machine.scratch, 6)
    assert uarte.sent == b"under way PANIC"


class Clock(Registers):
    """CLOCK and APPROTECT share an address; the crystal starts after some reads, or never."""

    def __init__(self, starts):
        super().__init__("CLOCK", 0x40000000, {0x000: 0, 0x100: 1, 0x558: 0}, size=0x1000)
        self.starts, self.reads = starts, 0

    def write(self, offset, value, size):
        super().write(offset, value, size)
        if offset == 0 and value:
            self.reads = 100

    def read(self, offset, size):
        if self.reads and self.starts:
            self.reads -= 1
            self.values[0x100] |= self.reads == 0
        return super().read(offset, size)


def _start_clock(folder, starts, variant=b"AAF0", uicr=0x5A):
    clock = Clock(starts)
    info = Registers("FICR", 0x10000100, {4: int.from_bytes(variant, "big")}, size=0x100)
    choice = Registers("UICR", 0x10001200, {8: uicr}, size=0x100)
    machine = Machine(folder, BOARD, ["nrf52/clock.c"], [clock, info, choice])
    machine.call("et_clock_start", machine.scratch, instructions=5_000_000)
    return machine, clock


@pytest.mark.parametrize("starts", [True, False])
def test_the_core_runs_with_and_without_its_crystal(tmp_path, starts):
    machine, clock = _start_clock(tmp_path, starts)
    assert machine.words(machine.scratch, 2) == [64_000_000, 16_000_000]
    assert clock.values[0x100] == starts  # an event of before does not count
    assert machine.order(("CLOCK", 0x100), ("CLOCK", 0x000))


@pytest.mark.parametrize(
    "variant, uicr, wrote",
    [(b"AAD0", 0x5A, []), (b"AAF0", 0x5A, [0x5A]), (b"BAF1", 0xFFFFFFFF, [0xFFFFFFFF])],
)
def test_the_debug_port_stays_as_set(tmp_path, variant, uicr, wrote):
    machine, _ = _start_clock(tmp_path, True, variant, uicr)
    assert machine.values("CLOCK", 0x558) == wrote
