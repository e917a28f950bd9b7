"""The folder of a run: what was asked, what happened, what came out."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import IO

from edgetune.errors import EdgetuneError, Interrupted, UsageError
from edgetune.files import save_atomically
from edgetune.printable import one_line

FORMAT = 1
RECORD, LOG, REPORT, PREDICTIONS = "run.json", "metrics.jsonl", "report.html", "predictions.npz"
STATE, CHECKPOINT = "state.bin", "checkpoint.npz"
RUNNING, FAILED, DONE = "running", "failed", "done"
_NUMBERED = re.compile(r"(\d{4,})-(.*)", re.DOTALL)
_RESULTS = (STATE, CHECKPOINT, "tuned.tflite", "best.tflite", "last.tflite")
_BUSY = (errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK)
NAME_CHARACTERS = 80


class RunFolder:
    """``run.json`` (settings and results; its ``status`` is running, failed or done from the first
    second on, ``begun`` and ``ended`` are times in UTC), ``metrics.jsonl`` (a line a step),
    ``tuned.tflite``, ``state.bin``, from which a further run goes on, ``converted.tflite`` of a
    float model, ``report.html``, all of it to be looked at, ``predictions.npz``, the measured sets
    sample by sample, and ``firmware/``, the generated project.  A run that broke off leaves
    ``checkpoint.npz``, from which it can be resumed, its weights so far as ``last.tflite``, and
    the guard's best as ``best.tflite``.

    One run has a folder: it is locked while the run lives, and a folder that holds a run's results
    is refused.  Open until `close`, or until the end of a `with` statement.

    Args:
        resumed: take up the run that broke off here, instead of beginning one.

    Raises:
        UsageError: the folder cannot be written, another run lives in it or left its results, or
            there is nothing to resume.
    """

    def __init__(self, path: Path, resumed: bool = False):
        self.path, self.resumed = Path(path), resumed
        self.options: dict | None = None  # of the command line, to resume the run by
        self.log_lost = ""  # why metrics.jsonl is not whole
        self._record: dict = {}
        self._begun = (record_of(self.path).get("begun") if resumed else None) or _now()
        self._lock = -1
        self._metrics: IO[str] | None = self._open()
        try:
            self._claim()
            self.write_record({}, RUNNING)
        except BaseException:
            self._close_log()
            raise

    @staticmethod
    def fresh(parent: Path, name: str) -> RunFolder:
        """A new numbered folder below ``parent``: an earlier run is never overwritten."""
        name = folder_name(name)
        with _naming(parent):
            number = max((n for n, _, _ in _runs(parent)), default=0) + 1
            while True:
                path = parent / f"{number:04d}-{name}"
                try:
                    path.mkdir()
                    break
                except FileExistsError:
                    number += 1
                except OSError as error:
                    raise _unusable(path, error) from None
        return RunFolder(path)

    @staticmethod
    def latest(parent: Path, name: str) -> Path:
        """The last numbered folder below ``parent`` that a run of ``name`` left its state in.

        Raises:
            UsageError: there is none.
        """
        name = folder_name(name)
        found = [
            (number, path) for number, its, path in _runs(parent)
            if its == name and (path / STATE).is_file() and not is_live(path)
        ]
        if found:
            return max(found)[1]
        raise UsageError(
            f"There is no run of {name} to go on from.",
            f"No folder {parent / f'NNNN-{name}'} holds a {STATE}.",
            "Name the run's folder: --continue FOLDER.",
        )

    @property
    def firmware(self) -> Path:
        return self.path / "firmware"

    @property
    def converted(self) -> Path:
        return self.path / "converted.tflite"

    @property
    def tuned(self) -> Path:
        return self.path / "tuned.tflite"

    @property
    def report(self) -> Path:
        return self.path / REPORT

    @property
    def predictions(self) -> Path:
        return self.path / PREDICTIONS

    @property
    def state(self) -> Path:
        return self.path / STATE

    @property
    def best(self) -> Path:
        return self.path / "best.tflite"

    @property
    def last(self) -> Path:
        return self.path / "last.tflite"

    @property
    def checkpoint(self) -> Path:
        return self.path / CHECKPOINT

    # -- while the run lives -------------------------------------------------------------------

    def metric(self, **values) -> None:
        """Append one line to metrics.jsonl.  A line that is lost costs the log, not the run:
        ``log_lost`` says why."""
        if self._metrics is None:
            return
        try:
            self._metrics.write(json.dumps(values) + "\n")
        except OSError as error:
            self._lose_log(error)

    def keep_metrics(self, lines: int) -> None:
        """Drop all but the first ``lines`` of metrics.jsonl: a resumed run says the rest anew."""
        log = self._metrics
        if log is None:
            return
        try:
            log.seek(0)
            for _ in range(lines):
                if not log.readline().endswith("\n"):
                    self.log_lost = "lines of the run that broke off were lost"
            log.truncate(log.tell())
            log.seek(0, os.SEEK_END)
        except (OSError, ValueError) as error:
            self._lose_log(error)

    def reserve(self, size: int) -> None:
        """Take ``size`` bytes of the disk, so that what the run brings can be written even where
        it fills meanwhile; `release` gives them back.

        Raises:
            UsageError: there is not so much space.
        """
        try:
            with open(self._reserved, "wb") as file:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, size)
                else:
                    file.write(bytes(size))
        except OSError as error:
            self.release()
            raise UsageError(
                f"The disk has no room for the run's results in {self.path}.",
                f"{error.strerror}: {size:,} bytes are needed.",
                "Make room, or name a folder elsewhere: --out FOLDER",
            ) from None

    def release(self) -> None:
        """Give back what was reserved."""
        with suppress(OSError):
            self._reserved.unlink()

    def write_record(self, record: dict, status: str) -> None:
        """Replace run.json by ``record`` and ``status``."""
        self._record = record
        lost = {"log_lost": self.log_lost} if self.log_lost else {}
        when = {"begun": self._begun} | ({} if status == RUNNING else {"ended": _now()})
        head = {"format": FORMAT, "status": status} | when
        text = json.dumps(head | record | lost, indent=2) + "\n"
        save_atomically(self.path / RECORD, text.encode())
        self.status = status

    def add(self, facts: dict, write: bool = True) -> None:
        """More of what is known, to the record of a run that is under way."""
        self._record = self._record | facts
        if write:
            self.write_record(self._record, self.status)

    def failed(self, error: BaseException | None) -> None:
        """The run ended without a result, for this ``error``; as far as that can be written."""
        self.release()
        told = {"error": _told(error)} if error else {}
        with suppress(EdgetuneError):
            self.write_record(self._record | told, FAILED)

    def tidy(self) -> None:
        """Remove what only a run that broke off leaves."""
        for path in (self.checkpoint, self.last, self.best):
            with suppress(OSError):
                path.unlink()

    def close(self) -> None:
        """Let go of the folder; a run that is not done has failed."""
        if self.status == RUNNING:
            self.failed(None)
        self.release()
        self._close_log()

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        if error is not None and self.status == RUNNING:
            self.failed(error)
        self.close()

    # -- the claim -----------------------------------------------------------------------------

    @property
    def _reserved(self) -> Path:
        return self.path / "reserved"

    def _open(self) -> IO[str]:
        """The log, unchanged, and locked as long as it is open."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            log = open(self.path / "metrics.jsonl", "a+", encoding="utf-8", buffering=1)
        except OSError as error:
            raise _unusable(self.path, error) from None
        if not _locked(log):
            log.close()
            raise UsageError(
                f"A run lives in {self.path}.", "Its process has the folder locked.",
                "Wait for it or end it, or name another folder: --out FOLDER",
            )
        return log

    def _claim(self) -> None:
        """The folder for a run of its own: nothing of another one stays in it."""
        if self.resumed:
            check_resumable(self.path)
            return
        left = [name for name in _RESULTS if (self.path / name).exists()]
        if left or status_of(self.path) == DONE:
            raise UsageError(
                f"{self.path} holds a run already.",
                f"It left {', '.join(left or ['run.json'])} there.",
                "Name another folder: --out FOLDER"
                + ("; or carry on that run: edgetune tune --resume FOLDER"
                   if CHECKPOINT in left else ""),
            )
        for path in (self.converted, self.report, self.predictions):
            with suppress(FileNotFoundError):
                path.unlink()
        self.keep_metrics(0)

    def _lose_log(self, error: Exception) -> None:
        """What could not be written is given up; the lock stays."""
        self.log_lost = getattr(error, "strerror", None) or str(error)
        log, self._metrics = self._metrics, None
        if log is not None:
            self._lock = os.dup(log.fileno())  # one lock with the log's
            with suppress(OSError):
                log.close()

    def _close_log(self) -> None:
        if self._metrics is not None:
            with suppress(OSError):
                self._metrics.close()
        if self._lock >= 0:
            os.close(self._lock)
        self._metrics, self._lock = None, -1


