"""What the tests of a session share, the workers of pytest-xdist included: built firmware,
counted instructions, digests.  It lies in a folder, one lock a thing."""

from __future__ import annotations

import fcntl
import hashlib
import json
import pickle
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from edgetune.files import save_atomically
from edgetune.session.firmware import Firmware
from edgetune.session.job import Job


class Shared:
    """``folder``: the same for all workers, empty when the session begins."""

    def __init__(self, folder: Path):
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def firmware(self, job: Job, native: bool) -> Firmware:
        """Firmware of ``job``, built once a session: for this computer or for the board.

        Raises:
            ToolchainError, DoesNotFitError: see `Job.build`; the next test tries again.
        """
        parts = (_identity(job), job.title, native, str(job.cmsis_nn))
        with self._locked("firmware", parts) as place:
            built = place / "built.pickle"
            if not built.is_file():
                shutil.rmtree(place / "project", ignore_errors=True)
                made = job.build(native, place / "project")
                save_atomically(built, pickle.dumps((made.project, made.build)))
            return Firmware(job.plan, *pickle.loads(built.read_bytes()))

    def counted(self, job: Job, others: tuple, count: Callable[[Path], dict]) -> dict:
        """``count(folder)``, an exact figure as JSON holds it, found once a session for ``job``
        and whatever ``others`` it depends on."""
        with self._locked("counted", (_identity(job), *others)) as place:
            found = place / "found.json"
            if not found.is_file():
                save_atomically(found, json.dumps(count(place)).encode())
            return json.loads(found.read_text())

    def digests(self, test: str, settings: dict, device: str, digest: str) -> dict[str, str]:
        """Notes ``device``'s digest of a run; those of all devices so far, by name."""
        with self._locked("digests", (test, sorted(settings.items()))) as place:
            noted = place / "digests.json"
            found = json.loads(noted.read_text()) if noted.is_file() else {}
            found[device] = digest
            save_atomically(noted, json.dumps(found).encode())
            return found

    @contextmanager
    def _locked(self, kind: str, parts: tuple) -> Iterator[Path]:
        """The folder of the thing that ``parts`` describe; one test at a time has it."""
        name = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
        place = self._folder / f"{kind}-{name}"
        place.mkdir(exist_ok=True)
        with open(place / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield place


def _identity(job: Job) -> tuple:
    """All that decides what firmware computes, and on what."""
    return job.graph.sha256, repr(job.recipe), repr(job.board)
