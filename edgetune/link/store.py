"""What a device says of its store: the flash that keeps what it learnt."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from edgetune.errors import LinkError

NOTHING = -1  # no state that is kept runs
_HEAD = struct.Struct("<hhIIIi")
_SLOT = struct.Struct("<IIII")
_SLOTS = 2
STATUS_BYTES = _HEAD.size + _SLOTS * _SLOT.size


class SlotState(IntEnum):
    """As in ``firmware/store/store.h``."""

    EMPTY = 0
    FOREIGN = 1
    TRIAL = 2
    USED = 3
    CONFIRMED = 4


@dataclass(frozen=True)
class SlotStatus:
    """``state``: a `SlotState`.  ``generation`` grows with every commit; ``erases`` of the slot,
    at least; ``score``: what the state was worth when it was committed, 0: not measured."""

    state: SlotState
    generation: int
    erases: int
    score: int


@dataclass(frozen=True)
class StoreStatus:
    """``running``: the slot whose state was booted or committed last, `NOTHING` for none.
    ``fault``: why the store cannot be used, an error of store.h, or 0; ``flash_error``: what the
    flash refused last, of flash.h, or 0.  ``steps`` learnt since the last commit or the start;
    ``least_steps`` between two commits.  ``capacity``: bytes of the largest state."""

    running: int
    fault: int
    steps: int
    least_steps: int
    capacity: int
    flash_error: int
    slots: tuple[SlotStatus, ...]

    @property
    def confirmed(self) -> SlotStatus | None:
        """The newest confirmed slot."""
        found = [slot for slot in self.slots if slot.state == SlotState.CONFIRMED]
        return max(found, key=lambda slot: slot.generation, default=None)

    @property
    def trial(self) -> SlotStatus | None:
        """The trial that runs."""
        slot = None if self.running == NOTHING else self.slots[self.running]
        return slot if slot and slot.state in (SlotState.TRIAL, SlotState.USED) else None


def unpack_status(payload: bytes) -> StoreStatus:
    """The reply to STORE_STATUS.

    Raises:
        LinkError: it is none.
    """
    try:
        head = _HEAD.unpack_from(payload)
        slots = tuple(
            SlotStatus(SlotState(state), *rest)
            for state, *rest in _SLOT.iter_unpack(payload[_HEAD.size :])
        )
    except (struct.error, ValueError) as error:
        raise _strange(payload) from error
    if len(slots) != _SLOTS or not NOTHING <= head[0] < _SLOTS:
        raise _strange(payload)
    running, fault, steps, least_steps, capacity, flash_error = head
    return StoreStatus(running, fault, steps, least_steps, capacity, flash_error, slots)


def _strange(payload: bytes) -> LinkError:
    return LinkError(
        "the device's answer about its store is none",
        f"it has {len(payload)} bytes, or a slot that does not exist",
        "build and flash the firmware again with this release",
    )
