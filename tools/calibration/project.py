"""Builds the C project of a plan."""

from __future__ import annotations

import subprocess
from pathlib import Path

from edgetune.build import build_project, find_cross_gcc, find_make, write_build_files
from edgetune.codegen.project import write_project
from edgetune.plan.plan import Plan


def compile_plan(plan: Plan, folder: Path) -> Path:
    """Build ``plan``; the folder of its object files."""
    _write(plan, folder)
    build_project(folder, plan.board)
    return folder / "build" / "obj"


def compile_model(plan: Plan, folder: Path) -> Path:
    """Compile model.c alone; the folder of its object file."""
    _write(plan, folder)
    cross = str(find_cross_gcc()).removesuffix("gcc")
    command = [str(find_make()), "-C", str(folder), "-s", f"CROSS={cross}", "build/obj/model.o"]
    subprocess.run(command, check=True)
    return folder / "build" / "obj"


def _write(plan: Plan, folder: Path):
    project = write_project(folder, plan, "a calibration model")
    write_build_files(
        folder, plan.board, project.sources, project.defines, includes=project.includes
    )
