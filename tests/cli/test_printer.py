"""How results are laid out: tables in parts, long lines broken, on a terminal and elsewhere."""

from __future__ import annotations

import sys

import pytest
from cli_runner import MODEL, edgetune
from rich.console import Console
from thinned import thinned

from edgetune.cli import printer as module
from edgetune.cli.printer import GAP, SENTENCE_WIDTH, Printer, _parts
from edgetune.cli.shown import broken

HEADERS = ["name", "first", "second", "third"]
ROWS = [["conv_2d_0", "a" * 10, 1234567, "b" * 12], ["x", None, 7, "c"]]
WORDS = "Every step is compared with the simulation, bit for bit. " * 4


@pytest.fixture
def terminal(monkeypatch):
    """Makes stdout a terminal of that many columns."""

    def of(width: int):
        monkeypatch.setattr(module, "_console", lambda file: Console(
            file=file, force_terminal=True, width=width, color_system=None
        ))

    return of


def table(capsys) -> list[str]:
    Printer("inspect", as_json=False).table(HEADERS, ROWS)
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("width, parts", [
    (200, [[0, 1, 2, 3]]), (46, [[0, 1, 2, 3]]), (45, [[0, 1, 2], [0, 3]]),
    (32, [[0, 1, 2], [0, 3]]), (31, [[0, 1], [0, 2], [0, 3]]), (5, [[0, 1], [0, 2], [0, 3]]),
])
def test_columns_that_fit_beside_the_first_stand_together(width, parts):
    """9, 10, 9 and 12 characters wide, two blanks apart."""
    assert GAP == 2 and _parts(HEADERS, ROWS, width) == parts


@pytest.mark.parametrize("first, parts", [
    (["CONV_2D", "CONV_2D", "MEAN"], [[0, 1, 2], [1, 3]]),  # the second tells rows apart
    (["a", "b", "c"], [[0, 1, 2], [0, 3]]),
])
def test_each_part_has_the_column_that_tells_rows_apart(first, parts):
    rows = [[name, f"tensor{n}", "x" * 7, "y" * 7] for n, name in enumerate(first)]
    assert _parts(["layer", "tensor", "from", "to"], rows, 28) == parts


def test_a_column_that_tells_rows_apart_does_not_stand_twice_in_a_part():
    rows = [["x" * 9, "y" * 9, n, "z" * 20] for n in range(2)]
    assert _parts(["a", "b", "n", "d"], rows, 20) == [[0, 1], [2, 3]]


def test_a_wide_table_comes_in_parts_with_the_first_column(terminal, capsys):
    terminal(34)
    lines = table(capsys)
    assert [line.split()[0] for line in lines if line.strip()] == ["name", "conv_2d_0", "x"] * 2
    assert all(len(line) <= 34 for line in lines) and lines.count("") == 1
    assert "second" in lines[0] and "third" not in lines[0] and "third" in lines[4]
    assert lines[1].rstrip().endswith("1,234,567")  # numbers stand on the right
    assert lines[2].rstrip().endswith(" " * 8 + "7")


def test_without_a_terminal_a_table_has_room(capsys):
    assert len(table(capsys)) == len(ROWS) + 1


@pytest.mark.parametrize("width", [30, 60])
def test_on_a_terminal_lines_are_broken_between_words(terminal, capsys, width):
    terminal(width)
    Printer("plan", as_json=False).wrapped(WORDS, 7)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 2 and max(map(len, lines)) <= width
    assert all(line.startswith(" " * 7 + line[7]) and line[7] != " " for line in lines[1:])
    assert " ".join(" ".join(lines).split()) == WORDS.strip()


def test_without_a_terminal_a_line_stays_whole_and_sentences_are_broken(capsys):
    Printer("plan", as_json=False).wrapped(WORDS, 7)
    assert capsys.readouterr().out == WORDS + "\n"
    Printer("plan", as_json=False).sentences(WORDS)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and 80 < max(map(len, lines)) <= SENTENCE_WIDTH == 100


def test_words_longer_than_a_line_stay_whole():
    """A path or a command that is cut in two cannot be copied."""
    path = "/".join(["folder-with-hyphens"] * 4)
    assert broken(f"See {path} there", 20) == f"See\n{path}\nthere"


@pytest.mark.thorough
@pytest.mark.parametrize("width", thinned([50, None], 2))
def test_sentences_of_inspect_are_broken_at_the_terminal_s_width(terminal, width):
    if width:
        terminal(width)
    outcome = edgetune("inspect", MODEL)
    sentences = outcome.stdout[outcome.stdout.index("operators have weights") :].splitlines()
    assert outcome.code == 0
    assert max(map(len, sentences[:3])) <= (width or 100)
    said = " ".join(" ".join(sentences).split())
    assert "trained, to 10 classes, softmax loss without --loss; the model has" in said


def test_json_has_no_text(capsys):
    silent = Printer("plan", as_json=True)
    silent.wrapped(WORDS, 7)
    silent.sentences(WORDS)
    silent.table(HEADERS, ROWS)
    assert capsys.readouterr().out == "" and sys.stdout
