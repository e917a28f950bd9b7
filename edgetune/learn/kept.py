"""The state of a run that is kept, so that a further run goes on from it.

A kept state is a head of three words (``et_kept`` in C) and the state block: a device that has no
host makes the same bytes.  ``docs/learning.md``, Further runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from edgetune.errors import DataError
from edgetune.learn.digest import places
from edgetune.learn.program import Program
from edgetune.learn.recipe import Recipe
from edgetune.learn.state import LEARNER

HEAD = np.dtype([("state_id", "<u4"), ("state_bytes", "<u4"), ("check", "<u4")])


def state_id(program: Program, recipe: Recipe) -> int:
    """32 bits over all that a state means something for: the network but for what is trained, the
    loss, the layers that are trained, and the rule.  A tuned file has that of its original."""
    trained = recipe.trained(program)
    learnt = ("weights", "bias") if recipe.learns_weights else ("bias",)
    digest = hashlib.sha256()
    for part in (recipe.rule, [layer.name for layer in trained], learnt, program.loss):
        _add(digest, part)
    for activation in program.activations:
        _add(digest, activation, ("name",))
    for layer in program.layers:
        _add(digest, layer, learnt if layer in trained else ())
    return int.from_bytes(digest.digest()[:4], "little")


def _add(digest: Any, value: Any, without: tuple[str, ...] = ()) -> None:
    for text in _texts(value, without):
        digest.update(text + b"\0")


def _texts(value: Any, without: tuple[str, ...] = ()) -> Iterator[bytes]:
    """``value`` as text; reals without their last bits, which a library may round otherwise."""
    if isinstance(value, np.ndarray):
        yield f"{value.shape}{value.dtype.kind}".encode()
        yield value.astype("<f4" if value.dtype.kind == "f" else "<i8").tobytes()
    elif is_dataclass(value):
        yield type(value).__name__.encode()
        for f in fields(value):
            if f.name not in without:
                yield from _texts(getattr(value, f.name))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    else:
        yield (f"{value:.6g}" if isinstance(value, float) else repr(value)).encode()


def check_of(state: bytes) -> int:
    """The sum over its words, mixed, that a head holds, u32; of plain ones high bits cancel."""
    words = np.frombuffer(state, "<u4").astype(np.uint32)
    return int(_mix32(places(len(words)) + words).sum(dtype=np.uint64)) & 0xFFFFFFFF


def _mix32(x: np.ndarray) -> np.ndarray:
    """``generator.mix32`` over a uint32 array."""
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    x = (x ^ (x >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return x ^ (x >> np.uint32(16))


def keep(identity: int, state: bytes) -> bytes:
    """The kept form of a ``state`` block of this `state_id`."""
    head = np.array([(identity, len(state), check_of(state))], HEAD)
    return head.tobytes() + state


def state_of(kept: bytes, identity: int, size: int) -> bytes:
    """The state block of a kept one.

    Args:
        identity: `state_id` of the network and recipe that are to go on.
        size: bytes of their state block.

    Raises:
        DataError: it is none, is damaged, or belongs to others.
    """
    if len(kept) < HEAD.itemsize + LEARNER.itemsize:
        raise _refused("It is cut off.", _DAMAGED)
    head, state = np.frombuffer(kept, HEAD, 1)[0], kept[HEAD.itemsize :]
    if head["state_id"] != identity or head["state_bytes"] != size:
        raise _refused(
            f"It is of {head['state_id']:08x}, {head['state_bytes']:,} bytes; this model, with "
            f"these layers, loss and rule, is {identity:08x}, {size:,} bytes.",
            "Name the run's own tuned.tflite, or the model that it began with, and the options "
            "that it had; its run.json has them",
        )
    if len(state) != size or head["check"] != check_of(state):
        raise _refused("Its checksum is wrong.", _DAMAGED)
    return state


_DAMAGED = "Begin anew, without a kept state"


def _refused(cause: str, next_step: str) -> DataError:
    return DataError("The kept state is none that this run could go on from.", cause, next_step)


def going_on(state: bytes, total_steps: int) -> bytes:
    """The state that a further run of ``state`` begins in: an endless one (0) counts its steps on,
    one with an end counts and anneals its own."""
    block = np.frombuffer(state[: LEARNER.itemsize], LEARNER).copy()
    block["total_steps"] = total_steps
    if total_steps:
        block["step"] = 0
    return block.tobytes() + state[LEARNER.itemsize :]
