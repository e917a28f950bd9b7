"""The command ``edgetune``: its verbs, and what becomes of an error."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
from contextlib import suppress
from importlib import import_module
from types import ModuleType

import click

from edgetune import __version__
from edgetune.cli.printer import Printer
from edgetune.cli.settings import read_settings
from edgetune.errors import EdgetuneError, Interrupted, UsageError

VERBS = {
    "inspect": "A model's operators and what of it can be trained.",
    "convert": "A float model becomes int8, with a report of what it cost.",
    "plan": "Does it fit, and what does a step cost? Builds nothing.",
    "build": "Generate and build the firmware.",
    "library": "The model and the engine for firmware of your own.",
    "flash": "Build and write the firmware to a board, or write an image.",
    "run": "Build, launch and shake hands with the device.",
    "tune": "The main job: the device learns, a tuned .tflite comes back.",
    "eval": "Accuracy of the device on the test set.",
    "verify": "The device equals the simulation, bit for bit, step by step.",
    "monitor": "What a device says, until Ctrl-C.",
    "weights": "Pull, push and compare trained weights.",
    "runs": "The runs so far: list them, show one, compare two.",
    "boards": "The boards that edgetune knows, and adding one.",
    "packs": "CMSIS packs: install, list, locate.",
    "bench": "Executed instructions of a step, layer by layer.",
    "ci": "A pipeline whose tests learn on emulated boards.",
    "doctor": "What is installed, what is missing, how to get it.",
}
FORETELLING = ("inspect", "plan")  # few products, and small: threads would wait for each other
EPILOG = """\b
Exit codes:
  0    all went well
  1    a defect of edgetune
  2    a wrong command, option or setting
  3    no such device, or it cannot be opened
  4    the conversation with the device failed
  5    model and recipe do not fit the chip
  6    the device differs from the simulation, or from the file that it tuned
  7    the accuracy asked for was not reached
  8    the model or the data cannot be used
  9    a compiler, emulator or flasher is missing or failed
  130  interrupted

The file edgetune.toml in the current folder keeps a project's choices, for example
board = "stm32f4-discovery"; its keys are the long options, "model", and "devices",
where the tests of a pipeline run.
"""


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Verbs(click.Group):
    """Imports a verb's file when the verb is used, so that the command starts quickly."""

    def list_commands(self, ctx) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx, name: str):
        if name not in VERBS:
            return None
        if name in FORETELLING:
            os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is imported
        return _imported(f"edgetune.cli.{name}").command

    def format_commands(self, ctx, formatter):
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def make_context(self, info_name, args, parent=None, **extra):
        return super().make_context(
            info_name, args, parent, default_map=read_settings(list(VERBS)), **extra
        )

    def main(self, args=None, prog_name="edgetune", **extra):
        """Run a verb and end the process with its exit code."""
        if args is None:
            _heed_signals()
        args = list(sys.argv[1:] if args is None else args)
        printer = Printer(_verb(args), as_json="--json" in args)
        sys.exit(_run(printer, lambda: super(Verbs, self).main(
            args, prog_name, standalone_mode=False, obj=printer
        )))


@click.group(cls=Verbs, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edgetune")
def main():
    """A pretrained model goes on learning on a microcontroller.

    Every verb takes --json, -q and -v; `edgetune VERB --help` lists its options.
    """


def _imported(module: str) -> ModuleType:
    """All that imports make stays: nobody looks for waste in it, then or later."""
    if module in sys.modules:
        return sys.modules[module]
    gc.disable()
    try:
        return import_module(module)
    finally:
        gc.freeze()
        gc.enable()


def _heed_signals() -> None:
    """To be told to end, or to lose the terminal, is like Ctrl-C: emulators and tools, which have
    sessions of their own, end as well."""
    for one in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(one) is signal.SIG_DFL:
            signal.signal(one, signal.default_int_handler)


def _verb(args: list[str]) -> str:
    """The verb's name for the JSON output: "plan", "boards list"."""
    words = [word for word in args[:2] if not word.startswith("-")]
    if words and words[0] in ("boards", "ci", "packs", "runs", "weights"):
        return " ".join(words)
    return words[0] if words else ""


def _run(printer: Printer, work) -> int:
    """Exit code of ``work``; an error is printed."""
    try:
        code = work()
        printer.finish()
        return code if isinstance(code, int) else 0
    except (click.Abort, KeyboardInterrupt):
        printer.interrupted()
        return Interrupted.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return UsageError.exit_code
    except BrokenPipeError:
        _drop(sys.stdout)
        return 0
    except Exception as error:
        known = _known(error)
        _say(printer, known, _trace() if known.exit_code == 1 else "")
        return known.exit_code
    finally:
        with suppress(OSError):
            printer.close()


def _trace() -> str:
    import traceback

    return traceback.format_exc()


def _say(printer: Printer, error: EdgetuneError, trace: str) -> None:
    """On stdout or stderr, as far as one of them takes it."""
    try:
        printer.fail(error, trace)
        sys.stdout.flush()
        return
    except OSError:
        _drop(sys.stdout)
    try:
        printer.as_json = False  # so that it goes to stderr
        printer.fail(error, trace)
    except OSError:
        _drop(sys.stderr)


def _drop(stream) -> None:
    """What is still to be written goes nowhere, so that Python's last flush does not fail."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _known(error: Exception) -> EdgetuneError:
    """``error`` as one of ours."""
    if isinstance(error, EdgetuneError):
        return error
    if isinstance(error, click.ClickException):
        return _usage(error)
    if isinstance(error, OSError) and error.errno in FULL and not error.filename:
        return UsageError(
            "What the command says cannot be written.", f"{error.strerror}.",
            "Check the space left where its output goes; what it made is where it said.",
        )
    if isinstance(error, OSError) and error.filename:
        full = error.errno in FULL  # a copy's target, then
        return UsageError(
            f"{full and error.filename2 or error.filename} cannot be read or written.",
            f"{error.strerror}.",
            "Check the path, its permissions, and the space left.",
        )
    return EdgetuneError(
        "edgetune failed through a defect of its own.",
        f"{type(error).__name__}: {error}",
        "Report this with the traceback, which -v shows.",
    )


def _usage(error: click.ClickException) -> UsageError:
    ctx = getattr(error, "ctx", None)
    path = ctx.command_path if ctx else "edgetune"
    cause = ctx.get_usage() if ctx else ""
    return UsageError(error.format_message(), cause, f"Read {path} --help")
