"""Unpacks a pack, whole or not at all, and never outside its folder."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import zlib
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile, ZipInfo

from edgetune.errors import DataError, UsageError

MOST_BYTES = 4 << 30  # unpacked; the largest packs have some hundred MB
MOST_FILES = 200_000


def unpack(pack: Path, folder: Path) -> Path:
    """Unpack the zip file ``pack`` to ``folder``, unless that is there already; gives ``folder``.

    Raises:
        DataError: the file is damaged, too large, or names files outside the folder.
        UsageError: the folder cannot be written.
    """
    if folder.is_dir():
        return folder
    temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.tmp")
    try:
        _extract(pack, temporary)
        _rename(temporary, folder)
    except (BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise bad_pack(pack, str(error) or type(error).__name__) from error
    except OSError as error:
        raise UsageError(
            f"{pack.name} cannot be unpacked to {folder}.",
            f"{error.strerror}.",
            "Free some space, or choose another folder with EDGETUNE_PACKS.",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def bad_pack(pack: Path, cause: str) -> DataError:
    """The error for a pack file that is none."""
    return DataError(
        f"{pack} is not a pack that can be used.", cause, "Take the pack from its maker again."
    )


def _extract(pack: Path, folder: Path) -> None:
    with ZipFile(pack) as archive:
        members = archive.infolist()
        if len(members) > MOST_FILES or sum(one.file_size for one in members) > MOST_BYTES:
            raise bad_pack(pack, f"It has more than {MOST_FILES} files or {MOST_BYTES >> 30} GB.")
        for member in members:
            if not _stays_inside(member):
                raise bad_pack(pack, f"The entry '{member.filename}' would leave the folder.")
        folder.mkdir(parents=True)
        archive.extractall(folder)  # reads no more of an entry than the size that was added up


def _stays_inside(member: ZipInfo) -> bool:
    """Neither absolute, nor upwards, nor with a drive, nor a link."""
    name = member.filename.replace("\\", "/")
    path = PurePosixPath(name)
    upwards = path.is_absolute() or ".." in path.parts or ":" in name
    return not upwards and not stat.S_ISLNK(member.external_attr >> 16)


def _rename(temporary: Path, folder: Path) -> None:
    """The folder appears whole; where another process was faster, its copy stays."""
    try:
        os.rename(temporary, folder)
    except OSError:
        if not folder.is_dir():
            raise
