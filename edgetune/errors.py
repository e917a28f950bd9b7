"""Errors, sorted by whose fault they are.

Every error carries three sentences: what happened (``message``), why (``cause``) and what
to do next (``next_step``).  ``exit_code`` is the process exit status the command line ends with.
"""

from edgetune.printable import printable


class EdgetuneError(Exception):
    """Base of all errors; raised as such it is a defect of edgetune itself (exit code 1).

    Args:
        message: what happened, one sentence.
        cause: why it happened, as far as is known.
        next_step: what the user can do about it; a command where there is one.
    """

    exit_code = 1

    def __init__(self, message: str, cause: str = "", next_step: str = ""):
        super().__init__(printable(str(message)))
        self.message = message
        self.cause = cause
        self.next_step = next_step

    def as_dict(self) -> dict:
        """The error as ``--json`` prints it."""
        return {
            "error": type(self).__name__,
            "exit_code": self.exit_code,
            "message": self.message,
            "cause": self.cause,
            "next_step": self.next_step,
        }


class UsageError(EdgetuneError):
    """The command or call itself is wrong: an unknown board, a bad option."""

    exit_code = 2


class DeviceNotFoundError(EdgetuneError):
    """No such device, or it cannot be opened."""

    exit_code = 3


class LinkError(EdgetuneError):
    """The device is there but the conversation with it failed."""

    exit_code = 4


class DoesNotFitError(EdgetuneError):
    """Flash or RAM of the chip is too small for the model and recipe."""

    exit_code = 5


class DivergenceError(EdgetuneError):
    """The device's bits differ from the simulation's."""

    exit_code = 6


class AccuracyGateError(EdgetuneError):
    """The accuracy asked for was not reached."""

    exit_code = 7


class ModelError(EdgetuneError):
    """The model file is corrupt, not int8, or holds what edgetune cannot run."""

    exit_code = 8


class DataError(EdgetuneError):
    """The data has the wrong shape, type, range or labels."""

    exit_code = 8


class ToolchainError(EdgetuneError):
    """A compiler, emulator or flasher is missing or failed."""

    exit_code = 9


class Interrupted(EdgetuneError):
    """The user ended it: Ctrl-C, a closed terminal, a signal."""

    exit_code = 130
