"""--flash: a board on a serial port that runs another firmware is written first.

QEMU is the board: its UART is a pseudo-terminal, and the OpenOCD that the board names is a
stand-in that really writes the image, through QEMU's GDB server.
"""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli_runner import BOARD, MODEL, edgetune, succeed
from echo_project import build_echo
from gdb_target import GdbTarget

from edgetune.boards import load_board
from edgetune.errors import DeviceNotFoundError, LinkError, ToolchainError, UsageError
from edgetune.flash.probes import Probe
from edgetune.resources import resource_path
from edgetune.session import flashing
from edgetune.session.reporter import Reporter

OPENOCD = """#!{python}
import os, pathlib, subprocess, sys, time
os.environ["PYTHONPATH"] = {root!r}
open({record!r}, "a").write("written\\n")
port, target = pathlib.Path({port!r}), {target!r}
image = sys.argv[-1].split("{{")[1].split("}}")[0]
if {unplugs}:
    port.unlink()
subprocess.run(
    [{python!r}, "-m", "edgetune", "flash", "--board", {board!r}, "--image", image,
     "--gdb", {server!r}], check=True,
)
print("** Verified OK **", flush=True)
if {unplugs} and os.fork() == 0:
    os.setsid()
    time.sleep(1)
    port.symlink_to(target)
"""


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """The STM32F4 Discovery, with OpenOCD for its default."""
    folder = tmp_path_factory.mktemp("boards") / BOARD
    shutil.copytree(resource_path("boards") / BOARD, folder)
    path = folder / "board.toml"
    text = path.read_text()
    assert 'tools = ["pyocd", "openocd", ' in text
    path.write_text(text.replace('tools = ["pyocd", "openocd", ', 'tools = ["openocd", '))
    return folder


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    needed = ("arm-none-eabi-gcc", "qemu-system-arm")
    if missing := [name for name in needed if not shutil.which(name)]:
        pytest.skip(f"{missing[0]} is not installed")
    if not (shutil.which("gdb-multiarch") or shutil.which("arm-none-eabi-gdb")):
        pytest.skip("GDB is not installed")
    return build_echo(tmp_path_factory.mktemp("echo"), BOARD).elf


class Bench:
    """A board that runs the echo firmware, its port, and how often it was written."""

    def __init__(self, chip: GdbTarget, folder: Path, board: Path, unplugs: bool):
        self.port = folder / "ttyBOARD"
        self.port.symlink_to(chip.port)
        self._record = folder / "written"
        openocd = folder / "bin" / "openocd"
        openocd.parent.mkdir()
        openocd.write_text(OPENOCD.format(
            python=sys.executable, record=str(self._record), port=str(self.port),
            target=chip.port, board=str(board), server=chip.server, unplugs=unplugs,
            root=str(Path(__file__).parents[2]),
        ))
        openocd.chmod(0o755)

    @property
    def written(self) -> int:
        return len(self._record.read_text().splitlines()) if self._record.exists() else 0


@pytest.fixture
def bench(echo, board, tmp_path, monkeypatch):
    """``bench(unplugs)``: whether the port goes away while the board is written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    opened = []

    def make(unplugs: bool = False) -> Bench:
        opened.append(GdbTarget(load_board(BOARD), echo, pty=True))
        opened[-1].open()
        return Bench(opened[-1], tmp_path, board, unplugs)

    yield make
    for chip in opened:
        chip.close()


@pytest.mark.thorough
def test_a_board_with_another_firmware(bench, board):
    desk = bench()
    run = ("run", MODEL, "--board", board, "--device", desk.port, "--out", "build/one")

    error = edgetune(*run)
    assert error.code == 4 and not desk.written
    write = f"edgetune flash --board {board} --image build/one/build/firmware.elf"
    assert write in error.stderr

    first = succeed(*run, "--flash")
    assert desk.written == 1 and first["hello"]["board"] == BOARD
    assert succeed(*run, "--flash") == first and desk.written == 1

    other = (*run[:-1], "build/two", "--layers", "last")
    error = edgetune(*other)
    assert error.code == 4 and "build/two/build/firmware.elf" in error.stderr
    second = succeed(*other, "--flash")
    assert desk.written == 2
    assert second["hello"]["build_id"] != first["hello"]["build_id"]


@pytest.mark.thorough
def test_a_port_that_goes_away_meanwhile(bench, board):
    """As a debugger's does, whose USB is reset with the board."""
    desk = bench(unplugs=True)
    run = ("run", MODEL, "--board", board, "--device", desk.port, "--out", "build/one", "--flash")
    assert succeed(*run)["hello"]["board"] == BOARD
    assert desk.written == 1


