"""What pyOCD's exceptions mean for who stands before the board."""

from __future__ import annotations

import errno

from edgetune.boards import Board
from edgetune.errors import EdgetuneError, ToolchainError
from edgetune.flash import faults

_LOCKED = ("APPROTECT enabled", "secure state", "unable to unlock", "read protect", "RDP")
_NO_CHIP = (
    "No ACK", "Get IDCODE error", "No device connected", "Unable to connect", "DP fault",
    "No cores were discovered",
)  # fmt: skip
_BUSY = ("busy", "exclusive", "already open")
_DENIED = ("Access denied", "ermission")


def explain(error: Exception, said: list[str], board: Board) -> EdgetuneError:
    """``error``, which came out of pyOCD, as one of ours.

    Args:
        said: pyOCD's warnings up to then; a locked chip is named there only.
    """
    from pyocd.core import exceptions

    text = "\n".join([*said, f"{type(error).__name__}: {error}".removesuffix(": ")])
    code = _errno(error)
    if code in (errno.EACCES, errno.EPERM) or _any(_DENIED, text):
        return faults.no_permission("pyOCD", board, text)
    if code == errno.EBUSY or _any(_BUSY, text):
        return faults.busy("pyOCD", board, text)
    if isinstance(error, exceptions.ProbeDisconnected) or code == errno.ENODEV:
        return faults.no_probe("pyOCD", board, text)
    if _any(_LOCKED, text):
        return faults.locked("pyOCD", board, text)
    if isinstance(error, exceptions.FlashFailure):
        return _refused(board, text)
    if isinstance(error, exceptions.TransferError) or _any(_NO_CHIP, text):
        return faults.no_chip("pyOCD", board, text)
    return faults.failed("pyocd", board, text)


def target_unknown(facts: dict, board: Board, said: str) -> EdgetuneError:
    """The board's target comes in a pack that is not installed."""
    if pack := facts.get("pack"):
        step = f"Install the pack that brings it: edgetune packs install {pack}"
    else:
        step = "Install a newer pyOCD: pip install --upgrade pyocd"
    return ToolchainError(f"pyOCD does not know the target {facts['target']}.", said, step)


def _refused(board: Board, text: str) -> EdgetuneError:
    return ToolchainError(
        f"The flash of the {board.chip} refused to be erased or programmed.",
        text,
        "The chip may be write-protected, or another chip than the board's: compare the marking "
        f"on it with {board.chip}.",
    )


def _errno(error: BaseException | None) -> int:
    """The error number of ``error`` or of what caused it; 0 where there is none."""
    while error is not None:
        if number := getattr(error, "errno", None):
            return number
        error = error.__cause__
    return 0


def _any(words: tuple[str, ...], text: str) -> bool:
    return any(word in text for word in words)
