"""Arm's PL011 as its manual tells it (ARM DDI 0183G)."""

from registers.model import Registers

DR, FR, IBRD, FBRD, LCR_H, CR, IFLS = 0x00, 0x18, 0x24, 0x28, 0x2C, 0x30, 0x34
IMSC, RIS, ICR = 0x38, 0x3C, 0x44

BUSY, RXFE, TXFF = 1 << 3, 1 << 4, 1 << 5
RX, RT, OE = 1 << 4, 1 << 6, 1 << 10
_FIFO_ON = 1 << 4
_UART, _TRANSMITTER, _RECEIVER = 1 << 0, 1 << 8, 1 << 9


class Pl011(Registers):
    """``depth``: bytes of each FIFO; a byte leaves at every second look at FR."""

    def __init__(self, base, depth):
        offsets = (DR, IBRD, FBRD, LCR_H, CR, IMSC, RIS, ICR)
        super().__init__("UART", base, dict.fromkeys(offsets, 0) | {FR: 0x90, IFLS: 0x12})
        self.depth = depth
        self.incoming, self.outgoing, self.sent = [], [], b""
        self.looks = 0
        self.divisor = 0  # in 64ths, as the line control register has latched it

    @property
    def interrupt(self) -> bool:
        """Whether the combined interrupt line is high."""
        return bool(self.values[RIS] & self.values[IMSC])

    def receive(self, data: bytes) -> None:
        """Bytes come over the line, which then stays idle for 32 bits."""
        for byte in data:
            if len(self.incoming) == self._room():
                self.values[RIS] |= OE
            else:
                self.incoming.append(byte)
            if len(self.incoming) >= self._level():
                self.values[RIS] |= RX
        if self.incoming and self.values[LCR_H] & _FIFO_ON:
            self.values[RIS] |= RT

    def read(self, offset, size):
        if offset == FR:
            self._drain()
            full = TXFF if len(self.outgoing) == self._room() else 0
            busy = BUSY if self.outgoing else 0
            self.values[FR] = full | busy | (0 if self.incoming else RXFE)
        if offset == DR:
            return self._take()
        return super().read(offset, size)

    def write(self, offset, value, size):
        if offset in (IBRD, FBRD, LCR_H):
            assert not self.values[CR] & _UART, "set while the UART is enabled"
        if offset == CR and not value & _UART:
            assert not self.outgoing, "turned off amid a byte"
        if offset == LCR_H:
            self._set_line(value)
        if offset == ICR:
            self.values[RIS] &= ~value
        if offset == DR:
            assert self.values[CR] & _TRANSMITTER and self.values[CR] & _UART
            assert len(self.outgoing) < self._room(), "the transmit FIFO is full"
            self.outgoing.append(value)
        super().write(offset, value, size)

    def _room(self):
        return self.depth if self.values[LCR_H] & _FIFO_ON else 1

    def _level(self):
        eighths = (1, 2, 4, 6, 7)[self.values[IFLS] >> 3 & 7]
        return self._room() * eighths // 8 or 1

    def _set_line(self, value):
        """Latches the divisor; a change of the FIFOs empties them, and a status stays behind."""
        self.divisor = 64 * self.values[IBRD] + self.values[FBRD]
        if (self.values[LCR_H] ^ value) & _FIFO_ON:
            self.incoming = []

    def _take(self):
        assert self.values[CR] & _RECEIVER, "the receiver is off"
        assert self.incoming, "the receive FIFO is empty"
        byte = self.incoming.pop(0)
        if not self.incoming:
            self.values[RIS] &= ~RT
        if len(self.incoming) < self._level():
            self.values[RIS] &= ~RX
        return byte

    def _drain(self):
        self.looks += 1
        if self.outgoing and self.looks % 2 == 0:
            self.sent += bytes([self.outgoing.pop(0)])
