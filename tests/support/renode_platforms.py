"""Renode 1.16.1's platforms: memories, UARTs with their interrupts, and what else firmware meets.

Written after platforms/ of the tag v1.16.1, and after those that boards bring of their own; what a
platform does not model reads as 0.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from renode_models import (
    Fixed,
    FlipFlop,
    Kept,
    Model,
    NrfClock,
    PwrF4,
    Rcc,
    RccG0,
    Stm32F7Usart,
    Stm32Uart,
    Uarte,
)


@dataclass(frozen=True)
class Platform:
    """``memories``: (origin, bytes); ``uarts``: name to (model, base, interrupt); ``models``:
    makes the rest afresh."""

    memories: tuple[tuple[int, int], ...]
    uarts: dict[str, tuple[type, int, int]]
    models: Callable[[], list[Model]] = field(default=list)


_STM32_V1 = {
    "usart1": (Stm32Uart, 0x40011000, 37), "usart2": (Stm32Uart, 0x40004400, 38),
    "usart3": (Stm32Uart, 0x40004800, 39), "uart4": (Stm32Uart, 0x40004C00, 52),
}
_F4_READY = {0: 1, 16: 17, 24: 25, 26: 27, 28: 29}
_F4_MASKS = {0: 0x1501_00F9, 4: 0x0F43_7FFF, 8: 0xFFFF_FCF3, 0x30: 0x7EF4_17FF, 0x40: 0xF6FE_C9FF,
             0x44: 0x0477_5F33}
_H7_READY = {0: 2, 7: 8, 12: 13, 16: 17, 24: 25, 26: 27, 28: 29}


def _rcc_f4() -> Rcc:
    return Rcc(0x40023800, 0x1, _F4_READY, (8, 2), _F4_MASKS)


# By the names that board.toml uses.
PLATFORMS = {
    "platforms/boards/stm32f4_discovery-kit.repl": Platform(
        ((0x08000000, 0x200000), (0x20000000, 0x40000)), _STM32_V1,
        lambda: [_rcc_f4(), PwrF4(0x40007000), Kept(0x40023C00, {0: 0xF})],
    ),
    "platforms/cpus/stm32f746.repl": Platform(
        ((0x08000000, 0x200000), (0x20000000, 0x60000)),
        {
            "usart1": (Stm32F7Usart, 0x40011000, 37), "usart2": (Stm32F7Usart, 0x40004400, 38),
            "usart3": (Stm32F7Usart, 0x40004800, 39), "usart6": (Stm32F7Usart, 0x40011400, 71),
        },
        lambda: [_rcc_f4(), FlipFlop(0x40007000), FlipFlop(0x40007004), Kept(0x40023C00)],
    ),
    "platforms/boards/nucleo_h753zi.repl": Platform(
        (
            (0x08000000, 0x200000), (0x20000000, 0x20000), (0x24000000, 0x80000),
            (0x30000000, 0x48000), (0x38000000, 0x10000),
        ),
        {
            "usart1": (Stm32F7Usart, 0x40011000, 37), "usart2": (Stm32F7Usart, 0x40004400, 38),
            "usart3": (Stm32F7Usart, 0x40004800, 39),
        },
        lambda: [
            Rcc(0x58024400, 0x1, _H7_READY, (0x10, 3),
                {0: 0x1501_1081, 0x10: 7, 0x28: 0x03F3_F3F3, 0xE0: 0x1328_07FF}),
            Kept(0x52002000, {0: 0x3F}),
        ],
    ),
    "platforms/cpus/stm32l552.repl": Platform(
        ((0x08000000, 0x80000), (0x20000000, 0x30000)),
        {
            "usart1": (Stm32F7Usart, 0x40013800, 61), "usart2": (Stm32F7Usart, 0x40004400, 62),
            "usart3": (Stm32F7Usart, 0x40004800, 63), "lpuart1": (Stm32F7Usart, 0x40008000, 66),
        },
        lambda: [Fixed(0x40021000, {0: 0x2A020402, 8: 4})],
    ),
    "platforms/cpus/stm32g0.repl": Platform(
        ((0x08000000, 0x20000), (0x20000000, 0xC000)),
        {"usart1": (Stm32F7Usart, 0x40013800, 27), "usart2": (Stm32F7Usart, 0x40004400, 28)},
        lambda: [RccG0(0x40021000), Kept(0x40022000, {0: 0xF})],
    ),
    "platforms/cpus/stm32f103.repl": Platform(
        ((0x08000000, 0x200000), (0x20000000, 0x100000)),
        {**_STM32_V1, "usart1": (Stm32Uart, 0x40013800, 37)},
        lambda: [Fixed(0x40021000, {0: 0x0A020083})],
    ),
    "platforms/boards/nrf52840dk_nrf52840.repl": Platform(
        ((0x00000000, 0x100000), (0x20000000, 0x40000)),
        {"uart0": (Uarte, 0x40002000, 2), "uart1": (Uarte, 0x40028000, 40)},
        lambda: [NrfClock(0x40000000)],
    ),
    "board/stm32l476.repl": Platform(
        ((0x08000000, 0x100000), (0x20000000, 0x18000)), {"usart2": (Stm32F7Usart, 0x40004400, 38)}
    ),
}
TIMERS = {"timer2": 0x40000000}
