"""Replies are data from a stranger: whatever comes in a frame with a right CRC is an answer that
fits what was asked, or a typed error.  ``make fuzz-link`` has a hundred thousand conversations."""

import struct
import subprocess
import sys
from pathlib import Path

import pytest
from link_transport import Script

from edgetune.errors import LinkError
from edgetune.link import Client
from edgetune.link.frames import Frame, FrameReader, encode_frame
from edgetune.link.messages import HELLO_REST, PAIR, PROTOCOL_VERSION, TWO_WORDS, Notice, Request
from tools.fuzz.strangers import INPUT, OUTPUT, STATE, TARGET, Stranger, converse
from tools.fuzz.strangers import hello_fields as right_fields

ROOT = Path(__file__).parents[2]
SAMPLE = (bytes(INPUT), bytes(TARGET))


class Replaces(Stranger):
    """Answers as firmware does, but for one kind of request."""

    def __init__(self, kind: Request, change):
        super().__init__(0, harm=0)
        self._kind, self._change, self.changed = kind, change, False

    def _right(self, frame: Frame) -> Frame:
        reply = super()._right(frame)
        if frame.type != self._kind:
            return reply
        payload = self._change(reply.payload)
        self.changed |= payload != reply.payload
        return Frame(reply.type, reply.session, reply.seq, payload)


ASK = {
    Request.HELLO: lambda client: None,
    Request.START: lambda client: client.start(1, 2),
    Request.TRAIN: lambda client: client.train(*SAMPLE),
    Request.INFER: lambda client: client.infer(SAMPLE[0]),
    Request.DIGEST: lambda client: client.digest(),
    Request.READ: lambda client: client.read_state(),
    Request.WRITE: lambda client: client.write_state(bytes(STATE)),
    Request.WRITE_END: lambda client: client.write_state(bytes(STATE)),
    Request.STATS: lambda client: client.stats(),
    Request.PROFILE: lambda client: client.profile(),
}


@pytest.mark.parametrize("kind", ASK)
def test_a_reply_of_every_other_length_is_named(kind):
    """Shorter by all sizes, and longer."""
    cut = [lambda p, n=n: p[:n] for n in range(72)]
    grown = [lambda p, n=n: p + bytes(n) for n in (1, 2, 4, 60, 60_000)]
    for change in cut + grown:
        device = Replaces(kind, change)
        client = Client(device, timeout=5, hello_timeout=5)
        try:
            client.hello()
            ASK[kind](client)
            assert not device.changed
        except LinkError as error:
            assert f"the device's {kind.name} is not as the protocol has it" == error.message
            assert device.changed and error.exit_code == 4 and error.cause and error.next_step


def hello_with(**others) -> bytes:
    names = ["build_id", "model_hash", "input_bytes", "output_bytes", "state_bytes", "arena",
             "tick_hz", "window", "frame_max", "reply_max", "classes", "layers", "target_bytes",
             "board"]
    fields = dict(zip(names, right_fields())) | others
    return PAIR.pack(PROTOCOL_VERSION, 1) + HELLO_REST.pack(*fields.values())


@pytest.mark.parametrize("others, words", [
    ({"reply_max": 0}, "reply_max"), ({"reply_max": 16}, "reply_max"),
    ({"frame_max": 0}, "frame_max"), ({"frame_max": 16}, "frame_max"),
    ({"window": 0}, "window"), ({"window": 127}, "window"),
    ({"input_bytes": 0xFFFFFFFF}, "a sample"), ({"output_bytes": 0xFFFFFFFF}, "outputs"),
    ({"target_bytes": 0xFFFFFFFF}, "a sample"),
])
def test_sizes_that_cannot_be_are_refused_with_the_hello(others, words):
    client = Client(Replaces(Request.HELLO, lambda _: hello_with(**others)), hello_timeout=5)
    with pytest.raises(LinkError, match="HELLO is not as") as caught:
        client.hello()
    assert words in caught.value.cause and client.info is None


def test_a_name_of_a_board_and_a_log_are_text():
    changed = hello_with(board=b"a\x1b[2J\nb")
    told = []
    device = Replaces(Request.HELLO, lambda _: changed)
    log = Frame(Notice.LOG, 0, 0, b"\x1b]0;title\x07\xff\xfe\x9b2J")
    device.answers.append(encode_frame(log))
    info = Client(device, on_log=told.append, hello_timeout=5).hello()
    assert info.board == r"a\x1b[2J\nb"
    assert all(c.isprintable() for c in "".join(told)) and r"\x1b]0;title\x07" in told[0]


def test_what_is_not_accepted_is_not_read():
    """A device that claims a state of 4 GB; asked again after a break as well."""
    device = Replaces(Request.HELLO, lambda _: hello_with(state_bytes=0xFFFFFFFF))

    def accept(info):
        if info.state_bytes != STATE:
            raise LinkError("another size", "of the state", "look")

    client = Client(device, accept=accept, hello_timeout=5)
    for _ in range(2):
        with pytest.raises(LinkError, match="another size"):
            client.hello()
        with pytest.raises(LinkError, match="no session"):
            client.read_state()


