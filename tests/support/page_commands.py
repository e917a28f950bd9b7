"""The shell commands of the documentation's pages, and what becomes of each in the tests.

A command is a line of a page's code, or code between words, that begins with a program.  It is run
by `tests/project/test_docs_commands.py` (`page_folder.py` has the folder for it, and what makes it
short), unless it stands in one of two tables here: `PARSED`, scripts that take minutes, whose own
parsers read the command; and `NOT_RUN`, with the reason why it cannot be run here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")),
         *sorted((ROOT / "examples").rglob("*.md"))]
PROGRAM = re.compile(
    r"(?:[A-Z_]+=\S+ )*(?:edgetune|python3?|make|pip|pytest|renode-test|gcc|cmake|export|eval|sudo"
    r"|man|cp|apt-get|qemu-system-arm|\.venv/bin/\w+|\w+\.py)(?= )|\./\w+$"
)

# Whole commands, or patterns of them -> why they cannot be run here.
NOT_RUN = {
    "pip install *": "Changes the environment; tests/project/test_wheel.py installs a wheel.",
    "pip wheel *": "tests/project/test_wheel.py makes the wheel.",
    "python3 -m venv .venv *": "The tests run in such an environment.",
    "apt-get install *": "Changes the computer.",
    "sudo *": "Needs root.",
    "edgetune doctor --udev | sudo *": "Needs root; tests/session/test_doctor.py prints the rules.",
    "make demo": "tests/project/test_make.py runs it.",
    "make test": "These tests.", "make test-fast": "These tests.", "make test-slow": "These tests.",
    "make lint": "`make test` ends with it.",
    "make wheel": "tests/project/test_wheel.py makes it.",
    "make pages": "Writes into the tree; tests/project/test_docs.py compares what it would write.",
    "make docs": "tests/project/test_docs.py builds the site.",
    "make fuzz*": "Takes minutes; tests/model, tests/link and tests/store run short forms.",
    "make line-faults": "Takes minutes; tests/session/test_faults.py has such lines.",
    "make calibrate": "Takes minutes and writes into the tree.",
    "make run": "Needs QEMU for a while; tests/library/test_product.py plays that world.",
    "make flash": "Needs a board and its probe.",
    "edgetune flash *": "Needs a probe, or a GDB server; tests/flash writes with stand-ins, and "
                        "emulated chips through GDB.",
    "edgetune packs update": "Downloads the makers' index.",
    "edgetune packs install Keil.STM32F4xx_DFP": "Downloads a pack.",
    "edgetune packs install ARM::CMSIS-NN": "Downloads a pack.",
    "edgetune boards add STM32F407VG": "Needs the makers' index; with --pdsc it is run.",
    "edgetune boards add PART": "Needs the makers' index; with --pdsc it is run.",
    "edgetune monitor * --device /tmp/uart": "Needs a Renode that runs with a window.",
    "renode-test *": "Needs Renode; tests/device/test_renode_suites.py runs the suites.",
    "qemu-system-arm *": "Runs until it is ended; tests/flash/test_flash_gdb.py writes to such a "
                         "chip and talks to it.",
    "EDGETUNE_FLASH_CUT=40 *": "Cuts the power on purpose, amid a commit; so does tests/store.",
    "eval *": "Of a shell; tests/project/test_completion.py has each shell take it.",
    "_EDGETUNE_COMPLETE=fish_source *": "Of a shell; tests/project/test_completion.py has each "
                                        "shell take it.",
    "man *": "Opens a pager; tests/project/test_completion.py has groff take every page.",
    "python -m http.server *": "Runs until it is ended.",
    "pytest tests/*": "Of these tests.", ".venv/bin/python -m pytest *": "Of these tests.",
    "pytest --edgetune-devices *": "tests/ci/test_ci_example.py runs it.",
    "cp -r examples/ci *": "tests/ci/test_ci_example.py copies the folder.",
    "python examples/pytorch/export.py": "Needs PyTorch; what it writes is in the tree.",
    "python examples/digits/pretrain.py": "Needs TensorFlow; what it writes is in the tree.",
    "python tools/board_pages.py": "Writes into the tree; tests/boards/test_board_pages.py "
                                   "compares.",
    "python tools/operator_page.py": "Writes into the tree; tests/project/test_operator_files.py "
                                     "compares.",
    "python tools/misra.py": "Needs cppcheck for a minute; tests/library/test_misra_page.py.",
    "python tools/library_costs.py": "Takes minutes; tests/library/test_library_costs.py.",
}

# Commands that take minutes, or need data or packages that the tree lacks: `parse_only.py` has the
# script's own parser read them and stops there.  tests/project/test_accuracy_tables.py,
# test_losses_example.py and others run short forms of most.
PARSED = (
    "python examples/accuracy/*", "python examples/conversion/*", "python examples/losses/*",
    "python tools/budgets.py *", "python tools/growth.py*", "python tools/calibrate.py*",
    "python tools/check_costs.py", "python tools/kernel_table.py", "python tools/keras_matrix.py*",
    "python tools/onnx_matrix.py", "python tools/plan_and_bench.py*", "python tools/code_size.py*",
)


@dataclass(frozen=True)
class Command:
    """``text`` as a shell reads it, a line; ``inline``: it stands between words."""

    text: str
    inline: bool

    @property
    def is_mention(self) -> bool:
        """`edgetune plan --store`, `edgetune weights VERB ...`, `edgetune weights commit [--data
        D]`: a verb is named or its usage is shown, and nothing could be run."""
        program, *words = self.text.split()
        if program != "edgetune":
            return False
        usage = re.search(r"\[[A-Z:-]|\bVERB\b", self.text)
        bare = self.inline and all(re.fullmatch(r"--?[a-z-]+|[a-z]+", word) for word in words)
        return bool(usage) or bare


def all_commands(page: Path) -> list[Command]:
    """All of a page, in their order."""
    beside = f"python {page.parent.relative_to(ROOT)}/"  # where a script stands by its name alone
    found = commands_in(page.read_text(encoding="utf-8"))
    return [replace(one, text=re.sub(r"^(?=\w+\.py )", beside, one.text)) for one in found]


def to_run(page: Path) -> list[str]:
    """The page's commands that are neither mentions nor in `NOT_RUN` or `PARSED`."""
    found = [one.text for one in all_commands(page) if not one.is_mention]
    return [text for text in found if not row_of(text, NOT_RUN) and not row_of(text, PARSED)]


def row_of(text: str, patterns: Collection[str]) -> str | None:
    """The first of the patterns that has the command."""
    return next((pattern for pattern in patterns if fnmatchcase(text, pattern)), None)


def commands_in(text: str) -> Iterator[Command]:
    """Code is what stands between fences, or indented behind an empty line."""
    fenced, code, words = False, False, []
    lines = re.sub(r" *\\\n +", " ", text).splitlines()
    for before, line in zip(["", *lines], [*lines, ""]):
        if line.startswith("```"):
            fenced = not fenced
        code = fenced or line.startswith("    ") and (code or not before.strip())
        if code:
            yield from _inline(words)
            words = []
            line = re.split(r"  +", line.strip())[0]
            if PROGRAM.match(line):
                yield Command(line, False)
        else:
            words.append(line)
    yield from _inline(words)


def _inline(lines: list[str]) -> Iterator[Command]:
    for part in re.findall(r"(?<!`)`([^`]+)`(?!`)", "\n".join(lines)):
        text = " ".join(part.split())
        if PROGRAM.match(text):
            yield Command(text, True)
