"""The folder of cmsis-pack-manager, which pyOCD reads too: its index, descriptions and packs."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from cmsis_pack_manager import Cache

from edgetune.errors import DataError, UsageError
from edgetune.packs.index import Index
from edgetune.packs.name import PackName
from edgetune.packs.pdsc import Description, read_pdsc
from edgetune.packs.unpack import unpack


class PackStore:
    """Packs and descriptions in ``folder``.

    Args:
        folder: without it ``$EDGETUNE_PACKS``, else cmsis-pack-manager's own folder.
    """

    def __init__(self, folder: Path | str | None = None):
        chosen = folder or os.environ.get("EDGETUNE_PACKS") or Cache(True, False).data_path
        self.folder = Path(chosen).expanduser().absolute()

    def cache(self) -> Cache:
        """cmsis-pack-manager on this folder."""
        return Cache(True, False, json_path=str(self.folder), data_path=str(self.folder))

    def index(self) -> Index:
        """All parts that are known here; empty before the first update.

        Raises:
            DataError: the index file is damaged.
        """
        try:
            entries = self.cache().index
        except ValueError as error:
            raise DataError(
                f"{self.index_file} is damaged.", str(error), "Make it again: edgetune packs update"
            ) from error
        return Index(entries, self._describe)

    @property
    def index_file(self) -> Path:
        return self.folder / "index.json"

    def known(self) -> list[PackName]:
        """Packs whose descriptions are here, sorted by name and age."""
        names = [_parse(path.stem) for path in self.folder.glob("*.pdsc")]
        return _sorted(name for name in names if name)

    def installed(self) -> list[PackName]:
        """Packs that are here whole, sorted by name and age."""
        names = [
            _parse(f"{path.parts[-3]}::{path.parts[-2]}@{path.stem}")
            for path in self.folder.glob("*/*/*.pack")
        ]
        return _sorted(name for name in names if name)

    def pdsc_file(self, pack: PackName) -> Path:
        """Where the description of ``pack`` lies."""
        return self.folder / f"{pack.dotted}.{pack.version}.pdsc"

    def pack_file(self, pack: PackName) -> Path:
        """Where the pack itself lies, a zip file."""
        return self.folder / pack.vendor / pack.name / f"{pack.version}.pack"

    def find(self, name: PackName | str) -> PackName:
        """The installed pack that ``name`` means, the newest of several.

        Raises:
            UsageError: not a name, or not installed; near names are given.
        """
        wanted = PackName.parse(name) if isinstance(name, str) else name
        found = [pack for pack in self.installed() if wanted.covers(pack)]
        if found:
            return found[-1]
        raise UsageError(
            f"The pack {wanted} is not installed.",
            near_packs(wanted, self.installed()) or f"{self.folder} does not hold it.",
            f"Install it: edgetune packs install {wanted}",
        )

    def unpacked(self, name: PackName | str) -> Path:
        """The folder with the files of an installed pack, unpacked where it was not yet.

        Raises:
            UsageError: see `find`.
            DataError: the pack is damaged, or holds files that would leave its folder.
        """
        pack = self.find(name)
        return unpack(self.pack_file(pack), self.pack_file(pack).with_suffix(""))

    def _describe(self, pack: PackName) -> Description | None:
        path = self.pdsc_file(pack)
        return read_pdsc(path) if path.is_file() else None


def near_packs(wanted: PackName, packs: list[PackName]) -> str:
    """A sentence with the names near ``wanted``; "" where there is none."""
    spelled = {str(pack).lower(): str(pack) for pack in packs}
    spelled |= {pack.name.lower(): str(pack) for pack in packs}
    texts = (str(wanted).lower(), wanted.name.lower())
    near = [one for text in texts for one in difflib.get_close_matches(text, spelled, cutoff=0.6)]
    names = dict.fromkeys(spelled[one] for one in near)
    return f"Near it: {', '.join(names)}." if names else ""


def _parse(text: str) -> PackName | None:
    """A file's pack; None where a file of another kind lies there."""
    try:
        return PackName.parse(text)
    except UsageError:
        return None


def _sorted(names) -> list[PackName]:
    return sorted(names, key=lambda pack: (pack.dotted.lower(), pack.age))
