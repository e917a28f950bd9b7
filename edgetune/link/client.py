"""What a host can ask of a device that learns."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from zlib import crc32

from edgetune.errors import DataError
from edgetune.link import replies
from edgetune.link.channel import Channel, Transport
from edgetune.link.errors import DeviceResetError, no_session
from edgetune.link.frames import OVERHEAD
from edgetune.link.line_rate import Rated
from edgetune.link.messages import (
    PAIR,
    TWO_WORDS,
    WORD,
    DeviceInfo,
    InferResult,
    Request,
    Stats,
    TrainResult,
)
from edgetune.link.store import StoreStatus

Message = tuple[Request, bytes]


def _ignore(heard: object) -> None:
    pass


def _spans(total: int, chunk: int) -> Iterator[tuple[int, int]]:
    """(offset, count) of each chunk."""
    return ((at, min(chunk, total - at)) for at in range(0, total, chunk))


class Client:
    """A conversation with one device; every call waits for a bounded time.

    Args:
        transport: ``read(timeout) -> bytes``, ``write(bytes)``, ``alive() -> bool``.
        on_log: called with each line of text that the device sends.
        timeout: seconds for one reply; one training step must take less.
        hello_timeout: seconds for the answer to HELLO, booting included.
        nudge: seconds of silence before the device is asked where it stands, of a kind of request
            that it has not answered yet; then as long as its answers take.
        least_nudge: the least that this shrinks to, in seconds.
        accept: called with what a device says of itself, whenever it does; raises a LinkError
            where that is not the firmware that is meant.  Without it nothing is compared, and
            `read_state` reads as much as the device names.
        clock: seconds, ever more.
        line: the transport's rate, where it has one: `quicken` changes it.

    All methods raise LinkError where the conversation fails, DeviceResetError (a LinkError)
    where the device started afresh meanwhile.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        on_log: Callable[[str], None] = _ignore,
        timeout: float = 60.0,
        hello_timeout: float = 10.0,
        nudge: float = 0.5,
        least_nudge: float = 0.02,
        accept: Callable[[DeviceInfo], None] = _ignore,
        clock: Callable[[], float] = time.monotonic,
        line: Rated | None = None,
    ):
        self._channel = Channel(
            transport, on_log, timeout, hello_timeout, nudge, least_nudge, clock, line
        )
        self._accept = accept

    @property
    def info(self) -> DeviceInfo | None:
        """What the device said of itself; None without a session."""
        return self._channel.info

    @property
    def traffic(self) -> dict[str, int]:
        """Bytes to and from the device since the client was made, how often it was asked where it
        stands, and damaged frames from it."""
        return dict(self._channel.traffic)

    def hello(self) -> DeviceInfo:
        """Begins a session. The model keeps its state; requests under way are forgotten."""
        info = self._channel.open()
        try:
            self._accept(info)
        except BaseException:
            self._channel.close()
            raise
        return info

    @property
    def rate(self) -> int:
        """Bits per second of the line; 0 where it has no rate."""
        return self._channel.rate

    def quicken(self) -> int:
        """Raises a serial line to the fastest rate that both ends make; the rate then.

        Where a rate is not as good as it was agreed, both return to the device's own.
        """
        return self._channel.quicken()

    def close(self) -> None:
        """Ends the session, and a line whose rate was raised has the device's own again."""
        self._channel.close()

    def start(self, seed: int, total_steps: int) -> int:
        """Initial weights, fresh generator, step 0. Args: 0..2^32-1 each. Returns the digest."""
        return self._ask_word(Request.START, TWO_WORDS.pack(seed, total_steps))

    def train(self, sample: bytes, target: bytes) -> TrainResult:
        """One step on a sample of ``info.input_bytes`` int8 bytes and a target of
        ``info.target_bytes``, as the model's loss encodes it. Raises DataError."""
        return next(self.train_many([(sample, target)]))

    def infer(self, sample: bytes) -> InferResult:
        """Forward only. Raises DataError."""
        return next(self.infer_many([sample]))

    def train_many(self, samples: Iterable[tuple[bytes, bytes]]) -> Iterator[TrainResult]:
        """Steps in order, the next sample travelling while the present one is learnt.

        When a result is yielded the next sample is already on its way: requests made from the
        loop's body, and a loop left early, come after it.
        """
        messages = ((Request.TRAIN, self._sample(sample, target)) for sample, target in samples)
        return (
            replies.train_result(reply, self._need_info()) for reply in self._pipeline(messages)
        )

    def infer_many(self, samples: Iterable[bytes]) -> Iterator[InferResult]:
        """Like :meth:`train_many`, forward only."""
        messages = ((Request.INFER, self._sample(sample)) for sample in samples)
        return (
            replies.infer_result(reply, self._need_info()) for reply in self._pipeline(messages)
        )

    def digest(self, full: bool = False) -> int:
        """32 bits over the state; ``full`` recomputes them from the device's memory itself."""
        return self._ask_word(Request.DIGEST, WORD.pack(full))

    def read_state(self) -> bytes:
        """``info.state_bytes`` bytes: generator, step counter, rule state, trained parameters."""
        info = self._need_info()
        spans = list(_spans(info.state_bytes, info.reply_max - OVERHEAD - WORD.size))
        found = self._pipeline((Request.READ, TWO_WORDS.pack(*span)) for span in spans)
        return b"".join(map(replies.read_bytes, found, spans))

    def write_state(self, state: bytes) -> int:
        """Replaces the whole state; returns its digest. Raises DataError on a wrong size.

        Until the last byte is in and checked the device refuses to train, infer and read.
        """
        info = self._need_info()
        if len(state) != info.state_bytes:
            raise DataError(
                f"the state has {len(state)} bytes, the device's has {info.state_bytes}",
                "it was read from the firmware of another model or recipe",
                "write a state that was read from this firmware",
            )
        chunk = info.frame_max - OVERHEAD - WORD.size
        spans = list(_spans(len(state), chunk))
        found = self._pipeline(
            (Request.WRITE, WORD.pack(at) + state[at : at + count]) for at, count in spans
        )
        for reply, (at, count) in zip(found, spans):
            replies.written(reply, at + count)
        return self._ask_word(Request.WRITE_END, WORD.pack(crc32(state)))

    def stats(self) -> Stats:
        return replies.stats(self._ask(Request.STATS))

    def profile(self) -> list[int]:
        """Ticks accumulated by each stage; LinkError where the firmware does not measure."""
        chunk = (self._need_info().reply_max - OVERHEAD - PAIR.size) // WORD.size
        none = (0, 0)
        stages, _ = replies.profile_ticks(self._ask(Request.PROFILE, PAIR.pack(*none)), none)
        spans = list(_spans(stages, chunk))
        found = self._pipeline((Request.PROFILE, PAIR.pack(*span)) for span in spans)
        return [
            tick for reply, span in zip(found, spans)
            for tick in replies.profile_ticks(reply, span)[1]
        ]

    def store_status(self) -> StoreStatus:
        """What the device's flash keeps; LinkError where its firmware has no store."""
        return replies.store_status(self._ask(Request.STORE_STATUS))

    def commit(self, score: int = 0, force: bool = False) -> None:
        """Keep the device's state in its flash, as a trial.

        Args:
            score: what the state is worth, 0..2^32-1, the more the better; 0: not measured.
            force: also where too few steps were learnt since the last commit.
        """
        self._ask(Request.COMMIT, TWO_WORDS.pack(score, force))

    def confirm(self, force: bool = False) -> None:
        """Make the trial that the device runs its confirmed state.

        Args:
            force: also where the confirmed state has the higher score.
        """
        self._ask(Request.CONFIRM, WORD.pack(force))

    def rollback(self) -> int:
        """Give the trial up; the digest of the state that runs instead."""
        return replies.word(self._ask(Request.ROLLBACK), "ROLLBACK")

    def reset(self) -> None:
        """Resets the chip; the session is over."""
        with suppress(DeviceResetError):  # it was faster than its reply
            self._ask(Request.RESET)
        self._channel.close()

    def _need_info(self) -> DeviceInfo:
        if self._channel.info is None:
            raise no_session()
        return self._channel.info

    def _sample(self, sample: bytes, target: bytes | None = None) -> bytes:
        info = self._need_info()
        data = bytes(sample)
        if len(data) != info.input_bytes:
            raise DataError(
                f"a sample has {len(data)} bytes, the model takes {info.input_bytes}",
                "the data does not have the shape of the model's input",
                "convert each sample to the model's input shape, as int8",
            )
        if target is None:
            return data
        if len(target) != info.target_bytes:
            raise DataError(
                f"a target has {len(target)} bytes, the model's loss takes {info.target_bytes}",
                "the firmware learns by another loss than the host has in mind",
                "build and flash the firmware again",
            )
        return target + data

    def _ask(self, kind: Request, payload: bytes = b"") -> bytes:
        return self._channel.wait(self._channel.submit(kind, payload))

    def _ask_word(self, kind: Request, payload: bytes) -> int:
        return replies.word(self._ask(kind, payload), kind.name)

    def _pipeline(self, messages: Iterable[Message]) -> Iterator[bytes]:
        """Replies in order, one request ahead."""
        present = None
        for message in messages:
            ahead = self._channel.submit(*message)
            if present is not None:
                yield self._channel.wait(present)
            present = ahead
        if present is not None:
            yield self._channel.wait(present)
