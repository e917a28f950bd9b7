"""Runs a program within a time: it and all that it starts end with the call."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


def run_program(
    command: Sequence[str], seconds: float, cwd: Path | None = None
) -> tuple[int, str]:
    """Exit code, and what the program said on both streams.

    Raises:
        subprocess.TimeoutExpired: it was ended after ``seconds``; ``output`` is what it had said.
        OSError: it cannot be started.
    """
    process = subprocess.Popen(
        command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
    )  # fmt: skip
    try:
        output, _ = process.communicate(timeout=seconds)
    except BaseException as error:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise subprocess.TimeoutExpired(command, seconds, output) from None
        raise
    return process.returncode, output
