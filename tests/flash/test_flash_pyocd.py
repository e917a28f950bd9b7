"""pyOCD, the real package: without a probe, and with stand-ins for what is behind one.

The stand-in chip is memory in pyOCD's own map, so that its FileProgrammer writes it for real; only
the probe, the debug port and the flash algorithm are missing.
"""

from __future__ import annotations

import errno
import struct
import sys

import pytest
from cli_runner import edgetune, refused, succeed
from echo_project import build_echo
from pdsc_builder import stm32f407, write_pack

from edgetune.boards import load_board
from edgetune.errors import DeviceNotFoundError, ToolchainError
from edgetune.flash import choose_flasher
from edgetune.flash.image import read_image
from edgetune.flash.probes import usb_probes
from edgetune.installation import install_command

exceptions = pytest.importorskip("pyocd.core.exceptions", reason="pyOCD is not installed")
from pyocd.core.memory_map import MemoryMap, RamRegion  # noqa: E402
from pyocd.target import TARGET  # noqa: E402
from pyocd_chip import Chip, Session, probe  # noqa: E402

BOARD = "stm32f4-discovery"
PROBES = "pyocd.core.helpers.ConnectHelper.get_all_connected_probes"


@pytest.fixture
def connect(monkeypatch):
    """Connects probes to this computer: ``connect(probe(), ...)``."""

    def those(*probes, warning: str = ""):
        def find(blocking, unique_id):
            assert blocking is False
            if warning:
                import logging

                logging.getLogger("pyocd.probe.stlink.usb").warning(warning)
            return [one for one in probes if unique_id is None or unique_id in one.unique_id]

        monkeypatch.setattr(PROBES, find)

    return those


@pytest.fixture
def chip(monkeypatch, connect):
    """A chip behind one probe."""
    connect(probe())
    monkeypatch.setattr("pyocd.core.session.Session", Session)
    monkeypatch.setattr(Session, "opening", None)
    Session.chip = Chip()
    return Session.chip


@pytest.fixture(scope="module")
def elf(tmp_path_factory):
    import shutil

    if not shutil.which("arm-none-eabi-gcc"):
        pytest.skip("the Arm compiler is not installed")
    return build_echo(tmp_path_factory.mktemp("echo"), BOARD).elf


def write(elf, probe_id: str | None = None, progress=lambda done, total: None):
    return choose_flasher(load_board(BOARD), None, probe_id).write(read_image(elf), progress)


def refusal(elf, kind: type = ToolchainError, probe_id: str | None = None):
    with pytest.raises(kind) as caught:
        write(elf, probe_id)
    return caught.value


# -- the real package, whole ------------------------------------------------------------------


@pytest.mark.skipif(bool(usb_probes()), reason="a debug probe is connected")
def test_no_probe(elf):
    error = refused("flash", "--board", BOARD, "--image", elf)
    assert error["exit_code"] == 3 and error["message"] == "pyOCD found no debug probe."
    assert error["cause"] == "No probe is connected."


@pytest.mark.skipif(bool(usb_probes()), reason="a debug probe is connected")
def test_no_probe_of_that_id(elf):
    error = refusal(elf, DeviceNotFoundError, "0670")
    assert error.cause == "No probe with the id 0670 is connected."


