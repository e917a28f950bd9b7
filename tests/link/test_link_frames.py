"""Frames: Python against zlib and itself, C against Python, byte for byte."""

import ctypes
import random
import subprocess
from binascii import crc32

import pytest
from link_transport import FLAGS, INCLUDES, ROOT, compiler

from edgetune.link.frames import (
    CRC,
    HEADER,
    Frame,
    FrameReader,
    cobs_decode,
    cobs_encode,
    decode_frame,
    encode_frame,
)

PUT = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_uint8), ctypes.c_uint32)


class Decoder(ctypes.Structure):
    _fields_ = [
        ("frame", ctypes.c_void_p),
        ("capacity", ctypes.c_uint32),
        ("length", ctypes.c_uint32),
        ("code", ctypes.c_uint8),
        ("left", ctypes.c_uint8),
        ("overflow", ctypes.c_uint8),
    ]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    target = tmp_path_factory.mktemp("frames") / "frames.so"
    source = ROOT / "firmware" / "link" / "frames.c"
    command = [compiler(), *FLAGS, *INCLUDES, "-shared", "-fPIC", str(source), "-o", str(target)]
    subprocess.run(command, check=True)
    library = ctypes.CDLL(str(target))
    library.et_crc32.restype = ctypes.c_uint32
    return library


def c_encode(library, data: bytes) -> bytes:
    out = bytearray()
    library.et_encode(data, len(data), PUT(lambda at, count: out.extend(at[:count])))
    return bytes(out)


def c_decode(library, wire: bytes, capacity: int = 4096) -> list:
    """What et_decode makes of wire: a bytes for each frame, -1 for each bad one."""
    buffer = ctypes.create_string_buffer(capacity)
    decoder = Decoder(ctypes.addressof(buffer), capacity)
    found = []
    for byte in wire:
        length = library.et_decode(ctypes.byref(decoder), byte)
        if length > 0:
            found.append(buffer.raw[:length])
        elif length < 0:
            found.append(length)
    return found


def blocks(seed: int = 1) -> list[bytes]:
    """Every length around COBS's 254 with zeros at all the awkward places, then random ones."""
    source = random.Random(seed)
    lengths = [*range(12), *range(250, 262), *range(505, 514), 762, 763, 764, 1016, 3104]
    full = [bytes(source.randrange(1, 256) for _ in range(n)) for n in lengths]
    zeros = [data[:at] + b"\0" + data[at:] for data in full for at in (0, 1, 253, 254, 255, 508)]
    ends = [data + b"\0" for data in full] + [b"\0" * n for n in lengths]
    sparse = [
        bytes(source.choice((0, 1, 255)) for _ in range(source.randrange(600))) for _ in range(100)
    ]
    return full + zeros + ends + sparse


def bodies() -> list[bytes]:
    """Header and payload of valid frames."""
    frames = [data[:4000] for data in blocks(2)]
    return [HEADER.pack(3, 0, 0xBEEF, 1, len(payload)) + payload for payload in frames]


def test_cobs_has_no_zero_and_comes_back():
    for data in blocks():
        encoded = cobs_encode(data)
        assert 0 not in encoded
        assert len(encoded) <= len(data) + len(data) // 254 + 1
        assert cobs_decode(encoded) == data


def test_cobs_published_examples():
    assert cobs_encode(b"") == b"\x01"
    assert cobs_encode(b"\0") == b"\x01\x01"
    assert cobs_encode(b"\x11\x22\0\x33") == b"\x03\x11\x22\x02\x33"
    assert cobs_encode(bytes(range(1, 255))) == b"\xff" + bytes(range(1, 255))
    assert cobs_encode(bytes(range(256))) == b"\x01\xff" + bytes(range(1, 255)) + b"\x02\xff"


def test_frames_come_back_in_any_cut():
    frames = [Frame(1 + i % 7, 77, i, data[:1500]) for i, data in enumerate(blocks(3))]
    wire = b"".join(map(encode_frame, frames))
    for step in (1, 2, 7, 1000, len(wire)):
        reader = FrameReader()
        pieces = [wire[at : at + step] for at in range(0, len(wire), step)]
        assert [frame for piece in pieces for frame in reader.feed(piece)] == frames


def test_every_flipped_bit_and_lost_byte_is_seen():
    wire = encode_frame(Frame(3, 0x1234, 5, bytes(range(40))))
    for at in range(1, len(wire) - 1):
        for bit in range(8):
            spoiled = bytearray(wire)
            spoiled[at] ^= 1 << bit
            assert not any(FrameReader().feed(bytes(spoiled)))
        assert not any(FrameReader().feed(wire[:at] + wire[at + 1 :]))


def test_foreign_bytes_cost_only_themselves():
    frame = Frame(3, 1, 2, b"sample")
    assert list(FrameReader().feed(b"boot: hello\r\n" + encode_frame(frame))) == [None, frame]


def test_length_field_must_agree():
    body = HEADER.pack(3, 0, 1, 1, 7) + bytes(6)
    assert decode_frame(cobs_encode(body + CRC.pack(crc32(body)))) is None


def test_c_crc_equals_zlib(library):
    for data in blocks(4):
        assert library.et_crc32(0, data, len(data)) == crc32(data)
        assert library.et_crc32(crc32(data[:5]), data[5:], len(data[5:])) == crc32(data)


def test_c_encodes_as_python_does(library):
    for data in blocks(5):
        assert c_encode(library, data) == b"\0" + cobs_encode(data) + b"\0"


def test_c_decodes_what_python_encodes(library):
    for body in bodies():
        data = body + CRC.pack(crc32(body))
        assert c_decode(library, b"\0" + cobs_encode(data) + b"\0") == [data]


def test_c_and_python_judge_damage_alike(library):
    source = random.Random(6)
    for body in bodies()[::3]:
        wire = bytearray(b"\0" + cobs_encode(body + CRC.pack(crc32(body))) + b"\0")
        wire[source.randrange(len(wire))] = source.randrange(256)
        ours = [None if found == -1 else found[8:-4] for found in c_decode(library, bytes(wire))]
        assert ours == [frame and frame.payload for frame in FrameReader().feed(bytes(wire))]


def test_c_drops_frames_larger_than_its_buffer(library):
    large, small = Frame(3, 1, 1, bytes(range(1, 100))), Frame(3, 1, 2, b"ok")
    found = c_decode(library, encode_frame(large) + encode_frame(small), capacity=64)
    assert found[0] == -1 and found[1][8:-4] == b"ok"
