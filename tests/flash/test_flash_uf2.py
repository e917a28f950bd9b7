"""UF2 files field by field, and the drive of a board in BOOTSEL mode."""

from __future__ import annotations

import errno
import os
import shutil
import struct
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from cli_runner import edgetune
from echo_project import build_echo

from edgetune.boards import load_board
from edgetune.errors import DeviceNotFoundError, ToolchainError, UsageError
from edgetune.flash import FlashImage
from edgetune.flash.image import read_image
from edgetune.flash.uf2 import to_uf2
from edgetune.flash.uf2_drive import Uf2Flasher, find_drives
from edgetune.resources import resource_path

FAMILY = 0xE48BFF56  # RP2040 (github.com/microsoft/uf2, utils/uf2families.json)
PATIENCE = 20.0  # seconds; a bound, not an expectation
INFO = "UF2 Bootloader v3.0\r\nModel: Raspberry Pi RP2\r\nBoard-ID: RPI-RP2\r\n"


def blocks(content: bytes) -> list[tuple]:
    """(flags, address, size, number, count, family, payload) of each, their frames checked."""
    assert len(content) % 512 == 0
    found = []
    for at in range(0, len(content), 512):
        block = content[at : at + 512]
        words = struct.unpack_from("<8I", block)
        assert words[:2] == (0x0A324655, 0x9E5D5157)
        assert struct.unpack_from("<I", block, 508)[0] == 0x0AB16F30
        assert block[32 + words[4] : 508] == bytes(476 - words[4])
        found.append((*words[2:], block[32 : 32 + words[4]]))
    return found


def test_fields():
    image = FlashImage(Path("x"), ((0x10000000, b"a" * 300), (0x10000410, b"b")), 0)
    found = blocks(to_uf2(image, FAMILY))
    assert [block[:6] for block in found] == [
        (0x2000, 0x10000000, 256, 0, 3, FAMILY),
        (0x2000, 0x10000100, 256, 1, 3, FAMILY),
        (0x2000, 0x10000400, 256, 2, 3, FAMILY),
    ]
    assert found[1][6] == b"a" * 44 + b"\xff" * 212
    assert found[2][6] == b"\xff" * 16 + b"b" + b"\xff" * 239


def test_two_segments_may_share_a_page():
    image = FlashImage(Path("x"), ((0x10000004, b"abcd"), (0x10000010, b"ef")), 0)
    ((*_, payload),) = blocks(to_uf2(image, FAMILY))
    assert payload[:20] == b"\xff" * 4 + b"abcd" + b"\xff" * 8 + b"ef" + b"\xff" * 2


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """The STM32F4 Discovery as if it were written by UF2; its firmware builds everywhere."""
    folder = tmp_path_factory.mktemp("boards") / "by-uf2"
    shutil.copytree(resource_path("boards") / "stm32f4-discovery", folder)
    path = folder / "board.toml"
    text = path.read_text().replace('tools = ["pyocd", ', 'tools = ["uf2", "pyocd", ')
    facts = f'[flasher.uf2]\nfamily = {FAMILY:#x}\nlabel = "RPI-RP2"\n\n'
    path.write_text(text.replace("[flasher.pyocd]", facts + "[flasher.pyocd]"))
    return load_board(folder)


@pytest.fixture(scope="module")
def elf(tmp_path_factory):
    if not shutil.which("arm-none-eabi-gcc"):
        pytest.skip("the Arm compiler is not installed")
    return build_echo(tmp_path_factory.mktemp("echo"), "stm32f4-discovery").elf


@pytest.mark.thorough
def test_the_file_holds_what_the_elf_loads(elf, tmp_path):
    """Put together again it is what objcopy makes of the ELF file."""
    image = read_image(elf)
    memory = bytearray()
    for _, address, size, number, count, _, payload in blocks(to_uf2(image, FAMILY)):
        assert address == image.origin + 256 * number and size == 256 and number < count
        memory += payload
    binary = tmp_path / "firmware.bin"
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", elf, binary], check=True)
    assert bytes(memory[: image.size]) == binary.read_bytes() == image.flat()
    assert not memory[image.size :].strip(b"\xff")


