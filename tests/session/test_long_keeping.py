"""A hundred thousand steps on an emulated board over a bad line, with a commit every thousand."""

from __future__ import annotations

import pytest
from emulators import need_emulator
from test_keeping import LABELS, MICROBIT, SAMPLES, firmware_for

from edgetune.device import open_device
from edgetune.device.faults import FaultRates, Faults
from edgetune.device.host import FLASH
from edgetune.link.client import Client
from edgetune.link.store import SlotState
from edgetune.plan.cost import estimate

EVERY = 1000
INTERRUPT = 128  # bytes of stack, its frame included


def learn(client: Client, loss, steps: range) -> int:
    """The digest after the steps."""
    samples = ((SAMPLES[i % 60].tobytes(), loss.encode(int(LABELS[i % 60]))) for i in steps)
    *_, last = client.train_many(samples)
    return last.digest


@pytest.mark.slow
@pytest.mark.parametrize("steps", [100_000])
def test_long_learning_on_a_board_that_keeps_it(tmp_path, monkeypatch, steps):
    """At each commit the digest is that of the same firmware on this computer, over a good line;
    the stack's mark stays where it is, and resets cost nothing that was committed."""
    need_emulator()
    monkeypatch.setenv(FLASH, str(tmp_path / "flash.bin"))
    firmware, reference = (firmware_for(MICROBIT, tmp_path / str(n), native=n) for n in (0, 1))
    plan, marks = firmware.plan, []
    with (
        open_device("qemu", plan.board, firmware.build.elf) as device,
        open_device("host", plan.board, reference.build.elf) as other,
    ):
        line = Faults(FaultRates(1, 1e-5)).between(device)
        client, host = Client(line), Client(other)
        for one in (client, host):
            one.hello()
            one.start(3, 0)
        for first in range(0, steps, EVERY):
            span = range(first, first + EVERY)
            digest = learn(host, plan.program.loss, span)
            assert learn(client, plan.program.loss, span) == digest
            client.commit()
            client.confirm()
            marks.append(client.stats().stack_used)
            if first % (10 * EVERY) == 0:
                client.reset()
                client.hello()
                assert client.digest(full=True) == digest
        status = client.store_status()
    # A reset paints the stack anew; how deep an interrupt comes is chance.
    assert max(marks) - min(marks) <= INTERRUPT and max(marks) <= estimate(plan).stack_bytes
    assert {slot.state for slot in status.slots} == {SlotState.CONFIRMED}
    erases, commits = sum(slot.erases for slot in status.slots), steps // EVERY
    assert commits <= erases <= commits + 1
