"""From a folder of C sources to a checked image."""

from typing import TYPE_CHECKING

from edgetune.homes import at_first_use

if TYPE_CHECKING:
    from edgetune.build.files import write_build_files
    from edgetune.build.memory_map import MemoryUse, check_memory, read_memory_use
    from edgetune.build.project import Build, build_project
    from edgetune.build.toolchain import find_cross_gcc, find_host_cc, find_make

__all__ = [
    "Build",
    "MemoryUse",
    "build_project",
    "check_memory",
    "find_cross_gcc",
    "find_host_cc",
    "find_make",
    "read_memory_use",
    "write_build_files",
]

__getattr__ = at_first_use(__name__, {
    "files": ("write_build_files",),
    "memory_map": ("MemoryUse", "check_memory", "read_memory_use",),
    "project": ("Build", "build_project",),
    "toolchain": ("find_cross_gcc", "find_host_cc", "find_make",),
})  # fmt: skip
