"""Without a terminal the text is what rich writes there, byte by byte, and rich is not imported."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cli_runner import MODEL

from edgetune.cli import printer as module
from edgetune.cli.plain import Plain
from edgetune.cli.printer import Printer

ROWS = [
    ["conv_2d_0", "a" * 10, 1234567, None], ["x", None, 7.5, "c"], ["[bold]y[/]", "", None, True],
]
TABLES = [
    (ROWS, ""), (ROWS, "A title"), ([], ""), ([["é" * 9, 1, "\x1b[2J", ":smiley:"]], ""),
    ([["word " * 30, 1, 2, "c"], ["d", 2, "word " * 30, "e"]], ""),
]


def said(capsys) -> str:
    printer = Printer("plan", as_json=False)
    printer.text("a [bold]line[/]\twith \x1b[2J, a tab and " + "of many words " * 30)
    printer.sentences("Every step is compared. " * 9)
    for rows, title in TABLES:
        printer.table(["name", "text", "number", "mixed"], rows, title)
    return capsys.readouterr().out


def test_it_is_what_rich_writes(capsys, monkeypatch):
    ours = said(capsys)
    monkeypatch.setattr(module, "_console", module._rich)
    assert ours == said(capsys)


@pytest.mark.parametrize("name", ["FORCE_COLOR", "TTY_COMPATIBLE"])
def test_a_terminal_that_is_asked_for_is_rich_s(monkeypatch, name):
    assert isinstance(module._console(sys.stdout), Plain)
    monkeypatch.setenv(name, "1")
    assert not isinstance(module._console(sys.stdout), Plain)


def test_a_plan_into_a_pipe_needs_no_rich():
    code = (
        "import atexit, sys; from edgetune.cli.main import main\n"
        "atexit.register(lambda: print([n for n in sys.modules if n.startswith('rich')]))\n"
        f"sys.argv = ['edgetune', 'plan', {str(MODEL)!r}, '--board', 'nucleo-f446re']; main()"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.stdout.endswith("\n[]\n") and "Step:" in found.stdout and not found.stderr
