"""Whether what a device learnt may be kept for good."""

import pytest
from notes import Notes

from edgetune.errors import AccuracyGateError, LinkError, UsageError
from edgetune.link.replies import store_status
from edgetune.link.store import (
    NOTHING,
    STATUS_BYTES,
    SlotState,
    SlotStatus,
    StoreStatus,
)
from edgetune.measures.measure import Measure
from edgetune.session.storing import keep_learnt, refuse_worse, score_of


def accuracy(value):
    return Measure("accuracy", value, True)


class Device:
    """Notes what it is asked; ``refusal``: what it answers to a confirmation."""

    def __init__(self, refusal=None):
        self.asked, self.refusal = [], refusal

    def commit(self, score, force):
        self.asked.append(("commit", score))

    def confirm(self):
        self.asked.append("confirm")
        if self.refusal:
            raise self.refusal


def status(*slots) -> StoreStatus:
    return StoreStatus(0, 0, 0, 100, 1000, 0, slots)


def test_scores_grow_with_what_is_better():
    assert score_of(accuracy(0.0)) == 1 and score_of(accuracy(0.5)) == 500_001
    errors = [score_of(Measure("MAE", value, False)) for value in (0.0, 0.1, 2.0)]
    assert errors == sorted(errors, reverse=True) and errors[0] == 1_000_001
    with pytest.raises(UsageError):
        score_of(Measure("AUC", None, True, reason="one class only"))


def test_what_measures_worse_than_the_confirmed_is_refused():
    old = SlotStatus(SlotState.CONFIRMED, 3, 1, score_of(accuracy(0.8)))
    older = SlotStatus(SlotState.CONFIRMED, 2, 1, score_of(accuracy(0.9)))
    refuse_worse(status(old, older), accuracy(0.8))
    with pytest.raises(AccuracyGateError):
        refuse_worse(status(old, older), accuracy(0.79))
    refuse_worse(status(SlotStatus(SlotState.USED, 9, 1, 900_000), old), accuracy(0.85))


@pytest.mark.parametrize(
    "before, after, asked",
    [(0.5, 0.6, ["confirm"]), (0.5, 0.5, ["confirm"]), (0.6, 0.5, []), (None, None, ["confirm"])],
)
def test_a_run_confirms_what_is_no_worse(before, after, asked):
    device, notes = Device(), Notes()
    keep_learnt(device, accuracy(before), accuracy(after), notes)
    score = 0 if after is None else score_of(accuracy(after))
    assert device.asked == [("commit", score), *asked] and len(notes.said) == 1


def test_a_device_that_refuses_costs_the_run_nothing():
    notes = Notes()
    keep_learnt(Device(LinkError("no", "full", "-")), accuracy(0.1), accuracy(0.2), notes)
    assert "no, full" in notes.said[0]


@pytest.mark.parametrize(
    "payload", [b"", bytes(STATUS_BYTES - 1), bytes(STATUS_BYTES + 1), bytes(STATUS_BYTES + 16),
                b"\2\0" + bytes(STATUS_BYTES - 2), bytes(20) + b"\5" + bytes(31)],
)
def test_an_answer_that_is_none(payload):
    with pytest.raises(LinkError, match="STORE_STATUS"):
        store_status(payload)


def test_an_answer():
    found = store_status(b"\xff\xff" + bytes(18) + b"\4" + bytes(31))
    assert found.running == NOTHING and found.trial is None
    assert found.confirmed == SlotStatus(SlotState.CONFIRMED, 0, 0, 0)