def test_a_reply_before_its_request_was_sent_is_none():
    """A stranger that answers the second sample while the ring holds but one."""
    device = Stranger(0, harm=0)
    client = Client(device, timeout=5, hello_timeout=5, nudge=0.01)
    client.hello()
    channel = client._channel
    channel.info = type(channel.info)(**(vars(channel.info) | {"window": 40}))
    first, second = (channel.submit(Request.TRAIN, b"".join(SAMPLE[::-1])) for _ in range(2))
    assert first.sent and not second.sent
    early = Frame(Request.TRAIN | 0x80, device.session, second.seq, bytes(12))
    device.answers.insert(0, encode_frame(early))
    assert channel.wait(second) != early.payload


def test_what_the_ring_cannot_hold_waits_for_an_idle_device():
    """A sample larger than the window travels when the one before has its reply, not when it was
    taken: the device computes then."""
    client = Client(Stranger(0, harm=0), timeout=5, hello_timeout=5, nudge=0.01)
    client.hello()
    channel = client._channel
    channel.info = type(channel.info)(**(vars(channel.info) | {"window": 4}))
    first, second = (channel.submit(Request.TRAIN, b"".join(SAMPLE[::-1])) for _ in range(2))
    channel._on_taken(first.seq)
    assert first.taken and not second.sent
    channel.wait(first)
    assert second.sent


# -- before a hello is answered ------------------------------------------------------------------


class Boots(Script):
    """Says the same at every HELLO, and answers none; a read takes so many seconds."""

    def __init__(self, *frames: Frame, seconds: float = 0.02, endless: bool = False):
        super().__init__()
        self._frames, self._seconds, self._endless = frames, seconds, endless
        self.now = 0.0

    def write(self, data: bytes) -> None:
        super().write(data)
        self.pieces += [encode_frame(frame) for frame in self._frames]

    def read(self, timeout: float) -> bytes:
        self.now += self._seconds
        return super().read(timeout) or (encode_frame(READY) if self._endless else b"")

    def hello(self) -> None:
        Client(self, hello_timeout=0.2, nudge=0.05, clock=lambda: self.now).hello()


PANIC = Frame(Notice.PANIC, 0, 0, TWO_WORDS.pack(3, 0x08000123))
READY = Frame(Notice.LOG, 0, 0, b"ready")


@pytest.mark.parametrize("frames, words, cause", [
    ([PANIC] * 4, "meets a fault as it starts, again and again", "exception 3 at 0x08000123"),
    ([PANIC], "meets a fault as it starts", "exception 3 at 0x08000123"),
    ([READY, READY], "starts anew again and again", "times within"),
    ([Frame(Notice.PANIC, 0, 0, b"odd")], "PANIC is not as the protocol has it", "3 bytes"),
])
def test_a_device_that_cannot_start_is_named(frames, words, cause):
    with pytest.raises(LinkError, match=words) as caught:
        Boots(*frames).hello()
    assert cause in caught.value.cause and caught.value.next_step


def test_what_came_in_time_counts_on_a_busy_computer():
    with pytest.raises(LinkError, match="starts anew again and again"):
        Boots(READY, READY, seconds=0.3).hello()


def test_a_device_that_never_stops_talking_is_not_waited_for_for_ever():
    line = Boots(endless=True)
    with pytest.raises(LinkError, match="starts anew"):
        line.hello()
    assert line.now < 0.5


def test_an_old_panic_in_the_port_s_buffer_does_not_keep_a_device_from_answering():
    device = Stranger(0, harm=0)
    device.answers += [encode_frame(PANIC)] * 2
    assert Client(device, hello_timeout=5).hello().board == "echo"


# -- anything at all -----------------------------------------------------------------------------


def test_strangers_are_answered_or_refused():
    endings = [converse(seed) for seed in range(600)]
    assert {"answers", "LinkError", "DeviceResetError"} == set(endings)


def test_the_same_line_as_make_runs_it(tmp_path):
    command = [sys.executable, str(ROOT / "tools" / "fuzz_replies.py"), "--count", "50"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "50 conversations" in done.stdout, done.stdout + done.stderr


def test_only_one_file_takes_payloads_apart():
    """Else the next message would be read unchecked."""
    for path in (ROOT / "edgetune" / "link").glob("*.py"):
        if path.name not in ("replies.py", "frames.py"):
            assert "unpack(" not in path.read_text().replace("replies.unpack", ""), path
            assert "unpack_from(" not in path.read_text(), path


def test_the_stranger_without_harm_is_firmware():
    device = Stranger(0, harm=0)
    client = Client(device, timeout=5, hello_timeout=5)
    client.hello()
    assert client.train(*SAMPLE).digest == 4 and len(client.infer(SAMPLE[0]).output) == OUTPUT
    assert client.read_state() == bytes(STATE) and client.profile() == [0] * 5
    assert client.write_state(bytes(STATE)) == client.digest()
    assert client.stats().step_ticks == 0 and struct.calcsize("<8I4HI24s") == HELLO_REST.size
    reader = FrameReader()
    assert all(frame for data in device.answers for frame in reader.feed(data))
