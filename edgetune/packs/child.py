"""Runs downloads of cmsis-pack-manager in a process of their own, because they cannot be stopped
and print to standard output."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from edgetune.errors import ToolchainError, UsageError
from edgetune.programs import run_program

_CHILD = """
import sys
from cmsis_pack_manager import Cache, CmsisPackRef
folder, *pack = sys.argv[1:]
cache = Cache(True, False, json_path=folder, data_path=folder)
if pack:
    cache.download_pack_list([CmsisPackRef(*pack)])
else:
    cache.cache_descriptors()
"""
_TAIL = 2000  # characters of what a failed download said


def download(folder: Path, *pack: str, seconds: float) -> None:
    """Download all descriptions and make the index, or one pack whose description is there.

    cmsis-pack-manager says nothing about failed downloads; look at the files.

    Args:
        folder: where descriptions, index and packs lie.
        pack: maker, name and version; none for descriptions and index.
        seconds: ended after so long.

    Raises:
        UsageError: the folder cannot be written.
        ToolchainError: it took too long, or broke.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise UsageError(f"{folder} cannot be written.", "Packs and their index go there.",
                         "Name another folder: export EDGETUNE_PACKS=FOLDER")
    try:
        command = [sys.executable, "-c", _CHILD, str(folder), *pack]
        code, output = run_program(command, seconds, folder)
    except subprocess.TimeoutExpired as error:
        raise ToolchainError(
            "The download took too long.",
            f"It had not ended after {seconds:g} seconds.",
            "Repeat it, what was loaded is kept; or allow more time: --timeout SECONDS",
        ) from error
    if code:
        said = output.strip()[-_TAIL:]
        raise ToolchainError(
            "cmsis-pack-manager failed.", said or f"It ended with {code}.",
            "Check that the folder is writable and has space left: edgetune packs list",
        )

