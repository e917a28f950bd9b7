"""Names from files reach the terminal as text, wherever they are printed."""

import json

import pytest
from cli_runner import BOARD, edgetune
from tiny_tflite import ModelBuilder

from edgetune.cli.printer import Printer
from edgetune.cli.shown import shown
from edgetune.errors import ModelError

EVIL = "a\x1b]0;title\x07\x9b2J\r\x00\u202eb[red]"
AS_TEXT = r"a\x1b]0;title\x07\x9b2J\r\x00\u202eb[red]"


@pytest.mark.parametrize("say", [
    lambda p: p.text(EVIL),
    lambda p: p.table(["name", EVIL], [[EVIL, 1]], title=EVIL),
    lambda p: p.note(EVIL),
    lambda p: p.reporter.progress(EVIL, 1, 1),
    lambda p: p.fail(ModelError(EVIL, EVIL, EVIL)),
])
def test_what_is_printed_has_no_control_characters(capsys, say):
    say(Printer("inspect", as_json=False))
    said = "".join(capsys.readouterr())
    assert AS_TEXT in said
    assert all(c.isprintable() or c == "\n" for c in said)


def test_a_custom_operator_s_name_is_shown_as_text(tmp_path):
    """A file whose operator is named by a sequence that sets a terminal's title."""
    model = ModelBuilder((1, 6)).dense(4)
    model.operators[0].kind, model.operators[0].options_table = f"CUSTOM:{EVIL}", ""
    (tmp_path / "m.tflite").write_bytes(model.build())
    for verb in (("inspect",), ("plan", "--board", BOARD)):
        outcome = edgetune(*verb, tmp_path / "m.tflite")
        said = outcome.stdout + outcome.stderr
        assert outcome.code == 8 and f"CUSTOM:{AS_TEXT}" in said
        assert all(c.isprintable() or c == "\n" for c in said)


def test_json_escapes_them_itself(capsys):
    Printer("inspect", as_json=True).fail(ModelError(EVIL, EVIL, EVIL))
    said = capsys.readouterr().out
    assert json.loads(said)["error"]["message"] == EVIL and "\x1b" not in said


def test_lines_and_words_of_all_languages_stay():
    assert shown("Größe\n\t层") == "Größe\n\t层"
