"""The project that a test belongs to: its folder, and the choices in its edgetune.toml."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path

from edgetune.boards.loader import OWN_BOARDS, list_boards
from edgetune.dataclass import dataclass
from edgetune.model.constant_inputs import pairs_of
from edgetune.session.further import places_of
from edgetune.settings import FILE, project_settings

_PATHS = ("model", "data", "labels", "test_data", "test_labels", "cmsis_nn", "guard")


def _is_path(value) -> bool:
    return isinstance(value, (str, Path))


@dataclass(frozen=True)
class Project:
    """``folder``: what the relative paths of tests and settings start from."""

    folder: Path

    @classmethod
    def of(cls, test: Path, root: Path) -> Project:
        """The nearest folder above the file ``test`` with an edgetune.toml, else ``root``."""
        above = [folder for folder in test.parents if folder == root or root in folder.parents]
        return cls(next((folder for folder in above if (folder / FILE).is_file()), root))

    @cached_property
    def settings(self) -> dict:
        """UsageError where edgetune.toml is wrong."""
        return project_settings(self.folder)

    def with_settings(self, given: dict) -> dict:
        """The project's settings and those ``given`` (None: not given), paths made whole."""
        values = self.settings | {k: v for k, v in given.items() if v is not None}
        if "inputs" in values:
            pairs = pairs_of(values["inputs"])
            values["inputs"] = {k: self.at(v) if _is_path(v) else v for k, v in pairs}
        if "also" in values:
            values["also"] = self._also(values["also"])
        return {k: self.at(v) if k in _PATHS else v for k, v in values.items()}

    def _also(self, also) -> dict[str, str]:
        """The further sets, each with its paths made whole; a part of the data as it is."""
        whole = {
            name: replace(place, **{
                key: self.at(path) for key in ("source", "labels")
                if (path := getattr(place, key)) is not None
            }) for name, place in places_of(also).items()
        }
        return {name: place.whole or f":{place.part}" for name, place in whole.items()}

    def board(self, name: str) -> str:
        """What `load_board` takes for ``name``: a name, or the folder of a board of the
        project's own."""
        own = self.folder / OWN_BOARDS / name
        if name in list_boards():
            return name
        return str(own) if (own / "board.toml").is_file() else self.at(name)

    def at(self, name: str | Path) -> str:
        """``name`` inside the folder where it is a file or folder there; else as it is."""
        file, colon, function = str(name).partition(":")
        if file and (self.folder / file).exists():
            return f"{self.folder / file}{colon}{function}"
        return str(name)
