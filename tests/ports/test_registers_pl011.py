"""Arm's PL011 and the LM3S clock against models of their registers."""


import pytest
from emulators import needs_gcc
from registers import RECORDER, Machine, Registers
from registers.pl011 import CR, ICR, IMSC, RIS, Pl011

from edgetune.boards import load_board

pytestmark = [needs_gcc, pytest.mark.thorough]
BOARD = load_board("lm3s6965evb")
PINS = ["lm3s/pins.c", "arm/pl011.c"]
RCGC1, RCGC2 = 0x104, 0x108
AFSEL, PUR, DEN = 0x420, 0x510, 0x51C


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pl011")


def _uart(folder, before=lambda uart: None, uart_hz=50_000_000):
    """A started UART: machine, PL011, port A."""
    uart = Pl011(BOARD.uart["base"], depth=16)
    port = Registers("PA", 0x40004000, {AFSEL: 0, PUR: 0, DEN: 0}, size=0x1000)
    sysctl = Registers("SYSCTL", 0x400FE000, {RCGC1: 0, RCGC2: 0}, size=0x1000)
    nvic = Registers("NVIC", 0xE000E100, {0: 0})
    machine = Machine(folder, BOARD, PINS, [uart, port, sysctl, nvic], [RECORDER])
    before(uart)
    machine.call("et_uart_start", uart_hz)
    return machine, uart, port


def test_clocks_pins_uart_in_this_order(folder):
    machine, _, port = _uart(folder)
    assert (port.values[AFSEL], port.values[DEN], port.values[PUR]) == (3, 3, 1)
    assert machine.order(("SYSCTL", RCGC1), ("SYSCTL", RCGC2), ("PA", AFSEL), ("UART", IMSC))
    assert machine.order(("UART", CR), ("UART", ICR), ("UART", IMSC), ("NVIC", 0))
    assert machine.values("NVIC", 0) == [1 << 5]


CLOCKS = [6_500_000, 8_000_000, 12_000_000, 50_000_000, 125_000_000]


@pytest.mark.parametrize("hz", CLOCKS)
def test_the_divisor_gives_the_baud_rate(folder, hz):
    _, uart, _ = _uart(folder, uart_hz=hz)
    assert abs(4 * hz / uart.divisor / 115200 - 1) < 0.002


@pytest.mark.parametrize("baud", [230_400, 921_600, 1_000_000, 2_000_000])
@pytest.mark.parametrize("hz", [50_000_000, 125_000_000])
def test_the_rate_is_changed_once_all_is_sent(folder, hz, baud):
    machine, uart, _ = _uart(folder, uart_hz=hz)
    machine.write(machine.scratch, b"the reply")
    machine.call("port_tx", machine.scratch, 9)
    uart.receive(b"x")  # its interrupt comes amid the change
    machine.call("port_baud_set", machine.call("port_baud", baud))
    assert uart.sent == b"the reply" and not uart.interrupt
    assert abs(4 * hz / uart.divisor / baud - 1) < 1 / 64
    uart.receive(b"y")
    machine.call("et_uart_irq")
    assert machine.recorded() == b"y"
    machine.call("port_baud_set", 0)
    assert abs(4 * hz / uart.divisor / 115200 - 1) < 0.002


# Sixteen samples a bit; a 64th of the rate.
@pytest.mark.parametrize("hz, baud", [(12_000_000, 921_600), (50_000_000, 4_000_000),
                                      (50_000_000, 0), (50_000_000, 2**32 - 1)])
def test_rates_that_it_lacks_are_refused(folder, hz, baud):
    machine, _, _ = _uart(folder, uart_hz=hz)
    assert machine.call("port_baud", baud) == 0


def test_what_came_before_the_start_leaves_nothing_behind(folder):
    machine, uart, _ = _uart(folder, before=lambda uart: uart.receive(b"x"))
    assert not uart.interrupt and machine.recorded() == b""
    uart.receive(b"y")
    assert uart.interrupt
    machine.call("et_uart_irq")
    assert machine.recorded() == b"y"


def test_the_interrupt_empties_the_fifo_and_ends(folder):
    machine, uart, _ = _uart(folder)
    for part in (b"a", b"bc", b"0123456789abcdef"):
        uart.receive(part)
        assert uart.interrupt
        machine.call("et_uart_irq")
        assert not uart.interrupt
    assert machine.recorded() == b"abc0123456789abcdef"


def test_reception_goes_on_after_an_overrun(folder):
    machine, uart, _ = _uart(folder)
    uart.receive(bytes(range(20)))
    machine.call("et_uart_irq")
    assert machine.recorded() == bytes(range(16)) and uart.values[RIS] == 0
    uart.receive(b"on")
    machine.call("et_uart_irq")
    assert machine.recorded()[16:] == b"on"


def test_sending_waits_for_room(folder):
    machine, uart, _ = _uart(folder)
    data = bytes(range(100))
    machine.write(machine.scratch, data)
    machine.call("port_tx", machine.scratch, 100)
    assert uart.sent + bytes(uart.outgoing) == data and len(uart.sent) >= 100 - 16


RIS_, MISC, RCC = 0x50, 0x58, 0x60
MOSCDIS, BYPASS, PWRDN, USESYSDIV = 1 << 0, 1 << 11, 1 << 13, 1 << 22


class SysCtl(Registers):
    """The LM3S6965's clock control (data sheet 5.2.4): a PLL that locks after some reads or not."""

    def __init__(self, locks):
        super().__init__("SYSCTL", 0x400FE000, {RIS_: 64, MISC: 0, RCC: 0x078E3AD1}, size=0x1000)
        self.locks, self.reads = locks, 0

    def read(self, offset, size):
        if offset == RIS_ and self.reads and self.locks:
            self.reads -= 1
            self.values[RIS_] |= 64 if self.reads == 0 else 0
        return super().read(offset, size)

    def write(self, offset, value, size):
        before = self.values[RCC]
        super().write(offset, value, size)
        if offset == MISC:
            self.values[RIS_] &= ~value
        if offset == RCC:
            self._check(before, value)

    def _check(self, before, now):
        if not now & BYPASS:
            assert self.values[RIS_] & 64, "the PLL is used before it has locked"
            assert now & USESYSDIV, "200 MHz without the divider"
        if before & PWRDN and not now & PWRDN:
            assert before & BYPASS, "the PLL starts while it is used"
            self.reads = 50


@pytest.mark.parametrize("locks, hz", [(True, 50_000_000), (False, 8_000_000)])
def test_the_clock_with_and_without_its_pll(tmp_path, locks, hz):
    sysctl = SysCtl(locks)
    machine = Machine(tmp_path, BOARD, ["lm3s/clock.c"], [sysctl])
    machine.call("et_clock_start", machine.scratch, instructions=5_000_000)
    assert machine.words(machine.scratch, 2) == [hz, hz]
    rcc = sysctl.values[RCC]
    assert rcc >> 4 & 3 == 0 and rcc >> 6 & 15 == 14 and not rcc & MOSCDIS  # crystal of 8 MHz
    assert bool(rcc & BYPASS) != locks and bool(rcc & USESYSDIV) == locks
    assert rcc >> 23 & 15 == 3  # 200 MHz / 4
