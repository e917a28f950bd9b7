"""Where the C sources and the board folders lie: beside the package, or inside the wheel."""

from pathlib import Path

from edgetune.errors import EdgetuneError
from edgetune.installation import install_command

_PACKAGE = Path(__file__).parent


def resource_path(name: str) -> Path:
    """The folder ``firmware``, ``host`` or ``boards``.

    An installed wheel carries it as ``edgetune/_data/<name>``; a source checkout has it at
    its root, next to the package.

    Raises:
        EdgetuneError: the installation lacks the folder.
    """
    for folder in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise EdgetuneError(
        f"edgetune's own folder '{name}' is missing.",
        "The installation is incomplete.",
        f"Install again: {install_command(again=True)}",
    )
