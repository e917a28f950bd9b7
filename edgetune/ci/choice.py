"""On which devices a test runs."""

from __future__ import annotations

import re

import pytest

from edgetune.boards import Board, load_board
from edgetune.ci import SECONDS
from edgetune.ci.project import Project
from edgetune.dataclass import dataclass
from edgetune.errors import EdgetuneError, UsageError

MARKED = {"board", "devices", "timeout"}


@dataclass(frozen=True)
class Choice:
    """A device by name; where it is missing its test fails if it is ``needed``, else is skipped."""

    name: str
    needed: bool


def choices(config: pytest.Config, item) -> list[Choice]:
    """The devices of the test function ``item``: those of the command line, its marker, the
    configuration file or edgetune.toml, else host and the board's emulators."""
    try:
        project = project_of(config, item)
        named = (
            config.getoption("--edgetune-devices") or marked(item, "devices")
            or config.getini("edgetune_devices") or project.settings.get("devices")
        )
        return parse(named) if named else _defaults(config, item, project)
    except EdgetuneError as error:
        text = f"{item.name}: {error.message}\n{error.cause}\n{error.next_step}"
        raise pytest.Collector.CollectError(text) from None


def parse(named: str | list[str]) -> list[Choice]:
    """``"host,qemu,renode?"``, or a list of such names, in the order given.

    Raises:
        UsageError: there is no name in it.
    """
    words = re.split(r"[,\s]+", named) if isinstance(named, str) else named
    names = dict.fromkeys(word for word in words if word.rstrip("?"))
    if not names:
        raise UsageError(
            f"No device is named by {named!r}.", "A test without one would pass unseen.",
            "Name some: host,qemu,renode; a ? behind a name skips what is missing.",
        )
    return [Choice(name.rstrip("?"), not name.endswith("?")) for name in names]


def _defaults(config: pytest.Config, item, project: Project) -> list[Choice]:
    name = board_name(config, item, project)
    emulators = load_board(project.board(name)).emulators if name else ()
    return [Choice(name, False) for name in ("host", *emulators)]


def project_of(config: pytest.Config, item) -> Project:
    return Project.of(item.path, config.rootpath)


def board_of(config: pytest.Config, item, project: Project) -> Board:
    """UsageError where no board is named, or one that there is not."""
    name = board_name(config, item, project)
    if name:
        return load_board(project.board(name))
    raise UsageError(
        "No board is named.", "Neither --edgetune-board, a marker nor edgetune.toml does.",
        'Write board = "stm32f4-discovery" into edgetune.toml; edgetune boards list shows all.',
    )


def board_name(config: pytest.Config, item, project: Project) -> str | None:
    given = config.getoption("--edgetune-board") or marked(item, "board")
    return given or project.settings.get("board")


def seconds_of(config: pytest.Config, item) -> float:
    """What the test may take on one device."""
    named = config.getoption("--edgetune-timeout") or marked(item, "timeout")
    named = named or config.getini("edgetune_timeout") or SECONDS
    try:
        seconds = float(named)
    except (TypeError, ValueError):
        seconds = 0.0
    if seconds > 0:
        return seconds
    raise UsageError(
        f"The timeout of a test is {named!r}.", "It is no number of seconds above 0.",
        "Write one: edgetune_timeout = 300, --edgetune-timeout 300 or timeout=300.",
    )


def marked(item, name: str):
    """What the nearest marker ``edgetune`` with ``name`` says of it, None without one.

    Raises:
        UsageError: a marker says something else, which would go unheard.
    """
    marks = list(item.iter_markers("edgetune"))
    for mark in marks:
        if unknown := [*map(repr, mark.args), *sorted(mark.kwargs.keys() - MARKED)]:
            raise UsageError(
                f"The marker edgetune does not take {', '.join(unknown)}.",
                f"It takes {', '.join(sorted(MARKED))}, by name.", "Remove or rename it.",
            )
    found = (mark.kwargs.get(name) for mark in marks)
    return next((value for value in found if value is not None), None)
