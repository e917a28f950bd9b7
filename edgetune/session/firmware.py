"""From a plan to a program that runs: generate, then build."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgetune.build.files import write_build_files
from edgetune.build.project import Build, build_project
from edgetune.codegen.project import Project, write_project
from edgetune.plan.plan import Plan


@dataclass(frozen=True)
class Firmware:
    """A generated and built project."""

    plan: Plan
    project: Project
    build: Build


def build_firmware(
    plan: Plan, folder: Path, title: str, *, native: bool = False, profile: bool = False
) -> Firmware:
    """Write the C project of ``plan`` into ``folder`` and build it.

    Args:
        title: the model's name, for the generated files.
        native: for this computer instead of the board.
        profile: with the tick counts that ``bench`` reads.

    Raises:
        ToolchainError: a compiler is missing or failed.
        DoesNotFitError: the image is larger than the board's memory.
    """
    project = write_project(folder, plan, title, profile)
    write_build_files(
        folder, plan.board, project.sources, project.defines, includes=project.includes
    )
    return Firmware(plan, project, build_project(folder, plan.board, _target(native)))


def _target(native: bool) -> str:
    return "native" if native else "firmware"
