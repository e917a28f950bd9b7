"""C through the Arm compiler: the sizes of a plan's objects, and claims held at compile time."""

import subprocess
from pathlib import Path

from elftools.elf.elffile import ELFFile

from edgetune.codegen.project import write_project
from edgetune.plan.plan import Plan
from edgetune.resources import resource_path

GCC = ["arm-none-eabi-gcc", "-std=c99", "-mcpu=cortex-m4", "-mthumb", "-Wall", "-Wextra"]


def claim(condition: str) -> str:
    """A C declaration that does not compile unless ``condition`` holds."""
    text = condition.replace('"', "'")
    return f'_Static_assert({condition}, "{text}");\n'


def refusals(folder: Path, text: str, flags: list[str] | None = None) -> str:
    """What the compiler has against the C of ``text``; empty if nothing."""
    (folder / "claims.c").write_text(text)
    flags = flags or [f"-I{resource_path('firmware') / 'engine'}"]
    found = subprocess.run(
        [*GCC, "-fsyntax-only", "claims.c", *flags], cwd=folder, capture_output=True, text=True,
    )
    return "\n".join(line for line in found.stderr.splitlines() if "error" in line)


def project_flags(folder: Path, plan: Plan) -> list[str]:
    """Write the plan's project into ``folder``; what model.c is compiled with."""
    project = write_project(folder, plan, "a test's model")
    includes = [folder, *(folder / path for path in project.includes)]
    defines = [f"-D{name}={value}" for name, value in project.defines.items()]
    return [*(f"-I{path}" for path in includes), *defines]


def object_sizes(folder: Path, plan: Plan) -> dict[str, int]:
    """Name -> bytes of every data object that the plan's model.c and weights.c define."""
    flags = project_flags(folder, plan)
    sizes = {}
    for name in ("model", "weights"):
        # Without optimisation what is constant stays, used or not.
        subprocess.run([*GCC, "-O0", "-c", f"{name}.c", *flags], cwd=folder, check=True)
        with (folder / f"{name}.o").open("rb") as stream:
            sizes |= {
                symbol.name: symbol["st_size"]
                for symbol in ELFFile(stream).get_section_by_name(".symtab").iter_symbols()
                # Variables without a value have no type where nothing is optimised.
                if symbol["st_info"]["type"] in ("STT_OBJECT", "STT_NOTYPE") and symbol["st_size"]
            }
    return sizes
