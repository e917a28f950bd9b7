"""The USART and pin code of the STM32 boards against models of the peripherals.

The models refuse what a chip does not forgive: a peripheral touched without its clock, a baud rate
changed while the USART runs, a byte written over one that waits to be sent.
"""


import pytest
from emulators import needs_gcc
from registers import RECORDER, Machine, Registers

from edgetune.boards import list_boards, load_board

pytestmark = [needs_gcc, pytest.mark.thorough]

RXNE, TC, TXE, ORE = 1 << 5, 1 << 6, 1 << 7, 1 << 3
RXNEIE, TE, RE = 1 << 5, 1 << 3, 1 << 2
TEACK = 1 << 21
BUSY = 3  # looks at the status until a byte has left
WAITS = 5_000_000  # instructions


def _boards(driver):
    boards = [load_board(name) for name in list_boards()]
    return [board.name for board in boards if f"stm32/{driver}.c" in board.port_sources]


class Rcc(Registers):
    """The clock enable registers of the UART and its pins."""

    def __init__(self, board):
        self.board = board
        self.places = [board.uart["enable_register"], board.uart["gpio_enable_register"]]
        base = min(self.places) & ~0x3FF
        super().__init__("RCC", base, {place - base: 0x1000000 for place in self.places})

    def enabled(self, prefix):
        place = self.board.uart[f"{prefix}enable_register"] - self.base
        mask = self.board.uart[f"{prefix}enable_mask"]
        return self.values[place] & mask == mask


class Clocked(Registers):
    """Registers that may only be touched once the RCC gives them a clock."""

    def __init__(self, name, base, resets, rcc, prefix):
        super().__init__(name, base, resets)
        self.rcc, self.prefix = rcc, prefix

    def read(self, offset, size):
        assert self.rcc.enabled(self.prefix), f"{self.name} has no clock"
        return super().read(offset, size)

    def write(self, offset, value, size):
        assert self.rcc.enabled(self.prefix), f"{self.name} has no clock"
        super().write(offset, value, size)


class Usart(Clocked):
    """What both generations share: one byte each way, the overrun, the enable bits."""

    def __init__(self, board, rcc):
        super().__init__("UART", board.uart["base"], dict(self.resets), rcc, "")
        self.sent, self.busy = b"", 0

    def arrive(self, byte):
        """A byte on the line; lost, with the overrun flag, while the last one was not read."""
        assert self.values[self.cr1] & (self.ue | RE) == self.ue | RE, "the receiver is off"
        if self.values[self.status] & RXNE:
            self.values[self.status] |= ORE
        else:
            self.values[self.status] |= RXNE
            self.values[self.rx] = byte

    def interrupts(self):
        return bool(self.values[self.cr1] & RXNEIE and self.values[self.status] & (RXNE | ORE))

    def read(self, offset, size):
        if offset == self.status:
            self.busy = max(self.busy - 1, 0)
            self.values[offset] &= ~(TC | TXE)
            self.values[offset] |= 0 if self.busy else TC | TXE
        return super().read(offset, size)

    def write(self, offset, value, size):
        assert offset != self.brr or not self.values[self.cr1] & self.ue, "BRR while it runs"
        assert offset != self.cr1 or not self.busy, "changed amid a byte"
        super().write(offset, value, size)
        if offset == self.tx:
            assert self.values[self.cr1] & (self.ue | TE) == self.ue | TE, "the sender is off"
            assert not self.busy, "a byte was written over another"
            self.sent += bytes([value & 0xFF])
            self.busy = BUSY


class Usart1(Usart):
    """RM0008 27.6, RM0090 30.6: DR in both directions; reading SR, then DR clears the flags."""

    status, rx, tx, brr, cr1, ue = 0x00, 0x04, 0x04, 0x08, 0x0C, 1 << 13
    resets = {0x00: 0xC0, 0x04: 0, 0x08: 0, 0x0C: 0}
    seen = 0  # the flags of the last look at SR

    def read(self, offset, size):
        value = super().read(offset, size)
        if offset == self.status:
            self.seen = value
        elif offset == self.rx:
            self.values[self.status] &= ~(RXNE | self.seen & ORE)
        return value


