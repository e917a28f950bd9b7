"""Caches and counters of the ports against what their manuals say of the registers."""


import pytest
from emulators import needs_gcc
from registers import Machine, Registers

from edgetune.boards import load_board

pytestmark = needs_gcc

CCR, CLIDR, CCSIDR, CSSELR = 0x14, 0x78, 0x80, 0x84
ICIALLU, DCIMVAC, DCISW = 0x0, 0xC, 0x10  # from 0xE000EF50
DC, IC = 1 << 16, 1 << 17
SIXTEEN_KILOBYTES = 0xF00FE019  # CCSIDR: 128 sets, 4 ways, lines of 32 bytes (PM0253 4.5.3)


def _cortex_m7(folder, clidr):
    scb = Registers(
        "SCB",
        0xE000ED00,
        {CCR: 0x40200, CLIDR: clidr, CCSIDR: SIXTEEN_KILOBYTES, CSSELR: 1},
        size=0x100,
    )
    cache = Registers("CACHE", 0xE000EF50, {ICIALLU: 0, DCIMVAC: 0, DCISW: 0}, size=0x30)
    board = load_board("nucleo-h753zi")
    return Machine(folder, board, ["cortex_m/cache.c"], [scb, cache]), scb


def test_the_caches_are_emptied_before_they_are_switched_on(tmp_path):
    machine, scb = _cortex_m7(tmp_path, clidr=0x09000003)
    machine.call("et_cache_start")
    lines = machine.values("CACHE", DCISW)
    every = {way << 30 | number << 5 for way in range(4) for number in range(128)}
    assert len(lines) == 512 and set(lines) == every
    assert machine.order(("CACHE", ICIALLU), ("SCB", CSSELR), ("CACHE", DCISW), ("SCB", CCR))
    assert machine.values("SCB", CCR) == [0x40200 | IC, 0x40200 | IC | DC]
    assert scb.values[CSSELR] == 0, "the data cache was measured"


def test_a_core_without_caches_is_left_alone(tmp_path):
    machine, _ = _cortex_m7(tmp_path, clidr=0)
    machine.call("et_cache_start")
    assert not machine.writes


def test_programmed_flash_is_read_anew(tmp_path):
    machine, _ = _cortex_m7(tmp_path, clidr=0x09000003)
    machine.call("et_cache_forget", 0x08020010, 64)
    assert machine.values("CACHE", DCIMVAC) == [0x08020000, 0x08020020, 0x08020040]
    assert machine.order(("CACHE", DCIMVAC), ("CACHE", ICIALLU))


class ICache(Registers):
    """The STM32L5's: busy for a while after reset and when it is emptied (RM0438, ICACHE_SR)."""

    def __init__(self, busy):
        super().__init__("ICACHE", 0x40030400, {0x0: 4, 0x4: 0})
        self.busy = busy

    def read(self, offset, size):
        if offset == 0x4 and self.busy:
            self.busy -= 1
            return 1
        return super().read(offset, size)

    def write(self, offset, value, size):
        assert not self.busy and offset == 0x0, "it may not be touched while it is busy"
        self.busy = 3 if value & 2 else 0
        super().write(offset, value & ~2, size)


def test_the_l5_cache_waits_for_itself(tmp_path):
    cache = ICache(busy=5)
    machine = Machine(tmp_path, load_board("nucleo-l552ze"), ["stm32/icache.c"], [cache])
    machine.call("et_cache_start")
    assert machine.values("ICACHE", 0x0) == [5]
    machine.call("et_cache_forget", 0x08000000, 8)
    assert machine.values("ICACHE", 0x0)[1:] == [7] and not cache.busy


class Timer(Registers):
    """TIM2: counts once CR1.CEN is set, if its bus clock is on (RM0444 22.4)."""

    def __init__(self, rcc, counts, still):
        super().__init__("TIM2", 0x40000000, {0x00: 0, 0x24: 0})
        self.rcc, self.counts, self.still = rcc, counts, still

    def read(self, offset, size):
        if self.counts and self.values[0x00] & 1:
            self.still, late = self.still - 1, self.still <= 0
            self.values[0x24] += late
        return super().read(offset, size)

    def write(self, offset, value, size):
        assert self.rcc.values[0x3C] & 1, "TIM2 has no clock"
        super().write(offset, value, size)


@pytest.mark.parametrize("counts, still, rate", [
    (True, 0, 64_000_000), (True, 1, 64_000_000), (False, 0, 0),
])
def test_the_timer_counts_the_cores_clock(tmp_path, counts, still, rate):
    rcc = Registers("RCC", 0x40021000, {0x3C: 0})
    models = [rcc, Timer(rcc, counts, still)]
    machine = Machine(tmp_path, load_board("nucleo-g071rb"), ["stm32/tim.c"], models)
    machine.call("et_counter_start", 64_000_000)
    assert machine.call("port_tick_hz") == rate
    assert machine.call("port_ticks") == (2 if counts else 0)
