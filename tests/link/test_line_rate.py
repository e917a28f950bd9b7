"""The rate of a line is raised by both ends or by none, and what is learnt is the same.

Each end has a rate of its own, and hears what comes at another as a UART does.  Time is modelled.
"""

from __future__ import annotations

import random

import pytest
from link_requests import echo_hash, encoded, samples, steps_and_hash
from link_transport import build_server_library
from rated_line import OWN, RATES, Chip, RatedLine, heard
from thinned import thinned

from edgetune.device.faults import FaultRates, Faults
from edgetune.link import Client, DeviceResetError, line_rate
from edgetune.link.channel import Channel
from edgetune.link.line_rate import QUIET, LineRate

INPUT, STEPS = 64, 100
FASTEST = max(RATES)


@pytest.fixture(autouse=True)
def sessions(monkeypatch):
    """The same numbers each time, so that the same bytes are sent."""
    monkeypatch.setattr("secrets.randbelow", random.Random(1).randrange)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    defines = f"-DET_INPUT_BYTES={INPUT}", "-DET_RX_RING=512"
    folder = tmp_path_factory.mktemp("rated")
    build_server_library(folder, *defines)
    return folder / "echo.so"


@pytest.fixture
def chip(library):
    return Chip(library, FASTEST)


def met(line, over=None) -> Client:
    """``over``: what harms the line."""
    client = Client(over or line, line=line, clock=line.clock)
    client.hello()
    return client


def raised(chip) -> tuple[RatedLine, Client]:
    line = RatedLine(chip)
    client = met(line)
    client.quicken()
    return line, client


def learn(client: Client, steps: int = STEPS, between=lambda step: None) -> None:
    """Each sample exactly once, or an assertion fails."""
    data = samples(steps, INPUT)
    client.start(1, steps)
    for step, result in enumerate(client.train_many(encoded(data))):
        assert result.draws == step
        between(step)
    assert steps_and_hash(client) == (steps, echo_hash(data))


