"""UF2 (github.com/microsoft/uf2): blocks of 512 bytes, each with its own address."""

from __future__ import annotations

import struct

from edgetune.flash.image import ERASED, FlashImage

MAGIC_START = (0x0A324655, 0x9E5D5157)
MAGIC_END = 0x0AB16F30
FAMILY_PRESENT = 0x2000  # flag: the last header word is a family id
PAYLOAD = 256  # bytes; what the RP2040's boot ROM programs at once (RP2040 data sheet 2.8.4)
DATA = 476  # bytes of a block's data field

_HEADER = struct.Struct("<8I")


def to_uf2(image: FlashImage, family: int) -> bytes:
    """``image`` as a UF2 file for the chips of ``family``.

    Every payload starts at a multiple of 256; what a page has beyond the image stays erased.
    """
    pages = _pages(image)
    blocks = [
        _block(address, bytes(data), number, len(pages), family)
        for number, (address, data) in enumerate(sorted(pages.items()))
    ]
    return b"".join(blocks)


def _pages(image: FlashImage) -> dict[int, bytearray]:
    pages: dict[int, bytearray] = {}
    for start, data in image.segments:
        for offset, byte in enumerate(data):
            at = start + offset
            page = pages.setdefault(at & ~(PAYLOAD - 1), bytearray([ERASED]) * PAYLOAD)
            page[at % PAYLOAD] = byte
    return pages


def _block(address: int, data: bytes, number: int, count: int, family: int) -> bytes:
    header = _HEADER.pack(*MAGIC_START, FAMILY_PRESENT, address, PAYLOAD, number, count, family)
    return header + data.ljust(DATA, b"\0") + struct.pack("<I", MAGIC_END)
