"""A run from its first moment to its last, whatever happens to device, cable, disk and process."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import field, replace
from pathlib import Path
from time import monotonic, sleep

import numpy as np

from edgetune.data import Dataset
from edgetune.dataclass import dataclass
from edgetune.device.faults import FaultRates, Faults
from edgetune.errors import DeviceNotFoundError, DivergenceError, EdgetuneError, LinkError
from edgetune.files import save_atomically
from edgetune.guard import Guard, Outcome, SampleLosses, compare_rectifiers
from edgetune.learn.kept import going_on
from edgetune.learn.learner import Learner
from edgetune.link import DeviceResetError
from edgetune.link.client import Client
from edgetune.plan.plan import Plan
from edgetune.session.beside import Beside
from edgetune.session.changes import layer_changes
from edgetune.session.checkpoint import Checkpoint, identity
from edgetune.session.connection import DeviceClient, connect
from edgetune.session.evaluation import measure, outputs_of
from edgetune.session.firmware import Firmware
from edgetune.session.further import TEST, SetResult, compared
from edgetune.session.guarding import DeviceDesk, Guarding
from edgetune.session.journal import Journal
from edgetune.session.keeper import Keeper
from edgetune.session.kept_states import kept_state, save_state
from edgetune.session.record import TuneResult, TuneSettings, settings_record
from edgetune.session.reporter import Reporter
from edgetune.session.run_folder import RunFolder
from edgetune.session.simulation import differences, diverged, new_learner
from edgetune.session.storing import keep_learnt
from edgetune.session.stream import Stream
from edgetune.session.tuned_file import learner_of, tuned_model

RETURN_SECONDS = 60.0  # for a device that is gone to be there again
RETRY_SECONDS = 1.0
MOST_RETURNS = 5  # without a step between
ROOM_FOR_REPORT = 2 << 20  # bytes; a page has some hundred kilobytes


def first_moment(
    folder: RunFolder, plan: Plan, settings: TuneSettings, data: Dataset, order: np.ndarray,
    also: Mapping[str, Dataset] | None = None,
) -> Checkpoint:
    """That of a new run, which is then in ``folder``, or that which the ``folder``'s run broke off
    at.

    Raises:
        UsageError, DataError: there is no state to go on from, or none of this model and recipe;
            what is to be resumed was another run.
    """
    asked = settings_record(settings)
    del asked["save_every"], asked["faults"]
    run = identity(plan, asked, data, order, also)
    if folder.resumed:
        found = Checkpoint.read(folder.checkpoint).of_plan(plan, run)
        folder.keep_metrics(found.steps)
        return replace(found, options=folder.options or found.options)
    begun = _first_state(plan, settings, len(order)).state()
    return Checkpoint(run, begun, begun, np.zeros(0), options=folder.options)


def _first_state(plan: Plan, settings: TuneSettings, steps: int) -> Learner:
    """A learner as a run of ``steps`` begins: of the model's weights, or where another run left
    off."""
    total_steps = settings.total_steps(steps)
    learner = new_learner(plan, settings.seed, total_steps)
    if settings.continued is not None:
        learner.load_state(going_on(kept_state(settings.continued, plan), total_steps))
    return learner


def room_for_results(plan: Plan) -> int:
    """Bytes that a run's files take at the most, but for its log and its guard's memory."""
    files = 4 * (len(plan.program.graph.content) + plan.state_bytes)
    return files + ROOM_FOR_REPORT + (1 << 20)


def faults_of(settings: TuneSettings) -> Faults | None:
    """Of the line to the device; UsageError where they are none."""
    return None if settings.faults is None else Faults(FaultRates.parse(settings.faults))


@dataclass
class Run:
    """A device that learns; ``order``: of the samples, ``chosen``: the guard."""

    firmware: Firmware
    device: str
    data: Dataset
    settings: TuneSettings
    folder: RunFolder
    reporter: Reporter
    chosen: Guarding
    order: np.ndarray
    losses: SampleLosses
    also: Mapping[str, Dataset] = field(default_factory=dict)
    guard: Guard | None = field(default=None, init=False)
    talked: bool = field(default=False, init=False)  # the device once was what it should be

    @property
    def plan(self) -> Plan:
        return self.firmware.plan

    def hold(self, start: Checkpoint) -> TuneResult:
        """From ``start`` to the end.  A device that goes away or starts afresh is waited for, and
        the run carried on with it."""
        returns, faults = 0, faults_of(self.settings)
        line = {"faults": faults} if faults else {}
        while True:
            keeper = self._keeper(start)
            try:
                with (
                    self._simulation(start) as simulation,
                    connect(self.firmware, self.device, self.reporter, **line) as client,
                ):
                    result = self._converse(client, simulation, keeper, start)
                if faults:
                    self.reporter.note(f"Faults of the line: {faults}")
                return result
            except (LinkError, DeviceNotFoundError) as error:
                returns = 0 if keeper.marked.steps > start.steps else returns + 1
                start = keeper.marked
                if returns >= MOST_RETURNS or not self._comes_back(error):
                    self._leave(keeper, error)
                    raise
            except BaseException as error:
                self._leave(keeper, error)
                raise

    def _keeper(self, start: Checkpoint) -> Keeper:
        keeper = Keeper(self.folder, self.plan, start, self.settings.save_every, self.reporter)
        if start.before is None:
            keeper.save()
        return keeper

    def _simulation(self, start: Checkpoint) -> AbstractContextManager[Beside | None]:
        """As the run began."""
        return Beside(self.plan, start.begun) if self.settings.verify else nullcontext()

    def _converse(
        self, client: DeviceClient, simulation: Beside | None, keeper: Keeper, start: Checkpoint
    ) -> TuneResult:
        plan, data, reporter, self.talked = self.plan, self.data, self.reporter, True
        keeper.line = lambda: {"connections": 1, **client.traffic}
        begun = learner_of(plan, start.begun)
        self._start(client, simulation, begun)
        if keeper.before is None:
            keeper.before = self._outputs(client, "before")
            keeper.save()
        self._note_before(keeper.before)
        journal = Journal(keeper.journal, self._carry_on(client, simulation, start))
        desk = DeviceDesk(client, simulation, self.losses, journal)
        self.guard = self.chosen.guard(desk, self.losses, self.order, plan)
        stream = Stream(
            client, data, self.order, self.losses, simulation, self.folder, reporter, keeper,
            journal,
        )
        found = _learn_guarded(stream, self.guard, desk)
        journal.go_live()
        state = client.read_state()
        keeper.mark(state)
        keeper.save()
        after = self._outputs(client, "after")
        digest = client.digest(full=True)
        if simulation:
            compare_end(plan, simulation, state, digest)
        test, *others = self._compared(keeper.before, after)
        worth = test.before, test.after
        if plan.store:
            keep_learnt(client, *worth, reporter)
        stats, executed = client.stats(), client.executed_instructions()
        learnt = [learner_of(plan, one) for one in (*self.guard.given_up, desk.learnt or state)]
        return TuneResult(
            *worth, after[: test.samples], stream.steps, digest, self.settings.verify, state,
            stats, found,
            compare_rectifiers(begun, learnt, self.chosen.samples(self.order)),
            executed, test=test, also={found.name: found for found in others},
            layers=tuple(layer_changes(begun, learner_of(plan, state))), traffic=keeper.traffic,
        )

    @property
    def _sets(self) -> dict[str, Dataset]:
        """All that is measured before and after."""
        return {TEST: self.data, **self.also}

    def _outputs(self, client: Client, phase: str) -> np.ndarray:
        """The device's for all sets, one behind the other, int8 [n, outputs]."""
        return np.concatenate([
            outputs_of(client, data, self.reporter, phase if name == TEST else f"{phase} {name}")
            for name, data in self._sets.items()
        ])

    def _note_before(self, outputs: np.ndarray) -> None:
        """In run.json, for who looks at it before the end."""
        found = self._compared(outputs, outputs)
        self.folder.add({"before": {one.name: one.before.as_dict() for one in found}})

    def _compared(self, before: np.ndarray, after: np.ndarray) -> list[SetResult]:
        """Each set by its part of the outputs."""
        found, first = [], 0
        for name, data in self._sets.items():
            rows = slice(first, first + len(data.test_x))
            parts = before[rows], after[rows]
            worth = [measure(self.plan.program, outputs, data) for outputs in parts]
            found.append(compared(name, data, self.losses, *parts, (worth[0], worth[1])))
            first = rows.stop
        return found

    def _start(self, client: Client, simulation: Beside | None, begun: Learner) -> None:
        """The device as ``begun``."""
        client.start(self.settings.seed, begun.total_steps)
        if self.settings.continued is not None:
            digest = client.write_state(begun.state())
            if simulation:
                simulation.take_over(begun.state(), digest)

    def _carry_on(self, client: Client, simulation: Beside | None, start: Checkpoint):
        """What brings device and simulation to ``start``; None where it is the beginning."""
        if start.before is None or not (start.steps or start.journal):
            return None

        def begin() -> None:
            digest = client.write_state(start.state)
            if simulation:
                simulation.take_over(start.state, digest)

        return begin

    def _comes_back(self, error: EdgetuneError) -> bool:
        """Whether the device is there again, after a while."""
        port = self.device.startswith("/")
        if not self.talked or not (port or isinstance(error, DeviceResetError)):
            return False
        self.reporter.note(f"{error.message[0].upper()}{error.message[1:].rstrip('.')}: waiting "
                           "for it, to carry on the run")
        end = monotonic() + RETURN_SECONDS
        while port:
            sleep(RETRY_SECONDS)
            if Path(self.device).exists():
                break
            if monotonic() >= end:
                return False
        return True

    # -- when it breaks off --------------------------------------------------------------------

    def _leave(self, keeper: Keeper, error: BaseException) -> None:
        """What was learnt is kept, and ``error`` says where."""
        self.folder.release()
        saved, marked = keeper.save(), keeper.marked
        said = []
        self.folder.add({"link": dict(marked.traffic)}, write=False)
        if saved and not isinstance(error, DivergenceError):
            said.append(f"carry the run on: edgetune tune --resume {self.folder.path}")
        if marked.steps:
            begun, now = (learner_of(self.plan, one) for one in (marked.begun, marked.state))
            self.folder.add({"layers": layer_changes(begun, now)}, write=False)
            content = tuned_model(self.plan, marked.state)
            where = _written(self.folder.last, content, rescue=not saved)
            said.append(f"the weights of step {marked.steps:,} are in {where}" if where else
                        "its weights could be written nowhere")
        said += self._best()
        if isinstance(error, EdgetuneError):
            error.next_step = "; ".join([error.next_step.rstrip("."), *said])
        elif said:
            self.reporter.note(f"Broken off; {'; '.join(said)}.")

    def _best(self) -> list[str]:
        """What the guard held for the best."""
        best = self.guard.best_learnt if self.guard else None
        if best is None or not _written(self.folder.best, tuned_model(self.plan, best.state)):
            return []
        save_state(self.folder, self.plan, best.state)
        return [f"the best weights, of step {best.step:,}, are in {self.folder.best}"]