# -- the drive --------------------------------------------------------------------------------


def make_drive(folder: Path, info: str = INFO) -> Path:
    folder.mkdir(parents=True)
    (folder / "INFO_UF2.TXT").write_text(info)
    (folder / "INDEX.HTM").write_text("<html></html>")
    return folder


@pytest.fixture
def drive(tmp_path):
    return make_drive(tmp_path / "media" / "RPI-RP2")


@pytest.fixture
def boot_rom(drive):
    """Does what the boot ROM does: when the last block is there, the drive is gone."""
    taken = []

    def run():
        end = time.monotonic() + PATIENCE
        while not taken and time.monotonic() < end:
            file = next(drive.glob("*.UF2"), None)
            content = file.read_bytes() if file else b""
            if content and len(content) == 512 * struct.unpack_from("<I", content, 24)[0]:
                taken.append(content)
                shutil.rmtree(drive)
            time.sleep(0.01)

    thread = threading.Thread(target=run)
    thread.start()
    yield taken
    thread.join()


def test_a_board_in_bootsel_mode_is_written(board, elf, drive, boot_rom):
    outcome = edgetune("flash", "--board", board.folder, "--image", elf, "--probe", drive)
    assert outcome.code == 0, outcome.stderr
    assert f"by uf2, {drive}: not read back" in outcome.stdout
    assert boot_rom == [to_uf2(read_image(elf), FAMILY)]


def test_drives_are_found_by_what_is_mounted(tmp_path):
    one = make_drive(tmp_path / "run" / "RPI RP2")
    two = make_drive(tmp_path / "media" / "user" / "RPI-RP2")
    (tmp_path / "media" / "user" / "PHOTOS").mkdir()
    mounts = tmp_path / "mounts"
    escaped = str(one).replace(" ", "\\040")
    mounts.write_text(
        f"/dev/sda1 {escaped} vfat rw 0 0\n/dev/sda2 {tmp_path} ext4 rw 0 0\nproc /proc proc rw 0\n"
    )
    found = find_drives(mounts, (f"{tmp_path}/media/*/*",))
    assert found == sorted([one, two])
    assert find_drives(tmp_path / "none", ()) == []


@pytest.fixture
def flasher(board, monkeypatch):
    """A flasher that finds the drives of this test alone, and waits shortly for a restart."""

    def make(*drives: Path, probe: Path | None = None) -> Uf2Flasher:
        monkeypatch.setattr("edgetune.flash.uf2_drive.find_drives", lambda: list(drives))
        return Uf2Flasher(board, probe and str(probe), seconds=0.2)

    return make


def refusal(flasher: Uf2Flasher, elf: Path, kind: type) -> Exception:
    with pytest.raises(kind) as caught:
        flasher.write(read_image(elf))
    return caught.value


def test_no_drive_says_to_hold_the_button(flasher, elf):
    error = refusal(flasher(), elf, DeviceNotFoundError)
    assert "Hold the BOOTSEL button" in error.next_step and "not mounted" in error.cause


def test_a_folder_that_is_no_drive(flasher, elf, tmp_path):
    error = refusal(flasher(probe=tmp_path), elf, DeviceNotFoundError)
    assert f"{tmp_path} holds no INFO_UF2.TXT" in error.cause


def test_another_boards_drive(flasher, elf, tmp_path):
    other = make_drive(tmp_path / "RP2350", INFO.replace("RPI-RP2", "RP2350"))
    error = refusal(flasher(other), elf, ToolchainError)
    assert "is of a RP2350" in error.cause and not (other / "FIRMWARE.UF2").exists()


