"""The nRF52840's UARTE as its product specification tells it (PS v1.7, 6.34)."""

from registers.model import Registers

STARTRX, STOPRX, STARTTX = 0x000, 0x004, 0x008
ENDRX, ENDTX, ERROR, RXTO = 0x110, 0x120, 0x124, 0x144
INTENSET, INTENCLR, ERRORSRC, ENABLE = 0x304, 0x308, 0x480, 0x500
PSEL_TXD, PSEL_RXD, BAUDRATE, CONFIG = 0x50C, 0x514, 0x524, 0x56C
RXD, TXD = 0x534, 0x544  # PTR, MAXCNT, AMOUNT

FIFO = 4  # bytes that the receiver keeps without a transfer
BUSY_READS = 3  # how often ENDTX is read before a transfer ends
_ENABLED = 8
_OVERRUN, _FRAMING = 1, 4


class Uarte(Registers):
    """Sends and receives through ``memory``, a `Machine`; EasyDMA reaches ``ram`` only."""

    memory = None

    def __init__(self, base, ram):
        offsets = [STARTRX, STOPRX, STARTTX, ENDRX, ENDTX, ERROR, RXTO, INTENSET, INTENCLR]
        offsets += [ERRORSRC, ENABLE, BAUDRATE, CONFIG]
        offsets += [start + i for start in (RXD, TXD) for i in (0, 4, 8)]
        resets = dict.fromkeys(offsets, 0) | {PSEL_TXD: 0xFFFFFFFF, PSEL_RXD: 0xFFFFFFFF}
        super().__init__("UARTE", base, resets, size=0x1000)
        self.ram = ram
        self.sent = b""
        self.fifo = b""
        self.reception = self.transfer = None  # (address, bytes) while one runs

    @property
    def interrupt(self) -> bool:
        """Whether the interrupt line is high."""
        events = {offset: self.values[offset] for offset in (ENDRX, ENDTX, ERROR)}
        enabled = self.values[INTENSET]
        return any(enabled >> (at - 0x100) // 4 & value for at, value in events.items())

    def receive(self, data: bytes) -> None:
        """Bytes come over the line."""
        for byte in data:
            if len(self.fifo) == FIFO:
                self.values[ERROR] = 1
                self.values[ERRORSRC] |= _OVERRUN
            else:
                self.fifo += bytes([byte])
                self._store()

    def receive_without_stop_bit(self) -> None:
        """As a byte of another rate is heard; it is not stored (6.34.5)."""
        self.values[ERROR] = 1
        self.values[ERRORSRC] |= _FRAMING

    def read(self, offset, size):
        if offset == ENDTX and self.transfer:
            self._send()
        return super().read(offset, size)

    def write(self, offset, value, size):
        if offset in (PSEL_TXD, PSEL_RXD, BAUDRATE, CONFIG):
            assert not self.values[ENABLE], "set while the UARTE is enabled"
        if offset == ERRORSRC:
            value = self.values[ERRORSRC] & ~value
        if offset == INTENSET:
            value |= self.values[INTENSET]
        if offset == INTENCLR:
            self.values[INTENSET] &= ~value
        if offset == ENABLE and not value:
            assert self.reception is None and self.transfer is None, "off amid a transfer"
        super().write(offset, value, size)
        if offset == STARTTX and value:
            assert self.transfer is None, "a transfer is started while one runs"
            self.transfer = self._channel(TXD)
            self.reads = BUSY_READS
        if offset == STOPRX and value:
            self.reception, self.values[ENDRX], self.values[RXTO] = None, 1, 1
        if offset == STARTRX and value:
            assert self.reception is None, "a reception is started while one runs"
            self.reception = self._channel(RXD)
            self._store()

    def _channel(self, start):
        """(address, bytes) as the registers say now, taken over when a task starts."""
        pointer, count = self.values[start], self.values[start + 4]
        assert self.values[ENABLE] == _ENABLED, "started while the UARTE is off"
        assert 0 < count <= 0xFFFF, "MAXCNT has 16 bits"
        assert self.ram.holds(pointer, count), "EasyDMA reaches RAM only"
        return pointer, count

    def _send(self):
        """The bytes are read at the last moment: a buffer changed too early is noticed."""
        self.reads -= 1
        if self.reads == 0:
            self.sent += self.memory.read(*self.transfer)
            self.transfer, self.values[ENDTX] = None, 1

    def _store(self):
        if self.reception is None or not self.fifo:
            return
        address, count = self.reception
        part, self.fifo = self.fifo[:count], self.fifo[count:]
        self.memory.write(address, part)
        self.reception = (address + len(part), count - len(part))
        if count == len(part):
            self.reception, self.values[ENDRX] = None, 1
