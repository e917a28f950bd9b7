"""Renode 1.16.1's peripherals as far as firmware meets them: UARTs, clocks, counters.

Written after its sources, which are named beside each model. This is no Renode: it shows that
images do not depend on what Renode does not have.
"""

from collections import deque


class Model:
    """Registers at ``base``; offsets count from it. By default they keep nothing."""

    size = 0x400

    def __init__(self, base: int):
        self.base = base

    def read(self, offset: int) -> int:
        return 0

    def write(self, offset: int, value: int) -> None:
        pass


class Uart(Model):
    """What all UARTs have: a queue without end toward the firmware, and an interrupt line."""

    def __init__(self, base: int, irq: int):
        super().__init__(base)
        self.irq, self.received, self.sent = irq, deque(), bytearray()
        self.control = 0

    def deliver(self, data: bytes) -> None:
        if self.listens:
            self.received.extend(data)
            self.arrived()

    def arrived(self) -> None:
        pass


class Stm32Uart(Uart):
    """UART/STM32_UART.cs; its newest version, unlike 1.16.1's, wants UE and RE: so does this."""

    listens = property(lambda self: self.control & 0x2004 == 0x2004)
    pending = property(lambda self: bool(self.control & 0x20 and self.received))

    def read(self, offset: int) -> int:
        if offset == 0x00:
            return 0xC0 | (0x20 if self.received else 0)
        if offset == 0x04:
            return self.received.popleft() if self.received else 0
        return self.control if offset == 0x0C else 0

    def write(self, offset: int, value: int) -> None:
        if offset == 0x04 and self.control & 0x2008 == 0x2008:
            self.sent.append(value & 0xFF)
        if offset == 0x0C:
            self.control = value


class Stm32F7Usart(Uart):
    """UART/STM32F7_USART.cs."""

    listens = property(lambda self: self.control & 5 == 5)
    pending = property(lambda self: bool(self.control & 0x20 and self.received))

    def read(self, offset: int) -> int:
        if offset == 0x1C:
            enabled = (self.control & 8) << 18 | (self.control & 4) << 20
            return 0xC0 | enabled | (0x20 if self.received else 0)
        if offset == 0x24:
            return self.received.popleft() if self.received else 0
        return self.control if offset == 0x00 else 0

    def write(self, offset: int, value: int) -> None:
        if offset == 0x00:
            self.control = value
        if offset == 0x28 and self.control & 9 == 9:
            self.sent.append(value & 0xFF)


class Uarte(Uart):
    """UART/NRF52840_UART.cs with easyDMA; ``memory``: a core's mem_read and mem_write."""

    size = 0x1000
    memory = None
    _ENDRX, _ENDTX = 0x110, 0x120

    def __init__(self, base: int, irq: int):
        super().__init__(base, irq)
        self.registers: dict[int, int] = {}
        self.enabled_interrupts, self.started, self.amount = 0, False, 0

    listens = property(lambda self: self.registers.get(0x500) == 8 and self.started)
    pending = property(lambda self: bool(
        self.enabled_interrupts & 0x10 and self.registers.get(self._ENDRX)
    ))

    def arrived(self) -> None:
        """Takes bytes until ENDRX; one only, if that is what STARTRX asks for."""
        while self.received and not self.registers.get(self._ENDRX):
            self.take()

    def take(self) -> None:
        if self.registers.get(self._ENDRX) or not self.received:
            return
        place = self.registers[0x534] + self.amount
        self.memory.mem_write(place, bytes([self.received.popleft()]))
        self.amount += 1
        if self.amount == self.registers[0x538]:
            self.registers[self._ENDRX] = 1

    def read(self, offset: int) -> int:
        return self.registers.get(offset, 0) if 0x100 <= offset != 0x200 else 0

    def write(self, offset: int, value: int) -> None:
        if offset == 0x000:
            self.amount, self.started = 0, True
            self.take()
        elif offset == 0x008:
            self.sent += self.memory.mem_read(self.registers[0x544], self.registers[0x548])
            self.registers[self._ENDTX] = 1
        elif offset == 0x304:
            self.enabled_interrupts |= value
        elif offset == 0x308:
            self.enabled_interrupts &= ~value
        else:
            self.registers[offset] = value


