"""The newcomer's walk is walked, command by command, up to the point where it needs a board."""

import shutil
from pathlib import Path

import pytest
from cli_runner import edgetune

ROOT = Path(__file__).parents[2]
WALK = ROOT / "docs" / "first-board.md"
needs_tools = pytest.mark.skipif(
    not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")),
    reason="arm-none-eabi-gcc or qemu-system-arm is not installed",
)


def commands(part: str) -> list[list[str]]:
    lines = part.splitlines()
    return [line.split()[1:] for line in lines if line.startswith("    edgetune ")]


@needs_tools
@pytest.mark.thorough
def test_what_needs_no_board(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "examples" / "digits", tmp_path / "examples" / "digits")
    monkeypatch.chdir(tmp_path)
    before, _ = WALK.read_text().split("## With the board")
    walked = commands(before)
    assert len(walked) == 6
    for command in walked:
        outcome = edgetune(*command)
        assert outcome.code == 0, (command, outcome.stdout, outcome.stderr)
    assert (tmp_path / "rehearsal" / "tuned.tflite").is_file()


def test_without_a_board_each_further_command_says_so(monkeypatch):
    """As far as commands ask for a board: what they would do there is tested elsewhere."""
    monkeypatch.setattr("edgetune.device.serial.usb_ports", lambda: [])
    _, after = WALK.read_text().split("## With the board")
    asking = [command for command in commands(after) if "auto" in command]
    assert len(asking) == 3
    for command in asking:
        outcome = edgetune(*command)
        said = outcome.stdout + outcome.stderr
        assert outcome.code == (9 if command[0] == "doctor" else 3), (command, said)
        assert "serial port" in said
