"""A library is clean under clang as well, which leaves other registers to assembly: the loops that
name gcc's have plain twins.  Zig's clang serves, which has all of Arm's cores."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cli_runner import MODEL, succeed
from libraries import WARNINGS

from edgetune.boards import CORES
from edgetune.build.toolchain import find_cross_gcc

pytest.importorskip("ziglang", reason="no clang for Arm: ziglang is not installed")


def headers(gcc: Path) -> str:
    """Where string.h lies; the firmware takes no more of a C library."""
    said = subprocess.run([gcc, "-xc", "-E", "-v", "-"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True).stderr
    folders = [Path(line.strip()) for line in said.splitlines() if line.startswith(" ")]
    return str(next(folder for folder in folders if (folder / "string.h").is_file()))


@pytest.mark.parametrize("core", [
    core if core == "cortex-m4" else pytest.param(core, marks=pytest.mark.slow) for core in CORES
])
@pytest.mark.thorough
def test_clang_compiles_a_library_without_a_word(tmp_path, core):
    succeed("library", MODEL, "--as", "sources", "-o", tmp_path / "made", "--core", core,
            "--prefix", "digits")
    sources = sorted((tmp_path / "made" / "src").glob("*.c"))
    clang = [sys.executable, "-m", "ziglang", "cc", "-target", "thumb-freestanding-eabi",
             f"-mcpu={core.replace('-', '_')}", "-std=c99", "-O2", *WARNINGS, "-Werror",
             "-isystem", headers(find_cross_gcc()), f"-I{tmp_path / 'made' / 'include'}"]

    def compiled(source):
        words = [*clang, "-c", str(source), "-o", str(tmp_path / f"{source.stem}.o")]
        return subprocess.run(words, capture_output=True, text=True)

    with ThreadPoolExecutor(2) as pool:
        said = [done.stderr for done in pool.map(compiled, sources) if done.returncode]
    assert sources and not said
