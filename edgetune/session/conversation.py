"""A whole conversation with a device, worked out beforehand: what goes in, what comes back.

Replies are functions of firmware, seed and samples, so a test bench that can only send bytes and
compare bytes can check that a device learns what the simulation learns.
"""

from __future__ import annotations

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.link.frames import HEADER, Frame, cobs_encode, encode_frame
from edgetune.link.messages import (
    HELLO_HEAD,
    PAIR,
    PROTOCOL_VERSION,
    REPLY,
    TRAIN,
    TWO_WORDS,
    WORD,
    Notice,
    Request,
)
from edgetune.session.firmware import Firmware
from edgetune.session.simulation import new_learner

SESSION = 0x4554  # any but 0
HELLO_BYTES = 72


@dataclass(frozen=True)
class Exchange:
    """``request`` as it is sent; ``reply``: bytes that then come, among others."""

    name: str
    request: bytes
    reply: bytes


def greeting(firmware: Firmware) -> list[Exchange]:
    """The boot, and a HELLO that names this build of this model.

    Its reply is compared up to the sizes: the tick rate is the board's affair.
    """
    graph, seq = firmware.plan.program.graph, 1
    hello = Frame(Request.HELLO, SESSION, 0, HELLO_HEAD.pack(PROTOCOL_VERSION, 0))
    known = HEADER.pack(hello.type | REPLY, 0, SESSION, 0, HELLO_BYTES)
    known += HELLO_HEAD.pack(PROTOCOL_VERSION, seq)
    known += TWO_WORDS.pack(firmware.project.build_id, graph.hash32)
    known += TWO_WORDS.pack(graph.input.size, graph.output.size)
    return [
        Exchange("boots", b"", encode_frame(Frame(Notice.LOG, 0, 0, b"ready"))),
        Exchange("says what it is", encode_frame(hello), _beginning(known)),
    ]


def lesson(firmware: Firmware, steps: int, forward: int, seed: int = 0) -> list[Exchange]:
    """What follows `greeting`: outputs of ``forward`` samples, then ``steps`` training steps, then
    the digest that the device recomputes from its memory.

    Samples are noise and targets are random: the bits count here, not the accuracy.
    """
    learner, program = new_learner(firmware.plan, seed, steps), firmware.plan.program
    asked = [("starts", Request.START, TWO_WORDS.pack(seed, steps), WORD.pack(learner.digest()))]
    rng, shape = np.random.default_rng(seed), program.graph.input.shape[1:]
    for i in range(forward):
        x = rng.integers(-128, 128, shape).astype(np.int8)
        asked.append((f"runs sample {i + 1}", Request.INFER, *_infer(learner, x)))
    for i in range(steps):
        x = rng.integers(-128, 128, shape).astype(np.int8)
        target = program.loss.any_target(int(rng.integers(1000)))
        asked.append((f"learns sample {i + 1}", Request.TRAIN, *_train(learner, x, target)))
    digest = WORD.pack(learner.digest())
    asked.append(("holds every bit of it", Request.DIGEST, WORD.pack(1), digest))
    return [
        Exchange(name, _wire(kind, seq, payload), _wire(kind | REPLY, seq, reply))
        for seq, (name, kind, payload, reply) in enumerate(asked, 1)
    ]


def _infer(learner, x: np.ndarray) -> tuple[bytes, bytes]:
    output = learner.forward(x).reshape(-1)
    reply = PAIR.pack(int(output.argmax()), output.size) + output.astype(np.int8).tobytes()
    return x.tobytes(), reply


def _train(learner, x: np.ndarray, target) -> tuple[bytes, bytes]:
    result = learner.train(x, target)
    draws = min(result.draws, 0xFFFF)
    reply = TRAIN.pack(result.prediction, draws, result.measure, learner.digest())
    return learner.program.loss.encode(target) + x.tobytes(), reply


def _wire(kind: int, seq: int, payload: bytes) -> bytes:
    return encode_frame(Frame(kind, SESSION, seq, payload))


def _beginning(known: bytes) -> bytes:
    """What the wire bytes of a frame begin with whose body begins with ``known``: its whole COBS
    blocks, each of which ends where the body has a zero."""
    return b"\0" + cobs_encode(known[: known.rindex(b"\0")])
