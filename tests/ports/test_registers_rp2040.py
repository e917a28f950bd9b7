"""The RP2040's second boot stage, clocks, pins and timer against models of their registers."""


import pytest
from echo_project import build_echo
from emulators import needs_gcc
from registers import RECORDER, Machine, Registers
from registers import rp2040 as chip
from registers.pl011 import IMSC, Pl011

from edgetune.boards import load_board

pytestmark = [needs_gcc, pytest.mark.thorough]
BOARD = load_board("raspberry-pi-pico")
WATCHDOG_TICK = 0x2C


class Chip:
    """A machine with the RP2040's clocks, and the models it has."""

    def __init__(self, folder, crystal=True, lock=True, warm=False):
        held = chip.ALL_BLOCKS & ~chip.PLL_SYS if warm else chip.ALL_BLOCKS
        self.resets = chip.Resets(held)
        self.xosc = chip.Xosc(crystal, running=warm)
        self.pll = chip.Pll(self.resets, self.xosc, lock)
        if warm:
            self.pll.values = {chip.CS: 1 | chip.READY, chip.PWR: 4, 8: 125, 12: 0x62000}
        self.clocks = chip.Clocks(self.xosc, self.pll, *((1, 2) if warm else (0, 0)))
        self.watchdog = Registers("WATCHDOG", 0x40058000, {WATCHDOG_TICK: 0x200})
        models = [self.resets, self.xosc, self.pll, self.clocks, self.watchdog]
        self.machine = Machine(folder, BOARD, ["rp2040/clock.c"], models)
        self._follow_resets()

    def _follow_resets(self):
        plain = self.resets.write

        def write(offset, value, size):
            if offset == 0 and value & chip.PLL_SYS:
                assert not self.clocks.values[chip.SYS_CTRL] & 1, "clk_sys stops with its PLL"
                self.pll.held()
            plain(offset, value, size)

        self.resets.write = write

    def start(self):
        """(core, UART) in hertz, as the firmware says."""
        scratch = self.machine.scratch
        self.machine.call("et_clock_start", scratch, instructions=10_000_000)
        return self.machine.words(scratch, 2)


@pytest.mark.parametrize(
    "warm, crystal, lock, hz, ticks",
    [
        (False, True, True, 125_000_000, 12),
        (False, True, False, 12_000_000, 12),
        (False, False, False, 6_500_000, 7),
        (True, True, True, 125_000_000, 12),
        (True, True, False, 12_000_000, 12),
    ],
)
def test_clocks_start_or_fall_back(tmp_path, warm, crystal, lock, hz, ticks):
    parts = Chip(tmp_path, crystal, lock, warm)
    assert parts.start() == [hz, hz]
    assert parts.clocks.core_hz() == hz  # what it says is what runs
    assert parts.clocks.values[chip.PERI_CTRL] == 1 << 11
    assert parts.watchdog.values[WATCHDOG_TICK] == 0x200 | ticks


def test_the_uart_comes_out_of_reset_before_its_pins(tmp_path):
    resets = chip.Resets()
    uart = Pl011(BOARD.uart["base"], depth=32)
    pins = Registers("IO_BANK0", 0x40014000, {0x04: 0x1F, 0x0C: 0x1F})
    pads = Registers("PADS_BANK0", 0x4001C000, {0x04: 0x56, 0x08: 0x56})
    nvic = Registers("NVIC", 0xE000E100, {0: 0})
    sources = ["rp2040/pins.c", "arm/pl011.c"]
    machine = Machine(tmp_path, BOARD, sources, [resets, uart, pins, pads, nvic], [RECORDER])
    machine.call("et_uart_start", 125_000_000)
    for block in (chip.IO_BANK0, chip.PADS_BANK0, chip.UART0):
        assert resets.ready(block)
    assert (pins.values[0x04], pins.values[0x0C]) == (2, 2)
    assert (pads.values[0x04], pads.values[0x08]) == (0x56, 0x5A)  # RX: up instead of down
    assert machine.order(("RESETS", 0), ("IO_BANK0", 0x04), ("UART", IMSC), ("NVIC", 0))
    assert (uart.divisor >> 6, uart.divisor & 63) == (67, 52)  # as the datasheet's 4.2.7.1
    uart.receive(b"pico")
    machine.call("et_uart_irq")
    assert machine.recorded() == b"pico"


