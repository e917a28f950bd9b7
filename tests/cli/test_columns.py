"""What each verb prints, on a terminal of 80 and of 120 columns: no word is broken, and it is what
docs/reference/prints.md says."""

from __future__ import annotations

import fcntl
import inspect
import io
import os
import pty
import re
import shutil
import struct
import sys
import termios
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest
from cli_runner import BOARD, DATA, MODEL, ON_HOST, edgetune
from click import Group
from emulators import need_emulator
from every_verb import COUNTED, FLOAT, LAUNCHED, QUICK, REFUSED, prepare, prepare_flash, settle
from rich.console import Console

from edgetune.cli import flash, packs
from edgetune.cli.main import VERBS as VERB_MODULES
from edgetune.cli.main import main
from edgetune.cli.progress import PlainReporter, TerminalReporter, last_samples
from edgetune.flash.base import Written
from edgetune.session.reporter import LearntSample

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT))

from tools.pages.reference import commands  # noqa: E402

PRINTS = ROOT / "docs" / "reference" / "prints.md"
CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
WIDE = 1000
HELP = {"help": ("--help",), "tune help": ("tune", "--help"), "plan help": ("plan", "--help")}
ERRORS = {
    "inspect float": ("inspect", FLOAT),
    "too small": ("plan", MODEL, "--board", "stm32vldiscovery"),
    "no data": ("tune", MODEL, *ON_HOST), "no port": ("monitor", "/dev/absent"),
}
CALLS = QUICK | LAUNCHED | COUNTED | REFUSED


KEPT = [field.name for field in fields(Written)]  # of what flash did
REFUSED_BY = {"flash": 2, "packs update": 9}  # exit codes


def _said() -> dict[str, tuple[list[str], list[str]]]:
    """Of docs/reference/prints.md: what a verb's lines begin with, and the keys under --json."""
    rows = re.findall(r"^\| `([a-z ]+)` \| (.*) \| (.*) \|$", PRINTS.read_text(), re.MULTILINE)
    return {verb: tuple(re.findall("`([^`]+)`", cell) for cell in cells) for verb, *cells in rows}


SAID = _said()


def on_terminal(words, width: int) -> list[str]:
    """The lines that the command prints on a terminal of ``width`` columns."""
    child, terminal = pty.fork()
    if not child:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
        os.environ.pop("COLUMNS", None)
        os.environ["TERM"] = "xterm"
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")
        try:
            main.main([str(word) for word in words])
        except SystemExit:
            pass
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)
    said = b""
    while True:
        try:
            part = os.read(terminal, 1 << 16)
        except OSError:  # its end, on Linux
            break
        if not part:
            break
        said += part
    os.waitpid(child, 0)
    os.close(terminal)
    return CONTROL.sub("", said.decode()).replace("\r\n", "\n").split("\n")


def words_of(lines: list[str]) -> set[str]:
    """Without the colon that a column's name has where each cell is a line."""
    return {re.sub(r"^\d{4}-digits_int8/", "", word.replace("runs/", "")).removesuffix(":")
            for line in lines for word in line.split()}


def check(words, start) -> list[str]:
    """All words are those of a terminal that is wide enough, and lines fit; what is longer is one
    word, a path.  ``start`` brings the folder back to what it was.  The lines of 80 columns."""
    start()
    wide, shown = words_of(on_terminal(words, WIDE)), {}
    assert wide
    for width in (80, 120):
        start()
        shown[width] = lines = on_terminal(words, width)
        assert words_of(lines) <= wide, width
        long = [line for line in lines if len(line.rstrip()) > width]
        assert all(len(word) > width - 20 for line in long for word in [max(line.split(), key=len)])
    return shown[80]


@pytest.fixture(scope="module", autouse=True)
def imported():
    """Once here, in place of each child's own time."""
    for name in VERB_MODULES:
        import_module(f"edgetune.cli.{name}")
    for words in ("plan", "inspect"):
        edgetune(words, MODEL, "--board", BOARD)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        prepare(folder)
        settle(patch, folder)
        assert edgetune(*QUICK["packs install"]).code == 0
        if shutil.which("cc"):
            prepare_flash()
    return folder


@pytest.fixture
def start(prepared, tmp_path, monkeypatch):
    """Makes the current folder a fresh copy of the prepared one."""
    def fresh():
        shutil.rmtree(tmp_path / "work", ignore_errors=True)
        settle(monkeypatch, shutil.copytree(prepared, tmp_path / "work"))

    return fresh


@pytest.mark.parametrize("name", HELP | ERRORS)
def test_no_word_is_broken(name, start):
    check((HELP | ERRORS)[name], start)


