"""Devices that do not behave: each is named for what it does."""

import pytest
from link_requests import encoded, greet, samples, steps_and_hash
from link_transport import Script

from edgetune.errors import LinkError
from edgetune.link import Client, DeviceResetError
from edgetune.link.frames import Frame, FrameReader, encode_frame
from edgetune.link.messages import PAIR, PROTOCOL_VERSION, WORD, Notice, Request


class Answer(Script):
    """Answers HELLO well, then sends the prepared frames, one per request."""

    def __init__(self, *frames, version: int = PROTOCOL_VERSION, alive: bool = True):
        super().__init__(alive=True)
        self.frames, self.version, self.stays = list(frames), version, alive

    def write(self, data: bytes) -> None:
        super().write(data)
        (frame,) = FrameReader().feed(data)
        if frame.type == Request.HELLO:
            sizes = WORD.pack(128) + PAIR.pack(64, 64)
            payload = PAIR.pack(self.version, 1) + bytes(28) + sizes + bytes(32)
            self.pieces.append(encode_frame(Frame(0x81, frame.session, 0, payload)))
        elif self.frames:
            kind, session, seq, payload = self.frames.pop(0)
            session = frame.session if session is None else session
            self.pieces.append(encode_frame(Frame(kind, session, seq, payload)))
        else:
            self._alive = self.stays


def quick(transport) -> Client:
    return Client(transport, timeout=0.2, hello_timeout=0.2, nudge=0.01)


def test_silence_before_hello():
    with pytest.raises(LinkError, match="does not answer"):
        quick(Script()).hello()


def test_text_before_hello_is_quoted():
    with pytest.raises(LinkError) as caught:
        quick(Script(b"Zephyr OS v3.7 booting\r\n")).hello()
    assert "not edgetune's frames" in caught.value.message
    assert "Zephyr OS" in caught.value.cause and caught.value.next_step


def test_messages_but_no_hello():
    with pytest.raises(LinkError, match="does not answer a hello"):
        quick(Script(encode_frame(Frame(Notice.LOG, 0, 0, b"busy")))).hello()


def test_another_protocol_version():
    with pytest.raises(LinkError, match="speaks protocol version 9"):
        quick(Answer(version=9)).hello()


def test_a_process_that_ends():
    with pytest.raises(LinkError, match="gone away"):
        quick(Script(alive=False)).hello()
    client = quick(Answer(alive=False))
    client.hello()
    with pytest.raises(LinkError, match="gone away"):
        client.stats()


def test_silence_after_hello_is_bounded_and_polled_rarely():
    """After 0.5 s, 1.5 s, 4.5 s, and every 10 s until a minute is over."""
    device, now = Answer(), [0.0]

    def read(timeout):
        if not device.pieces:
            now[0] += timeout
        return Answer.read(device, timeout)

    device.read = read
    client = Client(device, clock=lambda: now[0])
    client.hello()
    with pytest.raises(LinkError, match="no reply to STATS within 60 s"):
        client.stats()
    sent = [next(FrameReader().feed(data)).type for data in device.sent]
    assert sent[sent.index(Request.STATS) + 1 :] == [Request.POLL] * 8


@pytest.mark.parametrize(
    "frame, error, words",
    [
        ((Notice.LOG, 0, 0, b"ready"), DeviceResetError, "was reset"),
        ((Notice.NAK, 0, 1, PAIR.pack(3, 0)), DeviceResetError, "was reset"),
        ((Notice.NAK, 0x10000, 1, PAIR.pack(3, 9)), LinkError, "taken over"),
        ((Notice.PANIC, None, 0, WORD.pack(3) + WORD.pack(0x8000123)), LinkError, "0x08000123"),
        ((Notice.ERROR, None, 1, PAIR.pack(77, 9)), LinkError, "refused STATS"),
    ],
)
def test_what_a_device_may_answer_instead(frame, error, words):
    kind, session, seq, payload = frame
    device = Answer(frame)
    client = quick(device)
    client.hello()
    if session == 0x10000:  # any session but the one agreed on
        session = client._channel._session % 65535 + 1
        device.frames = [(kind, session, seq, payload)]
    with pytest.raises(error, match=words) as caught:
        client.stats()
    assert caught.value.cause and caught.value.next_step


def test_a_poll_reply_out_of_step_ends_the_session():
    device = Answer((Notice.NAK, None, 0, PAIR.pack(1, 5)), (0x90, None, 1, PAIR.pack(1, 5)))
    client = quick(device)
    client.hello()
    with pytest.raises(LinkError, match="expects request 5"):
        client.stats()


def test_a_reset_in_the_middle_is_named(small, launch):
    pipe = launch(small)
    client = Client(pipe, nudge=0.05)
    client.hello()
    results = client.train_many(encoded(samples(20)))
    next(results)
    channel = client._channel
    pipe.write(encode_frame(Frame(Request.RESET, channel._session, channel._next_seq)))
    with pytest.raises(DeviceResetError):
        for _ in results:
            pass
    client.hello()
    assert steps_and_hash(client) == (0, 0)


def test_another_host_takes_over(small, launch):
    pipe = launch(small)
    client = Client(pipe)
    client.hello()
    greet(pipe, session=client._channel._session % 65535 + 1)
    with pytest.raises(LinkError, match="taken over"):
        client.stats()
