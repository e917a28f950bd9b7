"""Copies a board's port, C sources and headers, into a project."""

import shutil
from pathlib import Path

from edgetune.boards import Board
from edgetune.boards.own import OWN, own_file
from edgetune.errors import UsageError
from edgetune.resources import resource_path

CORTEX_M = ("cortex_m/startup.c", "cortex_m/core.c", "cortex_m/port.c")  # of every board
PORTS = Path("firmware/ports")


def copy_ports(board: Board, folder: Path) -> list[str]:
    """The port sources in the project, relative to ``folder``; headers beside them come along.

    Raises:
        UsageError: the board names a source that is nowhere.
    """
    sources, headers = port_files(board)
    for name in (*sources, *headers):
        _copy(_source(board, Path(name)), folder / PORTS / name, board)
    return [f"{PORTS}/{name}" for name in sources]


def port_files(board: Board) -> tuple[list[str], list[str]]:
    """C sources of the board's port, and the headers beside them, relative to the ports."""
    flash = board.geometry.sources if board.geometry else ()
    sources = [*CORTEX_M, *board.port_sources, *flash]
    families = dict.fromkeys(Path(name).parent for name in sources)
    headers = [
        (family / path.name).as_posix()
        for family in families
        for path in sorted(_source(board, family).glob("*.h"))
    ]
    return sources, ["port.h", "flash.h", *headers]


def copy_host_port(folder: Path, store: bool = False) -> list[str]:
    """The port to this computer, relative to ``folder``; for a store with its flash."""
    names = ["port.c", "flash.c"] if store else ["port.c"]
    (folder / "host").mkdir(exist_ok=True)
    for name in names:
        shutil.copyfile(resource_path("host") / name, folder / "host" / name)
    return [f"host/{name}" for name in names]


def _source(board: Board, name: Path) -> Path:
    own = own_file(board.folder, name.as_posix())
    return own or resource_path("firmware") / "ports" / name


def _copy(source: Path, target: Path, board: Board) -> None:
    if not source.is_file():
        raise UsageError(
            f"The port source {target.name} of {board.title} does not exist.",
            f"It should be {source}.",
            f"Correct [port] sources in {board.folder / 'board.toml'}; a name that begins with "
            f"{OWN}/ lies in the board's own folder.",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
