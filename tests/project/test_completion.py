"""Completion: what shells are told, and shells that complete by it; the man pages."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import click
import pytest
from click.shell_completion import get_completion_class

from edgetune.cli.main import main

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT))

from tools.man_pages import man_pages  # noqa: E402
from tools.pages.reference import commands  # noqa: E402

PAGE = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
PATIENCE = 60.0  # seconds
TYPED = ["edgetune insp\t", "examples/digits/digits_i\t", "--board stm32f4-d\t"]
READ = "edgetune inspect examples/digits/digits_int8.tflite --board stm32f4-discovery"


def completed(*words: str, shell: str = "bash") -> list[tuple[str, str]]:
    """What a shell is told of the last word."""
    shell_class = get_completion_class(shell)
    told = shell_class(main, {}, "edgetune", "_EDGETUNE_COMPLETE")
    found = told.get_completions([*words[:-1]], words[-1])
    return [(item.type, item.value) for item in found]


def test_shells_complete_verbs_options_boards_and_files():
    for shell in ("bash", "zsh", "fish"):
        assert completed("tu", shell=shell) == [("plain", "tune")]
    assert completed("tune", "--se") == [("plain", "--seed")]
    assert ("plain", "stm32f4-discovery") in completed("plan", "--board", "stm32f4")
    assert completed("tune", "m.tflite", "--device", "h") == [("plain", "host")]
    assert completed("inspect", "dig") == [("file", "dig")]


def test_every_verb_completes_boards_devices_and_files():
    kinds = {"board": "stm32f4-d", "device": "hos", "model": "mo", "data": "da"}
    asked = 0
    for words, command in commands():
        for parameter in command.params:
            begun = kinds.get(parameter.name)
            if begun and isinstance(parameter, click.Option):
                told = completed(*words.split()[1:], parameter.opts[0], begun)
                assert len(told) == 1 and told[0][1].startswith(begun), (words, told)
                asked += 1
    assert asked > 40


def test_the_command_answers_a_shell():
    environment = os.environ | {
        "_EDGETUNE_COMPLETE": "bash_complete", "COMP_WORDS": "edgetune insp", "COMP_CWORD": "1",
    }
    done = subprocess.run([sys.executable, "-m", "edgetune"], env=environment, text=True,
                          capture_output=True)
    assert done.stdout.split() == ["plain,inspect"]


# -- shells that are there --------------------------------------------------------------------


def line_for(shell: str) -> str:
    """The page's line for the shell's start-up file."""
    return re.search(rf"^    (.*_EDGETUNE_COMPLETE={shell}_source.*?)  +#", PAGE, re.MULTILINE)[1]


@pytest.fixture
def environment(tmp_path):
    """In which `edgetune` is this one, and a home that is empty."""
    program = tmp_path / "edgetune"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m edgetune "$@"\n')
    program.chmod(0o755)
    kept = {name: os.environ[name] for name in ("LANG",) if name in os.environ}
    return kept | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path),
                   "TERM": "dumb", "INPUTRC": "/dev/null"}


def typed(words: list[str], keys: list[str], environment: dict) -> str:
    """What a shell on a terminal says until its last line of keys, an `echo`, has spoken."""
    child, terminal = pty.fork()
    if not child:
        os.chdir(ROOT)
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 500, 0, 0))
        os.execvpe(words[0], words, environment)
    said, end = "", time.monotonic() + PATIENCE
    try:
        for key in keys:
            os.write(terminal, key.encode())
            time.sleep(0.05)
        while "\nread: edgetune" not in said and time.monotonic() < end:
            if select.select([terminal], [], [], 1)[0]:
                said += os.read(terminal, 1 << 16).decode(errors="replace").replace("\r", "")
    finally:
        os.close(terminal)
        os.waitpid(child, 0)
    return said


@pytest.mark.thorough
@pytest.mark.parametrize("shell, words, before", [
    ("bash", ["bash", "--norc", "--noprofile", "-i"], "PS1='> '"),
    ("zsh", ["zsh", "-f", "-i"], "PS1='> '; bindkey -e; autoload -U compinit; compinit -u -D"),
])
def test_a_shell_completes_what_is_typed(shell, words, before, environment):
    """The verb, a file and a board; then the line is put behind an `echo`."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    keys = [f"{before}; {line_for(shell)}\n", *TYPED, "\x01echo read: \n"]
    assert f"\nread: {READ}\n" in typed(words, keys, environment)


@pytest.mark.thorough
def test_fish_completes(environment):
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")
    asked = "; ".join(f'complete -C "{line}"' for line in (
        "edgetune insp", "edgetune inspect examples/digits/digits_i",
        "edgetune plan m.tflite --board stm32f4-d",
    ))
    done = subprocess.run(["fish", "--no-config", "-c", f"{line_for('fish')}; {asked}"],
                          env=environment, capture_output=True, text=True, cwd=ROOT)
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == [
        "inspect", "examples/digits/digits_int8.tflite", "stm32f4-discovery",
    ], done.stderr


@pytest.mark.parametrize("shell, words", [
    ("bash", "complete -o nosort"), ("zsh", "compdef"), ("fish", "complete --no-files"),
])
def test_each_shell_has_a_script_that_it_takes(shell, words, tmp_path):
    environment = os.environ | {"_EDGETUNE_COMPLETE": f"{shell}_source"}
    script = subprocess.run([sys.executable, "-m", "edgetune"], env=environment, text=True,
                            capture_output=True).stdout
    assert words in script
    if shutil.which(shell):
        (tmp_path / "script").write_text(script)
        check = subprocess.run([shell, "-n", tmp_path / "script"], capture_output=True)
        assert check.returncode == 0, check.stderr


# -- man pages --------------------------------------------------------------------------------


def test_a_man_page_for_every_command_which_man_takes(tmp_path):
    pages = man_pages()
    assert len(pages) == len(list(commands())) and "edgetune-weights-pull.1" in pages
    for words, command in commands():
        page = pages[f"{words.replace(' ', '-')}.1"]
        for option in (p for p in command.params if isinstance(p, click.Option)):
            assert option.opts[-1].replace("-", "\\-") in page
    if shutil.which("groff"):
        text = "".join(pages.values())
        done = subprocess.run(["groff", "-man", "-ww", "-Tascii"], input=text, text=True,
                              capture_output=True)
        assert done.returncode == 0 and not done.stderr, done.stderr[:500]
        assert "EDGETUNE-DOCTOR(1)" in done.stdout
