"""port_start() as a whole on boards with a PLL on the internal oscillator: what the clocks report
is what the counter and the baud rate are set by."""


import pytest
from emulators import needs_gcc
from registers import RECORDER, Machine, Registers
from registers.clock_h7 import H7Chip
from registers.clock_l4 import FAMILIES, HsiPllChip

from edgetune.boards import load_board

pytestmark = [needs_gcc, pytest.mark.thorough]

PATIENT = 5_000_000  # instructions; one wait that is given up takes about a million
BRR = 0x0C
USART_READY = 0xC0 | 3 << 21  # TC and TXE, TEACK and REACK
CORTEX_M7 = {0x14: 0, 0x78: 0x09000003, 0x80: 0xF00FE019, 0x84: 0}  # SCB


class Counter(Registers):
    """A counter that runs: DWT or a timer; ``place`` is the offset of its count."""

    def __init__(self, name, base, offsets, place):
        super().__init__(name, base, dict.fromkeys(offsets, 0), size=0x1000)
        self.place = place

    def read(self, offset, size):
        self.values[self.place] += offset == self.place
        return super().read(offset, size)


def _counter(board):
    if board.counter["driver"] == "dwt":
        return Counter("DWT", 0xE0001000, (0x0, 0x4, 0xFB0), 0x4)
    timer = Counter("TIM", board.counter["base"], (0x00, 0x24), 0x24)
    timer.size = 0x400
    return timer


def _models(board, chip):
    """Everything that port_start() touches, the enable registers of the RCC included."""
    for table in (board.uart, board.counter):
        for key in ("enable_register", "gpio_enable_register"):
            if key in table:
                chip.rcc.values.setdefault(table[key] - chip.rcc.base, 0)
    usart = dict.fromkeys((0x00, BRR, 0x20, 0x24, 0x28), 0) | {0x1C: USART_READY}
    return [
        *chip.models,
        _counter(board),
        Registers("UART", board.uart["base"], usart),
        Registers("GPIO", board.uart["tx_gpio_base"], dict.fromkeys((0x00, 0x0C, 0x20, 0x24), 0)),
        Registers("NVIC", 0xE000E100, dict.fromkeys(range(0, 32, 4), 0), size=0x20),
        Registers("SCB", 0xE000ED00, CORTEX_M7, size=0xFC),
        Registers("DEMCR", 0xE000EDFC, {0x0: 0}, size=4),
        Registers("CACHE", 0xE000EF50, {0x0: 0, 0x10: 0}, size=0x30),
        Registers("ICACHE", 0x40030400, {0x0: 4, 0x4: 0}),
    ]


def _started(folder, name, stuck):
    board = load_board(name)
    chip = HsiPllChip(board, stuck) if name in FAMILIES else H7Chip(board.clock, stuck)
    sources = ["cortex_m/port.c", "cortex_m/core.c", *board.port_sources]
    machine = Machine(folder, board, sources, _models(board, chip), extra=[RECORDER])
    machine.call("port_start", instructions=PATIENT)
    return board, machine


@pytest.mark.parametrize("stuck", [None, "pll"])
@pytest.mark.parametrize("name", [*FAMILIES, "nucleo-h753zi"])
def test_counter_and_uart_follow_the_clock(tmp_path, name, stuck):
    board, machine = _started(tmp_path, name, stuck)
    core = board.clock["reset_hz"] if stuck else board.clock["hz"]
    assert machine.call("port_tick_hz") == core
    uart = core // 4 if name == "nucleo-h753zi" else core
    steps = 256 if board.uart.get("lpuart") else 1
    (divisor,) = machine.values("UART", BRR)
    assert abs(steps * uart / board.baud - divisor) <= 0.5


def test_the_caches_are_on(tmp_path):
    _, machine = _started(tmp_path / "m7", "nucleo-h753zi", None)
    assert machine.values("SCB", 0x14)[-1] == 3 << 16
    _, machine = _started(tmp_path / "l5", "nucleo-l552ze", None)
    assert machine.values("ICACHE", 0x0) == [5]
