"""What a bad line costs, and that it costs nothing that was learnt.

    python tools/line_faults.py [--device host|qemu] [--frames N] [--rates R,...] [--seed N]

Two devices of the same firmware learn the same samples, one over a good line, one over a line with
faults (docs/protocol.md, Faults on purpose), turn by turn.  After each turn their digests are
compared, the closing ones recomputed from memory; a difference or an error is status 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from edgetune.device.faults import FaultRates, Faults  # noqa: E402
from edgetune.errors import EdgetuneError  # noqa: E402
from edgetune.link.client import Client  # noqa: E402
from edgetune.link.messages import Request  # noqa: E402
from edgetune.session.connection import connect  # noqa: E402
from edgetune.session.firmware import Firmware  # noqa: E402
from edgetune.session.job import Job  # noqa: E402
from edgetune.session.reporter import Reporter  # noqa: E402

DIGITS = ROOT / "examples" / "digits"
BOARD = "stm32f4-discovery"
RATES = (1e-5, 1e-4, 1e-3, 1e-2)
TURN = 100  # steps
FRAMES = 3  # of a step on a good line: sample, TAKEN, reply
HEAD = "rate     frames     faults  sent again    polls  bad  digest   steps/s  of clean"


@dataclass
class Counted:
    """A line that counts the messages on it, of the host by kind."""

    faults: Faults
    sent: Counter = field(default_factory=Counter)
    zeros: int = 0

    def between(self, device):
        self._line = self.faults.between(device)
        return self

    def write(self, data: bytes) -> None:
        self.sent[data[2]] += 1  # the type, behind a delimiter and a COBS code
        self._line.write(data)

    def read(self, timeout: float) -> bytes:
        data = self._line.read(timeout)
        self.zeros += data.count(0)
        return data

    def alive(self) -> bool:
        return self._line.alive()

    @property
    def frames(self) -> int:
        """Both ways."""
        return sum(self.sent.values()) + self.zeros // 2


@dataclass
class Learner:
    """One of the two devices, and the seconds that its steps took."""

    client: Client
    samples: list[tuple[bytes, bytes]]
    seconds: float = 0.0

    def learn(self, first: int, last: int) -> int:
        """The digest after steps ``first`` to ``last``."""
        begun = time.perf_counter()
        turn = (self.samples[i % len(self.samples)] for i in range(first, last))
        *_, result = self.client.train_many(turn)
        self.seconds += time.perf_counter() - begun
        return result.digest


def samples_of(job: Job) -> list[tuple[bytes, bytes]]:
    loss, data = job.plan.program.loss, job.data
    return [(x.tobytes(), loss.encode(y)) for x, y in zip(data.tune_x, data.tune_y)]


def learn_both(learners: list[Learner], line: Counted, frames: int) -> int:
    """Turn by turn until so many frames were on the bad line; the steps."""
    for one in learners:
        one.client.hello()
        one.client.start(1, 0)
    steps = 0
    while line.frames < frames:
        digests = {one.learn(steps, steps + TURN) for one in learners}
        steps += TURN
        if len(digests) != 1:
            raise EdgetuneError(f"the digests differ after {steps:,} steps")
    if len({one.client.digest(full=True) for one in learners}) != 1:
        raise EdgetuneError("the digests recomputed from memory differ")
    return steps


def row(firmware: Firmware, device: str, samples: list, rates: FaultRates, frames: int) -> str:
    """One line of the table."""
    line, quiet = Counted(Faults(rates)), Reporter()
    with ExitStack() as stack:
        good = stack.enter_context(connect(firmware, device, quiet))
        bad = stack.enter_context(connect(firmware, device, quiet, faults=line))
        learners = [Learner(good, samples), Learner(bad, samples)]
        steps = learn_both(learners, line, frames)
        damaged = bad.stats().bad_frames
    clean, seconds = (one.seconds for one in learners)
    again = line.sent[Request.TRAIN] - steps
    return (
        f"{rates.rate:<6g} {line.frames:>8,} {line.faults.count.total():>10,} {again:>11,} "
        f"{line.sent[Request.POLL]:>8,} {damaged:>4,}  equal {steps / seconds:>11,.0f} "
        f"{clean / seconds:>8.0%}"
    )


def table(device: str, rates: list[float], frames: int, seed: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        job = Job(DIGITS / "digits_int8.tflite", BOARD, data=DIGITS / "digits.npz", device=device)
        firmware, samples = job.firmware(Path(folder)), samples_of(job)
        yield HEAD
        for rate in rates:
            yield row(firmware, device, samples, FaultRates(seed, rate), frames)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("host", "qemu"), default="host")
    parser.add_argument("--frames", type=int, default=1_000_000, help="at each rate, both ways")
    parser.add_argument("--rates", default=",".join(map(str, RATES)), help="of faults, of bytes")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        rates = [float(rate) for rate in options.rates.split(",")]
        for text in table(options.device, rates, options.frames, options.seed):
            print(text, flush=True)
    except EdgetuneError as error:
        print(f"{error.message} {error.cause}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
