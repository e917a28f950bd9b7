"""Writes the folder of a new board."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from edgetune.boards.adding.draft import Draft, draft_board
from edgetune.boards.adding.toml_text import board_text
from edgetune.boards.adding.wishes import BoardWishes
from edgetune.boards.board import Board
from edgetune.boards.loader import (
    NAME,
    NAME_BYTES,
    NAME_RULE,
    OWN_BOARDS,
    list_boards,
    parse_board,
)
from edgetune.boards.own import own_file, own_names
from edgetune.dataclass import dataclass
from edgetune.errors import UsageError
from edgetune.files import save_atomically
from edgetune.packs import PackStore, Part, find_part
from edgetune.packs.index import index_of_file


@dataclass(frozen=True)
class AddedBoard:
    """``taken``: what came from where. ``assumed``: what nothing proves."""

    board: Board
    taken: tuple[str, ...]
    assumed: tuple[str, ...]


def add_board(
    part: str,
    wishes: BoardWishes | None = None,
    *,
    pdsc: str | Path | None = None,
    processor: str = "",
    name: str | None = None,
    out: str | Path | None = None,
    force: bool = False,
) -> AddedBoard:
    """Write a board folder for ``part``.

    Args:
        part: its name, see `find_part`.
        wishes: what is not in the index of parts.
        pdsc: a description file to look the part up in; without it the installed index.
        processor: which of several.
        name: of the board, at most 23 characters; the part's in lower case without it.
        out: the folder; ``boards/<name>`` without it.
        force: overwrite a board.toml that is there.

    Raises:
        UsageError: unknown part, missing facts, a folder that is there already.
        ToolchainError: the index of parts is empty.
        DataError: the description is corrupt.
    """
    found = look_up(part, pdsc, processor)
    folder = new_folder(found, name, out, force)
    return write_board(draft_board(found, wishes or BoardWishes()), folder)


def look_up(part: str, pdsc: str | Path | None = None, processor: str = "") -> Part:
    """The part, from a description file or from the installed index (see `add_board`)."""
    index = index_of_file(Path(pdsc)) if pdsc else PackStore().index()
    return find_part(index, part, processor)


def new_folder(
    part: Part, name: str | None = None, out: str | Path | None = None, force: bool = False
) -> Path:
    """Where the board will lie, which is not there yet (see `add_board`)."""
    folder = _folder(part, name, out)
    file = folder / "board.toml"
    if file.exists() and not force:
        raise UsageError(
            f"{file} exists already.", "A board that is there is not overwritten.",
            "Overwrite it with --force, or choose another --name or --out.",
        )
    return folder


def write_board(draft: Draft, folder: Path) -> AddedBoard:
    """Write ``draft``, checked to be a board, into ``folder`` (see `new_folder`)."""
    draft.check()
    text = board_text(_head(draft), draft.data)
    board = parse_board(folder.absolute(), text)
    brought = _brought(draft)
    _make(folder)
    for name, content in brought.items():
        _make((folder / name).parent)
        save_atomically(folder / name, content)
    save_atomically(folder / "board.toml", text.encode())
    return AddedBoard(board, tuple(draft.notes.taken), tuple(draft.notes.assumed))


def _folder(part: Part, name: str | None, out: str | Path | None) -> Path:
    default = re.sub(r"[^a-z0-9]+", "-", part.name.lower()).strip("-")[: NAME_BYTES - 1]
    folder = Path(out) if out else OWN_BOARDS / (name or default)
    if out and name and folder.name != name:
        raise UsageError(
            f"--name {name} and --out {out} contradict each other.",
            "A board has the name of its folder.", "Leave one of them out.",
        )
    if not re.fullmatch(NAME, name or folder.name):
        raise UsageError(
            f"'{name or folder.name}' cannot be the name of a board.",
            f"It has {NAME_RULE}.",
            f"Choose another {'--name' if name or not out else '--out'}.",
        )
    if folder.name in list_boards():
        raise UsageError(
            f"A board called '{folder.name}' comes with edgetune.", "Its name would hide yours.",
            f"Choose another {'--out' if out else '--name'}.",
        )
    return folder


def _brought(draft: Draft) -> dict[str, bytes]:
    """Name -> content of the relative's own files that the new board takes over, and of the
    headers beside them."""
    theirs = draft.relative.board.folder
    files = {own_file(theirs, name) for name in own_names(draft.data)}
    files |= {header for path in files for header in path.parent.glob("*.h")}
    try:
        return {path.relative_to(theirs).as_posix(): path.read_bytes() for path in files}
    except OSError as error:
        raise UsageError(
            f"A file of {draft.relative.name} cannot be read.",
            f"{error.strerror}: {error.filename}",
            f"Correct {theirs / 'board.toml'}, or take over another board: --like BOARD",
        ) from None


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be made.", f"{error.strerror}.", "Choose another folder with --out."
        ) from error


def _head(draft: Draft) -> list[str]:
    lines = [
        f"{draft.part.name}, made by `edgetune boards add`.",
        *(f"Taken from {line}." for line in draft.notes.taken),
        *(f"Assumed: {line}." for line in draft.notes.assumed),
    ]
    return [part for line in lines for part in textwrap.wrap(line, 98)]