def _written(path: Path, content: bytes, rescue: bool = False) -> Path | None:
    """Where ``content`` was written: ``path``, or to ``rescue`` it a folder of its own."""
    try:
        save_atomically(path, content)
        return path
    except EdgetuneError:
        if not rescue:
            return None
    try:
        path = Path(tempfile.mkdtemp(prefix="edgetune-run-")) / path.name
        save_atomically(path, content)
        return path
    except (EdgetuneError, OSError):
        return None


def _learn_guarded(stream: Stream, guard: Guard, desk: DeviceDesk) -> Outcome:
    """The device then holds the weights that the run ends with."""
    guard.begin()
    for first, last in guard.spans:
        desk.learning()
        if not guard.after(last, stream.learn(first, last)):
            break
    return guard.end()


def compare_end(plan: Plan, simulation: Beside, state: bytes, digest: int) -> None:
    """The whole state, and the digest that the device recomputed from its memory.

    Raises:
        DivergenceError: one of them is not the simulation's.
    """
    if state != simulation.state:
        ours, theirs = learner_of(plan, simulation.state), learner_of(plan, state)
        layers = ", ".join(differences(ours, theirs)) or "the rule's state"
        raise DivergenceError(
            "The device's state differs from the simulation's at the end.",
            f"These differ: {layers}.",
            "The digests agreed at every step, so memory was overwritten: report this.",
        )
    if digest != simulation.digest:
        raise diverged(simulation.steps, {"digest": (digest, simulation.digest)})
