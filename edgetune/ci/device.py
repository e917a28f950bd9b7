"""The device that a test has: it learns, and is held to budgets."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from edgetune.boards import Board
from edgetune.ci import budgets
from edgetune.ci.choice import Choice, board_of, project_of, seconds_of
from edgetune.ci.failures import as_text, fail, guarded
from edgetune.ci.outcome import Outcome
from edgetune.ci.project import Project
from edgetune.ci.settings import job_of, tuning_of
from edgetune.ci.shared import Shared
from edgetune.device import needs_native, resolve_device
from edgetune.errors import EdgetuneError, UsageError
from edgetune.session.firmware import Firmware
from edgetune.session.job import Job
from edgetune.session.reporter import Reporter
from edgetune.session.run_folder import RunFolder
from edgetune.session.tools import check_tools
from edgetune.session.tuning import TuneResult, check_tuned_file

_FIXED = {"board", "device", "devices", "out", "min_accuracy"}


def device_of(request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> EdgetuneDevice:
    """The device of a test; fails it, or skips it, where the device is missing."""
    choice, config, item = request.param, request.config, request.node
    item.user_properties.append(("device", choice.name))
    try:
        project = project_of(config, item)
        board = board_of(config, item, project)
        item.user_properties.append(("board", board.name))
        device = EdgetuneDevice(choice.name, board, project, item, folders)
        _check_presence(choice, device)
        return device
    except EdgetuneError as error:
        text = f"{choice.name}: {as_text(error)}"
    raise pytest.fail.Exception(text, pytrace=False)


def _check_presence(choice: Choice, device: EdgetuneDevice) -> None:
    try:
        check_tools(resolve_device(choice.name, device.board), device.board)
    except UsageError:
        raise
    except EdgetuneError as error:
        if choice.needed:
            raise
        pytest.skip(f"{choice.name}: {error.message} {error.cause} {error.next_step}")


class EdgetuneDevice:
    """One place where firmware runs: ``name`` is host, qemu, renode or a serial port.

    Every method takes edgetune.toml's settings by name, with underscores, in place of the
    project's; relative paths start from the project's folder.  What goes wrong ends the test as
    a failure.  Figures become properties of the test, in JUnit's report and edgetune's.
    """

    def __init__(
        self, name: str, board: Board, project: Project, item: pytest.Item,
        folders: pytest.TempPathFactory,
    ):
        self.name, self.board, self.label = name, board, f"{name} ({board.name})"
        self._project, self._item, self._folders = project, item, folders
        self._seconds = seconds_of(item.config, item)
        self._end = time.monotonic() + self._seconds
        self._phase = _Phase()
        self._shared = Shared(_shared_folder(item.config, folders))
        self._ram_used: dict[tuple[str, str], int] = {}  # by model and recipe

    @guarded
    def tune(self, model: str | None = None, data: str | None = None, **others) -> Outcome:
        """The main job: evaluate, learn, evaluate again; every step compared with the simulation.

        Args:
            others: samples, passes, seed, layers, rate, ...
        """
        chosen = self._settings(model=model, data=data, **others)
        job, settings = self._job(chosen), tuning_of(chosen)
        job.check(settings)
        firmware = self._firmware(job)
        self._phase.begin("The device was starting")
        with RunFolder(self._folders.mktemp("run")) as folder:
            result = job.tune(settings, folder, firmware)
        check_tuned_file(result, folder)
        outcome = self._outcome(job, chosen, firmware, folder, result)
        self._note(
            accuracy_before=outcome.accuracy_before, accuracy_after=outcome.accuracy_after,
            steps=outcome.steps, digest=outcome.digest, verified=outcome.verified,
            ram_used=outcome.ram_used, guard_kept=outcome.guard.kept,
            **{f"also_{name}": found.as_dict() for name, found in outcome.also.items()},
        )
        return outcome

    @guarded
    def assert_ram(self, model: str | None = None, budget: int | None = None, **others) -> None:
        """Fails where the firmware can take more than ``budget`` bytes of RAM, stack included."""
        __tracebackhide__ = True
        job = self._job(self._settings(model=model, **others))
        found = budgets.ram_of(job, None if self._native else self._firmware(job))
        used = self._ram_used.get(_key(job), 0)
        self._note(ram_bytes=found.value, ram_source=found.source)
        words = found.words + (f"; {used:,} were used while it learnt" if used else "")
        self._hold("RAM", "bytes", max(found.value, used), words, budget, (
            "train fewer layers, choose a smaller model, or raise the budget; edgetune plan "
            "shows what each layer takes"
        ))

    @guarded
    def assert_step_instructions(
        self, model: str | None = None, budget: int | None = None, data: str | None = None,
        **others,
    ) -> None:
        """Fails where a training step takes the board's core more than ``budget`` instructions
        (not cycles).

        Args:
            data: count on its first samples; without it on random ones without zeros.
        """
        __tracebackhide__ = True
        job = self._job(self._settings(model=model, data=data, **others))
        self._phase.begin("It was counting instructions in QEMU")
        found = budgets.instructions_of(job, self._shared, data is not None)
        name = "step_instructions" if data is None else "step_instructions_on_data"
        self._note(**{name: found.value}, instructions_source=found.source)
        self._hold("A training step", "instructions", found.value, found.words, budget, (
            "train fewer layers, choose a smaller model, or raise the budget; edgetune bench "
            "shows what each layer takes"
        ))

    def seconds_left(self) -> float:
        return self._end - time.monotonic()

    def late(self) -> str:
        return (
            f"{self.label} was too slow or hung: the test did not end within {self._seconds:g} "
            f"seconds.\n  Cause:  {self._phase.words}.\n"
            "  Next:   its processes have been ended. If so long is right, raise "
            "--edgetune-timeout; else see what the device says: edgetune monitor"
        )

    @property
    def _native(self) -> bool:
        return needs_native(self.name)

    def _settings(self, **given) -> dict:
        """The project's and those of a call."""
        if fixed := sorted(_FIXED & given.keys()):
            raise UsageError(
                f"A call does not choose {', '.join(fixed)}.", "The fixture has chosen already.",
                "Mark the test instead: @pytest.mark.edgetune(board=..., devices=...)",
            )
        return self._project.with_settings(given)

    def _job(self, settings: dict) -> Job:
        return job_of(self.board, settings, self.name, self._phase)

    def _firmware(self, job: Job) -> Firmware:
        self._phase.begin("It was building the firmware")
        return self._shared.firmware(job, self._native)

    def _outcome(
        self, job: Job, settings: dict, firmware: Firmware, folder: RunFolder, result: TuneResult
    ) -> Outcome:
        used, sizes, digest = result.stats.stack_used, firmware.build.sizes, f"{result.digest:08x}"
        ram = sizes.static_ram + used if sizes and used else None
        self._ram_used[_key(job)] = ram or 0
        test = f"{self._item.nodeid.partition('[')[0]} {self.board.name}"
        return Outcome(
            self.label, result.before, result.after, len(result.outputs),
            result.steps, digest, result.verified, ram, folder.path, folder.tuned,
            lambda: self._shared.digests(test, settings, self.name, digest), result.guard,
            result.also,
        )

    def _hold(
        self, what: str, unit: str, found: int, words: str, budget: int | None, next_step: str
    ) -> None:
        __tracebackhide__ = True
        if budget is None:
            raise UsageError(
                f"{what} has no budget.", "The call names none.", f"Give it: budget={found}"
            )
        if not found <= budget:
            over = f"at most {budget:,} {unit}, which is {found - budget:,} less"
            fail(f"{what} on {self.label} is over its budget.", f"{found:,} {unit}: {words}",
                 over, next_step)

    def _note(self, **facts) -> None:
        self._item.user_properties += [(k, v) for k, v in facts.items() if v is not None]


def _key(job: Job) -> tuple[str, str]:
    """What the RAM that was used belongs to."""
    return job.model, repr(job.recipe)


class _Phase(Reporter):
    """Remembers what the device was last seen to do, for the text of a hang."""

    done, heard = "It was reading model and data", ""

    @property
    def words(self) -> str:
        return ". ".join(filter(None, (self.done, self.heard)))

    def begin(self, words: str) -> None:
        self.done, self.heard = words, ""

    def note(self, text: str) -> None:
        self.heard = f"The last that was heard: {text.rstrip('.')}"

    def progress(self, phase: str, done: int, total: int, accuracy: float | None = None) -> None:
        self.begin(f"It had done {done:,} of {total:,} samples of the phase «{phase}»")


def _shared_folder(config: pytest.Config, folders: pytest.TempPathFactory) -> Path:
    """Below the session's own temporary folder, which workers of pytest-xdist divide up."""
    base = folders.getbasetemp()
    return (base.parent if hasattr(config, "workerinput") else base) / "edgetune-shared"
