"""What to ask a user who sits at a terminal, one question after the other."""

from __future__ import annotations

from edgetune.boards.adding.draft import Draft
from edgetune.boards.adding.pins import pin_names
from edgetune.boards.adding.uart import unsaid_entries
from edgetune.boards.adding.wishes import BoardWishes
from edgetune.dataclass import dataclass


@dataclass(frozen=True)
class Question:
    """``field`` of `BoardWishes` is asked for, or the entry ``key`` of its ``uart``.

    ``kind``: "word", "number" or "region". ``default``: None where there is none.
    """

    field: str
    text: str
    kind: str = "word"
    default: object = None
    key: str = ""

    def answered(self, wishes: BoardWishes, answer: object) -> dict:
        """What changes in ``wishes``."""
        return {"uart": wishes.uart | {self.key: answer}} if self.key else {self.field: answer}


def questions(draft: Draft, wishes: BoardWishes) -> list[Question]:
    """What no wish says yet. Answer the first, draft again, and ask again."""
    if wishes.like is None:
        default = draft.relative.name if draft.relative else None
        return [Question("like", "Board to take port sources, UART and clock from",
                         default=default)]
    asked = [*_memories(draft), *_uart(draft, wishes), *_clock(draft, wishes)]
    return [one for one in asked if one.key or getattr(wishes, one.field) is None]


def _memories(draft: Draft) -> list[Question]:
    return [
        Question(kind, f"The part's {name}, ORIGIN,LENGTH", "region")
        for kind, name in (("flash", "flash"), ("ram", "RAM"))
        if f"--{kind} ORIGIN,LENGTH" in draft.notes.missing
    ]


def _uart(draft: Draft, wishes: BoardWishes) -> list[Question]:
    """Which UART, what differs with it, and its pins."""
    if not draft.relative.family:
        return _entries(draft, wishes)
    base = f"0x{draft.data['uart']['base']:08X}"
    which = Question("uart", "UART's base address", "number", base, "base")
    chosen = "base" in wishes.uart
    pins = pin_names(draft.data["uart"], draft.data["port"]["sources"])
    return [
        *([] if chosen else [which]),
        *_entries(draft, wishes),
        *(Question(one, f"UART's {one.upper()} pin", default=pins[one]) for one in pins),
    ]


def _entries(draft: Draft, wishes: BoardWishes) -> list[Question]:
    unsaid = unsaid_entries(draft.relative, wishes)
    return [Question("uart", f"uart.{key}", "number", key=key) for key in unsaid]


def _clock(draft: Draft, wishes: BoardWishes) -> list[Question]:
    if "--clock HZ" in draft.notes.missing:
        return [Question("clock_hz", "Clock of the core after reset, Hz", "number")]
    if "hse_hz" in draft.data["clock"]:
        return [Question("crystal_hz", "External crystal, Hz (0: none)", "number", 0)]
    return []
