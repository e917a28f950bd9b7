"""What a device answers, checked: its bytes are data from a stranger.

Every payload that comes from a device is taken apart here and nowhere else.  A right CRC says
that bytes came as they were sent, not that they were sent by firmware of ours; what does not have
the layout of docs/protocol.md, or does not fit what was asked, is a LinkError.
"""

from __future__ import annotations

from struct import Struct

from edgetune.link.errors import malformed
from edgetune.link.frames import OVERHEAD
from edgetune.link.messages import (
    HELLO_HEAD,
    HELLO_REST,
    PAIR,
    STATS,
    TRAIN,
    TWO_WORDS,
    WORD,
    DeviceInfo,
    InferResult,
    Stats,
    TrainResult,
)
from edgetune.link.store import (
    NOTHING,
    STORE_HEAD,
    STORE_SLOT,
    STORE_SLOTS,
    SlotState,
    SlotStatus,
    StoreStatus,
)
from edgetune.printable import one_line

LEAST_FRAME = 64  # bytes, of frame_max and reply_max
LEAST_WINDOW = 128  # bytes: of the smallest ring


def unpacked(layout: Struct, payload: bytes, what: str) -> tuple:
    """The fields of a ``payload`` that has exactly this ``layout``; LinkError of any other."""
    if len(payload) != layout.size:
        raise malformed(what, f"it has {len(payload)} bytes of payload, not {layout.size}")
    return layout.unpack(payload)


def hello_head(payload: bytes) -> tuple[int, int]:
    """Protocol version and expected seq: the beginning in every version."""
    return unpacked(HELLO_HEAD, payload[: HELLO_HEAD.size], "HELLO")


def hello_info(payload: bytes) -> DeviceInfo:
    """The whole of a HELLO reply, its sizes within what the protocol promises."""
    fields = list(unpacked(HELLO_REST, payload[HELLO_HEAD.size :], "HELLO"))
    fields[-1] = one_line(fields[-1].split(b"\0")[0].decode("utf-8", "replace"))
    info = DeviceInfo(*fields)
    if wrong := _wrong_sizes(info):
        raise malformed("HELLO", wrong)
    return info


def _wrong_sizes(info: DeviceInfo) -> str:
    frame = info.frame_max
    needs = {
        "frame_max": (frame, LEAST_FRAME),
        "reply_max": (info.reply_max, LEAST_FRAME),
        "window": (info.window, LEAST_WINDOW),
        "frame_max for a sample": (frame, info.target_bytes + info.input_bytes + OVERHEAD),
        "reply_max for its outputs": (info.reply_max, info.output_bytes + OVERHEAD + PAIR.size),
    }
    wrong = [f"{name} is {has}, at least {least} are needed"
             for name, (has, least) in needs.items() if has < least]
    return "; ".join(wrong)


def word(payload: bytes, what: str) -> int:
    """The one u32 of a reply."""
    return unpacked(WORD, payload, what)[0]


def train_result(payload: bytes, info: DeviceInfo) -> TrainResult:
    """Of a TRAIN; a prediction is an index into the outputs."""
    result = TrainResult(*unpacked(TRAIN, payload, "TRAIN"))
    _check_prediction("TRAIN", result.prediction, info)
    return result


def infer_result(payload: bytes, info: DeviceInfo) -> InferResult:
    """Of an INFER, with all of the model's outputs."""
    output = payload[PAIR.size :]
    prediction, count = unpacked(PAIR, payload[: PAIR.size], "INFER")
    if not count == len(output) == info.output_bytes:
        raise malformed("INFER", (
            f"it announces {count} outputs and holds {len(output)}, the model has "
            f"{info.output_bytes}"
        ))
    _check_prediction("INFER", prediction, info)
    return InferResult(prediction, output)


def _check_prediction(what: str, prediction: int, info: DeviceInfo) -> None:
    if prediction >= max(1, info.output_bytes):
        raise malformed(what, (
            f"it predicts output {prediction}, and the model has {info.output_bytes}"
        ))


def stats(payload: bytes) -> Stats:
    """Of a STATS."""
    return Stats(*unpacked(STATS, payload, "STATS"))


def read_bytes(payload: bytes, span: tuple[int, int]) -> bytes:
    """Of a READ of ``span``, (offset, count): these bytes of the state."""
    (offset,), data = unpacked(WORD, payload[: WORD.size], "READ"), payload[WORD.size :]
    if (offset, len(data)) != span:
        raise malformed("READ", (
            f"it holds {len(data)} bytes from {offset}; {span[1]} from {span[0]} were asked for"
        ))
    return data


def written(payload: bytes, end: int) -> None:
    """Of a WRITE whose last byte was that before ``end``."""
    if (offset := word(payload, "WRITE")) != end:
        raise malformed("WRITE", f"it says that {offset} bytes are written, and {end} were sent")


def profile_ticks(payload: bytes, span: tuple[int, int]) -> tuple[int, list[int]]:
    """Of a PROFILE of ``span``, (first, count): the number of stages, and these stages' ticks."""
    stages, first = unpacked(PAIR, payload[: PAIR.size], "PROFILE")
    ticks = payload[PAIR.size :]
    if first != span[0] or len(ticks) != span[1] * WORD.size:
        raise malformed("PROFILE", (
            f"it holds {len(ticks)} bytes of ticks from stage {first}; {span[1]} stages from "
            f"{span[0]} were asked for"
        ))
    return stages, [tick for (tick,) in WORD.iter_unpack(ticks)]


def error_code(payload: bytes) -> int:
    """Of an ERROR, in place of a reply."""
    return unpacked(PAIR, payload, "ERROR")[0]


def poll_state(payload: bytes) -> tuple[int, int]:
    """Of a POLL: its tag, and the seq that the device expects."""
    return unpacked(PAIR, payload, "POLL")


def nak_reason(payload: bytes) -> int:
    """Of a NAK, as `NakReason` has them."""
    return unpacked(PAIR, payload, "NAK")[0]


def panic_place(payload: bytes) -> tuple[int, int]:
    """Of a PANIC: exception number, and address of the instruction."""
    return unpacked(TWO_WORDS, payload, "PANIC")


def store_status(payload: bytes) -> StoreStatus:
    """The reply to STORE_STATUS: each slot in a state that there is."""
    what, head, rest = "STORE_STATUS", payload[: STORE_HEAD.size], payload[STORE_HEAD.size :]
    running, fault, steps, least_steps, capacity, flash_error = unpacked(STORE_HEAD, head, what)
    if len(rest) != STORE_SLOTS * STORE_SLOT.size or not NOTHING <= running < STORE_SLOTS:
        raise malformed(what, f"it has {len(payload)} bytes of payload, and slot {running} runs")
    slots = tuple(_slot(*fields) for fields in STORE_SLOT.iter_unpack(rest))
    return StoreStatus(running, fault, steps, least_steps, capacity, flash_error, slots)


def _slot(state: int, *rest: int) -> SlotStatus:
    if state not in list(SlotState):
        raise malformed("STORE_STATUS", f"a slot is in state {state}")
    return SlotStatus(SlotState(state), *rest)
