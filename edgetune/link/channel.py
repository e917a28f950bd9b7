"""Requests in order, each executed exactly once, over a line that may lose or damage bytes."""

import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from edgetune.dataclass import dataclass
from edgetune.link import errors, replies
from edgetune.link.boots import Boots
from edgetune.link.frames import OVERHEAD, Frame, FrameReader, encode_frame
from edgetune.link.line_rate import PROOF_BYTES, PROOF_NUDGE, PROOFS, LineRate, Rated
from edgetune.link.messages import (
    HELLO_HEAD,
    PAIR,
    PROTOCOL_VERSION,
    REPLY,
    WORD,
    DeviceInfo,
    NakReason,
    Notice,
    Request,
)
from edgetune.link.patience import Patience
from edgetune.link.round_trips import RoundTrips
from edgetune.printable import printable

MOST_UNANSWERED = 2  # the device keeps as many replies


class Transport(Protocol):
    """A byte stream to a device."""

    def read(self, timeout: float) -> bytes:
        """Bytes that have come, b"" after timeout seconds without any."""

    def write(self, data: bytes) -> None: ...

    def alive(self) -> bool: ...


@dataclass
class Pending:
    """A request that has no reply yet."""

    type: Request
    seq: int
    wire: bytes
    sent: bool = False
    taken: bool = False  # the device's receive ring no longer holds it
    since: float = 0.0  # when it was sent
    asked: bool = False  # after: so the time to its answer tells nothing
    reply: Frame | None = None


