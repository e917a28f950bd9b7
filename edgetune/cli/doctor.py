"""``edgetune doctor``: what is installed, what is missing, how to get it."""

from __future__ import annotations

from dataclasses import asdict

from edgetune.cli.printer import Printer
from edgetune.cli.verb import verb
from edgetune.errors import ToolchainError
from edgetune.session.doctor import Check, examine


@verb("doctor")
def command(printer: Printer):
    """What is installed, what is missing, and the command that gets it.

    The exit code is 0 if the main job can run on an emulator, else 9.
    """
    checks = examine()
    printer.result = {"checks": [asdict(check) for check in checks]}
    printer.table(["", "what", "needed", "found"], [_row(check) for check in checks])
    for check in checks:
        if not check.ok and check.fix:
            printer.text(f"\n{check.name}: {check.fix}")
    missing = [check for check in checks if check.needed and not check.ok]
    if missing:
        raise ToolchainError(
            "The main job cannot run on an emulator yet.",
            f"Missing: {', '.join(check.name for check in missing)}.",
            "\n".join(check.fix for check in missing),
        )
    printer.text("\nThe main job can run on an emulator.")


def _row(check: Check) -> list:
    mark = "ok" if check.ok else "MISSING" if check.needed else "absent"
    return [mark, check.name, "yes" if check.needed else f"for {check.use}", check.found]
