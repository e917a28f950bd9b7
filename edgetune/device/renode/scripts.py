"""What Renode reads: a platform file and a script for the board, and the script of one run."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from edgetune.boards import Board
from edgetune.boards.own import OWN, own_file
from edgetune.errors import EdgetuneError, UsageError
from edgetune.files import save_atomically

# Renode's clock ticks in nanoseconds. At 250 million instructions per second of its time each
# takes exactly 4 ns, so that a counter of 250 MHz counts instructions; and Renode, which never
# runs ahead of real time, is not held back: computers reach 190 to 320.
MIPS = 250
TERMINAL = "edgetune"  # the name of the UART's other end


def write_scripts(board: Board, elf: Path, plain: bool = False) -> Path:
    """Write FIRMWARE.repl and FIRMWARE.resc next to ``elf``; the path of the latter.

    Args:
        plain: FIRMWARE.plain.repl and FIRMWARE.plain.resc instead, with nothing that is only
            good for counting: for a Renode that refuses the others.

    Raises:
        UsageError: the folder cannot be written, or there is no platform to write.
    """
    kind = ".plain" if plain else ""
    platform, script = elf.with_suffix(f"{kind}.repl"), elf.with_suffix(f"{kind}.resc")
    save_atomically(platform, platform_text(board, plain).encode())
    save_atomically(script, machine_text(board, elf.name, platform.name, plain).encode())
    return script


def write_run(
    board: Board, elf: Path, folder: Path, name: str, connection: str, plain: bool = False
) -> Path:
    """Write the script that runs ``elf`` under the machine name ``name``.

    It works on links and copies in ``folder``, so that no path of the user's, with whatever
    characters, is ever part of a command. The same files are left next to ``elf``, for people.

    Args:
        folder: a fresh folder.
        connection: the command that makes the UART's other end (see `pty`, `server`).
        plain: see `write_scripts`.
    """
    with suppress(EdgetuneError):  # a read-only folder: the run does not need them there
        write_scripts(board, elf)
    image = folder / "firmware.elf"
    image.symlink_to(os.path.realpath(elf))
    machine = write_scripts(board, image, plain)
    script = folder / "run.resc"
    script.write_text(run_text(board, machine.name, name, connection), encoding="utf-8")
    return script


def platform_text(board: Board, plain: bool = False) -> str:
    """The board's platform, unless ``plain`` with counters that count instructions.

    board.toml's table emulators.renode says with ``platform`` which it is, one of Renode's or a
    file of the board's own; with ``dwt`` that the chip's cycle counter, which stock platforms
    lack, is to be added; and with ``timer`` which of the platform's timers the firmware counts
    with.

    Raises:
        UsageError: the board's own platform cannot be read.
    """
    facts = board.emulators["renode"]
    lines = [f"// {board.title} for Renode, written by edgetune.", _base(board)]
    if plain:
        return "\n".join([*lines, ""])
    if facts.get("dwt"):
        lines += ["", "dwt: Miscellaneous.DWT @ sysbus 0xE0001000", _frequency()]
    if facts.get("timer"):
        lines += ["", f"{facts['timer']}:", _frequency()]
    return "\n".join([*lines, "", "cpu:", f"    PerformanceInMips: {MIPS}", ""])


def machine_text(board: Board, elf: str, platform: str, plain: bool = False) -> str:
    """The commands that make the machine, from files in the script's own folder.

    Unless ``plain``, reads of what Renode does not model give 0, whether or not it could load
    chip descriptions from the internet, so that runs count alike everywhere.
    """
    uart = board.emulators["renode"]["uart"]
    silence = [] if plain else ["sysbus UnhandledAccessBehaviour DoNotReport"]
    return "\n".join(
        [
            f"# {board.title} with this firmware, written by edgetune. In Renode's monitor:",
            "#   include @FOLDER/" + Path(platform).with_suffix(".resc").name,
            f"#   {pty('/tmp/uart')}",
            f"#   {connect(board)}",
            "#   start",
            "# Then /tmp/uart is a device:",
            f"#   edgetune monitor --board {board.name} --device /tmp/uart",
            f'$name?="{board.name}"',
            "mach create $name",
            f"machine LoadPlatformDescription $ORIGIN/{escaped(platform)}",
            *silence,
            f"sysbus LoadELF $ORIGIN/{escaped(elf)}",
            f"# The firmware talks on sysbus.{uart}.",
            "",
        ]
    )


def run_text(board: Board, machine: str, name: str, connection: str) -> str:
    """The commands of one run."""
    lines = [f'$name="{name}"', f"include $ORIGIN/{machine}", connection, connect(board), "start"]
    return "\n".join([*lines, ""])


def pty(path: str) -> str:
    """Makes the UART a pseudo-terminal; ``true``: in place of a file of that name."""
    return f"emulation CreateUartPtyTerminal {quoted(TERMINAL)} {quoted(path)} true"


def server(port: int) -> str:
    """Makes the UART a TCP server; ``false``: without telnet's bytes in between."""
    return f"emulation CreateServerSocketTerminal {port} {quoted(TERMINAL)} false"


def connect(board: Board) -> str:
    """Joins the board's UART and its other end."""
    return f"connector Connect sysbus.{board.emulators['renode']['uart']} {TERMINAL}"


def quoted(text: str) -> str:
    """A string as Renode's monitor reads it."""
    return '"' + text.replace('"', '\\"') + '"'


def escaped(path: str) -> str:
    """A path as Renode's monitor reads it, behind @ or $ORIGIN/."""
    return path.replace(" ", "\\ ")


def _base(board: Board) -> str:
    """Renode's own platform by its name, the board's by its text: so no path of the user's needs
    quoting, and what follows may change it, as Renode merges all that a file says of a name."""
    name = board.emulators["renode"]["platform"]
    own = own_file(board.folder, name)
    if own is None:
        return f'using "{name}"'
    try:
        return own.read_text(encoding="utf-8").rstrip()
    except (OSError, ValueError) as error:
        raise UsageError(
            f"The Renode platform {own.name} of {board.title} cannot be read.",
            f"It should be {own}: {getattr(error, 'strerror', None) or error}.",
            f"Correct [emulators.renode] platform in {board.folder / 'board.toml'}; a name that "
            f"begins with {OWN}/ lies in the board's own folder, any other in Renode's.",
        ) from None


def _frequency() -> str:
    return f"    frequency: {MIPS * 1_000_000}"
