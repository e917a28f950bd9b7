"""The pages' commands: all of them name verbs and options that there are, and those of the
tutorials are run, as they stand there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from cli_runner import edgetune

from edgetune.cli.main import main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
TUTORIALS = ("first-ten-minutes.md", "tutorials/wearable.md", "tutorials/microphone.md",
             "tutorials/anomaly.md", pytest.param("pytorch.md", marks=pytest.mark.slow))
SHORTER = {  # what makes a page's commands short, without leaving one out
    "conversion.md": {"convert": ["--samples", "20"]}, "ci.md": {}, "costs.md": {},
    "store.md": {"tune": ["--samples", "5", "--passes", "1"]},
    "explanation/bits.md": {"verify": ["--device", "host", "--steps", "5", "--forward", "5"]},
}
CLOSE = 4.0  # points, or hundredths of an AUC: converters of floats may differ in a last bit


def commands(page: Path) -> list[list[str]]:
    """Lines of a page's code that begin with a program of ours; a \\ goes on in the next."""
    text = re.sub(r" *\\\n +", " ", page.read_text(encoding="utf-8"))
    lines = re.findall(r"^    ((?:edgetune|python) .*)$", text, re.MULTILINE)
    return [shlex.split(re.split(r"  +#|    +", line)[0]) for line in lines]


def resolved(words: list[str]) -> tuple[click.Command, list[str]]:
    """The verb that words name, and the rest of them."""
    command: click.Command = main
    while isinstance(command, click.Group) and words:
        found = command.get_command(click.Context(command), words[0])
        if found is None:
            break
        command, words = found, words[1:]
    return command, words


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_name_verbs_and_options_that_there_are(page):
    for program, *words in commands(page):
        if program != "edgetune" or {"VERB", "--version"} & {*words}:
            continue
        command, rest = resolved(words)
        assert command is not main and not (isinstance(command, click.Group) and rest), words
        known = {"--help", *(name for p in command.params for name in p.opts)}
        for word in rest:
            if re.match(r"--?[a-z]", word):
                assert word.partition("=")[0] in known, (words, word)


def figures(text: str) -> list[float]:
    """Of a line about a run: before and after."""
    found = re.search(r"(?:Accuracy|AUC) on host, .*: ([\d.]+)(?: %)? before, ([\d.]+)", text)
    scale = 100 if found and found[0].startswith("AUC") else 1
    return [] if found is None else [scale * float(number) for number in found.groups()]


@pytest.mark.thorough
@pytest.mark.parametrize("name", TUTORIALS)
def test_a_tutorial_does_what_it_says(name, tmp_path, monkeypatch):
    """Every command, in an empty folder; learning without the simulation beside it, whose bits are
    the same."""
    if "microphone" in name:
        pytest.importorskip("librosa", reason="librosa is not installed (the extra sound)")
    if "pytorch" in name:
        pytest.importorskip("onnx", reason="onnx is not installed (the extra onnx)")
    monkeypatch.chdir(tmp_path)
    for folder in ("digits", "pytorch", "tutorials"):
        shutil.copytree(ROOT / "examples" / folder, f"examples/{folder}")
    page = ROOT / "docs" / name
    reached = []
    for program, *words in commands(page):
        if program == "python":
            subprocess.run([sys.executable, *words], check=True)
        elif words[0] != "doctor":
            faster = ["--no-verify"] if words[0] == "tune" else []
            outcome = edgetune(*words, *faster)
            assert outcome.code == 0, (words, outcome.stdout, outcome.stderr)
            reached += figures(outcome.stdout)
    said = [f for line in page.read_text().splitlines() for f in figures(line)]
    assert len(reached) == 2 and (not said or reached == pytest.approx(said, abs=CLOSE))
    assert reached[1] > reached[0] + 10


@pytest.mark.thorough
@pytest.mark.parametrize("name", SHORTER)
def test_a_page_s_commands_run(name, tmp_path, monkeypatch):
    """On the demo's model and data, by the names that the page has for them."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples" / "digits", "examples/digits")
    kind = "float" if name == "conversion.md" else "int8"
    shutil.copy(f"examples/digits/digits_{kind}.tflite", "model.tflite")
    shutil.copy("examples/digits/digits.npz", "samples.npz")
    ran = 0
    for program, *words in commands(ROOT / "docs" / name):
        if program == "python":  # of the tree: each has a test of its own
            continue
        outcome = edgetune(*words, *SHORTER[name].get(words[0], []))
        assert outcome.code == 0, (words, outcome.stdout, outcome.stderr)
        ran += 1
    assert ran