class Usart2(Usart):
    """RM0385 31.8: the overrun flag goes by ICR only; there is no acknowledge of the receiver."""

    status, rx, tx, brr, cr1, ue = 0x1C, 0x24, 0x28, 0x0C, 0x00, 1 << 0
    resets = {0x00: 0, 0x0C: 0, 0x1C: 0xC0, 0x20: 0, 0x24: 0, 0x28: 0}
    acknowledges = True
    looks = 0  # at the status

    def read(self, offset, size):
        value = super().read(offset, size)
        self.looks += offset == self.status
        if offset == self.rx:
            self.values[self.status] &= ~RXNE
        return value

    def write(self, offset, value, size):
        super().write(offset, value, size)
        if offset == 0x20:
            self.values[self.status] &= ~(value & ORE)
        if offset == self.cr1 and self.acknowledges and value & self.ue:
            self.values[self.status] |= TEACK if value & TE else 0


class Deaf(Usart2):
    """One that never acknowledges."""

    acknowledges = False


def _gpios(board, rcc):
    """The ports of the pins, with every other pin set to something."""
    old = "stm32/gpio_v1.c" in board.port_sources
    resets = (
        {0x00: 0x12345678, 0x04: 0x9ABCDEF0, 0x10: 0}
        if old
        else dict.fromkeys((0x00, 0x0C, 0x20, 0x24), 0xFFFFFFFF)
    )
    bases = sorted({board.uart["tx_gpio_base"], board.uart["rx_gpio_base"]})
    return [Clocked(f"GPIO{base:x}", base, dict(resets), rcc, "gpio_") for base in bases]


def _machine(folder, name, usart):
    board = load_board(name)
    rcc = Rcc(board)
    nvic = Registers("NVIC", 0xE000E100, dict.fromkeys(range(0, 32, 4), 0), size=0x20)
    models = [usart(board, rcc), rcc, nvic, *_gpios(board, rcc)]
    wanted = ("stm32/usart_", "stm32/gpio_")
    sources = [source for source in board.port_sources if source.startswith(wanted)]
    return Machine(folder, board, sources, models, extra=[RECORDER])


def _started(folder, name, usart, hz=16_000_000):
    machine = _machine(folder, name, usart)
    machine.call("et_uart_start", hz, instructions=WAITS)
    return machine, machine.models[0]


BOTH = [(name, Usart1) for name in _boards("usart_v1")]
BOTH += [(name, Usart2) for name in _boards("usart_v2")]
each = pytest.mark.parametrize("name, usart", BOTH, ids=[name for name, _ in BOTH])


@pytest.mark.thorough
@each
@pytest.mark.parametrize("hz", [4_000_000, 45_000_000, 110_000_000])
def test_the_baud_rate_follows_the_clock(tmp_path, name, usart, hz):
    machine, uart = _started(tmp_path, name, usart, hz)
    steps = 256 if machine.board.uart.get("lpuart") else 1
    assert abs(steps * hz / machine.board.baud - uart.values[uart.brr]) <= 0.5
    assert uart.values[uart.cr1] == uart.ue | RE | TE | RXNEIE


@each
@pytest.mark.parametrize("baud", [230_400, 460_800, 921_600, 1_000_000])
def test_the_rate_is_changed_once_all_is_sent(tmp_path, name, usart, baud):
    machine, uart = _started(tmp_path, name, usart, 24_000_000)
    own, steps = uart.values[uart.brr], 256 if machine.board.uart.get("lpuart") else 1
    machine.write(machine.scratch, b"ok")
    machine.call("port_tx", machine.scratch, 2)
    machine.call("port_baud_set", machine.call("port_baud", baud), instructions=WAITS)
    assert abs(steps * 24e6 / uart.values[uart.brr] / baud - 1) < 1 / 64
    assert uart.values[uart.cr1] == uart.ue | RE | TE | RXNEIE
    machine.call("port_baud_set", 0, instructions=WAITS)
    assert uart.values[uart.brr] == own


# A USART takes 16 samples a bit and an LPUART three; 16 MHz are 2 % off 921,600.
@each
def test_rates_that_it_lacks_are_refused(tmp_path, name, usart):
    machine, _ = _started(tmp_path, name, usart)
    fast = [6_000_000] if machine.board.uart.get("lpuart") else [921_600, 2_000_000]
    assert not any(machine.call("port_baud", baud) for baud in [0, 1, *fast, 2**32 - 1])


