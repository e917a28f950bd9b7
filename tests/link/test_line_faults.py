"""Faults on purpose: what they do is known, what was learnt is not harmed, and little time is lost.

Time is that of a modelled line of a million baud, so the same everywhere.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest
from link_requests import echo_hash, encoded, samples, steps_and_hash
from link_transport import ModelledLine, Script, build_server_library

from edgetune.device.faults import LATE, FaultRates, Faults, Harm
from edgetune.errors import UsageError
from edgetune.link import Client, DeviceResetError

INPUT, STEPS = 64, 1500
KINDS = {"flipped", "lost", "inserted", "doubled", "swapped", "cut out", "come again", "late"}


@pytest.fixture(autouse=True)
def sessions(monkeypatch):
    """The same numbers each time, so that the same bytes are harmed."""
    monkeypatch.setattr("secrets.randbelow", random.Random(1).randrange)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    defines = f"-DET_INPUT_BYTES={INPUT}", "-DET_RX_RING=256"
    return build_server_library(tmp_path_factory.mktemp("inside"), *defines)


def learn(server, rate: float, steps: int = STEPS, **options) -> tuple[float, Counter]:
    """Seconds of the line that ``steps`` take, once they were learnt exactly once; the faults."""
    line, data = ModelledLine(server), samples(steps, INPUT)
    faults = Faults(FaultRates(5, rate))
    client = Client(faults.between(line, line.clock), clock=line.clock, **options)
    client.hello()
    client.start(1, steps)
    begun = line.now
    draws = [result.draws for result in client.train_many(encoded(data))]
    seconds = line.now - begun
    assert draws == list(range(steps)) and steps_and_hash(client) == (steps, echo_hash(data))
    return seconds, faults.count


@pytest.fixture(scope="module")
def clean(server):
    seconds, faults = learn(server, 0.0)
    assert not faults.total()
    return seconds


@pytest.mark.parametrize(("rate", "share"), [(1e-5, 0.95), (1e-4, 0.75), (1e-3, 0.4), (1e-2, 0.06)])
def test_a_bad_line_costs_time_and_nothing_else(server, clean, rate, share):
    seconds, faults = learn(server, rate)
    assert clean / seconds >= share
    assert faults.total() > STEPS * INPUT * rate
    if rate >= 1e-3:
        assert faults.keys() >= KINDS


def test_what_is_lost_in_silence_is_asked_for_by_the_pace_of_the_answers(server, clean):
    """Without that the same line waits half a second each time."""
    pace, patient = (learn(server, 0.01, 300, least_nudge=least)[0] for least in (0.02, 0.5))
    assert patient > 2 * pace


class Resettable(Script):
    name, opened = "scripted", 0

    def open(self):
        self.opened += 1

    def close(self):
        pass


# -- what a line does ------------------------------------------------------------------------------


def arrived(harm: Harm, pieces: list[bytes]) -> list[tuple[bytes, bool]]:
    return [(data, late > 0) for piece in pieces for data, late in harm.spoil(piece) if data]


def test_the_same_bytes_are_harmed_alike_in_whatever_pieces_they_come():
    sent, source = random.Random(1).randbytes(40_000), random.Random(2)
    cuts = sorted(source.sample(range(len(sent)), 300))
    pieces = [sent[a:b] for a, b in zip([0, *cuts], [*cuts, len(sent)])]
    count = Counter()
    whole = arrived(Harm("7 out", 0.01, count), [sent])
    found = arrived(Harm("7 out", 0.01, Counter()), pieces)
    assert b"".join(d for d, _ in whole) == b"".join(d for d, _ in found) != sent
    assert count.keys() == KINDS and 300 < count.total() < 500
    assert arrived(Harm("8 out", 0.01, Counter()), [sent]) != whole


def test_late_bytes_keep_their_order():
    sent, now, device = bytes(range(256)) * 40, [0.0], Resettable()
    device.pieces = [sent[at : at + 64] for at in range(0, len(sent), 64)]
    line = Faults(FaultRates(3, 0.01)).between(device, lambda: now[0])
    line._harm_back._kinds = {"late": (1, line._harm_back._late)}
    heard, waited = b"", 0
    while len(heard) < len(sent):
        data = line.read(0.0)
        waited += not data
        heard += data
        now[0] += LATE / 10
    assert heard == sent and waited > 5


def test_a_reset_takes_the_message_with_it():
    device = Resettable()
    faults = Faults(FaultRates(1, 0.0, 0.1))
    line = faults.between(device)
    for _ in range(1000):
        line.write(b"abc")
    assert 50 < device.opened == faults.count["reset"] == 1000 - len(device.sent)


def test_a_reset_in_the_middle_is_named(small, launch):
    class Restarting(Resettable):
        def __init__(self):
            super().__init__()
            self.open()

        def open(self):
            self.inner = launch(small)

        def read(self, timeout):
            return self.inner.read(timeout)

        def write(self, data):
            self.inner.write(data)

    client = Client(Faults(FaultRates(2, 0.0, 0.01)).between(Restarting()))
    client.hello()
    with pytest.raises(DeviceResetError):
        list(client.train_many(encoded(samples(1000))))


@pytest.mark.parametrize("text", [
    "", "x", "1:", "1:2", "1:-1", "1:1e-3:0.5", "1:0:0:0", "1:nan", "1.5",
])
def test_words_that_name_no_faults(text):
    with pytest.raises(UsageError, match="names no faults") as caught:
        FaultRates.parse(text)
    assert "--faults 1" in caught.value.next_step


def test_words_that_name_faults():
    assert FaultRates.parse("7") == FaultRates(7, 1e-4, 0.0)
    assert FaultRates.parse("7:0.01:1e-3") == FaultRates(7, 0.01, 0.001)