def test_two_boards_in_bootsel_mode(flasher, elf, drive, tmp_path):
    second = make_drive(tmp_path / "RPI-RP2-1")
    error = refusal(flasher(drive, second), elf, DeviceNotFoundError)
    assert str(drive) in error.cause and str(second) in error.cause
    assert error.next_step == f"Name one: --probe {drive}"


def test_a_boot_rom_that_does_not_take_it(flasher, elf, drive):
    error = refusal(flasher(drive), elf, ToolchainError)
    assert "did not start the firmware" in error.message and "still there" in error.cause


class Failing:
    """A file whose ``after``-th write fails with ``number``."""

    def __init__(self, file, after: int, number: int):
        self._file, self._left, self._number = file, after, number

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def fileno(self) -> int:
        return self._file.fileno()

    def write(self, data: bytes) -> int:
        if not self._left:
            raise OSError(self._number, os.strerror(self._number))
        self._left -= 1
        return self._file.write(data[:512])


FAILURES = [
    (errno.ENOSPC, ToolchainError, "is full"),
    (errno.EIO, DeviceNotFoundError, "went away during the copy"),
    (errno.EROFS, DeviceNotFoundError, "may not write"),
]


@pytest.mark.parametrize(("number", "kind", "words"), FAILURES)
def test_a_copy_that_fails(flasher, elf, drive, monkeypatch, number, kind, words):
    monkeypatch.setattr(
        "edgetune.flash.uf2_drive.open",
        lambda *args, **options: Failing(open(*args, **options), 2, number),
        raising=False,
    )
    error = refusal(flasher(drive), elf, kind)
    assert words in error.message and "after 1,024 of" in error.cause


def test_an_error_behind_the_last_byte_is_the_restart(flasher, elf, drive, monkeypatch):
    def restart(_):
        if (drive / "FIRMWARE.UF2").stat().st_size == len(to_uf2(read_image(elf), FAMILY)):
            shutil.rmtree(drive)
            raise OSError(errno.EIO, "the board restarted")

    monkeypatch.setattr("edgetune.flash.uf2_drive.os.fsync", restart)
    assert flasher(drive).write(read_image(elf)).tool == "uf2"


def test_a_full_file_system(flasher, elf, tmp_path):
    """A real one: /dev/full takes no byte."""
    drive = make_drive(tmp_path / "RPI-RP2")
    (drive / "FIRMWARE.UF2").symlink_to("/dev/full")
    error = refusal(flasher(drive), elf, ToolchainError)
    assert "is full" in error.message and "after 0 of" in error.cause


# -- images -----------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"no ELF", b"\x7fELF", b"\x7fELF" + bytes(60)])
def test_files_that_are_no_images(tmp_path, content):
    path = tmp_path / "x.elf"
    path.write_bytes(content)
    with pytest.raises(UsageError):
        read_image(path)


@pytest.mark.thorough
def test_every_truncation_of_an_image_is_an_error_of_ours(elf, tmp_path):
    content, path = elf.read_bytes(), tmp_path / "x.elf"
    for length in range(0, len(content), max(1, len(content) // 200)):
        path.write_bytes(content[:length])
        with suppress(UsageError):
            read_image(path)


def test_a_program_of_this_computer(tmp_path):
    with pytest.raises(UsageError) as caught:
        read_image(Path("/proc/self/exe").resolve())
    assert "not one for an Arm microcontroller" in caught.value.cause


def test_an_image_without_vectors(tmp_path):
    image = FlashImage(tmp_path, ((0x08000000, bytes(512)),), 0x08000100)
    with pytest.raises(UsageError):
        _ = image.vectors


def test_vectors_behind_a_boot_block():
    """As the RP2040 has them: 256 bytes of boot code come first."""
    table = struct.pack("<II", 0x20042000, 0x10000201)
    image = FlashImage(Path("x"), ((0x10000000, bytes(256) + table + bytes(256)),), 0x10000200)
    assert image.vectors == 0x10000100
