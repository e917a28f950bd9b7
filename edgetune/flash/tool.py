"""A flasher that is a program of its own: run within a time, its output read for what failed."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence

from edgetune.boards import Board
from edgetune.errors import ToolchainError
from edgetune.flash import faults
from edgetune.flash.base import Flasher, Written
from edgetune.flash.image import FlashImage
from edgetune.flash.probes import check_single
from edgetune.programs import run_program

SECONDS = 180.0  # for one run; a megabyte over a slow probe takes about one minute
TAIL_LINES = 12


class ToolFlasher(Flasher):
    """Subclasses say which program, how to get it, and how its output is to be read.

    ``meanings``: (pattern, fault) pairs, of which the first that matches decides.
    ``done``: what the output holds when all went well; tools that fail with exit code 0 exist.
    """

    programs: tuple[str, ...] = ()
    install = ""
    meanings: tuple[tuple[str, faults.Fault], ...] = ()
    done = ""

    def __init__(self, board: Board, probe: str | None = None, seconds: float = SECONDS):
        super().__init__(board, probe)
        self._seconds = seconds

    def check(self) -> None:
        self.program()

    def program(self) -> str:
        """Path of the tool; ToolchainError where none of its names is on PATH."""
        for name in self.programs:
            if found := shutil.which(name):
                return found
        raise faults.missing(self.programs[0], self.install)

    def finish(self, image: FlashImage, command: Sequence[str]) -> Written:
        """Run ``command``, which writes and verifies ``image``."""
        if not self.probe:
            check_single(self.name, self.probe_kinds)
        code, output = self._run(command)
        if code or not re.search(self.done, output):
            raise self._fault(output)
        return Written(self.name, self.probe or "", image.size, True)

    def _run(self, command: Sequence[str]) -> tuple[int, str]:
        """Exit code, and what it said on both streams."""
        try:
            return run_program(command, self._seconds)
        except subprocess.TimeoutExpired as error:
            said = tail(error.output)
            raise faults.timed_out(self.name, self.board, self._seconds, said) from None
        except OSError as error:
            raise ToolchainError(
                f"{self.name} cannot be started.", str(error), self.install
            ) from None

    def _fault(self, output: str) -> Exception:
        for pattern, fault in self.meanings:
            if re.search(pattern, output, re.IGNORECASE):
                return fault(self.name, self.board, tail(output))
        return faults.failed(self.name, self.board, tail(output))


def tail(output: str) -> str:
    """The last lines of what a tool said, without empty ones."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    return "\n".join(lines[-TAIL_LINES:])