def test_a_target_that_comes_in_a_pack(elf, connect, monkeypatch, tmp_path):
    """pyOCD's own session refuses it, before it opens the probe, until the pack is there."""
    monkeypatch.setenv("EDGETUNE_PACKS", str(tmp_path / "packs"))
    monkeypatch.setattr(
        "pyocd.target.pack.pack_target.ManagedPacks.get_installed_targets", lambda *_: []
    )
    connect(probe())
    error = refusal(elf)
    assert error.message == "pyOCD does not know the target stm32f407vgtx."
    assert error.next_step.endswith("edgetune packs install Keil.STM32F4xx_DFP")

    monkeypatch.setattr("pyocd.board.board.TARGET", known := dict(TARGET))
    monkeypatch.setattr("pyocd.target.pack.pack_target.TARGET", known)
    opened = []
    monkeypatch.setattr("pyocd.core.session.Session.open", lambda self: opened.append(
        (self.board.target_type, self.target.memory_map.get_boot_memory().start)
    ) or 1 / 0)
    part = stm32f407("STM32F407VGTx")
    part.body.pop()  # its flash algorithm, whose file this pack does not hold
    file = tmp_path / "Keil.STM32F4xx_DFP.1.0.0.pack"
    succeed("packs", "install", write_pack(file, {}, "Keil::STM32F4xx_DFP@1.0.0", (part,)))
    refusal(elf)
    assert opened == [("stm32f407vgtx", 0x08000000)]


