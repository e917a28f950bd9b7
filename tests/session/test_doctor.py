"""The doctor sees what is there, says what is wrong with it, and names what mends it."""

import os
import shlex
import shutil
import subprocess
import sys
import tty
from pathlib import Path

import pytest
from cli_runner import BOARD, MODEL, edgetune, refused
from thinned import thinned_rows

from edgetune.boards import load_board
from edgetune.build import build_project
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.plan.plan import make_plan
from edgetune.session.doctor import examine_firmware
from edgetune.session.doctor.check import version_of
from edgetune.session.doctor.packages import check_packages
from edgetune.session.doctor.ports import check_ports, holders_of
from edgetune.session.doctor.programs import check_programs
from edgetune.session.firmware import generate


@pytest.mark.parametrize("said, version", [
    ("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)", (7, 2, 22)),
    ("arm-none-eabi-gcc (15:12.2.rel1-1) 12.2.1 20221205", (12, 2)),
    ("Renode v1.16.1.4242", (1, 16, 1, 4242)),
    ("2.0.0rc1", (2, 0, 0)),
    ("no number", ()),
])
def test_versions(said, version):
    assert version_of(said) == version


# ---- programs and packages


@pytest.fixture
def say(tmp_path, monkeypatch):
    """Puts a program on PATH that prints a line and does nothing else."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    def put(name, line):
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{line}'\n")
        (tmp_path / name).chmod(0o755)

    return put


def _check(checks, name):
    return next(check for check in checks if check.name == name)


@pytest.mark.parametrize("name, program, line", thinned_rows([
    ("QEMU", "qemu-system-arm", "QEMU emulator version 5.2.0"),
    ("Arm compiler", "arm-none-eabi-gcc", "arm-none-eabi-gcc (x) 9.3.1"),
    ("OpenOCD", "openocd", "Open On-Chip Debugger 0.10.0"),
], 3))
def test_a_version_too_old_is_named(say, name, program, line):
    say(program, line)
    check = _check(check_programs(), name)
    assert not check.ok and check.broken and "too old" in check.found
    assert "or newer" in check.fix


@pytest.mark.parametrize("named", ["/bin/false", "/bin/echo"])
def test_a_renode_that_is_none_is_named(monkeypatch, named):
    monkeypatch.setenv("EDGETUNE_RENODE", named)
    check = _check(check_programs(), "Renode")
    assert not check.ok and check.broken and "no Renode" in check.found
    assert "Download" in check.fix


def test_a_renode_says_its_name(say):
    say("renode", "Renode v1.16.1.4242")
    assert _check(check_programs(), "Renode").ok


@pytest.mark.parametrize("lacking", ["", "robot", "psutil"])
def test_the_runner_of_suites_has_its_python_packages(say, tmp_path, lacking):
    """Beside Renode, with the Python that it runs."""
    say("renode", "Renode v1.16.1.4242")
    say("renode-test", "")
    (tmp_path / "python3").write_text(f'#!/bin/sh\n[ "$2" != "import {lacking}" ]\n')
    (tmp_path / "python3").chmod(0o755)
    check = _check(check_programs(), "renode-test")
    assert check.ok == (not lacking) and str(tmp_path) in check.found
    if lacking:
        assert check.broken and f"lacks {lacking}" in check.found
        assert "requirements.txt" in check.fix and "pip install" in check.fix


def test_without_renode_there_is_no_runner_of_suites(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("EDGETUNE_RENODE", raising=False)
    check = _check(check_programs(), "renode-test")
    assert not check.ok and not check.broken and "Download" in check.fix


def test_a_program_that_says_no_version_is_taken(say):
    say("qemu-system-arm", "hello")
    assert _check(check_programs(), "QEMU").ok


def test_numpy_2_with_tflite_runtime_is_known_to_fail(monkeypatch):
    versions = {"numpy": "2.1.0", "tflite-runtime": "2.14.0", "cmsis-pack-manager": "0.7.1"}
    monkeypatch.setattr("edgetune.session.doctor.packages._version",
                        lambda package: versions.get(package, ""))
    runtime = _check(check_packages(), "TFLite runtime")
    assert runtime.broken and "numpy>=1.23.2,<2" in runtime.fix
    assert _check(check_packages(), "cmsis-pack-manager").broken


# ---- ports


def test_who_holds_a_port_is_found_without_opening_it():
    ours, theirs = os.openpty()
    path = os.ttyname(theirs)
    assert holders_of(path) == []
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=theirs)
    try:
        [(pid, program)] = holders_of(path)
        assert pid == child.pid and program.startswith("python")
    finally:
        child.kill()
        child.wait()
        os.close(ours)
        os.close(theirs)


class _Port:
    description, serial_number, vid = "STLINK-V3", "0123", 0x0483

    def __init__(self, device):
        self.device = device


@pytest.mark.parametrize("access, holders, fix", [
    (False, [], "usermod -aG"),
    (True, [(42, "picocom")], "kill 42"),
])
def test_a_port_that_cannot_be_used(monkeypatch, access, holders, fix):
    place = "edgetune.session.doctor.ports"
    monkeypatch.setattr(f"{place}.usb_ports", lambda: [_Port("/dev/ttyACM7")])
    monkeypatch.setattr(f"{place}.os.access", lambda path, mode: access)
    monkeypatch.setattr(f"{place}.holders_of", lambda path: holders)
    [check] = check_ports()
    assert check.broken and not check.ok and fix in check.fix and "ttyACM7" in check.name


def test_the_udev_rules_are_printed():
    said = edgetune("doctor", "--udev")
    assert said.code == 0
    lines = [line for line in said.stdout.splitlines() if not line.startswith("#")]
    assert lines and all("TAG" in line and "==" in line for line in lines)
    assert any('"0483"' in line for line in lines)
    assert edgetune("doctor", "--udev", "--json").json()["result"]["udev"] == said.stdout


# ---- what a board runs


@pytest.fixture(scope="module")
def plan():
    return make_plan(read_tflite(MODEL), Recipe(), load_board(BOARD))


@pytest.fixture
def port(plan, tmp_path):
    """The demo's firmware, generated as for its board, behind a serial port: the program has the
    other end of a pty."""
    generate(plan, tmp_path, "digits_int8")
    program = build_project(tmp_path, plan.board, "native").elf
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    child = subprocess.Popen([program], stdin=ours, stdout=ours)
    yield os.ttyname(theirs)
    child.kill()
    child.wait()
    os.close(ours)
    os.close(theirs)


@pytest.mark.thorough
def test_the_firmware_of_a_board(port, plan):
    board = plan.board
    assert examine_firmware(board, port).ok
    assert examine_firmware(board, port, Path(MODEL), plan).ok
    last = make_plan(plan.program.graph, Recipe(layers=("last",)), board)
    check = examine_firmware(board, port, Path(MODEL), last)
    assert check.broken and "another build" in check.found
    assert check.fix == f"edgetune flash {MODEL} --board {BOARD}"
    other = examine_firmware(load_board("mps2-an385"), port)
    assert other.broken and "not for mps2-an385" in other.found
    outcome = edgetune("doctor", MODEL, "--board", BOARD, "--device", port, "--json")
    [check] = [c for c in outcome.json()["result"]["checks"] if c["name"] == "firmware"]
    assert outcome.code == 0 and check["ok"]


@pytest.mark.thorough
def test_the_command_that_mends_it_is_whole(port, plan, tmp_path, monkeypatch):
    mine = tmp_path / "my boards" / BOARD
    shutil.copytree(plan.board.folder, mine)
    monkeypatch.chdir(tmp_path)
    recipe = ["--train", "last", "--rate", "0.5", "--draw", "independent", "--reset"]
    error = refused("doctor", MODEL, "--board", mine, "--device", port, *recipe)
    command = ["edgetune", "flash", MODEL, "--board", f"my boards/{BOARD}", *recipe]
    assert error["next_step"] == shlex.join(command)


def test_cmsis_nn_that_is_not_there_ends_no_examination(monkeypatch, tmp_path):
    monkeypatch.setenv("EDGETUNE_CMSIS_NN", str(tmp_path))
    checks = edgetune("doctor", "--json").json()["result"]["checks"]
    [check] = [check for check in checks if check["name"] == "CMSIS-NN"]
    assert check["broken"] and str(tmp_path) in check["found"]


def test_a_board_that_is_not_there():
    error = refused("doctor", "--board", BOARD, "--device", "/dev/ttyNOWHERE")
    assert error["exit_code"] == 9 and "firmware" in error["cause"]


def test_a_device_needs_its_board():
    assert refused("doctor", "--device", "auto")["exit_code"] == 2
