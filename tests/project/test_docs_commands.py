"""The pages' commands: every one is run, or stands in a table with the reason why it is not; all
of them name verbs, options, scripts and targets that there are."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import page_folder
import pytest
from cli_runner import edgetune
from emulators import need_emulator
from page_commands import NOT_RUN, PAGES, PARSED, all_commands, commands_in, row_of, to_run

from edgetune.cli.main import main
from edgetune.device.renode import find_renode
from edgetune.errors import ToolchainError

ROOT = Path(__file__).parents[2]
TUTORIALS = ("first-ten-minutes.md", "tutorials/wearable.md", "tutorials/microphone.md",
             "tutorials/anomaly.md", pytest.param("pytorch.md", marks=pytest.mark.slow))
WALKED = {"first-ten-minutes.md", "wearable.md", "microphone.md", "anomaly.md", "pytorch.md"}
CLOSE = 4.0  # points, or hundredths of an AUC: converters of floats may differ in a last bit


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


COMMANDS = {page: all_commands(page) for page in PAGES}
TO_WALK = [page for page in PAGES if page.name not in WALKED and to_run(page)]
TEXTS = sorted({one.text for found in COMMANDS.values() for one in found if not one.is_mention})


# -- what is there ----------------------------------------------------------------------------


def test_commands_of_every_form_are_found():
    """In blocks with and without fences, over lines, in tables and between words."""
    forms = ("edgetune library model.tflite --as cmake --board nucleo-f446re -o learner",
             "edgetune bench MODEL", "edgetune doctor", "./learns", "python tools/misra.py",
             "python examples/conversion/check_networks.py FOLDER [--mnist FILE]",
             "edgetune packs install ARM::CMSIS-NN", "apt-get install stlink-tools")
    assert {*forms} <= {*TEXTS} and len(TEXTS) > 150


def test_no_row_of_the_tables_is_left_over():
    rows = {row_of(text, table) for table in (NOT_RUN, PARSED) for text in TEXTS}
    assert rows - {None} == {*NOT_RUN, *PARSED}


def resolved(words: list[str]) -> tuple[click.Command, list[str]]:
    """The verb that words name, and the rest of them."""
    command: click.Command = main
    while isinstance(command, click.Group) and words:
        found = command.get_command(click.Context(command), words[0])
        if found is None:
            break
        command, words = found, words[1:]
    return command, words


def check_verb(words: list[str]) -> None:
    command, rest = resolved(words)
    known = {"--help", *(name for p in command.params for name in p.opts)}
    assert not isinstance(command, click.Group) or {*rest} & {"VERB", *known} or not rest, words
    for word in rest:
        if re.match(r"--?[a-z]", word):
            assert word.partition("=")[0] in known, (words, word)


def check_paths(text: str) -> None:
    """Files of the tree that the command, or the reason for not running it, names."""
    for path in re.findall(r"(?<![\w/])(?:tests|tools|examples)/[\w/.]*\w", text):
        assert (ROOT / path).exists(), (text, path)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_name_what_there_is(page):
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for text in (one.text for one in COMMANDS[page]):
        program, *words = text.replace("[", " ").replace("]", " ").split()
        if program == "edgetune":
            check_verb(words[: words.index("|")] if "|" in words else words)
        if program == "make" and words[0] not in ("run", "flash"):  # those of other Makefiles
            assert words[0] in targets, text
        check_paths(text + " " + NOT_RUN.get(row_of(text, NOT_RUN) or "", ""))


# -- what is run ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    page_folder.prepare(folder)
    return folder


@pytest.fixture
def folder(prepared, tmp_path, monkeypatch):
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("EDGETUNE_PACKS", str(tmp_path / "packs"))
    monkeypatch.chdir(tmp_path)


def walk(texts: list[str], monkeypatch) -> None:
    """Run them in their order; what comes to the same, as devices do here, once."""
    for text in dict.fromkeys(re.sub(r"--device \S+", "--device host", text) for text in texts):
        if missing := page_folder.missing(text):
            pytest.skip(f"not installed: {missing}")
        code, said = page_folder.run(text, monkeypatch)
        assert code == page_folder.ENDS.get(text, 0), (text, said)


@pytest.mark.thorough
@pytest.mark.parametrize("page", TO_WALK, ids=name_of)
def test_a_page_s_commands_run(page, folder, monkeypatch):
    walk(to_run(page), monkeypatch)


EMULATED = [
    (page, device) for page in TO_WALK for device in ("qemu", "renode")
    if any(f"--device {device}" in text for text in to_run(page))
]


@pytest.mark.slow
@pytest.mark.parametrize("page, device", EMULATED, ids=lambda one: getattr(one, "stem", one))
def test_a_page_s_commands_run_in_the_emulator_that_it_names(page, device, folder, monkeypatch):
    need_emulator()
    if device == "renode":
        try:
            find_renode()
        except ToolchainError as error:
            pytest.skip(f"{error.message} {error.cause}")
    for text in to_run(page):
        if f"--device {device}" in text or "boards add" in text:  # a board of the page's own
            code, said = page_folder.run(text, monkeypatch, device)
            assert code == 0, (text, said)


@pytest.mark.thorough
def test_scripts_that_take_minutes_take_their_words():
    texts = [text for text in TEXTS if row_of(text, PARSED)]
    done = subprocess.run([sys.executable, ROOT / "tests/support/parse_only.py", *texts],
                          capture_output=True, text=True)
    assert done.returncode == 0 and len(texts) > 40, done.stderr


@pytest.mark.parametrize("line", [
    "edgetune plan model.tflite --board nucleo-f446", "edgetune inspect modle.tflite",
    "python examples/tutorials/make_dat.py", "edgetune tune model.tflite --data samples.npz",
])
def test_a_wrong_command_on_a_page_fails(line, folder, monkeypatch):
    found = [one.text for one in commands_in(f"Do this:\n\n    {line}\n")]
    assert found == [line]
    with pytest.raises(AssertionError):
        walk(found, monkeypatch)


def figures(text: str) -> list[float]:
    """Of a line about a run: before and after."""
    found = re.search(r"(?:Accuracy|AUC) on host, .*: ([\d.]+)(?: %)? before, ([\d.]+)", text)
    scale = 100 if found and found[0].startswith("AUC") else 1
    return [] if found is None else [scale * float(number) for number in found.groups()]


@pytest.mark.thorough
@pytest.mark.parametrize("name", TUTORIALS)
def test_a_tutorial_does_what_it_says(name, tmp_path, monkeypatch):
    """Every command, on all samples, in an empty folder; learning without the simulation beside
    it, whose bits are the same."""
    if "microphone" in name:
        pytest.importorskip("librosa", reason="librosa is not installed (the extra sound)")
    if "pytorch" in name:
        pytest.importorskip("onnx", reason="onnx is not installed (the extra onnx)")
    monkeypatch.chdir(tmp_path)
    for folder in ("digits", "pytorch", "tutorials"):
        shutil.copytree(ROOT / "examples" / folder, f"examples/{folder}")
    page = ROOT / "docs" / name
    reached = []
    for program, *words in map(shlex.split, to_run(page)):
        if program == "python":
            subprocess.run([sys.executable, *words], check=True)
        else:
            faster = ["--no-verify"] if words[0] == "tune" else []
            outcome = edgetune(*words, *faster)
            good = (0, 9) if words[0] == "doctor" else (0,)  # 9: it misses something
            assert outcome.code in good, (words, outcome.stdout, outcome.stderr)
            reached += figures(outcome.stdout)
    said = [f for line in page.read_text().splitlines() for f in figures(line)]
    assert len(reached) == 2 and (not said or reached == pytest.approx(said, abs=CLOSE))
    assert reached[1] > reached[0] + 10
