"""Devices carry bytes both ways, notice a death, and leave no process behind."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from echo_project import ask, build_echo, ended, greet, receive, write_echo

from edgetune.boards import list_boards, load_board
from edgetune.build import build_project
from edgetune.device import needs_native, open_device, resolve_device
from edgetune.device import serial as serial_module
from edgetune.device.qemu import ICOUNT_NS
from edgetune.errors import DeviceNotFoundError, LinkError, ToolchainError, UsageError

pytestmark = pytest.mark.thorough
DISCOVERY = load_board("stm32f4-discovery")
needs_qemu = pytest.mark.skipif(
    not (shutil.which("qemu-system-arm") and shutil.which("arm-none-eabi-gcc")),
    reason="qemu-system-arm or arm-none-eabi-gcc is not installed",
)
needs_cc = pytest.mark.skipif(
    not (shutil.which("cc") and shutil.which("make")), reason="cc or make is not installed"
)


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    folder = tmp_path_factory.mktemp("native")
    return build_echo(folder, "stm32f4-discovery", "native").elf


def _echoes(device, count=2000, window=100):
    data = random.Random(1).randbytes(count).replace(b"\x1b", b"x")
    for start in range(0, count, window):
        part = data[start : start + window]
        device.write(part)
        assert receive(device, len(part)) == part


def _wait_until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


# QEMU ------------------------------------------------------------------------------------------


@needs_qemu
@pytest.mark.parametrize(
    "name", [name for name in list_boards() if "qemu" in load_board(name).emulators]
)
def test_every_board_in_qemu(tmp_path, name):
    board = load_board(name)
    image = build_echo(tmp_path, name, stack_bytes=4096).elf
    with open_device("qemu", board, image) as device:
        greet(device)
        _echoes(device)
        size, used = ask(device, b"s")
        assert size == 4096 and 32 < used < 1024
        before, hz = ask(device, b"t")
        after, _ = ask(device, b"t")
        if board.counter["driver"] == "dwt":
            assert (before, after, hz) == (0, 0, 0)
        else:
            assert after > before and hz == board.counter["hz"]
        device.write(b"\x1br")
        assert greet(device) <= 2  # .data and .bss are new
        device.write(b"\x1bf")
        panic = receive(device, 13)
        assert panic[:5] == b"PANIC" and panic[5] == 3
        assert board.flash.holds(int.from_bytes(panic[9:13], "little"), 2)
        pid = device._process.pid
    assert ended(pid)


@needs_qemu
@pytest.mark.parametrize("name", ["stm32f4-discovery", "mps2-an505", "mps3-an547"])
def test_stack_overflow_is_reported(tmp_path, name):
    # The other MPS2 machines swallow writes below RAM, where the boards themselves fault.
    image = build_echo(tmp_path, name, stack_bytes=4096).elf
    with open_device("qemu", load_board(name), image) as device:
        greet(device)
        device.write(b"\x1bo")
        assert receive(device, 9)[:6] == b"PANIC\x03"


@needs_qemu
def test_instruction_counts_repeat(tmp_path):
    board = load_board("mps2-an386")
    image = build_echo(tmp_path, "mps2-an386").elf

    def instructions():
        with open_device("qemu", board, image, icount=True) as device:
            greet(device)
            ns = 1e9 / board.counter["hz"]
            return [round(ticks * ns / ICOUNT_NS) for ticks in ask(device, b"c")]

    first = instructions()
    assert first[1] - first[0] == 3000  # nop, subtract, branch
    assert instructions() == first


@needs_qemu
def test_death_of_qemu_is_noticed(tmp_path):
    image = build_echo(tmp_path, "mps2-an385").elf
    with open_device(None, load_board("mps2-an385"), image) as device:
        assert device.name == "qemu" and device.alive()
        os.kill(device._process.pid, signal.SIGKILL)
        assert _wait_until(lambda: not device.alive())
        assert "signal 9" in device.diagnosis()
        assert device.read(0.1) == b""
        with pytest.raises(LinkError):
            device.write(b"x")


@needs_qemu
def test_qemu_says_why_it_ended(tmp_path):
    image = tmp_path / "firmware.elf"
    image.write_bytes(b"")
    with open_device("qemu", load_board("mps2-an385"), image) as device:
        assert _wait_until(lambda: not device.alive())
        assert "Lockup" in device.diagnosis()  # no vector table, no code


def test_missing_qemu_says_how_to_get_it(monkeypatch, tmp_path):
    image = tmp_path / "firmware.elf"
    image.write_bytes(b"")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolchainError) as caught:
        open_device("qemu", DISCOVERY, image)
    assert "apt-get install qemu-system-arm" in caught.value.next_step


# The PC ----------------------------------------------------------------------------------------


@needs_cc
def test_host_echoes(native):
    with open_device("host", DISCOVERY, native) as device:
        assert greet(device) >= 1
        _echoes(device)
        _echoes(device, window=1000)
        assert ask(device, b"s") == (0, 0)
        before, hz = ask(device, b"t")
        assert ask(device, b"t")[0] >= before and hz == 1_000_000
        device.write(b"\x1br")
        assert greet(device) <= 2
        pid = device._process.pid
    assert ended(pid)


@needs_cc
def test_host_passes_the_sanitizers(tmp_path):
    folder = write_echo(tmp_path, "stm32f4-discovery")
    image = build_project(folder, DISCOVERY, "native", sanitize=True).elf
    with open_device("host", DISCOVERY, image) as device:
        greet(device)
        _echoes(device)
        assert device.alive() and device.diagnosis() == ""


@needs_cc
def test_death_of_the_host_program_is_noticed(native):
    with open_device("host", DISCOVERY, native) as device:
        greet(device)
        device.write(b"\x1bf")
        assert _wait_until(lambda: not device.alive())
        assert "ended by signal" in device.diagnosis()


@needs_cc
def test_host_program_ends_with_its_parent(native):
    code = (
        "import sys, os\nfrom pathlib import Path\n"
        "from edgetune.device.host import HostDevice\n"
        "device = HostDevice(Path(sys.argv[1]))\ndevice.open()\n"
        "print(device._process.pid, flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, native],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    pid = int(done.stdout)
    assert ended(pid)


def test_missing_host_program():
    with pytest.raises(DeviceNotFoundError):
        open_device("host", DISCOVERY, Path("/nonexistent/firmware"))


# Serial ports and names ------------------------------------------------------------------------


def _port(device, number, vid=0x0483):
    return SimpleNamespace(device=device, serial_number=number, vid=vid)


def _plug(monkeypatch, *ports):
    monkeypatch.setattr(serial_module.list_ports, "comports", lambda: list(ports))


def test_names():
    assert resolve_device(None, DISCOVERY) == "qemu"
    assert resolve_device("/dev/ttyACM0", DISCOVERY) == "/dev/ttyACM0"
    assert needs_native("host") and not needs_native("qemu")
    for wrong in ("", "qemo", "id:", "COM1"):
        with pytest.raises(UsageError):
            resolve_device(wrong, DISCOVERY)


def test_auto_takes_the_only_port(monkeypatch):
    _plug(monkeypatch, _port("/dev/ttyS0", None, vid=None), _port("/dev/ttyACM0", "0667"))
    assert resolve_device("auto", DISCOVERY) == "/dev/ttyACM0"


def test_auto_refuses_to_guess(monkeypatch):
    _plug(monkeypatch, _port("/dev/ttyACM0", "0667"), _port("/dev/ttyACM1", "0668"))
    with pytest.raises(DeviceNotFoundError) as caught:
        resolve_device("auto", DISCOVERY)
    assert "id:0667" in caught.value.cause and "id:0668" in caught.value.cause
    assert resolve_device("id:0668", DISCOVERY) == "/dev/ttyACM1"
    with pytest.raises(DeviceNotFoundError):
        resolve_device("id:066", DISCOVERY)


def test_auto_without_a_port(monkeypatch):
    _plug(monkeypatch)
    with pytest.raises(DeviceNotFoundError):
        resolve_device("auto", DISCOVERY)


def test_missing_port():
    with pytest.raises(DeviceNotFoundError) as caught:
        open_device("/dev/ttyNOTHERE", DISCOVERY)
    assert "list_ports" in caught.value.next_step


def test_serial_port_carries_bytes_and_is_exclusive():
    ours, theirs = os.openpty()
    path = os.ttyname(theirs)
    with open_device(path, DISCOVERY) as device:
        device.write(b"\x00\x11\x13\x03\r\n\xff")
        assert os.read(ours, 100) == b"\x00\x11\x13\x03\r\n\xff"
        os.write(ours, b"\x04\x7f\r")
        assert device.read(1.0) + device.read(0.1) == b"\x04\x7f\r"
        assert device.read(0.01) == b"" and device.alive()
        with pytest.raises(DeviceNotFoundError) as caught:
            open_device(path, DISCOVERY)
        assert "fuser" in caught.value.next_step
        os.close(ours)
        assert _wait_until(lambda: device.read(0.05) == b"" and not device.alive())
    os.close(theirs)
