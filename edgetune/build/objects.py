"""Objects that were compiled before, kept by content between builds and projects.

Bounded in size, safe for processes side by side: an entry is written whole and renamed.  What goes
wrong with the folder, a full disk or a damaged entry, costs a compilation and nothing else.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

FOLDER = "EDGETUNE_CACHE"  # in the environment: the folder; empty: nothing is kept
MOST_BYTES = 256 << 20  # of all entries; the longest unused go first
SUFFIXES = (".o", ".d", ".su", ".ci")  # an object and what the compiler writes beside it


class ObjectStore:
    """Entries in ``folder``, one file a key."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES):
        self.folder, self.most_bytes = folder, most_bytes

    @staticmethod
    def of_user() -> ObjectStore | None:
        """That of ``$EDGETUNE_CACHE``, else in the user's cache folder; None where there is to be
        none, or no such folder can be made."""
        chosen = os.environ.get(FOLDER)
        if chosen == "":
            return None
        caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        folder = Path(chosen or Path(caches) / "edgetune") / "objects"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            return None
        return ObjectStore(folder)

    def give(self, key: str, target: Path) -> bool:
        """Whether ``target``, an object's path, and what belongs beside it were kept; they are
        then there."""
        entry = self._entry(key)
        try:
            with zipfile.ZipFile(entry) as kept:
                files = {name: kept.read(name) for name in kept.namelist() if name in SUFFIXES}
            os.utime(entry)
            target.parent.mkdir(parents=True, exist_ok=True)
            for suffix in sorted(files):
                target.with_suffix(suffix).write_bytes(files[suffix])
        except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile, zlib.error):
            return False
        return ".o" in files

    def keep(self, key: str, target: Path) -> None:
        """Keep ``target`` and what stands beside it."""
        new = self.folder / f".{os.urandom(8).hex()}.new"
        with suppress(OSError):
            try:
                with zipfile.ZipFile(new, "x", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
                    for path in map(target.with_suffix, SUFFIXES):
                        if path.is_file():
                            file.write(path, path.suffix)
                os.replace(new, self._entry(key))
            finally:
                new.unlink(missing_ok=True)

    def prune(self) -> None:
        """Remove the longest unused entries, down to three quarters of what may be kept."""
        with suppress(OSError), os.scandir(self.folder) as found:
            stats = [(item.stat(), item.path) for item in found if item.is_file()]
            files = [(stat.st_mtime, stat.st_size, path) for stat, path in stats]
            total = sum(size for _, size, _ in files)
            if total <= self.most_bytes:
                return
            for _, size, path in sorted(files):
                Path(path).unlink(missing_ok=True)
                total -= size
                if total <= self.most_bytes * 3 // 4:
                    return

    def _entry(self, key: str) -> Path:
        return self.folder / f"{key}.zip"
