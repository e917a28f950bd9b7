"""What a device says of its store: the flash that keeps what it learnt."""

from __future__ import annotations

import struct
from enum import IntEnum

from edgetune.dataclass import dataclass

NOTHING = -1  # no state that is kept runs
STORE_HEAD = struct.Struct("<hhIIIi")
STORE_SLOT = struct.Struct("<IIII")
STORE_SLOTS = 2
STATUS_BYTES = STORE_HEAD.size + STORE_SLOTS * STORE_SLOT.size


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
