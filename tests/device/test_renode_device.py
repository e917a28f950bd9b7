"""Renode as a device: bytes, failures, and that it always ends.

Renode is seldom installed where tests run, so a program of the tests takes its place
(tests/support/renode_stand_in.py); tests/device/test_renode.py is for the real one.
"""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli_runner import MODEL, succeed
from echo_project import build_echo, ended, greet, receive
from renode_stand_in import INSTRUCTIONS
from signals import by_default
from tiny_tflite import ModelBuilder

from edgetune.boards import load_board
from edgetune.device import open_device
from edgetune.device.renode import RenodeDevice, find_renode, find_renode_test, renode_version
from edgetune.device.renode import device as device_module
from edgetune.device.renode import line as line_module
from edgetune.errors import DeviceNotFoundError, ToolchainError
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.plan.plan import make_plan
from edgetune.session.connection import connect
from edgetune.session.firmware import build_firmware
from edgetune.session.reporter import Reporter
from edgetune.session.simulation import Simulation

DISCOVERY = load_board("stm32f4-discovery")
STAND_IN = Path(__file__).parents[1] / "support" / "renode_stand_in.py"
LAUNCHER = """#!/bin/sh
echo $$ > '{folder}/launcher'
'{python}' '{program}' "$@" &
echo $! > '{folder}/emulator'
wait $!
"""
QEMU = ["qemu-system-arm", "-machine", "netduinoplus2", "-display", "none", "-monitor", "none"]
QEMU += ["-serial", "null", "-serial", "stdio", "-kernel", "{elf}"]
needs_cc = pytest.mark.skipif(
    not (shutil.which("cc") and shutil.which("make")), reason="cc or make is not installed"
)
needs_qemu = pytest.mark.skipif(
    not (shutil.which("qemu-system-arm") and shutil.which("arm-none-eabi-gcc")),
    reason="qemu-system-arm or arm-none-eabi-gcc is not installed",
)


@pytest.fixture
def renode(monkeypatch, tmp_path):
    """A folder with a launcher that starts the stand-in as a child, as Renode's does."""
    folder = tmp_path / "a 'renode'; folder"
    folder.mkdir()
    program = folder / "renode"
    quoted = {k: str(v).replace("'", "'\\''") for k, v in {
        "folder": folder, "python": sys.executable, "program": STAND_IN}.items()}
    program.write_text(LAUNCHER.format(**quoted))
    program.chmod(0o755)
    monkeypatch.setenv("EDGETUNE_RENODE", str(program))
    monkeypatch.setenv("STAND_IN_FOLDER", str(folder))
    monkeypatch.setenv("STAND_IN_FIRMWARE", json.dumps(["cat"]))
    monkeypatch.delenv("STAND_IN_FAULT", raising=False)
    return folder


@pytest.fixture
def image(tmp_path):
    """Some image, in a folder whose name Renode's monitor could not read."""
    folder = tmp_path / "my \"project\"; v2"
    folder.mkdir()
    path = folder / "firm ware.elf"
    path.write_bytes(b"\x7fELF")
    return path


def all_ended(folder: Path) -> bool:
    return all(ended(int((folder / name).read_text())) for name in ("launcher", "emulator"))


@pytest.mark.thorough
def test_bytes_and_instruction_counts(renode, image):
    with open_device("renode", DISCOVERY, image) as device:
        data = bytes(range(256)) * 3
        device.write(data)
        assert receive(device, len(data)) == data
        assert device.executed_instructions() == INSTRUCTIONS
        device.write(b"x")
        assert receive(device, 1) == b"x" and device.diagnosis() == ""
        folder = device._folder.name
    assert all_ended(renode) and not os.path.exists(folder)
    assert device.executed_instructions() is None
    assert (image.parent / "firm ware.resc").is_file()


