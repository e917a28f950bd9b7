"""What each verb prints on a terminal of 80 and of 120 columns: no word is broken."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import sys
import termios
from importlib import import_module
from pathlib import Path

import pytest
from cli_runner import BOARD, DATA, MODEL, ON_HOST, edgetune
from rich.console import Console
from written_run import write_run

from edgetune.cli.main import VERBS as VERB_MODULES
from edgetune.cli.main import main
from edgetune.cli.progress import PlainReporter, TerminalReporter, last_samples
from edgetune.session.reporter import LearntSample

FLOAT = MODEL.replace("int8", "float")
CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
WIDE = 1000
VERBS = {
    "help": ("--help",), "tune help": ("tune", "--help"), "plan help": ("plan", "--help"),
    "inspect": ("inspect", MODEL, "--board", BOARD), "inspect float": ("inspect", FLOAT),
    "plan": ("plan", MODEL, "--board", BOARD, "--ram", 14000),
    "too small": ("plan", MODEL, "--board", "stm32vldiscovery"),
    "convert": ("convert", FLOAT, "--data", DATA, "-o", "c.tflite"),
    "boards list": ("boards", "list"), "boards show": ("boards", "show", BOARD),
    "packs list": ("packs", "list"), "runs list": ("runs", "list"),
    "runs show": ("runs", "show", "1"), "runs compare": ("runs", "compare", "1", "2"),
    "weights diff": ("weights", "diff", MODEL, MODEL), "ci init": ("ci", "init", "--help"),
    "no data": ("tune", MODEL, *ON_HOST), "no port": ("monitor", "/dev/absent"),
    "flash": ("flash", "--board", BOARD, "--image", "absent.elf"),
}
ON_DEVICE = {
    "doctor": ("doctor",),
    "run": ("run", MODEL, *ON_HOST), "build": ("build", MODEL, *ON_HOST[:2], "--out", "b"),
    "tune": ("tune", MODEL, *ON_HOST, "--data", DATA, "--also", "tuned=:tune", "--samples", 9,
             "--passes", 1, "-q"),
    "eval": ("eval", MODEL, *ON_HOST, "--data", DATA, "-q"),
    "verify": ("verify", MODEL, *ON_HOST, "--data", DATA, "--steps", 3, "-q"),
}


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
    return {re.sub(r"^\d{4}-digits_int8/", "", word.replace("runs/", ""))
            for line in lines for word in line.split()}


def check(words, monkeypatch, folder: Path):
    """All words are those of a terminal that is wide enough, and lines fit; what is longer is one
    word, a path."""
    monkeypatch.chdir(folder)
    wide = words_of(on_terminal(words, WIDE))
    assert len(wide) > 5
    for width in (80, 120):
        lines = on_terminal(words, width)
        assert words_of(lines) <= wide, width
        long = [line for line in lines if len(line.rstrip()) > width]
        assert all(len(word) > width - 20 for line in long for word in [max(line.split(), key=len)])


@pytest.fixture(scope="module", autouse=True)
def imported():
    """Once here, in place of each child's own time."""
    for name in VERB_MODULES:
        import_module(f"edgetune.cli.{name}")
    for words in ("plan", "inspect"):
        edgetune(words, MODEL, "--board", BOARD)


@pytest.mark.parametrize("verb", VERBS)
def test_no_word_is_broken(verb, tmp_path, monkeypatch):
    write_run(tmp_path / "runs/0001-a-model", 10, (1, 0, 1, 1), rate=1.0)
    write_run(tmp_path / "runs/0002-a-model", 20, layers=["all"] * 9)
    check(VERBS[verb], monkeypatch, tmp_path)


@pytest.mark.parametrize("verb", [
    pytest.param(verb, marks=pytest.mark.thorough if verb == "tune" else pytest.mark.slow)
    for verb in ON_DEVICE
])
def test_no_word_is_broken_by_what_runs(verb, tmp_path, monkeypatch):
    check(ON_DEVICE[verb], monkeypatch, tmp_path)


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
