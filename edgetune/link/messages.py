"""The messages of protocol version 2 (docs/protocol.md): numbers, layouts, dataclasses."""

import struct
from enum import IntEnum

from edgetune.dataclass import dataclass

PROTOCOL_VERSION = 2
PAIR = struct.Struct("<HH")
WORD = struct.Struct("<I")
TWO_WORDS = struct.Struct("<II")
REPLY = 0x80


class Request(IntEnum):
    HELLO = 0x01
    START = 0x02
    TRAIN = 0x03
    INFER = 0x04
    DIGEST = 0x05
    READ = 0x06
    WRITE = 0x07
    WRITE_END = 0x08
    STATS = 0x09
    PROFILE = 0x0A
    RESET = 0x0B
    STORE_STATUS = 0x0C
    COMMIT = 0x0D
    CONFIRM = 0x0E
    ROLLBACK = 0x0F
    POLL = 0x10
    BAUD = 0x11


class Notice(IntEnum):
    """What a device sends beside ordinary replies."""

    ERROR = 0xC0
    NAK = 0xC1
    TAKEN = 0xC2
    LOG = 0xC3
    PANIC = 0xC4


class NakReason(IntEnum):
    BAD_FRAME = 1
    SEQUENCE = 2
    SESSION = 3


class ErrorCode(IntEnum):
    TYPE = 1
    LENGTH = 2
    TARGET = 3
    RANGE = 4
    STATE = 5
    CRC = 6
    FLASH = 7
    TRIAL = 8
    SOON = 9
    WORSE = 10


@dataclass(frozen=True)
class DeviceInfo:
    """What a device says of itself in its HELLO.

    Sizes are bytes. ``window``: encoded bytes that may be on the way and not yet taken.
    ``frame_max``, ``reply_max``: largest frame to and from the device, before encoding.
    ``tick_hz``: rate of its tick counter, 0 where it has none.
    """

    build_id: int
    model_hash: int
    input_bytes: int
    output_bytes: int
    state_bytes: int
    arena_bytes: int
    tick_hz: int
    window: int
    frame_max: int
    reply_max: int
    classes: int
    trained_layers: int
    target_bytes: int
    board: str


@dataclass(frozen=True)
class TrainResult:
    """One training step: the prediction before the update, the draws applied (saturated to
    65535), the loss's measure of the sample and the digest after the step."""

    prediction: int
    draws: int
    measure: int
    digest: int


@dataclass(frozen=True)
class InferResult:
    """Index of the largest output (the first of equals) and the int8 outputs as bytes."""

    prediction: int
    output: bytes


@dataclass(frozen=True)
class Stats:
    """Stack in bytes (0, 0 where unknown), receive bytes dropped, damaged frames since reset,
    and the ticks of the last TRAIN or INFER."""

    stack_bytes: int
    stack_used: int
    rx_overruns: int
    bad_frames: int
    step_ticks: int


HELLO_HEAD = PAIR  # u16 version, u16 expected seq: the same in every protocol version
HELLO_REST = struct.Struct("<8I4HI24s")
TRAIN = struct.Struct("<HHII")
STATS = struct.Struct("<5I")