@pytest.mark.parametrize("verb", [
    *QUICK, *(pytest.param(verb, marks=pytest.mark.thorough) for verb in CALLS if verb not in QUICK)
])
def test_no_word_of_a_verb_is_broken_and_the_reference_says_what_it_prints(verb, start):
    if verb in COUNTED:
        need_emulator()
    lines, rest = check(CALLS[verb], start), [*SAID[verb][0]]
    if verb not in REFUSED:
        for line in lines:
            if rest and rest[0] in line:
                rest = rest[1:]
                while rest and rest[0] in line:  # of a table's head, or of one sentence
                    rest = rest[1:]
        assert not rest, lines


@pytest.mark.thorough
@pytest.mark.parametrize("verb", CALLS)
def test_the_reference_says_the_keys_of_json(verb, start):
    if verb in COUNTED:
        need_emulator()
    start()
    said = edgetune(*CALLS[verb], "--json").json()
    if verb in REFUSED:
        assert said["error"]["exit_code"] == REFUSED_BY[verb]
    else:
        assert [*said["result"]] == SAID[verb][1]


def test_the_reference_has_every_verb():
    verbs = [words.partition(" ")[2] for words, one in commands() if not isinstance(one, Group)]
    assert [*SAID] == verbs and {*CALLS} == {*verbs}


def test_what_needs_a_board_or_the_network_prints_what_the_reference_says():
    """By the code: tests/flash and tests/packs run these verbs to their ends."""
    for verb, source in (("flash", flash), ("packs update", packs)):
        text = inspect.getsource(source)
        assert all(f'"{key}"' in text or key in KEPT for key in SAID[verb][1])
        assert all(phrase in text for phrase in SAID[verb][0])


@pytest.mark.parametrize("width", [80, 120])
def test_progress_is_one_line_that_fits(width):
    """A million of samples, an hour, and all of them right."""
    now = [0.0]
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=width, color_system=None)
    reporter = TerminalReporter(console, clock=lambda: now[0])
    for done in range(5):
        now[0] += 900
        reporter.progress("learning", done * 250_000, 1_000_000, 1.0)
    reporter.close()
    lines = [line for line in re.split(r"[\r\n]", CONTROL.sub("", file.getvalue())) if line.strip()]
    assert all(len(line) <= width for line in lines)
    assert "1000000/1000000" in lines[-1] and "100.0 % of last 100" in lines[-1]
    assert any("left" in line and "/s" in line for line in lines) or "in 1:00:00" in lines[-1]


@pytest.mark.parametrize("width", [80, 120])
def test_the_last_samples_are_one_line_that_fits(width):
    """The newest at its end; names that are long are cut."""
    samples = [LearntSample("3", "3", 0.02), LearntSample("walking upstairs", "sit", 2.3)] * 8
    line = last_samples(samples, width)
    assert line.startswith("Last: ") and width - 36 < len(line) <= width
    assert line.endswith("3 as 3 right 0.02, walking ups… as sit wrong 2.30")
    errors = [LearntSample("", "", 0.125), LearntSample("", "", 3.0)]
    assert last_samples(errors, width) == "Last losses: 0.125, 3"
    assert last_samples((), width) == ""


@pytest.mark.thorough
def test_a_run_on_a_terminal_shows_its_last_samples_and_elsewhere_does_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = ("tune", MODEL, *ON_HOST, "--data", DATA, "--samples", 40, "--passes", 1)
    lines = [one for line in on_terminal(run, 80) for one in line.split("\r")]
    last = [line for line in lines if line.startswith("Last: ")]
    sample = r"\d as \d (right|wrong) \d+\.\d\d"
    assert last and all(re.fullmatch(f"Last: {sample}(, {sample})*", line) for line in last)
    assert max(map(len, lines)) <= 80
    piped = edgetune(*run)
    assert piped.code == 0 and "Last: " not in piped.stdout + piped.stderr


def test_elsewhere_a_phase_says_a_line_in_ten_seconds():
    now, file = [0.0], io.StringIO()
    reporter = PlainReporter(Console(file=file), clock=lambda: now[0])
    for done in range(1, 251):
        now[0] += 0.125
        reporter.progress("learning", done, 250, 0.5)
    reporter.warning("it is void")
    assert file.getvalue().splitlines() == [
        "learning: 81 of 250, 50.0 % of last 81", "learning: 161 of 250, 50.0 % of last 100",
        "learning: 241 of 250, 50.0 % of last 100",
        "learning: 250 of 250, 50.0 % of last 100", "Warning: it is void",
    ]


@pytest.mark.parametrize("silent, mute, said", [(True, False, True), (True, True, False)])
def test_quiet_hides_no_warning_and_json_has_them_in_its_document(silent, mute, said):
    file = io.StringIO()
    reporter = PlainReporter(Console(file=file), silent, mute)
    reporter.note("a note")
    reporter.progress("learning", 1, 1, 1.0)
    reporter.warning("one class only")
    assert file.getvalue() == "Warning: one class only\n" * said
