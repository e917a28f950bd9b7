"""Flashers that are programs: what they are asked, and what their words mean.

The programs are stand-ins that say what OpenOCD 0.12, stlink 1.7, J-Link Commander and picotool 2
say; where such a program is installed it is also asked itself, without a probe.
"""

from __future__ import annotations

import shutil
import struct
import time
from pathlib import Path

import pytest
from flash_stand_ins import StandIns
from thinned import thinned

from edgetune.boards import load_board
from edgetune.errors import DeviceNotFoundError, ToolchainError
from edgetune.flash import FlashImage, choose_flasher, tool
from edgetune.flash.openocd import OpenocdFlasher
from edgetune.flash.probes import usb_probes
from edgetune.resources import resource_path

ORIGIN = 0x08000000
TOOL_PROGRAMS = {
    "openocd": "openocd", "st-flash": "st-flash", "jlink": "JLinkExe", "picotool": "picotool"
}  # fmt: skip
GOOD = {
    "openocd": """
        ** Programming Started **
        ** Programming Finished **
        ** Verify Started **
        ** Verified OK **
        ** Resetting Target **
        shutdown command invoked""",
    "st-flash": """
        st-flash 1.7.0
        2026-01-01T00:00:00 INFO common.c: Starting verification of write complete
        2026-01-01T00:00:00 INFO common.c: Flash written and verified! jolly good!""",
    "jlink": """
        J-Link: Flash download: Bank 0 @ 0x08000000: 1 range affected (16384 bytes)
        O.K.
        Reading 300 bytes data from target memory @ 0x08000000.
        Verify successful.""",
    "picotool": """
        Loading into Flash:   [==============================]  100%
        Verifying Flash:      [==============================]  100%
          OK
        The device was rebooted to start the application.""",
}


@pytest.fixture
def board(tmp_path):
    """A board that every tool is named for."""
    folder = tmp_path / "my-board"
    shutil.copytree(resource_path("boards") / "stm32f4-discovery", folder)
    text = (folder / "board.toml").read_text()
    tools = '"pyocd", "openocd", "st-flash", "jlink"'
    assert tools in text
    text = text.replace(tools, f'{tools}, "picotool"')
    (folder / "board.toml").write_text(text)
    return load_board(folder)


@pytest.fixture
def image(tmp_path):
    """An image of two segments with a gap between them; its path has a blank."""
    path = tmp_path / "the firmware.elf"
    path.write_bytes(b"not read by these flashers")
    first = struct.pack("<II", 0x20001000, ORIGIN + 0x101) + bytes(248)
    return FlashImage(path, ((ORIGIN, first), (ORIGIN + 0x200, b"data")), ORIGIN + 0x100)


@pytest.fixture
def tools(tmp_path, monkeypatch):
    return StandIns(tmp_path, monkeypatch)


@pytest.fixture(autouse=True)
def no_usb(monkeypatch):
    """Probes of the computer that runs the tests are none of theirs."""
    monkeypatch.setattr(tool, "check_single", lambda name, kinds: None)


# -- what they are asked ----------------------------------------------------------------------


def written(board, image, name: str, tools: StandIns, probe: str | None = None):
    """The stand-in of the flasher ``name`` after a write that went well."""
    program = tools.add(TOOL_PROGRAMS[name], GOOD[name])
    result = choose_flasher(board, name, probe).write(image)
    assert (result.tool, result.probe, result.verified) == (name, probe or "", True)
    assert result.bytes == image.size == 260
    return program


def test_openocd(board, image, tools):
    program = written(board, image, "openocd", tools, "0670FF")
    assert program.arguments == [
        "-f", "board/stm32f4discovery.cfg", "-c", "adapter serial 0670FF",
        "-c", f"program {{{image.path}}} verify reset exit",
    ]  # fmt: skip
    assert written(board, image, "openocd", tools).arguments == [
        "-f", "board/stm32f4discovery.cfg", "-c", f"program {{{image.path}}} verify reset exit",
    ]  # fmt: skip


def test_st_flash(board, image, tools):
    program = written(board, image, "st-flash", tools, "0670FF")
    *before, binary, address = program.arguments
    assert before == ["--reset", "--serial", "0670FF", "write"] and address == "0x08000000"
    assert program.content(binary) == image.flat()
    assert not Path(binary).exists()
    assert written(board, image, "st-flash", tools).arguments[:2] == ["--reset", "write"]


