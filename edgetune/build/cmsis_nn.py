"""CMSIS-NN as its user has it: a folder with Include and Source, from the pack or a checkout."""

from __future__ import annotations

import shutil
from pathlib import Path

from edgetune.dataclass import dataclass
from edgetune.errors import EdgetuneError, ToolchainError

NAME = "ARM::CMSIS-NN"
PACK = "pack"  # in place of a folder's name

_FOLDERS = ("ConvolutionFunctions", "FullyConnectedFunctions", "NNSupportFunctions")
_OTHERS = ("TransposeFunctions/arm_transpose_s8.c",)
_PLACE = "cmsis-nn"


@dataclass(frozen=True)
class CmsisNN:
    """C files and the include folder in the project, relative to its root."""

    sources: tuple[str, ...]
    includes: tuple[str, ...]


def find_cmsis_nn(place: str) -> Path:
    """The folder of CMSIS-NN: ``place``, or the installed pack where it is the word "pack".

    Raises:
        ToolchainError: no CMSIS-NN there.
    """
    return check_cmsis_nn(_installed() if place == PACK else Path(place))


def _installed() -> Path:
    from edgetune.packs import PackStore  # takes a tenth of a second, which few need

    try:
        return PackStore().unpacked(NAME)
    except EdgetuneError as error:
        raise ToolchainError(
            "CMSIS-NN was not found among the installed packs.",
            f"{error.message} {error.cause}",
            f"Install it: edgetune packs install {NAME}; or name the folder of its sources.",
        ) from error


def check_cmsis_nn(folder: Path) -> Path:
    """``folder``, if it holds CMSIS-NN.

    Raises:
        ToolchainError: it does not.
    """
    if (folder / "Include" / "arm_nnfunctions.h").is_file() and (folder / "Source").is_dir():
        return folder
    raise ToolchainError(
        f"{folder} does not hold CMSIS-NN.",
        "There is no Include/arm_nnfunctions.h or no Source in it.",
        "Name the folder of its sources with --cmsis-nn or EDGETUNE_CMSIS_NN, or say pack after "
        f"edgetune packs install {NAME}. Without it the engine's own kernels compute the same "
        "bits.",
    )


def copy_cmsis_nn(folder: Path, project: Path) -> CmsisNN:
    """Copy what the int8 kernels need into ``project``, so that it builds anywhere.

    Raises:
        ToolchainError: ``folder`` does not hold CMSIS-NN.
    """
    check_cmsis_nn(folder)
    target = project / _PLACE
    shutil.copytree(folder / "Include", target / "Include", dirs_exist_ok=True)
    sources = []
    for path in _wanted(folder / "Source"):
        name = path.relative_to(folder)
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target / name)
        sources.append(f"{_PLACE}/{name.as_posix()}")
    return CmsisNN(tuple(sources), (f"{_PLACE}/Include",))


def _wanted(source: Path) -> list[Path]:
    """The int8 kernels and their helpers; the linker drops those that nothing calls."""
    kernels = [path for name in _FOLDERS for path in sorted((source / name).glob("*.c"))]
    int8 = [p for p in kernels if ("s8" in p.name or "q7" in p.name) and "lstm" not in p.name]
    return int8 + [source / name for name in _OTHERS if (source / name).is_file()]