class Channel:
    """One session with a device.

    Args:
        transport: the byte stream.
        on_log: called with each line of text that the device sends.
        timeout: seconds to wait for one reply.
        hello_timeout: seconds to wait for the answer to HELLO.
        nudge: seconds of silence before the device is asked where it stands, of a kind of request
            that it has not answered yet; then as long as its answers take.
        least_nudge: the least that this shrinks to, in seconds.
        clock: seconds, ever more.
        line: the transport's rate, where it has one.
    """

    def __init__(
        self,
        transport: Transport,
        on_log: Callable[[str], None],
        timeout: float,
        hello_timeout: float,
        nudge: float,
        least_nudge: float,
        clock: Callable[[], float] = time.monotonic,
        line: Rated | None = None,
    ):
        self._transport, self._clock = transport, clock
        self._rate = LineRate(line, transport.write)
        self._on_log = on_log
        self._timeout, self._hello_timeout, self._nudge = timeout, hello_timeout, nudge
        least = min(least_nudge, nudge)
        self._round_trips = RoundTrips(nudge, least, max(timeout / 6, least))
        self.traffic = {"bytes_sent": 0, "bytes_received": 0, "asked_again": 0, "bad_frames": 0}
        self.close()

    def close(self) -> None:
        """Forgets the session; the device notices with the next HELLO.  A line whose rate was
        raised has the device's own again."""
        self._rate.end()
        self.info: DeviceInfo | None = None
        self.bad_frames = 0
        self._session = 0
        self._reader = FrameReader()
        self._pending: deque[Pending] = deque()
        self._next_seq = 1
        self._recovering = False
        self._tag = self._first_tag = 0
        self._polled = 0  # tag of the last answer to a POLL
        self._heard, self._framed = b"", False
        self._boots = Boots(self._clock)

    def open(self) -> DeviceInfo:
        """Begins a new session; raises LinkError if the device does not answer as it should."""
        self.close()
        self._rate.unsure = True  # an earlier host may have left the device at a faster rate
        self._patience = Patience(self._hello_timeout, self._nudge, self._clock)
        self._send_hello(new_session=True)
        while self.info is None:
            late = self._patience.expired(silent=not self._pump())
            self._boots.check(late)
            if late:
                raise errors.no_hello(self._hello_timeout, self._heard, self._framed)
            if self._patience.nudge():
                self._send_hello()
        return self.info

    @property
    def rate(self) -> int:
        """Bits per second of the line, 0 where it has no rate."""
        return self._rate.now

    def quicken(self) -> int:
        """Raises the line to the fastest rate that both ends make; `rate` then.  Between requests.

        A rate that the device agrees to and that is not proven is given up by both, and the next
        is tried.
        """
        for rate in self._rate.faster:
            self._rate.changing = True
            if self._answer(self.submit(Request.BAUD, WORD.pack(rate))).type == Notice.ERROR:
                self._rate.changing = False
                continue
            if self._rate.raise_to(rate) and self._proven():
                break
            self._rate.fall()
            if not self._exchange(self._hello_timeout, PROOF_NUDGE):
                raise errors.no_reply("POLL", self._hello_timeout, self.bad_frames)
        return self._rate.now

    def _proven(self) -> bool:
        """Whether a message as long as a sample's passes at the present rate."""
        assert self.info is not None
        size = min(self.info.frame_max, PROOF_BYTES)
        filler = (bytes(range(256)) * (size // 256 + 1))[: size - OVERHEAD - PAIR.size]
        first = PROOF_NUDGE + self._rate.seconds(size)
        return self._exchange(PROOFS * first, first, filler)

    def _exchange(self, seconds: float, first: float, filler: bytes = b"") -> bool:
        """Whether a POLL, ``filler`` behind it, is answered in time, where no request is without
        a reply."""
        asked = self._poll(self._next_seq, filler)
        self._patience = Patience(seconds, first, self._clock)
        while not self._answers_since(asked):
            if self._patience.expired(silent=not self._pump()):
                return False
            if self._patience.nudge():
                self._poll(self._next_seq, filler)
        return True

    def _answers_since(self, tag: int) -> bool:
        """Whether the last answer to a POLL was to that of ``tag`` or a later one."""
        return (self._polled - tag) & 0xFFFF <= (self._tag - tag) & 0xFFFF

    def submit(self, kind: Request, payload: bytes = b"") -> Pending:
        """Queues a request, waiting while two others are without a reply."""
        self._require_session()
        if self._rate.due(self._clock()):
            self._wait(kind, lambda: not self._pending)
            self.quicken()
        self._wait(kind, lambda: len(self._pending) < MOST_UNANSWERED)
        wire = encode_frame(Frame(kind, self._session, self._next_seq, payload))
        pending = Pending(kind, self._next_seq, wire)
        self._next_seq = (self._next_seq + 1) & 0xFFFF
        self._pending.append(pending)
        self._flush()
        return pending

    def wait(self, pending: Pending) -> bytes:
        """The payload of the reply; raises LinkError if the device refused the request."""
        if pending.reply is None and not any(p is pending for p in self._pending):
            raise errors.no_session()
        reply = self._answer(pending)
        if reply.type == Notice.ERROR:
            raise errors.refused(pending.type.name, replies.error_code(reply.payload))
        return reply.payload

    def _answer(self, pending: Pending) -> Frame:
        """The reply, which may be a refusal."""
        self._wait(pending.type, lambda: pending.reply is not None)
        assert pending.reply is not None
        return pending.reply

    def _require_session(self) -> None:
        if self.info is None:
            raise errors.no_session()

    def _wait(self, kind: Request, done: Callable[[], bool]) -> None:
        pause = max((self._round_trips.pause(p.type) for p in self._pending), default=self._nudge)
        self._patience = Patience(self._timeout, pause, self._clock)
        while not done():
            self._require_session()
            late = self._patience.expired(silent=not self._pump())
            if late and not done():
                raise errors.no_reply(kind.name, self._timeout, self.bad_frames)
            if self._patience.nudge():
                if not self._at_work():
                    self._rate.doubt(self._clock())
                self._recover()
            if self._rate.doubtful(self._clock()):
                self._rate.give_up(self._clock())
                self._patience.heard()
                self._recover()

    def _pump(self) -> bool:
        """Takes what has come; whether there was anything."""
        data = self._read()
        self.traffic["bytes_received"] += len(data)
        if not self._framed:
            self._heard = (self._heard + data)[:48]
        for frame in self._reader.feed(data):
            if frame is None or frame.type != Notice.LOG:
                self._patience.heard()
            try:
                self._on_frame(frame)
            except errors.LinkError:
                self.close()  # what follows would be told by a device that cannot be followed
                raise
        return bool(data)

    def _read(self) -> bytes:
        try:
            data = self._transport.read(self._patience.left())
        except OSError as failure:
            raise errors.device_gone(failure) from failure
        if not data and not self._transport.alive():
            raise errors.device_gone()
        return data

    def _write(self, wire: bytes) -> None:
        self.traffic["bytes_sent"] += len(wire)
        try:
            self._transport.write(wire)
        except OSError as failure:
            raise errors.device_gone(failure) from failure

    def _on_frame(self, frame: Frame | None) -> None:
        if frame is None:
            self._on_damage()
            return
        self._framed = True
        if frame.type == Notice.LOG:
            self._on_log(printable(frame.payload.decode("utf-8", "replace")))
        if self.info is None:
            self._on_frame_before_hello(frame)
            return
        self._check_session(frame)
        self._rate.heard()
        if frame.type == Notice.NAK:
            self._on_nak(frame)
        elif frame.type == Notice.TAKEN:
            self._on_taken(frame.seq)
        elif frame.type == Request.POLL | REPLY:
            self._on_poll_reply(*replies.poll_state(frame.payload))
        elif frame.type & REPLY:
            self._on_reply(frame)

    def _on_damage(self) -> None:
        self.bad_frames += 1
        self.traffic["bad_frames"] += 1
        self._rate.doubt(self._clock())
        if self.info is not None:
            self._recover()

    def _on_nak(self, frame: Frame) -> None:
        if replies.nak_reason(frame.payload) == NakReason.BAD_FRAME:
            self._rate.doubt(self._clock())
        self._recover()

    # -- hello ---------------------------------------------------------------------------------

    def _send_hello(self, new_session: bool = False) -> None:
        if new_session:
            self._session = 1 + secrets.randbelow(65535)
        payload = HELLO_HEAD.pack(PROTOCOL_VERSION, 0)
        hello = encode_frame(Frame(Request.HELLO, self._session, 0, payload))
        self._write(self._rate.preface + hello)

    def _on_frame_before_hello(self, frame: Frame) -> None:
        if frame.type != Request.HELLO | REPLY or frame.session != self._session:
            self._boots.heard(frame)
            return
        version, expected = replies.hello_head(frame.payload)
        if version != PROTOCOL_VERSION:
            raise errors.wrong_version(version, PROTOCOL_VERSION)
        if expected != 1:  # an earlier session happened to have the same number
            self._send_hello(new_session=True)
            return
        self.info = replies.hello_info(frame.payload)
        self._rate.heard()

    def _check_session(self, frame: Frame) -> None:
        """The line keeps the order: what comes after the HELLO reply is of this session."""
        if frame.type == Notice.PANIC:
            raise errors.device_panicked(*replies.panic_place(frame.payload))
        if frame.session == 0:
            raise errors.device_reset()
        if frame.session != self._session:
            raise errors.other_session()

    # -- sequence ------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Sends what is not sent, as far as the device's ring has room."""
        if self._recovering or self.info is None:
            return
        on_the_way = sum(len(p.wire) for p in self._pending if p.sent and not p.taken)
        for pending in self._pending:
            if pending.sent:
                continue
            if on_the_way and on_the_way + len(pending.wire) > self.info.window:
                return
            if len(pending.wire) > self.info.window and self._computing():
                return  # its ring would not hold it meanwhile
            pending.since = self._clock()
            self._write(pending.wire)
            pending.sent, pending.taken = True, False
            on_the_way += len(pending.wire)

    def _computing(self) -> bool:
        """Whether the device may still be at work on a request."""
        return any(pending.sent and pending.reply is None for pending in self._pending)

    def _at_work(self) -> bool:
        """Whether the device is known to have a request that it has not answered."""
        return any(p.sent and p.taken and p.reply is None for p in self._pending)

    def _on_taken(self, seq: int) -> None:
        """The device took request seq, so it also took all that was sent before."""
        ages = [(seq - p.seq) & 0xFFFF for p in self._pending]
        for pending, age in zip(self._pending, ages):
            pending.taken |= pending.sent and age < MOST_UNANSWERED
        self._flush()

    def _on_reply(self, frame: Frame) -> None:
        kinds = {p.seq: p for p in self._pending if p.sent and p.reply is None}
        pending = kinds.get(frame.seq)
        if pending is None or frame.type not in (Notice.ERROR, pending.type | REPLY):
            return
        pending.reply = frame
        self._rate.answered()
        if not pending.asked:
            self._round_trips.took(pending.type, self._clock() - pending.since)
        self._patience.progress()
        self._on_taken(frame.seq)
        while self._pending and self._pending[0].reply is not None:
            self._pending.popleft()
        if self._pending and self._pending[0].sent and self._pending[-1].reply is not None:
            self._recover()  # the reply before this one was lost
        self._flush()

    # -- recovery ------------------------------------------------------------------------------

    def _recover(self) -> None:
        """Asks where the device stands; nothing else is sent until it has answered."""
        if not self._pending:
            return
        for pending in self._pending:
            pending.asked = True
            self._rate.unsure |= pending.type == Request.BAUD  # the device may have changed
        self.traffic["asked_again"] += 1
        tag = self._poll(self._pending[0].seq)
        if not self._recovering:
            self._recovering, self._first_tag = True, tag

    def _poll(self, first: int, filler: bytes = b"") -> int:
        """Asks for the replies from seq ``first`` on; the tag of the answer."""
        self._tag = (self._tag + 1) & 0xFFFF
        poll = Frame(Request.POLL, self._session, first, PAIR.pack(self._tag, 0) + filler)
        self._write(self._rate.preface + encode_frame(poll))
        return self._tag

    def _on_poll_reply(self, tag: int, expected: int) -> None:
        """All sent before the POLL has been taken, and its replies have come or are lost."""
        self._polled = tag
        recent = (self._tag - tag) & 0xFFFF <= (self._tag - self._first_tag) & 0xFFFF
        if not self._recovering or not recent:
            return
        self._recovering = False
        if not self._pending:
            return
        first = self._pending[0].seq
        executed = (expected - first) & 0xFFFF
        if executed > len(self._pending):
            raise errors.lost_count(expected, first)
        for index, pending in enumerate(self._pending):
            pending.taken = True
            pending.sent = index < executed
        if executed:
            self._recover()
        self._flush()