def test_jlink(board, image, tools):
    program = written(board, image, "jlink", tools, "683123456")
    *before, script = program.arguments
    assert before == [
        "-NoGui", "1", "-ExitOnError", "1", "-USB", "683123456", "-device", "STM32F407VG",
        "-if", "SWD", "-speed", "4000", "-autoconnect", "1", "-CommandFile",
    ]  # fmt: skip
    binary = Path(script).with_name("firmware.bin")
    assert program.content(script).decode().split("\n") == [
        "r", f"loadbin {binary}, 0x08000000", f"verifybin {binary}, 0x08000000", "r", "g",
        "exit", "",
    ]  # fmt: skip
    assert "-USB" not in written(board, image, "jlink", tools).arguments


def test_picotool(board, image, tools):
    program = written(board, image, "picotool", tools, "E0C912")
    path = str(image.path)
    load = ["load", "-v", "-x", path, "-t", "elf"]
    assert program.arguments == [*load, "--ser", "E0C912"]
    assert written(board, image, "picotool", tools).arguments == load


# -- what their words mean --------------------------------------------------------------------

PROBE, CHIP = "found no debug probe", "no STM32F407VG answers"
LOCKED, WRONG, DIFFERS = "is locked", "is not a STM32F407VG", "does not hold"
USER, BUSY, SEVERAL = "may not open it", "is in use", "several devices"

WORDS = [
    ("openocd", 1, 3, PROBE, "Error: open failed\n** OpenOCD init failed **"),
    ("openocd", 1, 3, PROBE, "Error: unable to find a matching CMSIS-DAP device"),
    ("openocd", 1, 3, PROBE, "Error: No J-Link device found\n** OpenOCD init failed **"),
    ("openocd", 1, 3, SEVERAL, "Error: Multiple devices found, specify the desired device"),
    ("openocd", 1, 3, USER,
     "Error: libusb_open() failed with LIBUSB_ERROR_ACCESS\nError: open failed"),
    ("openocd", 1, 3, BUSY, "Error: libusb_open() failed with LIBUSB_ERROR_BUSY"),
    ("openocd", 1, 3, CHIP, "Info : Target voltage: 3.19\n"
     "Error: init mode failed (unable to connect to the target)\n** OpenOCD init failed **"),
    ("openocd", 1, 3, CHIP, "Error: Error connecting DP: cannot read IDR"),
    ("openocd", 1, 9, LOCKED, "Info : Device Security Bit Set\nError: stm32x device protected\n"
     "Error: failed erasing sectors 0 to 2\n** Programming Failed **"),
    ("openocd", 1, 9, LOCKED, "nRF52 device has AP lock engaged (see UICR APPROTECT register).\n"
     "Debug access is denied.\nError: Could not find MEM-AP to control the core"),
    ("openocd", 1, 9, WRONG, "Warn : UNEXPECTED idcode: 0x1ba01477\n"
     "Error: expected 1 of 1: 0x2ba01477"),
    ("openocd", 1, 9, WRONG, "Error: Cannot identify target as a stm32x"),
    ("openocd", 1, 9, DIFFERS, "** Verify Started **\nError: checksum mismatch\n"
     "** Verify Failed **"),
    ("openocd", 1, 9, "openocd did not write", "Error: timed out waiting for flash\n"
     "** Programming Failed **"),
    ("openocd", 0, 9, "openocd did not write", "shutdown command invoked"),
    ("st-flash", 255, 3, PROBE, "2026 WARN usb.c: Couldn't find any ST-Link devices"),
    ("st-flash", 255, 3, USER,
     "2026 ERROR usb.c: Could not open USB device 0x0483:0x374b, access error.\n"
     "2026 WARN usb.c: Couldn't find any ST-Link devices"),
    ("st-flash", 255, 3, BUSY,
     "2026 WARN usb.c: Stlink usb device found, but unable to claim (probably already in use?)"),
    ("st-flash", 255, 3, CHIP, "2026 WARN common.c: unknown chip id! 0xe0042000\n"
     "Failed to parse flash type or unrecognized flash type"),
    ("st-flash", 255, 3, CHIP, "2026 WARN common.c: unknown chip id! 0"),
    ("st-flash", 255, 3, CHIP, "2026 ERROR common.c: Can not connect to target. Please use "
     "'connect under reset' and try again\nFailed to connect to target"),
    ("st-flash", 255, 9, WRONG, "2026 WARN common.c: unknown chip id! 0x469\n"
     "Failed to parse flash type or unrecognized flash type"),
    ("st-flash", 255, 9, LOCKED, "2026 ERROR common_flash.c: Flash memory is write protected\n"
     "stlink_fwrite_flash() == -1"),
    ("st-flash", 255, 9, DIFFERS,
     "2026 ERROR common.c: Verification of flash failed at offset: 1024"),
    ("jlink", 1, 3, PROBE, "Connecting to J-Link via USB...FAILED: Cannot connect to J-Link."),
    ("jlink", 1, 3, CHIP, "Connecting to J-Link via USB...O.K.\nVTref=3.300V\n"
     "Connecting to target via SWD\nCannot connect to target."),
    ("jlink", 1, 9, LOCKED, "CTRL-AP indicates that the device is secured.\n"
     "For debugger connection the device needs to be unsecured."),
    ("jlink", 1, 9, DIFFERS, "Verify failed @ address 0x08000014.\nExpected 0C read 8A"),
    ("jlink", 0, 9, "jlink did not write", "File is of unknown / unsupported format."),
    ("picotool", 249, 3, "No board in BOOTSEL mode",
     "No accessible RP-series devices in BOOTSEL mode were found."),
    ("picotool", 249, 3, USER, "No accessible RP-series devices in BOOTSEL mode were found.\n\n"
     "but:\n\nDevice at bus 1, address 4 appears to be in BOOTSEL mode, but picotool was unable "
     "to connect. Maybe try 'sudo' or check your permissions."),
    ("picotool", 248, 3, SEVERAL,
     "ERROR: Command requires a single RP-series device to be targeted."),
    ("picotool", 245, 9, DIFFERS, "Verifying Flash: [====] 100%\n  FAILED\n"
     "ERROR: The device contents did not match the file"),
    ("picotool", 248, 9, WRONG,
     "ERROR: File size 0x400000 starting at 0x0 is too big to fit in flash size 0x200000"),
]  # fmt: skip


