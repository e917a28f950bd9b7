"""Builds the C project of a plan."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from edgetune.boards import Board
from edgetune.build import build_project, find_cross_gcc, find_make, write_build_files
from edgetune.build.ports import CORTEX_M
from edgetune.codegen.project import write_project
from edgetune.plan.plan import Plan


def compile_plan(plan: Plan, folder: Path, macros: Iterable[str] = ()) -> Path:
    """Build ``plan``, with further ``macros`` of the engine; the folder of its object files."""
    _write(plan, folder, macros)
    build_project(folder, plan.board)
    return folder / "build" / "obj"


def compile_model(plan: Plan, folder: Path) -> Path:
    """Compile model.c alone; the folder of its object file."""
    _write(plan, folder)
    _make(folder, "build/obj/model.o")
    return folder / "build" / "obj"


def compile_ports(board: Board, folder: Path) -> Path:
    """Compile the port sources of ``board`` alone; the folder of their object files."""
    write_build_files(folder, board, [])
    sources = (*CORTEX_M, *board.port_sources)
    _make(folder, *(f"build/obj/firmware/ports/{name[:-2]}.o" for name in sources))
    return folder / "build" / "obj"


def _make(folder: Path, *targets: str):
    cross = str(find_cross_gcc()).removesuffix("gcc")
    command = [str(find_make()), "-C", str(folder), "-s", f"CROSS={cross}", *targets]
    subprocess.run(command, check=True)


def _write(plan: Plan, folder: Path, macros: Iterable[str] = ()):
    project = write_project(folder, plan, "a calibration model")
    defines = project.defines | dict.fromkeys(macros, 1)
    write_build_files(folder, plan.board, project.sources, defines, includes=project.includes)