def test_pyocd_is_not_installed(elf, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "pyocd"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyocd", None)
    error = refused("flash", "--board", BOARD, "--image", elf)
    assert error["exit_code"] == 9
    assert error["next_step"] == f"Install it: {install_command('flash')}"


# -- with a chip ------------------------------------------------------------------------------


def test_writes_verifies_and_starts(elf, chip):
    image, seen = read_image(elf), []
    written = write(elf, progress=lambda *figures: seen.append(figures))
    assert (written.tool, written.probe, written.bytes) == ("pyocd", "066BFF", image.size)
    assert written.verified and chip.memory[: image.size] == image.flat()
    assert chip.calls == ["reset and halt", "reset", "closed"]
    assert seen[-1] == (image.size, image.size) and seen == sorted(seen)


def test_nothing_is_unlocked_by_erasing_it(elf, chip):
    write(elf)
    assert Session.options["auto_unlock"] is False
    assert Session.options["target_override"] == "stm32f407vgtx"


def test_progress_on_the_command_line(elf, chip):
    outcome = edgetune("flash", "--board", BOARD, "--image", elf)
    size = read_image(elf).size
    assert outcome.code == 0 and outcome.stderr.count(f"Writing: {size:,} of {size:,}") == 1
    assert "by pyocd, 066BFF: read back and found equal" in outcome.stdout


def test_a_probe_by_its_id(elf, chip, connect):
    connect(probe("066BFF"), probe("0670AA"))
    assert write(elf, "0670").probe == "0670AA"


def test_two_probes(elf, chip, connect):
    connect(probe("066BFF"), probe("0670AA", "DAPLink CMSIS-DAP"))
    error = refusal(elf, DeviceNotFoundError)
    assert error.cause.splitlines()[1:] == ["066BFF  STLink V2-1", "0670AA  DAPLink CMSIS-DAP"]
    assert error.next_step == "Name one: --probe 066BFF"
    assert not chip.calls


def test_a_probe_that_this_user_may_not_open(elf, connect):
    """pyOCD hides it and says so in its log."""
    connect(warning="[Errno 13] Access denied (insufficient permissions) while trying to get the "
            "STLink USB device configuration (VID=0483 PID=374b). This can probably be remedied "
            "with a udev rule.")
    error = refusal(elf, DeviceNotFoundError)
    assert "may not open it" in error.message and "udev rules" in error.next_step


def test_another_core(elf, chip):
    chip.cores[0].name = "Cortex-M0+"
    error = refusal(elf)
    assert error.message == "The chip behind the probe is not a STM32F407VG."
    assert chip.calls == ["closed"] and chip.memory[0] == 0xFF


@pytest.mark.thorough
def test_another_chip_with_the_same_core(elf, chip):
    chip.identity = 0x10006421
    error = refusal(elf)
    assert error.message == "The chip behind the probe is not a STM32F407VG."
    assert error.cause == "At 0xE0042000 it has 0x421; a STM32F407VG has 0x411."
    assert chip.calls == ["closed"] and chip.memory[0] == 0xFF


@pytest.mark.parametrize("word", [
    0x20006411, 0x10076413, 0, exceptions.TransferFaultError(fault_address=0xE0042000),
])
def test_the_chip_itself_and_one_that_does_not_tell(elf, chip, word):
    chip.identity = word
    assert write(elf).verified


def test_memory_that_does_not_keep_what_is_written(elf, chip):
    chip.sticks = False
    error = refusal(elf)
    assert "does not hold what was written" in error.message and "0x08000000" in error.cause
    assert "reset" not in chip.calls


def test_a_segment_that_pyocd_leaves_out(elf, chip):
    """It only warns where its map of the chip lacks the memory: the comparison finds out."""
    chip.memory_map = MemoryMap(RamRegion(start=0x20000000, length=0x1000))
    error = refusal(elf)
    assert "does not hold what was written" in error.message


class UsbError(OSError):
    """As libusb's: an OSError with its number."""


OPENING = [
    (exceptions.DebugError("No cores were discovered!"), 3, "no STM32F407VG answers"),
    (exceptions.TransferError("No ACK received"), 3, "no STM32F407VG answers"),
    (exceptions.ProbeError("STLink error (9): Get IDCODE error"), 3, "no STM32F407VG answers"),
    (exceptions.ProbeDisconnected("probe was unplugged"), 3, "found no debug probe"),
    (UsbError(errno.EACCES, "Access denied (insufficient permissions)"), 3, "may not open it"),
    (UsbError(errno.EBUSY, "Resource busy"), 3, "is in use"),
    (UsbError(errno.ENODEV, "No such device"), 3, "found no debug probe"),
    (exceptions.TargetError("unable to unlock device"), 9, "is locked"),
    (exceptions.TimeoutError("reset timed out"), 9, "pyocd did not write"),
]


@pytest.mark.parametrize(
    ("failure", "code", "message"), OPENING, ids=[str(item[0]) for item in OPENING]
)
def test_connecting_fails(elf, chip, monkeypatch, failure, code, message):
    monkeypatch.setattr(Session, "opening", failure)
    error = refusal(elf, (ToolchainError, DeviceNotFoundError))
    assert error.exit_code == code and message in error.message
    assert str(failure) in error.cause and error.next_step


def test_the_cause_behind_an_error_of_pyocd_counts(elf, chip, monkeypatch):
    failure = exceptions.ProbeError("USB Error")
    failure.__cause__ = UsbError(errno.EBUSY, "Resource busy")
    monkeypatch.setattr(Session, "opening", failure)
    assert "is in use" in refusal(elf, DeviceNotFoundError).message


def test_a_locked_chip_is_told_by_the_log(elf, chip, monkeypatch):
    """pyOCD's nRF52 support warns and then finds no core."""
    import logging

    class Locked(exceptions.DebugError):
        def __init__(self):
            super().__init__("No cores were discovered!")

    def enter(self):
        text = "NRF52840 APPROTECT enabled: not automatically unlocking"
        logging.getLogger("pyocd.target.family.target_nRF52").warning(text)
        raise Locked

    monkeypatch.setattr(Session, "__enter__", enter)
    error = refusal(elf)
    assert "is locked" in error.message and "APPROTECT" in error.cause


@pytest.mark.parametrize("failure", [
    exceptions.FlashEraseFailure("flash erase sector failure", address=0x08000000, result_code=1),
    exceptions.FlashProgramFailure("flash program page failure", address=0x08000400),
])  # fmt: skip
def test_flash_refuses(elf, chip, failure):
    chip.failure = failure
    error = refusal(elf)
    assert error.message == "The flash of the STM32F407VG refused to be erased or programmed."
    assert "0x0800" in error.cause and "write-protected" in error.next_step
    assert chip.calls == ["closed"]


def test_the_image_is_read_as_written(elf):
    """The vector table of what pyOCD is given: the stack's top, then the entry point."""
    image = read_image(elf)
    top, entry = struct.unpack_from("<II", image.flat())
    assert 0x20000000 < top <= 0x20020000 and entry == image.entry | 1