@pytest.mark.parametrize("case", thinned(WORDS, 4), ids=lambda case: f"{case[0]}-{case[1]}")
def test_words(board, image, tools, case):
    name, code, exit_code, message, said = case
    tools.add(TOOL_PROGRAMS[name], said, code)
    with pytest.raises((ToolchainError, DeviceNotFoundError)) as caught:
        choose_flasher(board, name).write(image)
    error = caught.value
    assert error.exit_code == exit_code and message in error.message
    assert said.splitlines()[-1] in error.cause and error.next_step


def test_what_it_said_last_is_kept(board, image, tools):
    tools.add("openocd", "\n".join(f"line {number}" for number in range(1000)), 1)
    with pytest.raises(ToolchainError) as caught:
        choose_flasher(board, "openocd").write(image)
    assert caught.value.cause.splitlines() == [f"line {n}" for n in range(988, 1000)]


@pytest.mark.thorough
def test_a_tool_that_hangs_is_ended(board, image, tools, tmp_path):
    """With what it started, and what it said is told."""
    program = tools.add("openocd", "Info : waiting", seconds=600)
    text = program.path.read_text().replace(
        "time.sleep", f"open({str(tmp_path / 'pid')!r}, 'w').write(str(__import__('os').getpid()));"
        "time.sleep"
    )
    program.path.write_text(text)
    with pytest.raises(ToolchainError) as caught:
        OpenocdFlasher(board, seconds=2.0).write(image)
    assert "was ended" in caught.value.message
    assert "within 2 seconds" in caught.value.cause and "Info : waiting" in caught.value.cause
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 10
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    """One that was killed may wait for the system to take note."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("name", TOOL_PROGRAMS)
def test_a_tool_that_is_missing(board, tools, name):
    with pytest.raises(ToolchainError) as caught:
        choose_flasher(board, name).check()
    assert caught.value.message == f"{TOOL_PROGRAMS[name]} was not found."
    assert any(word in caught.value.next_step for word in ("apt-get", "https://"))


def test_a_tool_that_does_not_start(board, image, tools):
    tools.add("openocd", "").path.write_text("#!/nowhere/interpreter\n")
    with pytest.raises(ToolchainError) as caught:
        choose_flasher(board, "openocd").write(image)
    assert "cannot be started" in caught.value.message


@pytest.mark.parametrize("name", ["openocd", "st-flash"])
def test_the_real_tool_without_a_probe(board, image, name):
    if not shutil.which(name):
        pytest.skip(f"{name} is not installed")
    if usb_probes():
        pytest.skip("a debug probe is connected")
    with pytest.raises(DeviceNotFoundError) as caught:
        choose_flasher(board, name).write(image)
    assert PROBE in caught.value.message


def test_several_probes_stop_a_tool_that_would_take_the_first(board, image, tools, monkeypatch):
    asked = []
    monkeypatch.setattr(tool, "check_single", lambda *what: asked.append(what))
    written(board, image, "openocd", tools)
    assert asked == [("openocd", ("stlink", "jlink", "cmsis-dap"))]
    written(board, image, "openocd", tools, "066B")
    assert len(asked) == 1