@pytest.mark.thorough
def test_a_socket_where_there_is_no_pseudo_terminal(monkeypatch, renode, image):
    def none():
        raise OSError("out of pty devices")

    monkeypatch.setattr(line_module.os, "openpty", none)
    with open_device("renode", DISCOVERY, image) as device:
        assert stat.S_ISSOCK(os.fstat(device._fd).st_mode)
        data = bytes(range(256))
        device.write(data)
        assert receive(device, len(data)) == data
    assert all_ended(renode)


def test_frames_are_sent_in_small_pieces(monkeypatch, image):
    pieces, pauses = [], []
    monkeypatch.setattr(
        device_module.StreamDevice, "write", lambda _, data: pieces.append(len(data))
    )
    monkeypatch.setattr(device_module, "time", SimpleNamespace(
        sleep=pauses.append, monotonic=lambda: sum(pauses)
    ))
    RenodeDevice(DISCOVERY, image).write(bytes(784))
    assert pieces == [64] * 12 + [16]
    assert pauses == pytest.approx([0] + [0.0064] * 12)


FAULTS = {
    "script": "There was an error executing command",
    "dies": "Could not load file or assembly",
    "never starts": "did not start within",
    "no pty": "did not start within",
    "not started": "did not start the emulation",
}


@pytest.mark.thorough
@pytest.mark.parametrize("fault", FAULTS)
def test_a_renode_that_fails_is_named_and_ended(monkeypatch, renode, image, fault):
    monkeypatch.setenv("STAND_IN_FAULT", fault)
    device = RenodeDevice(DISCOVERY, image, start_seconds=3.0)
    with pytest.raises(ToolchainError) as caught:
        device.open()
    assert FAULTS[fault] in caught.value.cause and "--device qemu" in caught.value.next_step
    assert all_ended(renode)


@pytest.mark.thorough
@pytest.mark.parametrize("fault", ["other version", "stock platform"])
def test_what_can_do_without_a_failed_command_runs(monkeypatch, renode, image, fault):
    """Counters that another version refuses; a line of a stock platform."""
    monkeypatch.setenv("STAND_IN_FAULT", fault)
    with open_device("renode", DISCOVERY, image) as device:
        device.write(b"hello")
        assert receive(device, 5) == b"hello"
        assert device.executed_instructions() == INSTRUCTIONS
        assert ("refuses the counter" in device.remark) == (fault == "other version")
    assert all_ended(renode)


@pytest.mark.thorough
def test_a_mute_monitor_costs_patience_only(monkeypatch, renode, image):
    monkeypatch.setenv("STAND_IN_FAULT", "mute")
    monkeypatch.setattr(device_module, "PROMPT_SECONDS", 0.5)
    with open_device("renode", DISCOVERY, image) as device:
        device.write(b"hello")
        assert receive(device, 5) == b"hello"
        assert device.executed_instructions() is None
    assert all_ended(renode)


@pytest.mark.thorough
def test_a_taken_port_is_changed(monkeypatch, renode, image):
    monkeypatch.setenv("STAND_IN_FAULT", "port taken")
    with open_device("renode", DISCOVERY, image) as device:
        assert device._monitor._port != int((renode / "port").read_text())
    assert all_ended(renode)


@pytest.mark.thorough
def test_ports_that_stay_taken_are_an_error(monkeypatch, tmp_path, image):
    program = tmp_path / "renode"
    program.write_text("#!/bin/sh\necho Address already in use >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("EDGETUNE_RENODE", str(program))
    with pytest.raises(ToolchainError) as caught:
        open_device("renode", DISCOVERY, image)
    assert "already in use" in caught.value.cause


@pytest.mark.thorough
def test_the_death_of_renode_is_noticed(renode, image):
    with open_device("renode", DISCOVERY, image) as device:
        os.killpg(device._process.pid, signal.SIGKILL)
        assert ended(device._process.pid)
        assert device._process.wait(20.0) and not device.alive()
        assert device.executed_instructions() is None


@pytest.mark.thorough
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_who_started_it(renode, image, number):
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from edgetune.boards import load_board\nfrom edgetune.device import open_device\n"
        "device = open_device('renode', load_board('stm32f4-discovery'), Path(sys.argv[1]))\n"
        "os.kill(os.getpid(), int(sys.argv[2]))\n"
    )
    command = [sys.executable, "-c", code, image, str(int(number))]
    done = subprocess.run(command, stderr=subprocess.DEVNULL, preexec_fn=by_default)
    assert done.returncode == -number
    assert all_ended(renode)


