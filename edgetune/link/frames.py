"""Frames on the wire: COBS between zero bytes, CRC-32 at the end (docs/protocol.md)."""

import struct
from collections.abc import Iterator
from zlib import crc32

from edgetune.dataclass import dataclass

HEADER = struct.Struct("<BBHHH")
CRC = struct.Struct("<I")
OVERHEAD = HEADER.size + CRC.size
_LONGEST = 65535 + OVERHEAD + 260  # encoded; the length field has 16 bits


@dataclass(frozen=True)
class Frame:
    """One message: type 0..255, session and seq 0..65535, payload up to 65535 bytes."""

    type: int
    session: int
    seq: int
    payload: bytes = b""


def cobs_encode(data: bytes) -> bytes:
    """Consistent Overhead Byte Stuffing (Cheshire and Baker, 1999); no delimiters added."""
    out = bytearray()
    for run in data.split(b"\0"):
        while len(run) >= 254:
            out += b"\xff" + run[:254]
            run = run[254:]
        out += bytes([len(run) + 1]) + run
    last_run = data.rpartition(b"\0")[2]
    if last_run and len(last_run) % 254 == 0:
        out.pop()  # a full block at the end needs no empty one after it
    return bytes(out)


def cobs_decode(data: bytes) -> bytes | None:
    """Inverse of :func:`cobs_encode`; None where data is no such encoding."""
    out = bytearray()
    at = 0
    while at < len(data):
        code = data[at]
        block = data[at + 1 : at + code]
        if code == 0 or len(block) != code - 1 or 0 in block:
            return None
        out += block
        at += code
        if code != 0xFF and at < len(data):
            out.append(0)
    return bytes(out)


def encode_frame(frame: Frame) -> bytes:
    """The bytes that travel: delimiter, encoded frame, delimiter."""
    body = HEADER.pack(frame.type, 0, frame.session, frame.seq, len(frame.payload)) + frame.payload
    return b"\0" + cobs_encode(body + CRC.pack(crc32(body))) + b"\0"


def decode_frame(encoded: bytes) -> Frame | None:
    """The frame between two delimiters, or None where it is damaged or no frame."""
    data = cobs_decode(encoded)
    if data is None or len(data) < OVERHEAD:
        return None
    body = data[: -CRC.size]
    kind, _, session, seq, length = HEADER.unpack_from(body)
    if CRC.unpack(data[-CRC.size :])[0] != crc32(body) or length != len(body) - HEADER.size:
        return None
    return Frame(kind, session, seq, body[HEADER.size :])


class FrameReader:
    """Cuts a byte stream into frames; damage costs the frame it hits and no other."""

    def __init__(self) -> None:
        self._partial = b""

    def feed(self, data: bytes) -> Iterator[Frame | None]:
        """Yields each frame that data completes, None for each damaged one."""
        *whole, self._partial = (self._partial + data).split(b"\0")
        self._partial = self._partial[-_LONGEST:]
        return (decode_frame(piece) for piece in whole if piece)
