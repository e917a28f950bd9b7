"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from edgetune.errors import UsageError


def check_regular(path: str | os.PathLike) -> Path:
    """``path``, unless it is there and no file: a pipe or a device would be waited for, or read,
    for ever.

    Raises:
        OSError: it is something else; a folder is for whoever opens it to refuse.
    """
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        mode = os.stat(path).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise OSError(errno.EINVAL, "It is a pipe or a device, no file", os.fspath(path))
    return Path(path)


def save_atomically(path: str | os.PathLike, content: bytes) -> None:
    """Writes ``content`` to ``path``; after a crash the file is the old one or the new one.

    A temporary file beside it is written, forced to the disk and renamed.  A symbolic link is
    followed, so that the file behind it is replaced.

    Raises:
        UsageError: no such folder, no permission, a full disk; the old file stays as it was
            and nothing else is left behind.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name[:32]}.{os.urandom(4).hex()}.tmp")
    try:
        _write_new(temporary, content)
        os.replace(temporary, target)
        _sync_folder(target.parent)
    except OSError as error:
        raise UsageError(
            f"{Path(path).name} cannot be written.",
            f"{error.strerror or error}: {target}",
            "Name a file in a folder that exists, is writable and has space left.",
        ) from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _write_new(path: Path, content: bytes) -> None:
    with open(path, "xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Forces the renaming to the disk, where the system can do that for a folder."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
