"""The clocks that STM32 boards ask for in their data lie inside their chips' limits."""

import math
from dataclasses import dataclass

import pytest

from edgetune.boards import Board, list_boards, load_board

MHZ = 1_000_000


@dataclass(frozen=True)
class Limits:
    """Of one chip, in MHz: the PLL's ``input``, its oscillator (``vco``, None where the manual
    gives none), ``core``, both peripheral buses and what the flash reads per wait state."""

    input: tuple
    vco: tuple | None
    core: float
    apb1: float
    apb2: float
    flash: float
    overdrive: float = math.inf  # above it the over-drive must be on


# From the reference manual's clock tree, PLL registers and flash wait states at 2.7 V to 3.6 V,
# and from the data sheet's PLL characteristics.
CHIPS = {
    "STM32F100RB": Limits((1, 24), None, 24, 24, 24, 24),  # RM0041, DS6517
    "STM32F103RB": Limits((1, 25), None, 72, 36, 72, 24),  # RM0008, DS5319
    "STM32F401RE": Limits((1, 2), (192, 432), 84, 42, 84, 30),  # RM0368, DS10086
    "STM32F407VG": Limits((1, 2), (100, 432), 168, 42, 84, 30),  # RM0090, DS8626
    "STM32F446RE": Limits((1, 2), (100, 432), 180, 45, 90, 30, 168),  # RM0390, DS10693
    "STM32F746NG": Limits((1, 2), (100, 432), 216, 54, 108, 30, 180),  # RM0385, DS10916
    "STM32G071RB": Limits((2.66, 16), (96, 344), 64, 64, 64, 24),  # RM0444, DS12232
    "STM32H753ZI": Limits((4, 8), (192, 836), 400, 100, 100, 70),  # RM0433, DS12117
    "STM32L476RG": Limits((4, 16), (64, 344), 80, 80, 80, 16),  # RM0351, DS10198
    "STM32L552ZE": Limits((4, 16), (64, 344), 110, 110, 110, 20),  # RM0438, DS12737
}


@dataclass(frozen=True)
class Tree:
    """The clocks of a board in Hz, one `Tree` for each source that its PLL may get."""

    input: float
    vco: float | None
    core: float
    apb1: float
    apb2: float
    uart: float
    flash: float
    reset_uart: float  # what the UART gets while the chip is on its reset clock


def _f1(clock: dict, uart: dict) -> list[Tree]:
    sources = (clock["hse_hz"], "pll_hse_multiplier"), (clock["hsi_hz"] / 2, "pll_hsi_multiplier")
    return [_dividing(hz, None, hz * clock[factor], clock, uart) for hz, factor in sources]


def _f4(clock: dict, uart: dict) -> list[Tree]:
    inputs = [clock[f"{source}_hz"] / clock[f"pll_{source}_divider"] for source in ("hse", "hsi")]
    vcos = [hz * clock["pll_multiplier"] for hz in inputs]
    return [
        _dividing(hz, vco, vco / clock["pll_system_divider"], clock, uart)
        for hz, vco in zip(inputs, vcos, strict=True)
    ]


def _dividing(hz, vco, core, clock, uart) -> Tree:
    buses = {number: core / clock[f"apb{number}_divider"] for number in (1, 2)}
    return Tree(hz, vco, core, buses[1], buses[2], buses[uart["apb"]], core, clock["hsi_hz"])


def _hsi(clock: dict, uart: dict) -> list[Tree]:
    return [_internal(clock, 1)]


def _h7(clock: dict, uart: dict) -> list[Tree]:
    return [_internal(clock, 4)]


def _internal(clock: dict, divider: int) -> Tree:
    """A PLL on the internal oscillator; all buses at the core's clock over ``divider``."""
    hz = clock["source_hz"] / clock["pll_input_divider"]
    vco = hz * clock["pll_multiplier"]
    core = vco / clock["pll_output_divider"]
    flash = core if divider == 1 else core / 2  # on the AXI bus
    bus = core / divider
    return Tree(hz, vco, core, bus, bus, bus, flash, clock["reset_hz"] / divider)


FAMILIES = {
    "stm32/clock_f1.c": _f1,
    "stm32/clock_f4.c": _f4,
    "stm32/clock_g0.c": _hsi,
    "stm32/clock_h7.c": _h7,
    "stm32/clock_l4.c": _hsi,
}


def _family(board: Board) -> str | None:
    clocks = (source for source in board.port_sources if source.startswith("stm32/clock_"))
    return next(clocks, None)


BOARDS = [name for name in list_boards() if _family(load_board(name))]


def _trees(name: str) -> tuple[Board, Limits, list[Tree]]:
    board = load_board(name)
    return board, CHIPS[board.chip], FAMILIES[_family(board)](board.clock, board.uart)


def _inside(hz: float, low: float, high: float) -> bool:
    return low * MHZ <= hz <= high * MHZ


@pytest.mark.parametrize("name", BOARDS)
def test_the_pll_works_inside_its_range(name):
    _, limits, trees = _trees(name)
    for tree in trees:
        assert _inside(tree.input, *limits.input)
        assert tree.vco is None or _inside(tree.vco, *limits.vco)
        assert tree.vco is not None or _inside(tree.core, 16, limits.core)


@pytest.mark.parametrize("name", BOARDS)
def test_core_and_buses_are_not_too_fast(name):
    board, limits, trees = _trees(name)
    assert max(tree.core for tree in trees) == board.clock["hz"]
    for tree in trees:
        assert _inside(tree.core, 1, limits.core)
        assert _inside(tree.apb1, 1, limits.apb1) and _inside(tree.apb2, 1, limits.apb2)


@pytest.mark.parametrize("name", BOARDS)
def test_flash_and_regulator_keep_up(name):
    board, limits, trees = _trees(name)
    flash = max(tree.flash for tree in trees)
    assert board.clock["flash_wait_states"] == math.ceil(flash / (limits.flash * MHZ)) - 1
    fast = board.clock["hz"] > limits.overdrive * MHZ
    assert board.clock.get("overdrive", False) == fast


@pytest.mark.parametrize("name", BOARDS)
def test_the_baud_rate_is_met_on_every_clock(name):
    board, _, trees = _trees(name)
    steps = 256 if board.uart.get("lpuart") else 1  # an LPUART divides by 256ths
    least, most = (0x300, 1 << 20) if steps == 256 else (16, 1 << 16)
    for hz in [tree.uart for tree in trees] + [trees[0].reset_uart]:
        divisor = math.floor(steps * hz / board.baud + 0.5)
        assert least <= divisor < most
        assert abs(steps * hz / divisor / board.baud - 1) < 0.02
