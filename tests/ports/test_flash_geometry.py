"""The table [flash] of a board.toml: what is taken, what is refused, what C sees of it."""

import shutil
import subprocess
from dataclasses import replace

import pytest
from echo_project import write_echo
from emulators import needs_gcc

from edgetune.boards import list_boards, load_board
from edgetune.build import (
    build_project,
    check_memory,
    find_cross_gcc,
    read_memory_use,
    write_build_files,
)
from edgetune.errors import UsageError
from edgetune.resources import resource_path

SECTORS = "sectors = [[4, 0x4000], [1, 0x10000], [7, 0x20000]]"


def _board(tmp_path, old, new):
    folder = tmp_path / "mine"
    shutil.copytree(resource_path("boards") / "stm32f4-discovery", folder)
    path = folder / "board.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return folder


def test_what_c_sees(tmp_path):
    header = (write_echo(tmp_path, "stm32f4-discovery") / "board.h").read_text()
    for line in (
        "ET_FLASH_ORIGIN 0x08000000u",
        "ET_FLASH_LENGTH 0x00100000u",
        "ET_FLASH_UNIT 4u",
        "ET_FLASH_SECTORS {{4u, 16384u}, {1u, 0x00010000u}, {7u, 0x00020000u}}",
        "ET_FLASH_ACCESS_REGISTER 0x40023C00u",
        "ET_FLASH_ACCESS_CACHES 1536u",
    ):
        assert f"#define {line}\n" in header


def test_the_driver_comes_with_the_project(tmp_path):
    ports = write_echo(tmp_path, "stm32f4-discovery") / "firmware" / "ports"
    for name in ("flash.h", "cortex_m/flash.c", "stm32/flash_f4.c", "stm32/flash_art.c"):
        assert (ports / name).is_file()
    assert "stm32/flash_f4.c" in (tmp_path / "Makefile").read_text()


@pytest.mark.parametrize("name", list_boards())
def test_the_drivers_exist(name):
    geometry = load_board(name).geometry
    for source in geometry.sources if geometry else ():
        assert (resource_path("firmware") / "ports" / source).is_file()


def test_a_board_without_the_table_has_no_driver(tmp_path):
    assert load_board("mps2-an385").geometry is None
    folder = write_echo(tmp_path, "mps2-an385")
    assert "ET_FLASH" not in (folder / "board.h").read_text()
    assert not (folder / "firmware" / "ports" / "cortex_m" / "flash.c").exists()


@pytest.mark.parametrize(
    "old, new, cause",
    [
        (SECTORS, "sectors = [[4, 0x4000], [1, 0x10000], [6, 0x20000]]", "add up"),
        (SECTORS, "sectors = []", "add up"),
        (SECTORS, "sectors = [[64, 0x4000], [-1, 0x10000]]", "positive"),
        (SECTORS, "sectors = [[1, 0xFFFFE], [1, 2]]", "whole number of units"),
        (SECTORS, "sectors = [[1, 0x100000, 0]]", "unpack"),
        (SECTORS, "sectors = 12", "iterable"),
        (SECTORS, "", "'sectors'"),
        ("unit = 4", "unit = 3", "power of two"),
        ("unit = 4", "unit = 1", "power of two"),
        ("unit = 4", "unit = true", "positive"),
        ("busy_ms = 4000", "busy_ms = 0", "positive"),
        ('sources = ["stm32/flash_f4.c", "stm32/flash_art.c"]', 'sources = "flash.c"', "C files"),
        ("busy_ms = 4000", 'busy_ms = 4000\ncolour = "red"', "colour"),
        ("busy_ms = 4000", "", "'busy_ms'"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(tmp_path, old, new, cause):
    with pytest.raises(UsageError) as caught:
        load_board(_board(tmp_path, old, new))
    assert cause in caught.value.cause


USE = """
#include "firmware/ports/flash.h"
#include "firmware/ports/port.h"

void et_rx_byte(uint8_t byte)
{
    (void)byte;
}

int main(void)
{
    static const uint8_t bytes[256] = {1};
    port_start();
    return (int)(et_flash_erase(ET_FLASH_ORIGIN) + et_flash_program(ET_FLASH_ORIGIN, bytes, 256));
}
"""


@pytest.mark.thorough
@needs_gcc
@pytest.mark.parametrize(
    "name", ["stm32f4-discovery", "nucleo-h753zi", "nrf52840-dk", "raspberry-pi-pico"]
)
def test_what_calls_the_driver_links_without_a_warning(tmp_path, name):
    board = load_board(name)
    (tmp_path / "use.c").write_text('#include "board.h"\n' + USE)
    write_build_files(tmp_path, board, ["use.c"], stack_bytes=2000)
    command = ["make", "-C", tmp_path, f"CROSS={str(find_cross_gcc()).removesuffix('gcc')}"]
    made = subprocess.run(command, timeout=120, capture_output=True, text=True)
    assert made.returncode == 0 and not made.stderr, made.stderr
    check_memory(read_memory_use(tmp_path / "build" / "firmware.elf"), board)


@pytest.mark.thorough
@needs_gcc
@pytest.mark.parametrize("name", ["nucleo-f401re", "nucleo-g071rb", "raspberry-pi-pico"])
def test_a_driver_that_nobody_calls_takes_no_memory(tmp_path, name):
    board = load_board(name)
    sizes = []
    for geometry in (board.geometry, None):
        folder = tmp_path / str(len(sizes))
        write_echo(folder, name)
        write_build_files(folder, replace(board, geometry=geometry), ["echo.c"], stack_bytes=2000)
        build = build_project(folder, board)
        sizes.append((build.sizes.flash, build.sizes.ram))
    assert sizes[0] == sizes[1]
