"""From a plan to a program that runs: generate, then build."""

from __future__ import annotations

import shlex
from pathlib import Path

from edgetune.boards import board_argument
from edgetune.build.cmsis_nn import CmsisNN, copy_cmsis_nn
from edgetune.build.files import write_build_files
from edgetune.build.project import Build, build_project
from edgetune.codegen.project import Project, identified, write_project
from edgetune.dataclass import dataclass
from edgetune.plan.cost import estimate
from edgetune.plan.fit import check_fit
from edgetune.plan.plan import Plan


@dataclass(frozen=True)
class Firmware:
    """A generated and built project."""

    plan: Plan
    project: Project
    build: Build

    @property
    def write_command(self) -> str:
        """The command line that writes this build to the board."""
        board, image = board_argument(self.plan.board), str(self.build.elf)
        return shlex.join(["edgetune", "flash", "--board", board, "--image", image])


def build_firmware(
    plan: Plan, folder: Path, title: str, *, native: bool = False, profile: bool = False,
    cmsis_nn: Path | None = None,
) -> Firmware:
    """Write the C project of ``plan`` into ``folder`` and build it.

    Args:
        title: the model's name, for the generated files.
        native: for this computer instead of the board.
        profile: with the tick counts that ``bench`` reads.
        cmsis_nn: the folder of CMSIS-NN where the plan is made for it.

    Raises:
        ToolchainError: a compiler is missing or failed.
        DoesNotFitError: the image is larger than the board's memory.
    """
    project = generate(plan, folder, title, native=native, profile=profile, cmsis_nn=cmsis_nn)
    return Firmware(plan, project, build_project(folder, plan.board, _target(native)))


def generate(
    plan: Plan, folder: Path, title: str, *, native: bool = False, profile: bool = False,
    cmsis_nn: Path | None = None,
) -> Project:
    """The C project of `build_firmware`, with the build id that its firmware will name; nothing
    is compiled."""
    stack = _stack_bytes(plan, native, profile)
    project = write_project(folder, plan, title, profile)
    vendor = copy_cmsis_nn(cmsis_nn, folder) if cmsis_nn else CmsisNN((), ())
    others = write_build_files(
        folder, plan.board, project.sources, project.defines,
        vendor_sources=vendor.sources, includes=(*project.includes, *vendor.includes),
        stack_bytes=stack, store=plan.store,
    )
    return identified(project, plan, others)


def _stack_bytes(plan: Plan, native: bool, profile: bool) -> int | None:
    """The planned stack, once it is clear that the plan fits; None where the plan's figures do
    not hold, as with CMSIS-NN's frames, the counters of ``bench``, the calls of the store, a
    kernel or a port that was never measured: then all that is left."""
    if native or profile or plan.cmsis_nn:
        return None
    cost = estimate(plan)
    check_fit(plan, cost)
    known = plan.measured and not cost.table.unmeasured and not plan.store
    return cost.stack_bytes if known else None


def _target(native: bool) -> str:
    return "native" if native else "firmware"