def folder_name(title: str) -> str:
    """``title`` as the name of a folder: control characters, / and \\ are _; of bounded length."""
    plain = "".join(c if c.isprintable() and c not in "/\\" else "_" for c in title)
    return plain[:NAME_CHARACTERS]


def check_resumable(folder: Path) -> None:
    """UsageError where no run broke off in ``folder`` that can be carried on."""
    if (folder / CHECKPOINT).is_file():
        return
    done = status_of(folder) == DONE
    raise UsageError(
        f"There is no run to resume in {folder}.",
        "It was done." if done else f"It has no {CHECKPOINT}.",
        "Go on from its weights: --continue FOLDER" if done else "Begin it anew.",
    )


def status_of(folder: Path) -> str:
    """Of the run in ``folder``, as its run.json says; "" without one."""
    found = record_of(folder)
    return found.get("status", DONE if "result" in found else "")


def record_of(folder: Path) -> dict:
    """run.json of the run in ``folder``; {} where there is none, or none that can be read."""
    with suppress(OSError, ValueError, RecursionError):
        found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}


def runs_below(parent: Path) -> list[Path]:
    """The folders of runs below ``parent``, by their numbers."""
    return [path for _, _, path in sorted(_runs(parent)) if (path / RECORD).is_file()]


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def is_live(folder: Path) -> bool:
    """Whether a process holds the run in ``folder``."""
    try:
        with open(folder / "metrics.jsonl", "rb") as log:
            return not _locked(log)
    except OSError:
        return False


