"""Packages that come with an extra."""

from __future__ import annotations

import importlib.util

from edgetune.errors import ToolchainError
from edgetune.installation import install_command


def need(package: str, extra: str, what: str) -> None:
    """ToolchainError, with the command that installs it, where ``package`` is missing.

    Args:
        package: the module's name.
        extra: edgetune's extra that it comes with.
        what: what cannot be read without it, in the plural.
    """
    if importlib.util.find_spec(package) is None:
        raise ToolchainError(
            f"{what} cannot be read without {package}.",
            "It is not installed: it comes with an extra.",
            install_command(extra),
        )
