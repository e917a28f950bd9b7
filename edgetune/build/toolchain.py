"""Finds the compilers and make; by absolute paths, because make runs in another folder."""

import os
import shutil
from pathlib import Path

from edgetune.errors import ToolchainError


def find_cross_gcc() -> Path:
    """arm-none-eabi-gcc from the folder in ``$EDGETUNE_TOOLCHAIN``, else from PATH.

    Raises:
        ToolchainError: there is none.
    """
    folder = os.environ.get("EDGETUNE_TOOLCHAIN")
    if not folder:
        return _find(
            "arm-none-eabi-gcc", "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi"
        )
    for place in (Path(folder), Path(folder) / "bin"):
        if found := shutil.which("arm-none-eabi-gcc", path=str(place)):
            return Path(found).absolute()
    raise ToolchainError(
        "The Arm compiler was not found.",
        f"$EDGETUNE_TOOLCHAIN is {folder}, and arm-none-eabi-gcc is neither there nor in its bin.",
        "Set EDGETUNE_TOOLCHAIN to the toolchain's folder, or unset it to search PATH.",
    )


def find_make() -> Path:
    """GNU make.

    Raises:
        ToolchainError: there is none.
    """
    return _find("make", "apt-get install make")


def find_host_cc() -> Path:
    """This computer's C compiler.

    Raises:
        ToolchainError: there is none.
    """
    for name in ("cc", "gcc", "clang"):
        if found := shutil.which(name):
            return Path(found).absolute()
    return _find("cc", "apt-get install gcc")


def _find(name: str, how: str) -> Path:
    if found := shutil.which(name):
        return Path(found).absolute()
    raise ToolchainError(
        f"{name} was not found.", "It is not on PATH.", f"Install it: sudo {how}"
    )