def test_ticks_are_the_timers_low_word(tmp_path):
    resets = chip.Resets()
    timer = Registers("TIMER", 0x40054000, {0x28: 0xFFFFFFFE})
    machine = Machine(tmp_path, BOARD, ["rp2040/timer.c"], [resets, timer])
    machine.call("et_counter_start", 125_000_000)
    assert resets.ready(chip.TIMER)
    assert machine.call("port_ticks") == 0xFFFFFFFE
    assert machine.call("port_tick_hz") == 1_000_000


def _crc32(data):
    """As the boot ROM computes it (datasheet 2.8.1.3.1): no reflection, no final inversion."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc >> 31 else 0)) & 0xFFFFFFFF
    return crc


def test_the_boot_rom_takes_the_second_stage(tmp_path):
    build = build_echo(tmp_path, "raspberry-pi-pico")
    flash = _load(build.elf)
    assert _crc32(flash[:252]) == int.from_bytes(flash[252:256], "little")
    stack, reset = (int.from_bytes(flash[at : at + 4], "little") for at in (0x100, 0x104))
    assert BOARD.ram.holds(stack - 4, 4)
    assert BOARD.flash.holds(reset - 1, 2) and reset & 1


def _load(elf):
    """The image's first bytes in flash."""
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as file:
        segments = {s["p_paddr"]: s.data() for s in ELFFile(file).iter_segments("PT_LOAD")}
    return segments[BOARD.flash.origin]


VECTORS = """
extern unsigned et_stack_top[];
unsigned arrived;
void entry(void) { arrived++; }
__attribute__((section(".vectors"), used)) void *const table[] = {et_stack_top, (void *)entry};
"""
SSIENR, BAUDR, CTRLR0, CTRLR1, SPI_CTRLR0 = 0x08, 0x14, 0x00, 0x04, 0xF4


class Ssi(Registers):
    """The flash's serial interface, which takes changes only while it is off (4.10.13)."""

    def __init__(self):
        offsets = (SSIENR, BAUDR, CTRLR0, CTRLR1, SPI_CTRLR0)
        super().__init__("SSI", 0x18000000, dict.fromkeys(offsets, 0) | {SSIENR: 1})

    def write(self, offset, value, size):
        assert offset == SSIENR or not self.values[SSIENR], "changed while it is on"
        super().write(offset, value, size)


def test_the_second_stage_runs_where_the_boot_rom_puts_it(tmp_path):
    source = tmp_path / "vectors.c"
    source.write_text(VECTORS)
    ssi, scb = Ssi(), Registers("SCB", 0xE000ED00, {8: 0})
    machine = Machine(tmp_path, BOARD, ["rp2040/boot2.c"], [ssi, scb], [source])
    copy = 0x20041F00
    machine.write(copy, machine.read(BOARD.flash.origin, 256))
    machine.image.symbols["copy"] = copy
    machine.call("copy")
    assert machine.words(machine.address("arrived"), 1) == [1]
    assert scb.values[8] == 0x10000100
    assert ssi.values[SSIENR] == 1 and 125 / ssi.values[BAUDR] <= 50  # MHz
    command, frame = ssi.values[SPI_CTRLR0], ssi.values[CTRLR0]
    assert command >> 24 == 0x03 and command >> 8 & 3 == 2  # 8 bits
    assert command >> 2 & 15 == 24 // 4 and command & 3 == 0 and command >> 11 & 31 == 0
    assert frame >> 16 & 31 == 31 and frame >> 8 & 3 == 3 and frame >> 21 & 3 == 0
