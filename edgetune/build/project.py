"""Runs make on a project and reads what came out."""

import os
import shlex
import subprocess
from pathlib import Path

from edgetune.boards import Board
from edgetune.build.compilations import Keys, compilations
from edgetune.build.memory_map import MemoryUse, check_memory, read_memory_use
from edgetune.build.objects import ObjectStore
from edgetune.build.toolchain import find_cross_gcc, find_host_cc, find_make
from edgetune.build.words import shell_word
from edgetune.dataclass import dataclass
from edgetune.errors import DoesNotFitError, ToolchainError
from edgetune.programs import run_program

BUILD_SECONDS = 600
TELLING = ("error:", "Error:", "overflowed by", "does not fit", "undefined ref", "not found")


@dataclass(frozen=True)
class Build:
    """An image. ``map`` and ``sizes`` are None for the native target."""

    elf: Path
    map: Path | None
    sizes: MemoryUse | None


def build_project(
    folder: Path,
    board: Board,
    target: str = "firmware",
    *,
    sanitize: bool = False,
    timeout: float = BUILD_SECONDS,
) -> Build:
    """Build a project that `write_build_files` prepared.

    Args:
        target: "firmware" for the board, "native" for this computer.
        sanitize: check the native program with ASan and UBSan.
        timeout: seconds after which make is ended.

    Raises:
        ToolchainError: a tool is missing, the sources do not compile, or make took too long.
        DoesNotFitError: the image is larger than the board's memory.
    """
    if target == "native":
        host_cc = f"HOSTCC={shell_word(find_host_cc())}"
        _make(folder, ["native", host_cc, f"SANITIZE={int(sanitize)}"], timeout)
        name = "firmware-sanitized" if sanitize else "firmware"
        return Build(folder / "build" / name, None, None)
    cross = str(find_cross_gcc()).removesuffix("gcc")
    _make(folder, ["all", f"CROSS={shell_word(cross)}"], timeout)
    elf = folder / "build" / "firmware.elf"
    sizes = read_memory_use(elf)
    check_memory(sizes, board)
    return Build(elf, elf.with_suffix(".map"), sizes)


def _make(folder: Path, arguments: list[str], timeout: float) -> None:
    jobs = os.cpu_count() or 1
    command = [str(find_make()), "--no-print-directory", f"-j{jobs}", *arguments]
    try:
        missing = _give_kept(folder, [*command, "-n"], timeout)
        code, output = run_program(command, timeout, folder)
    except subprocess.TimeoutExpired as error:
        raise _too_slow(folder, timeout) from error
    if code:
        raise _failure(folder, output)
    _keep(folder, missing)


def _give_kept(folder: Path, dry_run: list[str], timeout: float) -> dict[str, str]:
    """Puts objects of earlier builds where make would compile the same; key -> object of those
    that are left."""
    if (store := ObjectStore.of_user()) is None:
        return {}
    keys = Keys(folder.resolve())
    wanted = {
        key: found.target for found in compilations(run_program(dry_run, timeout, folder)[1])
        if (key := keys.of(found))
    }
    return {k: name for k, name in wanted.items() if not store.give(k, folder / name)}


def _keep(folder: Path, made: dict[str, str]) -> None:
    """``made``: as of `_give_kept`."""
    store = ObjectStore.of_user() if made else None
    if store:
        for key, name in made.items():
            store.keep(key, folder / name)
        store.prune()


def _too_slow(folder: Path, timeout: float) -> ToolchainError:
    return ToolchainError(
        f"Building {folder} was ended.",
        f"make did not finish within {timeout:g} seconds.",
        f"Run it yourself and watch: make -C {shlex.quote(str(folder))}",
    )


def _failure(folder: Path, output: str) -> ToolchainError | DoesNotFitError:
    cause = _essence(output)
    if "overflowed by" in cause or "does not fit" in cause:
        return DoesNotFitError(
            "The image does not fit the board's memory.",
            cause,
            "Train fewer layers, choose a smaller model, or a board with more memory.",
        )
    return ToolchainError(
        f"Building {folder} failed.",
        cause,
        f"Run it yourself: make -C {shlex.quote(str(folder))}",
    )


def _essence(output: str) -> str:
    """The lines a person needs: errors where there are any, else the end of the output."""
    lines = output.splitlines()
    errors = [line for line in lines if any(word in line for word in TELLING)]
    return "\n".join(errors[:20] or lines[-20:])