@each
def test_the_interrupt_is_on_once_the_uart_runs(tmp_path, name, usart):
    machine, uart = _started(tmp_path, name, usart)
    irq = machine.board.uart["irq"]
    place = irq // 32 * 4
    assert machine.values("NVIC", place) == [1 << irq % 32]
    assert machine.order(("UART", uart.cr1), ("NVIC", place))


@each
def test_other_clocks_stay_on(tmp_path, name, usart):
    machine, _ = _started(tmp_path, name, usart)
    assert all(value & 0x1000000 for value in machine.models[1].values.values())


@each
def test_bytes_wait_for_the_sender(tmp_path, name, usart):
    machine, uart = _started(tmp_path, name, usart)
    machine.write(machine.scratch, b"hello")
    machine.call("port_tx", machine.scratch, 5)
    assert uart.sent == b"hello"


@each
def test_bytes_reach_the_link(tmp_path, name, usart):
    machine, uart = _started(tmp_path, name, usart)
    for byte in b"A\x00\xff":
        uart.arrive(byte)
        assert uart.interrupts()
        machine.call("et_uart_irq")
        assert not uart.interrupts()
    assert machine.recorded() == b"A\x00\xff"


@each
def test_after_an_overrun_bytes_come_again(tmp_path, name, usart):
    machine, uart = _started(tmp_path, name, usart)
    for byte in b"AB":  # nobody reads in between
        uart.arrive(byte)
    machine.call("et_uart_irq")
    assert not uart.interrupts()
    uart.arrive(ord("C"))
    machine.call("et_uart_irq")
    assert machine.recorded() == b"AC"


@each
def test_an_overrun_alone_brings_no_byte(tmp_path, name, usart):
    """The flag was raised between a look at the status and the reading of the byte."""
    machine, uart = _started(tmp_path, name, usart)
    uart.values[uart.status] |= ORE
    machine.call("et_uart_irq")
    assert not uart.interrupts() and machine.recorded() == b""


def test_the_start_waits_for_no_flag_that_the_chip_lacks(tmp_path):
    _, uart = _started(tmp_path, "stm32f746-discovery", Usart2)
    assert uart.looks < 10


@pytest.mark.parametrize("name", ["stm32f746-discovery"])
def test_a_uart_that_does_not_acknowledge_is_used_all_the_same(tmp_path, name):
    machine, uart = _started(tmp_path, name, Deaf)
    uart.arrive(ord("A"))
    machine.call("et_uart_irq")
    assert machine.recorded() == b"A"


@pytest.mark.parametrize("name", _boards("gpio_v2"))
def test_pins_of_the_newer_families(tmp_path, name):
    machine = _machine(tmp_path, name, Usart2)
    machine.call("et_uart_pins_start")
    uart = machine.board.uart
    for gpio in machine.models[3:]:
        mode, pull, functions = [0xFFFFFFFF] * 2 + [0xFFFFFFFFFFFFFFFF]
        for end in ("tx", "rx"):
            if uart[f"{end}_gpio_base"] == gpio.base:
                pin = uart[f"{end}_pin"]
                mode ^= 1 << 2 * pin  # alternate function, 2
                pull ^= 2 << 2 * pin  # up, 1
                functions ^= (uart["alternate"] ^ 15) << 4 * pin
        assert (gpio.values[0x00], gpio.values[0x0C]) == (mode, pull)
        assert gpio.values[0x20] | gpio.values[0x24] << 32 == functions


@pytest.mark.parametrize("name", _boards("gpio_v1"))
def test_pins_of_the_f1(tmp_path, name):
    machine = _machine(tmp_path, name, Usart1)
    machine.call("et_uart_pins_start")
    uart, (gpio,) = machine.board.uart, machine.models[3:]
    pins = 0x9ABCDEF012345678  # of CRH and CRL
    for end, mode in (("tx", 0x9), ("rx", 0x8)):
        shift = 4 * uart[f"{end}_pin"]
        pins = pins & ~(15 << shift) | mode << shift
    assert gpio.values[0x00] | gpio.values[0x04] << 32 == pins
    assert gpio.values[0x10] == 1 << uart["rx_pin"]  # pulled up, not down
