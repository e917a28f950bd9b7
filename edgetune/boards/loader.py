"""Reads board folders: those that come with edgetune, or a folder of the user's."""

import difflib
import re
import sys
from dataclasses import replace
from pathlib import Path

from edgetune.boards.board import BAUD_MAX, EVIDENCE_LEVELS, Board, Evidence, Region, Supply
from edgetune.boards.cores import CORES
from edgetune.boards.flasher import check_flasher
from edgetune.boards.geometry import read_geometry
from edgetune.boards.store import read_store
from edgetune.boards.words import check_words
from edgetune.errors import UsageError
from edgetune.files import check_regular
from edgetune.resources import resource_path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAME_BYTES = 24  # of the name's field in the firmware, its terminating zero included
NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,%d}" % (NAME_BYTES - 2)
NAME_RULE = f"a name of 1 to {NAME_BYTES - 1} letters, digits, _ and, not as the first, dots and -"
OWN_BOARDS = Path("boards")  # in the current folder: boards of the user's


def list_boards() -> list[str]:
    """Names of the boards that come with edgetune, sorted."""
    return sorted(path.parent.name for path in resource_path("boards").glob("*/board.toml"))


def list_own_boards() -> list[str]:
    """Names of the user's boards: folders below ``boards/`` in the current folder, sorted."""
    if OWN_BOARDS.resolve() == resource_path("boards").resolve():
        return []
    return sorted(path.parent.name for path in OWN_BOARDS.glob("*/board.toml"))


def load_board(name: str | Path) -> Board:
    """Read a board by name, or by the path of a folder that holds a board.toml.

    A name means a board that comes with edgetune, else one of `list_own_boards`.

    Raises:
        UsageError: no such board, or its board.toml is not one.
    """
    folder = _find_folder(name)
    try:
        text = check_regular(folder / "board.toml").read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise _bad(folder, str(error)) from error
    return parse_board(folder, text)


def board_argument(board: Board, anywhere: bool = False) -> str:
    """What ``--board`` takes for ``board`` in the current folder, or ``anywhere``: its name where
    that is enough, else its folder."""
    if board.folder == resource_path("boards") / board.name:
        return board.name
    if anywhere:
        return str(board.folder)
    if board.folder == (OWN_BOARDS / board.name).resolve():
        return board.name
    here = Path.cwd()
    inside = board.folder.is_relative_to(here)
    return str(board.folder.relative_to(here) if inside else board.folder)


def parse_board(folder: Path, text: str) -> Board:
    """The board that ``text``, the board.toml of ``folder``, describes; nothing is read.

    Raises:
        UsageError: it describes none.
    """
    try:
        data = tomllib.loads(text)
        check_words(data)
        return _board(folder, data)
    except RecursionError:
        raise _bad(folder, "Its tables lie too deep in each other.") from None
    except KeyError as error:
        raise _bad(folder, f"The entry {error} is missing or has an unknown value.") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise _bad(folder, str(error)) from error


def read_board_file(folder: Path) -> dict:
    """The tables of the board.toml of a board that was loaded."""
    return tomllib.loads((folder / "board.toml").read_text(encoding="utf-8"))


def _find_folder(name: str | Path) -> Path:
    if str(name) in list_boards():
        return resource_path("boards") / str(name)
    for folder in (OWN_BOARDS / name, Path(name)):
        if (folder / "board.toml").is_file():
            return folder.resolve()
    raise _unknown(str(name))


def _unknown(name: str) -> UsageError:
    known = [*list_boards(), *list_own_boards()]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    cause = "No board has that name, and no folder of that path holds a board.toml."
    if near:
        cause += f" Near it: {', '.join(near)}."
    return UsageError(f"Unknown board '{name}'.", cause, "List the boards: edgetune boards list")


def _bad(folder: Path, cause: str) -> UsageError:
    return UsageError(
        f"{folder / 'board.toml'} does not describe a board.",
        cause,
        "Compare it with that of a board of edgetune's: edgetune boards show stm32f4-discovery "
        "names its folder.",
    )


def _board(folder: Path, data: dict) -> Board:
    board = Board(
        name=folder.name,
        title=data["title"],
        maker=data["maker"],
        chip=data["chip"],
        core=CORES[data["core"]],
        fpu=data["fpu"],
        regions=tuple(Region(**region) for region in data["memory"]),
        port_sources=tuple(data["port"]["sources"]),
        uart=data["uart"],
        clock=data["clock"],
        counter=data["counter"],
        flasher=data["flasher"],
        emulators=data.get("emulators", {}),
        evidence=tuple(Evidence(**item) for item in data["evidence"]),
        folder=folder,
        supply=Supply(**data["supply"]) if "supply" in data else None,
    )
    _check(board)
    geometry = read_geometry(data.get("flash"), board.flash.length)
    store = read_store(data.get("store"), geometry, board.flash.end)
    return replace(board, geometry=geometry, store=store)


def _check(board: Board) -> None:
    if not re.fullmatch(NAME, board.name):
        raise ValueError(f"A board's folder has {NAME_RULE}.")
    for kind in ("flash", "ram"):
        if not any(region.kind == kind and region.use for region in board.regions):
            raise ValueError(f"No memory of kind '{kind}' is in use.")
    for region in board.regions:
        if region.kind not in ("flash", "ram") or region.length <= 0:
            raise ValueError(f"Memory '{region.name}' has a wrong kind or length.")
    for key in ("base", "irq", "baud"):
        if not isinstance(board.uart[key], int):
            raise ValueError(f"uart.{key} is not an integer.")
    most = board.uart.get(BAUD_MAX, board.baud)
    if not isinstance(most, int) or most < board.baud:
        raise ValueError(f"uart.{BAUD_MAX} is not an integer from uart.baud up.")
    if renode := board.emulators.get("renode"):
        _check_renode(renode)
    check_flasher(board.flasher)
    if board.supply and not (0 < board.supply.ua_per_mhz < 1e4 and 0 < board.supply.volts < 100):
        raise ValueError("supply.ua_per_mhz or supply.volts is no such number.")
    if not board.evidence or any(item.level not in EVIDENCE_LEVELS for item in board.evidence):
        raise ValueError(f"Evidence is missing or not one of {', '.join(EVIDENCE_LEVELS)}.")


def _check_renode(table: dict) -> None:
    for key in ("platform", "uart"):
        if not isinstance(table[key], str):
            raise ValueError(f"emulators.renode.{key} is not a name.")
