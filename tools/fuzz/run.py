"""Cases shared out to processes of limited memory, and the sum of what came of them."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import resource
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from tools.fuzz.cases import Cases
from tools.fuzz.examine import examine
from tools.fuzz.limits import Judgement, judge, limit_memory
from tools.fuzz.seeds import seed_model

WARMING = ("dense", "float_autoencoder")  # what is loaded late is no cost of the first case


@dataclass
class Tally:
    """Counts of outcomes, failures by case, and the most that a case cost."""

    outcomes: Counter = field(default_factory=Counter)
    failures: dict[int, Judgement] = field(default_factory=dict)
    seconds: float = 0.0
    slowest: int = -1
    megabytes: float = 0.0

    @property
    def total(self) -> int:
        return sum(self.outcomes.values())

    def add(self, number: int, judgement: Judgement) -> None:
        self.outcomes[judgement.outcome] += 1
        self.megabytes = max(self.megabytes, judgement.megabytes)
        if judgement.failure:
            self.failures[number] = judgement
        if judgement.seconds > self.seconds:
            self.seconds, self.slowest = judgement.seconds, number

    def failures_by_kind(self) -> dict[str, list[int]]:
        """The cases of each sort of error at each place, the most frequent first."""
        kinds = defaultdict(list)
        for number, judgement in sorted(self.failures.items()):
            kinds[f"{judgement.where} {judgement.failure.split(':')[0]}"].append(number)
        return dict(sorted(kinds.items(), key=lambda item: -len(item[1])))


def run(
    cases: Cases,
    numbers: range,
    jobs: int = 1,
    report: Callable[[Tally], None] = lambda tally: None,
    function: Callable[[bytes], str] = examine,
) -> Tally:
    """Calls ``function`` with the cases ``numbers`` in ``jobs`` processes.

    Args:
        report: called after every case.
        function: gives a file's outcome; see ``examine``.
    """
    tally = Tally()
    workers = [_Worker(cases, numbers[job::jobs], function) for job in range(jobs)]
    while workers:
        ready = multiprocessing.connection.wait([worker.pipe for worker in workers])
        for worker in [worker for worker in workers if worker.pipe in ready]:
            found = worker.receive()
            if found is None:
                workers.remove(worker)
            else:
                tally.add(*found)
                report(tally)
    return tally


class _Worker:
    """A process on its share of the cases; one that dies is replaced behind the case it died of."""

    def __init__(self, cases: Cases, numbers: range, function: Callable[[bytes], str]):
        self.cases, self.left, self.function = cases, numbers, function
        self._start()

    def _start(self) -> None:
        self.pipe, end = multiprocessing.Pipe(duplex=False)
        self.process = multiprocessing.Process(
            target=_work, args=(self.cases, self.left, self.function, end), daemon=True
        )
        self.process.start()
        end.close()

    def receive(self) -> tuple[int, Judgement] | None:
        """The next case and what came of it; None at the end."""
        try:
            judgement = self.pipe.recv()
        except EOFError:
            self.process.join()
            if not self.left:
                return None
            judgement = Judgement("failed", f"the process ended with {self.process.exitcode}")
            number = self._next()
            self._start()
            return number, judgement
        return self._next(), judgement

    def _next(self) -> int:
        number, self.left = self.left[0], self.left[1:]
        return number


def _work(cases: Cases, numbers: range, function: Callable[[bytes], str], pipe) -> None:
    for name in WARMING:
        examine(seed_model(name), always=True)
    limit_memory()
    before = _peak()
    for number in numbers:
        judgement = judge(function, cases.content(number))
        judgement.megabytes = _peak() - before
        pipe.send(judgement)


def _peak() -> float:
    """Most memory that this process ever held, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