@pytest.mark.thorough
def test_emulators_and_host_need_no_writing(tmp_path, monkeypatch):
    """They are launched with the firmware: the option changes nothing."""
    if not shutil.which("cc"):
        pytest.skip("no C compiler for this computer")
    monkeypatch.chdir(tmp_path)
    plain = ("run", MODEL, "--board", BOARD, "--device", "host")
    assert succeed(*plain, "--flash")["hello"] == succeed(*plain)["hello"]


def silent(*_):
    raise LinkError("the device does not answer")


def test_a_board_that_nothing_writes(monkeypatch):
    monkeypatch.setattr(flashing, "connect", silent)
    firmware = SimpleNamespace(plan=SimpleNamespace(board=load_board("mps2-an385")))
    with pytest.raises(UsageError) as caught:
        flashing.ensure_firmware(firmware, "/dev/ttyACM0", Reporter())
    assert "micro-SD card" in caught.value.cause


def test_a_missing_tool_matters_only_where_it_is_needed(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    firmware = SimpleNamespace(plan=SimpleNamespace(board=load_board("stm32vldiscovery")))
    monkeypatch.setattr(flashing, "connect", lambda *_: nullcontext())
    assert flashing.ensure_firmware(firmware, "/dev/ttyACM0", Reporter()) is False
    monkeypatch.setattr(flashing, "connect", silent)
    with pytest.raises(ToolchainError) as caught:
        flashing.ensure_firmware(firmware, "/dev/ttyACM0", Reporter())
    assert caught.value.message == "openocd was not found."


# -- which probe ------------------------------------------------------------------------------


@pytest.fixture
def usb(monkeypatch):
    """Two ST-LINKs with their ports, a J-Link with one, and an adapter that is no probe."""
    ports = {
        "/dev/ttyACM0": "066B", "/dev/ttyACM1": "066C", "/dev/ttyACM2": "000683123456",
        "/dev/ttyUSB0": "A50285BI",
    }  # fmt: skip
    listed = [SimpleNamespace(device=name, serial_number=n) for name, n in ports.items()]
    monkeypatch.setattr(flashing, "usb_ports", lambda: listed)
    probes = [Probe("stlink", "STLink", "066B"), Probe("stlink", "STLink", "066C"),
              Probe("jlink", "J-Link", "000683123456")]
    monkeypatch.setattr(flashing, "usb_probes", lambda: probes)


@pytest.mark.parametrize(("port", "probe"), [
    ("/dev/ttyACM0", "066B"), ("/dev/ttyACM1", "066C"), ("/dev/ttyACM2", "683123456"),
    ("/dev/ttyUSB0", None), ("/dev/ttyS0", None),
])  # fmt: skip
def test_the_probe_that_offers_the_port_writes(usb, port, probe):
    flasher = flashing._flasher(load_board(BOARD), port)
    assert (flasher.name, flasher.probe) == ("pyocd", probe)


def test_a_port_that_never_comes_back(monkeypatch):
    asked = []

    def gone(*_):
        asked.append(1)
        raise DeviceNotFoundError("gone")

    monkeypatch.setattr(flashing, "connect", gone)
    monkeypatch.setattr(flashing, "PORT_SECONDS", 0.5)
    with pytest.raises(DeviceNotFoundError):
        flashing._wait(None, "/dev/ttyACM0", None)
    assert len(asked) > 1