class Fixed(Model):
    """Tags of a platform file, and all that is not modelled: constants by offset, else 0."""

    def __init__(self, base: int, values: dict[int, int]):
        super().__init__(base)
        self.values = values

    def read(self, offset: int) -> int:
        return self.values.get(offset, 0)


class Kept(Model):
    """Registers that keep ``masks`` of what is written, all where there is no mask."""

    def __init__(self, base: int, masks: dict[int, int] | None = None):
        super().__init__(base)
        self.masks, self.values = masks, {}

    def read(self, offset: int) -> int:
        return self.values.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        mask = 0xFFFFFFFF if self.masks is None else self.masks.get(offset, 0)
        self.values[offset] = value & mask


class Rcc(Kept):
    """Miscellaneous/STM32F4_RCC.cs and STM32H7_RCC.cs: ready is who is on, the switch is instant.

    Args:
        ready: in CR, from the bit that switches on to the bit that says ready.
        configuration: offset of CFGR, and the shift from SW to SWS.
        masks: what other registers keep.
    """

    def __init__(self, base: int, reset: int, ready: dict, configuration: tuple, masks: dict):
        super().__init__(base, masks)
        self.ready, (self.cfgr, self.shift) = ready, configuration
        self.values[0] = reset

    def read(self, offset: int) -> int:
        value = super().read(offset)
        if offset == 0:
            return value | sum(1 << r for on, r in self.ready.items() if value >> on & 1)
        if offset == self.cfgr:
            switch = (1 << self.shift) - 1
            return value & ~(switch << self.shift) | (value & switch) << self.shift
        return value


class FlipFlop(Model):
    """scripts/pydev/flipflop.py: all ones and all zeros by turns."""

    size = 4

    def __init__(self, base: int):
        super().__init__(base)
        self.last = 0

    def read(self, offset: int) -> int:
        self.last = 1 - self.last
        return self.last * 0xFFFFFFFF

    def write(self, offset: int, value: int) -> None:
        self.last = 1 - self.last


class RccG0(Model):
    """The Python peripheral of platforms/cpus/stm32g0.repl."""

    def __init__(self, base: int):
        super().__init__(base)
        self.hsi, self.pll, self.switch = 1, 0, 0

    def read(self, offset: int) -> int:
        if offset == 0:
            return self.hsi << 8 | self.hsi << 10 | self.pll << 25
        return 0 if offset in (0x24, 0x60) else self.switch << 3

    def write(self, offset: int, value: int) -> None:
        if offset == 0:
            self.hsi, self.pll = value >> 8 & 1, value >> 24 & 1
        elif offset == 8:
            self.switch = value & 7


class PwrF4(Kept):
    """Miscellaneous/STM32_PWR.cs."""

    def read(self, offset: int) -> int:
        if offset != 4:
            return super().read(offset)
        control = self.values.get(0, 0)
        return (1 << 14 if 0 in self.values else 0) | control & 0x30000


class NrfClock(Kept):
    """Miscellaneous/NRF_CLOCK.cs: what is started has started."""

    size = 0x1000

    def write(self, offset: int, value: int) -> None:
        super().write(offset, value)
        if offset == 0:
            self.values |= {0x100: 1, 0x40C: 0x10001}


class Counter(Model):
    """Timers/STM32_Timer.cs and Miscellaneous/DWT.cs: one more at each look, once enabled."""

    size = 0x1000

    def __init__(self, base: int, offset: int):
        super().__init__(base)
        self.place, self.on, self.count = offset, False, 0

    def read(self, offset: int) -> int:
        if offset != self.place:
            return int(self.on) if offset == 0 else 0
        self.count += self.on
        return self.count

    def write(self, offset: int, value: int) -> None:
        if offset == 0:
            self.on = bool(value & 1)
