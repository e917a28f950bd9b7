"""Devices that answer anything at all, in frames whose CRC is right, and what the host makes of it.

A stranger answers each request as firmware would, or with a reply that is cut, grown, of other
numbers, of another request or session, or beside it with notices and panics.  A conversation must
end with results that fit what was asked, or with a typed error, and in the time it takes to say.
"""

from __future__ import annotations

import random
import struct
from binascii import crc32
from collections.abc import Callable

from edgetune.errors import LinkError
from edgetune.link import Client
from edgetune.link.frames import Frame, FrameReader, encode_frame
from edgetune.link.messages import (
    HELLO_REST,
    PAIR,
    PROTOCOL_VERSION,
    REPLY,
    STATS,
    TRAIN,
    TWO_WORDS,
    WORD,
    Notice,
    Request,
)

INPUT, TARGET, OUTPUT, STATE, STAGES = 16, 4, 10, 150, 5
FRAME, WINDOW = 64, 128
EDGES = (0, 1, 2, 3, 63, 64, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
MOST_ANSWERS = 400  # of one stranger; then it is gone


def hello_fields() -> list:
    """Of HELLO's reply behind its head, as firmware would name them."""
    return [1, 2, INPUT, OUTPUT, STATE, 64, 0, WINDOW, FRAME, FRAME, OUTPUT, 1, TARGET, b"echo"]


class Stranger:
    """A transport; ``harm``, 0 to 1: how many of its answers are odd."""

    def __init__(self, seed: int, harm: float):
        self.source, self.harm = random.Random(seed), harm
        self.answers: list[bytes] = []
        self.left, self.expected, self.session = MOST_ANSWERS, 1, 0
        self._reader, self._state = FrameReader(), bytes(STATE)

    def alive(self) -> bool:
        return bool(self.answers)

    def read(self, timeout: float) -> bytes:
        if not self.answers:
            return b""
        data = self.answers.pop(0)
        if len(self.answers) and self.source.random() < 0.2:
            data += self.answers.pop(0)
        return data

    def write(self, data: bytes) -> None:
        for frame in self._reader.feed(data):
            if frame is not None and self.left > 0:
                self.left -= 1
                self._answer(frame)

    def _answer(self, frame: Frame) -> None:
        reply = self._right(frame)
        while self.source.random() < self.harm:
            reply = self.source.choice(ODD)(self, frame, reply)
        self.answers.append(encode_frame(reply))

    def _right(self, frame: Frame) -> Frame:
        """As firmware would answer."""
        if frame.type == Request.HELLO:
            self.session, self.expected = frame.session, 1
        elif frame.type != Request.POLL:
            self.expected = (frame.seq + 1) & 0xFFFF
        payload = self._payload(frame)
        return Frame(frame.type | REPLY, self.session, frame.seq, payload)

    def _payload(self, frame: Frame) -> bytes:
        words = frame.payload
        if frame.type == Request.HELLO:
            return PAIR.pack(PROTOCOL_VERSION, 1) + HELLO_REST.pack(*hello_fields())
        if frame.type == Request.POLL:
            return PAIR.pack(PAIR.unpack_from(words)[0], self.expected)
        if frame.type == Request.TRAIN:
            return TRAIN.pack(1, 2, 3, 4)
        if frame.type == Request.INFER:
            return PAIR.pack(1, OUTPUT) + bytes(OUTPUT)
        if frame.type == Request.STATS:
            return STATS.pack(0, 0, 0, 0, 0)
        if frame.type == Request.READ:
            offset, count = TWO_WORDS.unpack(words)
            return WORD.pack(offset) + self._state[offset : offset + count]
        if frame.type == Request.WRITE:
            return WORD.pack(WORD.unpack_from(words)[0] + len(words) - WORD.size)
        if frame.type == Request.PROFILE:
            first, count = PAIR.unpack(words)
            return PAIR.pack(STAGES, first) + bytes(WORD.size * count)
        return b"" if frame.type == Request.RESET else WORD.pack(crc32(self._state))


# -- what a stranger may do to an answer ---------------------------------------------------------


def _cut(stranger: Stranger, asked: Frame, reply: Frame) -> Frame:
    return _with(reply, reply.payload[: stranger.source.randint(0, len(reply.payload))])


def _grown(stranger: Stranger, asked: Frame, reply: Frame) -> Frame:
    more = stranger.source.choice([1, 2, 3, 4, 60, 300, 5000])
    return _with(reply, reply.payload + stranger.source.randbytes(more))


def _edge(stranger: Stranger, asked: Frame, reply: Frame) -> Frame:
    """A number at the edge of its range, somewhere."""
    source, data = stranger.source, bytearray(reply.payload)
    layout = source.choice(["<H", "<I"])
    room = len(data) - struct.calcsize(layout)
    if room >= 0:
        value = source.choice(EDGES) & (0xFFFF if layout == "<H" else 0xFFFFFFFF)
        struct.pack_into(layout, data, source.randint(0, room), value)
    return _with(reply, bytes(data))


def _noise(stranger: Stranger, asked: Frame, reply: Frame) -> Frame:
    return _with(reply, stranger.source.randbytes(stranger.source.randrange(100)))


def _of_another(stranger: Stranger, asked: Frame, reply: Frame) -> Frame:
    kind = stranger.source.choice([*Request, *(r | REPLY for r in Request), *Notice, 0, 0xFF])
    return Frame(int(kind), reply.session, reply.seq, reply.payload)


def _elsewhere(stranger: Stranger, asked: Frame, reply: Frame) -> Frame:
    source = stranger.source
    session = source.choice([reply.session, reply.session, 0, source.randrange(0x10000)])
    return Frame(reply.type, session, (reply.seq + source.randint(-3, 3)) & 0xFFFF, reply.payload)


def _besides(stranger: Stranger, asked: Frame, reply: Frame) -> Frame:
    """Something else first: a notice, another reply, the same twice."""
    source = stranger.source
    kind = source.choice([*Notice, reply.type, Request.POLL | REPLY])
    size = source.choice([0, 4, 8, source.randrange(40)])
    payload = source.choice([source.randbytes(size), b"ready", b"\x1b[2J", reply.payload])
    for _ in range(source.choice([1, 1, 2, 5])):
        stranger.answers.append(encode_frame(Frame(int(kind), reply.session, reply.seq, payload)))
    return reply


ODD: tuple[Callable[[Stranger, Frame, Frame], Frame], ...] = (
    _cut, _grown, _edge, _edge, _noise, _of_another, _elsewhere, _besides,
)


def _with(reply: Frame, payload: bytes) -> Frame:
    return Frame(reply.type, reply.session, reply.seq, payload)


# -- conversations -------------------------------------------------------------------------------


def converse(seed: int) -> str:
    """How the conversation with one stranger ended; AssertionError where a result is none."""
    stranger = Stranger(seed, random.Random(~seed).choice([0.02, 0.1, 0.4]))
    told: list[str] = []
    client = Client(stranger, on_log=told.append, accept=_known, timeout=5.0, hello_timeout=5.0)
    try:
        _talk(client, random.Random(seed + 1))
        ending = "answers"
    except LinkError as error:
        assert error.message and error.cause and error.next_step
        ending = type(error).__name__
    assert all("\x1b" not in text for text in told)
    return ending


def _known(info) -> None:
    """As `check_identity` refuses what is not the plan's."""
    sizes = (info.input_bytes, info.output_bytes, info.state_bytes, info.target_bytes)
    if sizes != (INPUT, OUTPUT, STATE, TARGET):
        raise LinkError("another device", "its sizes are others", "look")


def _talk(client: Client, source: random.Random) -> None:
    client.hello()
    sample = (bytes(INPUT), bytes(TARGET))
    asked: list[Callable[[], None]] = [
        lambda: _word(client.start(1, 2)), lambda: _word(client.digest(True)),
        lambda: _steps(client, [sample] * 3), lambda: _outputs(client, [sample[0]] * 3),
        lambda: _state(client), lambda: _word(client.write_state(bytes(STATE))),
        lambda: _profile(client), lambda: _small(client.stats()), client.reset,
    ]
    for ask in source.sample(asked, 5):
        ask()
        if client.info is None:
            client.hello()


def _word(value: int) -> None:
    assert 0 <= value < 2**32


def _steps(client: Client, samples: list) -> None:
    results = list(client.train_many(samples))
    assert len(results) == len(samples) and all(r.prediction < OUTPUT for r in results)


def _outputs(client: Client, samples: list) -> None:
    results = list(client.infer_many(samples))
    assert [len(r.output) for r in results] == [OUTPUT] * len(samples)


def _state(client: Client) -> None:
    assert len(client.read_state()) == STATE


def _profile(client: Client) -> None:
    assert all(0 <= tick < 2**32 for tick in client.profile())


def _small(stats) -> None:
    assert 0 <= stats.step_ticks < 2**32


