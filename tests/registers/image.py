"""Compiles firmware files into an image that holds every function of them."""

import subprocess
from dataclasses import replace
from pathlib import Path

from elftools.elf.elffile import ELFFile

from edgetune.boards import Board
from edgetune.build import find_cross_gcc, write_build_files
from edgetune.resources import resource_path

# As templates/Makefile.in compiles, so that the code under test is the code of the projects.
_FLAGS = ["-std=gnu99", "-O2", "-g", "-ffunction-sections", "-fdata-sections", "-ffreestanding"]
_FLAGS += ["-fno-schedule-insns", "-fno-common", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
_LINK = ["--specs=nano.specs", "-nostartfiles", "-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments"]
_SECONDS = 60


class Image:
    """A linked image: ``segments`` are (run address, load address, bytes)."""

    def __init__(self, path: Path):
        with path.open("rb") as file:
            elf = ELFFile(file)
            symbols = elf.get_section_by_name(".symtab").iter_symbols()
            self.symbols = {symbol.name: symbol["st_value"] for symbol in symbols}
            self.segments = [
                (segment["p_vaddr"], segment["p_paddr"], segment.data())
                for segment in elf.iter_segments("PT_LOAD")
                if segment["p_filesz"]
            ]


def compile_image(
    folder: Path, board: Board, sources: list, defines: dict, code_at: int | None = None
) -> Image:
    """Compile and link C files (relative to firmware/ports, or absolute) for ``board``.

    ``code_at``: where code and constants lie, if not in the board's flash.
    """
    write_build_files(folder, board, [])
    script = folder / "linker.ld"
    if code_at is not None:
        write_build_files(folder / "elsewhere", _moved(board, code_at), [])
        script = folder / "elsewhere" / "linker.ld"
    firmware = resource_path("firmware")
    ports, others = firmware / "ports", [f"-I{firmware / part}" for part in ("store", "link")]
    options = [f"-D{name}={value}" for name, value in defines.items()]
    compiler = [find_cross_gcc(), *_FLAGS, f"-ffile-prefix-map={folder}=.", *board.flags]
    objects = []
    for source in sources:  # one by one: so tests/conftest.py's compilers keep them
        objects.append(f"{len(objects)}.o")
        command = [*compiler, *options, "-I.", f"-I{ports}", *others, "-c", ports / source]
        _run([*command, "-o", objects[-1]], folder)
    link = [*_LINK, "-Wl,-T", script, "-Wl,-e,0", "-o", "functions.elf"]
    _run([*compiler, *objects, *link], folder)
    return Image(folder / "functions.elf")


def _run(command: list, folder: Path) -> None:
    done = subprocess.run(
        command, timeout=_SECONDS, capture_output=True, text=True, start_new_session=True,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr


def _moved(board: Board, origin: int) -> Board:
    regions = (replace(board.flash, origin=origin), board.ram)
    return replace(board, regions=regions)