def _runs(parent: Path) -> Iterator[tuple[int, str, Path]]:
    """(number, name, folder) of the runs below ``parent``."""
    for path in parent.iterdir() if parent.is_dir() else ():
        if found := _NUMBERED.fullmatch(path.name):
            yield int(found[1]), found[2], path


@contextmanager
def _naming(parent: Path) -> Iterator[None]:
    """One process at a time chooses a number below ``parent``."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(parent, os.O_RDONLY)
    except OSError as error:
        raise _unusable(parent, error) from None
    try:
        with suppress(OSError):  # where folders cannot be locked, mkdir is exclusive all the same
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _locked(log: IO) -> bool:
    """Lock ``log`` for this process; False where another one has it."""
    try:
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _BUSY  # a file system without locks
    return True


def _unusable(path: Path, error: OSError) -> UsageError:
    return UsageError(
        f"The folder {path} cannot be used for the run.", error.strerror or str(error),
        "Give another one with --out.",
    )


def _told(error: BaseException) -> dict:
    if isinstance(error, EdgetuneError):
        return error.as_dict()
    if isinstance(error, Exception):
        return EdgetuneError("A defect.", f"{type(error).__name__}: {error}").as_dict()
    return Interrupted("Interrupted.", one_line(type(error).__name__)).as_dict()

