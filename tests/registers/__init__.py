"""Runs single functions of the firmware on an emulated core against register models in Python.

QEMU and Renode say whether a whole image works; they forgive what a chip does not. Here a test
writes down what the reference manual says of a few registers, calls one C function and looks at
what it did to them, in order:

    from registers import RECORDER, Machine, Registers

    rcc = Registers("RCC", 0x40023800, {0x30: 0, 0x40: 0})
    gpio = Registers("GPIOA", 0x40020000, {0x00: 0, 0x0C: 0, 0x20: 0})
    usart = Registers("USART2", 0x40004400, {0x00: 0xE0, 0x04: 0x41, 0x08: 0, 0x0C: 0})
    nvic = Registers("NVIC", 0xE000E100, {0x04: 0}, size=0x20)
    sources = ["stm32/usart_v1.c", "stm32/gpio_v2.c"]
    machine = Machine(tmp_path, board, sources, [rcc, gpio, usart, nvic], extra=[RECORDER])
    machine.call("et_uart_start", 16_000_000)
    assert machine.values("USART2", 0x08) == [139]              # every value BRR was given
    assert machine.order(("RCC", 0x40), ("USART2", 0x0C))       # one before the other
    machine.call("et_uart_irq")                                 # handlers are functions, too
    assert machine.recorded() == b"A"                           # what reached et_rx_byte()

- `Machine(folder, board, sources, models, extra=, defines=, code_at=)` compiles ``sources``
  (relative to firmware/ports, or absolute) with the board's flags, board.h and linker.ld, and maps
  the board's memories. Everything the sources call must be among them or in ``extra``.
- `Registers` keeps what is written and fails the test at an offset it was not given; subclass it
  and override ``read`` or ``write`` for registers that do something. An access to a peripheral
  address that no model covers fails the test. The private peripherals at 0xE000E000 (NVIC, SCB,
  DWT) are peripherals like the others and need a model where they are touched.
- `Flash` is a `Registers` that also decides what stores to the flash region do.
- `machine.writes` is the log of all writes in order; `machine.call` returns r0. A struct of more
  than four bytes comes back through a hidden first argument: pass `machine.scratch` and read it
  with `machine.words(machine.scratch, 2)`.
- `machine.restart(models)` starts afresh without compiling again; `trap` and `watch` put Python in
  place of a ROM's functions and look at what is read and run.
- A call is bounded by a number of instructions, never by time.

The core runs without interrupts, caches and timing. Cortex-M0+ code runs on a Cortex-M0 and
Cortex-M55 code is not supported, because the emulator (unicorn) has neither.
"""

from registers.machine import RECORDER, Machine
from registers.model import Flash, Registers, Write

__all__ = ["RECORDER", "Flash", "Machine", "Registers", "Write"]
