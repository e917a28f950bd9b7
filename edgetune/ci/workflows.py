"""The files of a pipeline that learns, as text."""

from __future__ import annotations

import string
from pathlib import Path

from edgetune import __version__
from edgetune.boards import Board
from edgetune.ci import SECONDS
from edgetune.errors import UsageError
from edgetune.installation import WHEEL

TEMPLATES = Path(__file__).parent / "templates"
PYTHON = "3.11"  # the newest with tflite-runtime, which judges the tuned files
PYTEST = "9.2.0"
PACKAGES = "gcc libc6-dev make gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm"
RENODE = "1.16.1"
RENODE_URL = (
    f"https://github.com/renode/renode/releases/download/v{RENODE}/"
    f"renode-{RENODE}.linux-portable-dotnet.tar.gz"
)
RENODE_SHA256 = "00e113cdbd0f5354cf2f64bbe3f5a070d8958409542fca66e45ac97d982938c0"
RENODE_PACKAGES = "libicu-dev"  # for its .NET
WHEELS = "wheels"  # a folder of the repository
WHEEL_PATH = f"{WHEELS}/{WHEEL}"
_PLAIN = string.ascii_letters + string.digits + "/.+-_@:=~%"
MINUTES = 20  # of a job, where a test keeps to the plugin's own bound


def workflow(
    service: str, board: Board, seconds: int = int(SECONDS), install: str = WHEEL_PATH
) -> str:
    """The pipeline of ``service``, "github" or "gitlab": the devices of ``board`` learn.

    Args:
        seconds: what a test may take on one device.
        install: what pip installs edgetune from: a wheel in the repository, or an address.
    """
    renode = "renode" in board.emulators
    part = _template(f"{service}_renode.yml.in") if renode else ""
    longer = max(0.0, seconds - SECONDS)
    return _filled(_template(f"{service}.yml.in").replace("@RENODE@", part), {
        "EDGETUNE": _word(install), "VERSION": __version__, "PYTHON": PYTHON, "PYTEST": PYTEST,
        "PACKAGES": f"{PACKAGES} {RENODE_PACKAGES}" if renode else PACKAGES,
        "RENODE_VERSION": RENODE, "RENODE_URL": RENODE_URL, "RENODE_SHA256": RENODE_SHA256,
        "DEVICES": ",".join(devices(board)),
        "PATIENCE": f" -o edgetune_timeout={seconds}" if longer else "",
        "MINUTES": str(MINUTES + round(longer * len(devices(board)) / 60)),
    })


def devices(board: Board) -> list[str]:
    """Those that a pipeline can have."""
    return ["host", *board.emulators]


def learning_test(budgets: tuple[int, int] | None) -> str:
    """tests/test_learning.py; ``budgets``: bytes of RAM and instructions of a step."""
    text = _template("test_learning.py.in")
    if budgets is None:
        return text
    ram, instructions = (f"{value:_}" for value in budgets)
    values = {"RAM": ram, "INSTRUCTIONS": instructions}
    return text + _filled(_template("test_budgets.py.in"), values)


def settings_file(choices: dict[str, str]) -> str:
    """edgetune.toml."""
    return "".join(f'{key} = {_quoted(value)}\n' for key, value in choices.items())


def _word(requirement: str) -> str:
    """One word of a shell's command, and text of a YAML file at once."""
    if not set(requirement) <= set(_PLAIN) or not requirement[:1].isalnum():
        raise UsageError(
            f"'{requirement}' is nothing that a pipeline's pip can be asked for.",
            "It is the path of a wheel in the repository, or an address: https://..., git+https://.",
            "Name one of these with --install; blanks and quotes have no place in it.",
        )
    return requirement


def _quoted(value: str) -> str:
    """A TOML string."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _template(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _filled(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text