def test_missing_renode_says_where_to_get_it(monkeypatch, tmp_path, image):
    monkeypatch.setenv("EDGETUNE_RENODE", str(tmp_path / "renode"))
    with pytest.raises(ToolchainError) as caught:
        open_device("renode", DISCOVERY, image)
    assert "github.com/renode/renode/releases" in caught.value.next_step
    assert find_renode_test() is None or "renode-test" in find_renode_test()


def test_the_unpacked_folder_will_do(monkeypatch, renode):
    monkeypatch.setenv("EDGETUNE_RENODE", str(renode))
    assert find_renode() == str(renode / "renode")
    (renode / "renode-test").write_text("#!/bin/sh\n")
    (renode / "renode-test").chmod(0o755)
    assert find_renode_test() == os.path.realpath(renode / "renode-test")


@pytest.mark.thorough
def test_version(monkeypatch, renode, tmp_path):
    assert renode_version(find_renode()) == "1.16.1"
    monkeypatch.setattr("edgetune.device.renode.finding.VERSION_SECONDS", 0.3)
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nsleep 1000\n")
    slow.chmod(0o755)
    assert renode_version(str(slow)) == "" and renode_version("/nonexistent") == ""


def test_board_without_a_renode_platform(image):
    with pytest.raises(DeviceNotFoundError):
        open_device("renode", load_board("mps2-an385"), image)


# The firmware behind it ------------------------------------------------------------------------


@needs_qemu
@pytest.mark.thorough
def test_the_echo_image_behind_it(monkeypatch, renode, tmp_path):
    monkeypatch.setenv("STAND_IN_FIRMWARE", json.dumps(QEMU))
    with open_device("renode", DISCOVERY, build_echo(tmp_path, DISCOVERY.name).elf) as device:
        greet(device)
        device.write(bytes(range(28, 128)))
        assert receive(device, 100) == bytes(range(28, 128))
    assert all_ended(renode)


@needs_cc
@pytest.mark.thorough
def test_learning_through_it(monkeypatch, renode, tmp_path):
    builder = ModelBuilder((1, 16, 16, 3), seed=1)
    builder.conv(4, 3, 2, activation="RELU").mean().dense(3).softmax()
    plan = make_plan(read_tflite(builder.build()), Recipe(), DISCOVERY)
    firmware = build_firmware(plan, tmp_path / "firmware", "tiny", native=True)
    monkeypatch.setenv("STAND_IN_FIRMWARE", json.dumps(["{elf}"]))
    with connect(firmware, "renode", Reporter()) as client:
        client.start(1, 5)
        simulation = Simulation(plan, 1, 5)
        for label, sample in enumerate(builder.random_inputs(5)[:, 0]):
            result = client.train(sample.tobytes(), plan.program.loss.encode(label % 3))
            simulation.step(sample, label % 3, result)
        assert client.digest(full=True) == simulation.learner.digest()
        assert client.executed_instructions() == INSTRUCTIONS
    assert all_ended(renode)


@needs_qemu
@pytest.mark.thorough
def test_run_tells_how_many_instructions(monkeypatch, renode, tmp_path):
    monkeypatch.setenv("STAND_IN_FIRMWARE", json.dumps(QEMU))
    out = ("--board", DISCOVERY.name, "--device", "renode", "--out", tmp_path / "project")
    result = succeed("run", MODEL, *out)
    assert result["executed_instructions"] == INSTRUCTIONS and result["device"] == "renode"
    assert all_ended(renode)
