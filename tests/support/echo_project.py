"""Builds the echo firmware of tests/echo and talks to it."""

import os
import shutil
import struct
import time
from pathlib import Path

from edgetune.boards import load_board
from edgetune.build import build_project, write_build_files

ECHO = Path(__file__).parents[1] / "echo" / "echo.c"
PATIENCE = 20.0  # seconds; a bound, not an expectation


def write_echo(folder: Path, board: str, defines: dict | None = None, **options) -> Path:
    """Make ``folder`` an echo project for ``board``."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(ECHO, folder / "echo.c")
    write_build_files(folder, load_board(board), ["echo.c"], defines, **options)
    return folder


def build_echo(folder: Path, board: str, target: str = "firmware", **options):
    """The `Build` of an echo project."""
    return build_project(write_echo(folder, board, **options), load_board(board), target)


def receive(device, count: int) -> bytes:
    """``count`` bytes, or fewer when the device falls silent."""
    data = b""
    end = time.monotonic() + PATIENCE
    while len(data) < count and time.monotonic() < end and device.alive():
        data += device.read(0.1)
    return data


def ask(device, command: bytes, words: int = 2) -> tuple:
    """Send a command; its answer as 32-bit words."""
    device.write(b"\x1b" + command)
    return struct.unpack(f"<{words}I", receive(device, 4 * words))


def greet(device) -> int:
    """Say hello until the firmware, which may still boot, answers; how often it was greeted."""
    end = time.monotonic() + PATIENCE
    data = b""
    while len(data) < 8 and time.monotonic() < end and device.alive():
        device.write(b"\x1bh")
        data += device.read(0.5)
    while more := device.read(0.3):
        data += more
    start = data.index(b"echo")
    return struct.unpack_from("<I", data, start + 4)[0]


def ended(pid: int) -> bool:
    """Whether a process ends within the patience; one that nobody has reaped has ended."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False