def test_a_uart_hears_its_own_rate():
    data = bytes(range(256))
    assert bytes(heard(data, OWN, lambda: OWN)) == data
    assert bytes(heard(data, OWN, lambda: OWN * 102 // 100)) == data
    assert bytes(heard(data, OWN, lambda: 2 * OWN)) != data
    assert 0 in bytes(heard(b"\0\0", OWN, lambda: 921_600))


@pytest.mark.parametrize("adapter", [0, 250_000, 1 << 30])
@pytest.mark.parametrize("cable", thinned([500_000, OWN, 1 << 30], 3))
@pytest.mark.parametrize("fastest", [0, 460_800, 950_000, FASTEST])
def test_the_fastest_that_all_make(library, fastest, cable, adapter):
    chip = Chip(library, fastest)
    line = RatedLine(chip, max(adapter, OWN), cable)
    client = met(line)
    expected = max(rate for rate in RATES if rate <= max(OWN, min(fastest, cable, adapter)))
    assert client.quicken() == client.rate == line.rate == chip.rate == expected
    learn(client)
    assert line.rate == chip.rate == expected
    client.close()
    client.hello()
    assert (line.rate, chip.rate) == (OWN, OWN)
    learn(client)


def test_samples_travel_faster(library):
    seconds = []
    for fastest in (0, FASTEST):
        line = RatedLine(Chip(library, fastest))
        client = met(line)
        client.quicken()
        begun = line.now
        learn(client)
        seconds.append(line.now - begun)
    assert seconds[0] / seconds[1] > 0.9 * FASTEST / OWN


def test_the_end_of_a_session_puts_it_back(chip):
    client = met(RatedLine(chip))
    assert client.quicken() == FASTEST
    client.close()
    assert (client.rate, chip.rate) == (OWN, OWN)


@pytest.mark.parametrize("rate", RATES[1:])
def test_a_run_begun_while_the_device_is_still_at_a_raised_rate(library, rate):
    chip = Chip(library, rate)
    assert met(RatedLine(chip)).quicken() == rate  # and its process was killed
    again = RatedLine(chip)
    client = met(again)
    assert chip.rate == OWN and again.now < 0.1
    learn(client)


def test_a_host_that_knows_of_no_rates_is_heard_as_well(chip):
    met(RatedLine(chip)).quicken()
    again = RatedLine(chip)
    client = Client(again, clock=again.clock)
    client.hello()
    assert chip.rate == OWN and again.now < 7
    learn(client)


def test_a_device_that_computes_hears_of_it_afterwards(chip):
    """Its ring holds no more than it has room for, and that is enough."""
    met(RatedLine(chip)).quicken()
    line = RatedLine(chip)
    line.write(bytes(512))
    assert chip.rate == OWN


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_the_answer_to_the_switch_is_lost(chip, lost):
    line = RatedLine(chip)
    client = met(line)
    line.lose = lost
    client.quicken()
    assert client.rate == line.rate == chip.rate
    learn(client)


@pytest.mark.parametrize("after", range(5))
def test_broken_off_amid_the_switch(chip, after):
    """Ctrl-C at any read; then the session ends, and another begins."""
    line, reads, read = RatedLine(chip), [0], RatedLine.read
    client = met(line)

    def broken(timeout):
        reads[0] += 1
        if reads[0] > after:
            raise KeyboardInterrupt
        return read(line, timeout)

    line.read = broken
    with pytest.raises(KeyboardInterrupt):
        while True:
            client.quicken()
            learn(client, 3)
    client.close()
    again = RatedLine(chip)
    learn(met(again))
    assert again.now < 1


@pytest.mark.parametrize("step", [0, 7, 80])
def test_a_reset_at_a_raised_rate_is_noticed(chip, step):
    line, client = raised(chip)
    with pytest.raises(DeviceResetError):
        learn(client, between=lambda at: chip.reset() if at == step else None)
    assert line.rate == OWN and line.now < 20
    client.hello()
    assert client.quicken() == FASTEST
    learn(client)


@pytest.mark.parametrize("count", thinned([1_000, 10, 10_000], 3))
def test_a_burst_of_noise_at_a_raised_rate(chip, count):
    line, client = raised(chip)
    learn(client, between=lambda at: line.noise(count) if at % 40 == 20 else None)
    assert line.rate == chip.rate == client.rate


def test_a_line_that_turns_bad_is_slow_and_not_lost(chip):
    line, client = raised(chip)
    learn(client, between=lambda at: setattr(line, "cable", 200_000) if at == 10 else None)
    assert line.rate == chip.rate == client.rate == OWN


def test_a_line_that_was_bad_for_a_while_is_fast_again(chip, monkeypatch):
    """Not before it has been quiet for so long, and between two requests."""
    quicken, under_way, rates = Channel.quicken, [], []
    monkeypatch.setattr(
        Channel, "quicken", lambda self: (under_way.append(len(self._pending)), quicken(self))[1]
    )
    line, client = raised(chip)

    def between(step):
        line.cable = 200_000 if 10 <= step < 30 else 1 << 30
        if step > 50:
            line.now += QUIET / 10
        if step in range(55, 80, 5):
            line.noise(100)
        rates.append(line.rate)

    learn(client, between=between)
    assert rates[40:80] == [OWN] * 40
    assert rates[-1] == line.rate == chip.rate == client.rate == FASTEST
    assert under_way == [0, 0]


def test_a_line_that_stays_bad_is_tried_ever_more_rarely(chip):
    line, client = raised(chip)
    tries = []

    def between(step):
        line.cable = 200_000
        line.now += 10
        tries.append(line.asked.count(FASTEST) - 1)

    learn(client, 250, between)
    begun = [10 * step for step, (a, b) in enumerate(zip(tries, tries[1:])) if b > a]
    assert line.rate == chip.rate == OWN and len(begun) == 5
    assert all(b - a >= QUIET * 2**i for i, (a, b) in enumerate(zip(begun, begun[1:]), 1))


def test_a_new_session_forgets_what_was_given_up(chip):
    line, client = raised(chip)
    learn(client, between=lambda at: setattr(line, "cable", 200_000) if at == 10 else None)
    client.close()
    client.hello()
    line.now += 2 * QUIET
    asked = len(line.asked)
    learn(client)
    assert len(line.asked) == asked


@pytest.mark.parametrize("since", thinned([None, 10], 2))
def test_a_line_that_damages_what_is_long(chip, since):
    """Short questions pass all the time: they prove nothing."""
    line = RatedLine(chip)
    client = met(line)
    if since is None:
        line.whole = 40
    client.quicken()
    learn(client, between=lambda at: setattr(line, "whole", 40) if at == since else None)
    assert line.rate == chip.rate == client.rate == OWN and line.now < 20


def test_one_late_answer_costs_no_rate(chip):
    line, client = raised(chip)
    learn(client, between=lambda at: setattr(line, "late", 1.5) if at == 30 else None)
    assert line.rate == chip.rate == client.rate == FASTEST


def test_broken_off_between_the_two_ends(chip, monkeypatch):
    """The device has the rate by then: the session's end brings it back."""
    client = met(RatedLine(chip))
    with monkeypatch.context() as patch:
        patch.setattr(LineRate, "raise_to", interrupted)
        with pytest.raises(KeyboardInterrupt):
            client.quicken()
    assert chip.rate == FASTEST
    client.close()
    assert chip.rate == OWN


def interrupted(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rate", [1e-4, 1e-3, 1e-2])
def test_faults_meet_the_switch(chip, rate, seed):
    line = RatedLine(chip)
    faulty = Faults(FaultRates(seed, rate)).between(line, line.clock)
    client = met(line, faulty)
    client.quicken()
    learn(client)
    client.close()
    learn(met(line, faulty))


@pytest.mark.parametrize("seed", [1, 2])
def test_faults_meet_each_further_try(chip, seed, monkeypatch):
    monkeypatch.setattr(line_rate, "QUIET", 1e-3)
    line = RatedLine(chip)
    client = met(line, Faults(FaultRates(seed, 1e-2)).between(line, line.clock))
    client.quicken()
    asked = len(line.asked)
    learn(client, 60)
    assert {*line.asked[asked:]} - {OWN}


def test_a_device_falls_back_after_eight_pieces(chip):
    line = RatedLine(chip)
    met(line).quicken()
    line.write(bytes(7))
    assert chip.rate == FASTEST
    line.write(b"\1\0")  # a bad one
    assert chip.rate == OWN


def test_a_refused_rate_changes_nothing(library):
    line = RatedLine(Chip(library, 0))
    client = met(line)
    assert client.quicken() == OWN and line.asked == []
