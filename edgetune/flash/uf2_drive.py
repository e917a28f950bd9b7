"""The drive that a board in BOOTSEL mode shows, and how an image is copied to it."""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path

from edgetune.boards import Board
from edgetune.errors import DeviceNotFoundError, ToolchainError
from edgetune.flash import faults
from edgetune.flash.base import Flasher, Progress, Written, no_progress
from edgetune.flash.image import FlashImage
from edgetune.flash.uf2 import to_uf2

INFO = "INFO_UF2.TXT"
FILE = "FIRMWARE.UF2"
PLACES = ("/media/*/*", "/media/*", "/run/media/*/*", "/mnt/*")  # where desktops mount drives
RESTART_SECONDS = 20.0  # the board leaves the USB as soon as it has the last block
CHUNK = 64 * 1024


class Uf2Flasher(Flasher):
    """Needs no tool. ``probe``: the folder where the drive is mounted; found without it."""

    name = "uf2"

    def __init__(self, board: Board, probe: str | None = None, seconds: float = RESTART_SECONDS):
        super().__init__(board, probe)
        self._seconds = seconds

    def check(self) -> None:
        """Nothing to install."""

    def write(self, image: FlashImage, progress: Progress = no_progress) -> Written:
        drive = self._drive()
        content = to_uf2(image, self.facts["family"])
        _copy(drive / FILE, content, progress)
        self._wait_for_restart(drive)
        return Written(self.name, str(drive), image.size, verified=False)

    def _drive(self) -> Path:
        """The mounted drive of this board's kind."""
        drives = [Path(self.probe)] if self.probe else find_drives()
        known = {drive: board_id(drive) for drive in drives}
        ours = [drive for drive, name in known.items() if name == self.facts["label"]]
        if len(ours) == 1:
            return ours[0]
        if ours:
            raise faults.several_probes(self.name, [str(drive) for drive in ours])
        others = {drive: name for drive, name in known.items() if name}
        if others:
            listing = ", ".join(f"{drive} is of a {name}" for drive, name in others.items())
            raise faults.wrong_chip(self.name, self.board, f"The drive {listing}.")
        raise faults.no_bootsel(self.name, self.board, self._looked())

    def _looked(self) -> str:
        if self.probe:
            return f"{self.probe} holds no {INFO}."
        return f"No mounted drive holds an {INFO}. A drive that is not mounted is not seen."

    def _wait_for_restart(self, drive: Path) -> None:
        """The drive goes away when the boot ROM has all blocks and starts the firmware."""
        end = time.monotonic() + self._seconds
        while _has_info(drive):
            if time.monotonic() > end:
                raise ToolchainError(
                    f"The {self.board.title} did not start the firmware.",
                    f"Its drive {drive} is still there {self._seconds:g} seconds after the copy: "
                    "the boot ROM did not accept the image.",
                    "Hold BOOTSEL, plug the board in again, and try once more.",
                )
            time.sleep(0.05)


def find_drives(mounts: Path = Path("/proc/mounts"), places: Sequence[str] = PLACES) -> list[Path]:
    """Folders that hold an INFO_UF2.TXT: what is mounted, and the usual places."""
    folders = {Path(where) for where in _mounted(mounts)}
    for place in places:
        folders.update(Path("/").glob(place.lstrip("/")))
    return sorted(folder for folder in folders if _has_info(folder))


def board_id(drive: Path) -> str:
    """The Board-ID that the drive's INFO_UF2.TXT gives, "" where there is none."""
    try:
        text = (drive / INFO).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    match = re.search(r"^Board-ID:\s*(.*?)\s*$", text, re.MULTILINE)
    return match[1] if match else ""


def _mounted(mounts: Path) -> list[str]:
    """Mount points of FAT drives; /proc/mounts writes a blank as \\040."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    fields = [line.split() for line in lines]
    return [field[1].replace("\\040", " ") for field in fields if field[2:3] == ["vfat"]]


def _has_info(folder: Path) -> bool:
    try:
        return (folder / INFO).is_file()
    except OSError:
        return False


def _copy(path: Path, content: bytes, progress: Progress) -> None:
    """Write and force to the drive. An error behind the last byte is the board restarting."""
    done = 0
    try:
        with open(path, "wb", buffering=0) as file:
            while done < len(content):
                done += file.write(content[done : done + CHUNK])
                os.fsync(file.fileno())
                progress(done, len(content))
    except OSError as error:
        if done < len(content) or path.parent.exists() and error.errno == errno.ENOSPC:
            raise _not_copied(path, error, done, len(content)) from None


def _not_copied(path: Path, error: OSError, done: int, total: int) -> Exception:
    drive, said = path.parent, f"{error.strerror} after {done:,} of {total:,} bytes."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return DeviceNotFoundError(
            f"This user may not write to {drive}.", said,
            "Mount the drive as this user, for example: udisksctl mount -b /dev/sdX1",
        )
    if error.errno == errno.ENOSPC:
        return ToolchainError(
            f"The drive {drive} is full.", said, "Delete what is on it, or plug the board in again."
        )
    return DeviceNotFoundError(
        f"The drive {drive} went away during the copy.", said,
        "Hold BOOTSEL, plug the board in again, and try once more; use another USB cable or port.",
    )
