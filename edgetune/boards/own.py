"""Files of a board's own: board.toml names them with ``board/`` in front."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

OWN = "board"


def own_file(folder: Path, name: str) -> Path | None:
    """Where the file that board.toml calls ``name`` lies in the board's ``folder``; None for a
    name of edgetune's or of an emulator's."""
    first, *rest = PurePosixPath(name).parts or ("",)
    if ".." in rest:
        raise ValueError(f"{name} lies outside the board's folder.")
    return folder.joinpath(*rest) if first == OWN else None


def own_names(data: dict) -> list[str]:
    """The files of its own that the board.toml read into ``data`` names, with ``board/``."""
    named = [*data["port"]["sources"], *(data.get("flash") or {}).get("sources", [])]
    named += [emulator.get("platform", "") for emulator in data.get("emulators", {}).values()]
    return [name for name in named if PurePosixPath(name).parts[:1] == (OWN,)]
