"""Requests to the link's server, built for this computer around a learner that counts."""

import random
import struct
from binascii import crc32

from link_transport import Pipe

from edgetune.link import Client
from edgetune.link.frames import Frame, FrameReader, encode_frame
from edgetune.link.messages import PAIR, PROTOCOL_VERSION, REPLY, WORD, Notice, Request

INPUT, LARGE, CLASSES, STATE, RING = 16, 3072, 10, 300, 256


def samples(count: int, size: int = INPUT, seed: int = 1) -> list[tuple[bytes, int]]:
    source = random.Random(seed)
    return [(source.randbytes(size), source.randrange(CLASSES)) for _ in range(count)]


def target(label: int) -> bytes:
    """As softmax cross-entropy takes it."""
    return struct.pack("<HH", label, 0)


def encoded(labelled: list[tuple[bytes, int]]) -> list[tuple[bytes, bytes]]:
    return [(sample, target(label)) for sample, label in labelled]


def echo_hash(trained: list[tuple[bytes, int]]) -> int:
    """What the echo learner's word 1 holds after training on these samples in this order."""
    value = 0
    for sample, label in trained:
        value = crc32(sample, value ^ label)
    return value


def steps_and_hash(client: Client) -> tuple[int, int]:
    return WORD.unpack_from(client.read_state())[0], WORD.unpack_from(client.read_state(), 4)[0]


def exchange(pipe: Pipe, *frames: Frame) -> list[Frame]:
    """Sends frames and a last POLL; returns what the server answers to the frames."""
    last = Frame(Request.POLL, 7, 0x8000, PAIR.pack(0, 0))
    for frame in (*frames, last):
        pipe.write(encode_frame(frame))
    reader, found = FrameReader(), []
    while not (found and found[-1].seq == last.seq):
        data = pipe.read(30)
        assert data, "the server is silent"
        found += [frame for frame in reader.feed(data) if frame.type != Notice.LOG]
    return found[:-1]


def greet(pipe: Pipe, session: int = 7) -> None:
    (reply,) = exchange(pipe, Frame(Request.HELLO, session, 0, PAIR.pack(PROTOCOL_VERSION, 0)))
    assert reply.type == Request.HELLO | REPLY


def train_over(line, data) -> Client:
    client = Client(line, timeout=30, hello_timeout=30, nudge=0.02)
    client.hello()
    client.start(1, len(data))
    draws = [result.draws for result in client.train_many(encoded(data))]
    assert draws == list(range(len(data)))
    return client
