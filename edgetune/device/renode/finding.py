"""Where Renode is on this computer, and which version it has."""

from __future__ import annotations

import os
import re
import shutil

from edgetune.device.process import Process
from edgetune.errors import ToolchainError

VARIABLE = "EDGETUNE_RENODE"
DOWNLOAD = (
    "Download the portable build of Renode 1.16.1, unpack it, and set EDGETUNE_RENODE to its "
    "`renode`: https://github.com/renode/renode/releases/tag/v1.16.1"
)
VERSION_SECONDS = 20.0


def find_renode() -> str:
    """The program, or the unpacked folder, in ``$EDGETUNE_RENODE``, else `renode` on PATH.

    Returns:
        An absolute path.

    Raises:
        ToolchainError: there is none; the next step names the download.
    """
    named = os.environ.get(VARIABLE)
    if found := _find("renode"):
        return found
    cause = f"${VARIABLE} is {named}." if named else "renode is not on PATH."
    raise ToolchainError(
        "Renode was not found.", cause,
        f"{DOWNLOAD}\nOr run the same firmware as a process of this computer: --device host.",
    )


def find_renode_test() -> str | None:
    """`renode-test`, which runs Robot Framework suites: beside `renode`, else on PATH."""
    try:
        beside = os.path.join(os.path.dirname(os.path.realpath(find_renode())), "renode-test")
    except ToolchainError:
        return None
    return shutil.which(beside) or shutil.which("renode-test")


def renode_version(program: str) -> str:
    """The version of ``program``, as "1.16.1"; "" where it does not say so in time."""
    try:
        process = Process([program, "--version"])
    except OSError:
        return ""
    try:
        ended = process.wait(VERSION_SECONDS)
        found = re.search(r"\bv?(\d+\.\d+(?:\.\d+)?)", process.log()) if ended else None
        return found.group(1) if found else ""
    finally:
        process.stop()


def _find(program: str) -> str | None:
    named = os.environ.get(VARIABLE)
    if named and os.path.isdir(named):
        named = os.path.join(named, program)
    found = shutil.which(named or program)
    return os.path.abspath(found) if found else None
