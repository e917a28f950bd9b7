"""The C engine compiled so that it counts how often each of its lines runs.

    engine = CountedEngine(folder)
    counts = engine.run(lambda library: library.et_mean_forward(...))
    counts.line("mean.c", "total += *cell")

Lines are named by a piece of their text, so that a test says which loop it means; those of a
header that a file includes by "file.c:header.h".
"""

import ctypes
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from c_engine import ENGINE, SOURCES, stands_for

GCC, GCOV = shutil.which("gcc"), shutil.which("gcov")
SWITCHES = """\
void __gcov_dump(void);
void __gcov_reset(void);
void counts_write(void);
void counts_clear(void);
void counts_write(void) { __gcov_dump(); }
void counts_clear(void) { __gcov_reset(); }
"""


class Counts:
    """How often the engine's lines ran in one run: to be read before the next."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._files: dict[str, list[dict]] = {}

    def line(self, file: str, text: str, function: str = "") -> int:
        """Of the one line in ``file`` (and in ``function``) that holds ``text``."""
        return self._find(file, text, function)["count"]

    def turns(self, file: str, text: str, copies: slice = slice(None), function: str = "") -> int:
        """Turns of the loop that ``text`` begins.

        Args:
            copies: of an inlined function's loop, which of its copies, in the source's order.
        """
        branches = self._find(file, text, function)["branches"]
        into_the_loop = [branch["count"] for branch in branches[::2]]
        return sum(into_the_loop[copies])

    def _find(self, file: str, text: str, function: str) -> dict:
        if file not in self._files:
            self._files[file] = self._read(file)
        source = (ENGINE / file.split(":")[-1]).read_text(encoding="utf-8").splitlines()
        found = [
            line for line in self._files[file]
            if text in source[line["line_number"] - 1]
            and function in ("", line.get("function_name"))
        ]
        assert len(found) == 1, f"{file} has {len(found)} lines that run with: {text}"
        return found[0]

    def _read(self, file: str) -> list[dict]:
        unit, name = file.split(":")[0], file.split(":")[-1]
        command = [GCOV, "--json-format", "--stdout", "--branch-probabilities",
                   f"engine.so-{Path(unit).stem}.gcda"]
        text = subprocess.run(
            command, check=True, cwd=self._folder, capture_output=True, text=True
        ).stdout
        (lines,) = (f["lines"] for f in json.loads(text)["files"] if Path(f["file"]).name == name)
        return lines


class CountedEngine:
    """The engine with gcc's counters, or those ``sources`` of it that are run; ``folder`` holds
    what it compiles and counts."""

    def __init__(self, folder: Path, *options: str, sources: list[Path] = SOURCES):
        self.folder = folder
        switches = folder / "switches.c"
        switches.write_text(SWITCHES)
        command = [
            GCC, "-std=gnu99", "-O0", "--coverage", "-shared", "-fPIC", *options,
            f"-I{ENGINE}", "-o", "engine.so", *sources, switches,
        ]
        subprocess.run(command, check=True, cwd=folder)
        self.library = ctypes.CDLL(str(folder / "engine.so"))
        self.library.core = stands_for(options)

    def run(self, call: Callable[[ctypes.CDLL], object]) -> Counts:
        """What ``call`` makes the engine do, counted."""
        for old in self.folder.glob("*.gcda"):
            old.unlink()
        self.library.counts_clear()
        call(self.library)
        self.library.counts_write()
        return Counts(self.folder)
