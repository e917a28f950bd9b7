"""Generated projects build for every board and stay inside its memory."""

import os
import shutil
import subprocess
from dataclasses import replace

import pytest
from echo_project import ECHO, build_echo, ended, write_echo
from emulators import needs_gcc
from thinned import thinned

from edgetune.boards import list_boards, load_board
from edgetune.build import (
    build_project,
    find_cross_gcc,
    find_host_cc,
    find_make,
    write_build_files,
)
from edgetune.build.memory_map import MemoryUse, Section, check_memory, read_memory_use
from edgetune.codegen.for_size import AROUND_ASSEMBLY, SELDOM
from edgetune.errors import DoesNotFitError, ToolchainError, UsageError
from edgetune.resources import resource_path


def _section(build, name):
    return next(section for section in build.sizes.sections if section.name == name)


@pytest.mark.thorough
@needs_gcc
@pytest.mark.parametrize("name", list_boards())
def test_image_lies_in_the_boards_memory(tmp_path, name):
    board = load_board(name)
    build = build_echo(tmp_path, name, stack_bytes=2000)
    for section in build.sizes.sections:
        region = board.flash if section.name in (".text", ".rodata", ".ARM.exidx") else board.ram
        assert region.holds(section.address, section.size), section
    assert _section(build, ".text").address == board.flash.origin
    assert _section(build, ".stack").address == board.ram.origin
    assert build.sizes.stack == 2016
    assert build.map.is_file() and list((tmp_path / "build").rglob("*.su"))


@pytest.mark.thorough
@needs_gcc
def test_flash_is_the_size_of_the_binary(tmp_path):
    build = build_echo(tmp_path, "mps2-an385")
    binary = tmp_path / "image.bin"
    subprocess.run(["arm-none-eabi-objcopy", "-Obinary", build.elf, binary], check=True)
    assert build.sizes.flash == binary.stat().st_size


@needs_gcc
def test_stack_takes_what_is_left_over(tmp_path):
    build = build_echo(tmp_path, "stm32f4-discovery", defines={"ECHO_BALLAST": 100_000})
    assert build.sizes.static_ram > 100_000
    assert build.sizes.ram == 128 * 1024


@pytest.mark.thorough
@needs_gcc
def test_same_sources_give_the_same_bytes(tmp_path):
    one = build_echo(tmp_path / "one", "stm32f4-discovery")
    two = build_echo(tmp_path / "another-place", "stm32f4-discovery")
    assert one.elf.read_bytes() == two.elf.read_bytes()


@pytest.mark.thorough
@needs_gcc
def test_paths_may_hold_what_shells_and_make_take_apart(tmp_path, monkeypatch):
    folder = tmp_path / "it's a $(place) = mine # here"
    tools = folder / "tools"
    tools.mkdir(parents=True)
    for program in ("arm-none-eabi-gcc", "cc"):
        (tools / program).symlink_to(shutil.which(program))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("EDGETUNE_TOOLCHAIN", "tools")
    monkeypatch.setenv("PATH", "tools", prepend=os.pathsep)
    image = build_echo(folder / "echo", "stm32f4-discovery").elf
    build_echo(folder / "echo", "stm32f4-discovery", "native")
    plain = build_echo(tmp_path / "plain", "stm32f4-discovery").elf
    assert image.read_bytes() == plain.read_bytes()


@pytest.mark.thorough
@needs_gcc
def test_a_title_may_hold_what_ends_comments_and_quotes(tmp_path):
    title = "It's */ mine $(shell touch made)"
    board = replace(load_board("mps2-an385"), title=title)
    shutil.copyfile(ECHO, tmp_path / "echo.c")
    write_build_files(tmp_path, board, ["echo.c"])
    build_project(tmp_path, board)
    flash = subprocess.run(["make", "flash"], cwd=tmp_path, capture_output=True, text=True)
    assert title in flash.stderr and not (tmp_path / "made").exists()


@needs_gcc
@pytest.mark.parametrize("stack_bytes", thinned([None, 4096], 2))
def test_too_much_ram_is_refused(tmp_path, stack_bytes):
    # More than the chip's 128 KB and less than the emulators' 192 KB.
    with pytest.raises(DoesNotFitError) as caught:
        build_echo(
            tmp_path,
            "stm32f4-discovery",
            defines={"ECHO_BALLAST": 150_000},
            stack_bytes=stack_bytes,
        )
    assert "RAM" in caught.value.cause


@pytest.mark.thorough
@needs_gcc
def test_a_stack_too_large_is_refused(tmp_path):
    with pytest.raises(DoesNotFitError):
        build_echo(tmp_path, "stm32f4-discovery", stack_bytes=129 * 1024)


@needs_gcc
def test_memory_check_does_not_trust_the_linker_script(tmp_path):
    folder = write_echo(tmp_path, "stm32f4-discovery", {"ECHO_BALLAST": 150_000})
    script = folder / "linker.ld"
    script.write_text(script.read_text().replace("LENGTH = 0x20000", "LENGTH = 0x30000"))
    with pytest.raises(DoesNotFitError) as caught:
        build_project(folder, load_board("stm32f4-discovery"))
    assert "outside the memory" in caught.value.message


def test_flash_image_outside_flash_is_refused():
    section = Section(".data", 0x20000000, 0x08000000 + 1024 * 1024 - 4, 8)
    with pytest.raises(DoesNotFitError):
        check_memory(MemoryUse(8, 8, 0, (section,)), load_board("stm32f4-discovery"))


@needs_gcc
def test_compiler_errors_are_shown(tmp_path):
    folder = write_echo(tmp_path, "mps2-an385")
    (folder / "echo.c").write_text("int main(void) { return nonsense; }\n")
    with pytest.raises(ToolchainError) as caught:
        build_project(folder, load_board("mps2-an385"))
    assert "nonsense" in caught.value.cause and "make -C" in caught.value.next_step


@needs_gcc
def test_make_that_hangs_is_ended(tmp_path):
    folder = write_echo(tmp_path, "mps2-an385")
    (folder / "Makefile").write_text("all:\n\techo $$$$ > pid; sleep 1000\n")
    with pytest.raises(ToolchainError) as caught:
        build_project(folder, load_board("mps2-an385"), timeout=1.0)
    assert "1 seconds" in caught.value.cause
    assert ended(int((folder / "pid").read_text()))


@needs_gcc
def test_a_vendors_copy_of_a_word_is_no_call(tmp_path):
    """CMSIS-NN reads its operands by memcpy of four bytes."""
    (tmp_path / "word.c").write_text(
        "#include <string.h>\n"
        "int word(const char *from) { int to; memcpy(&to, from, 4); return to; }\n"
    )
    board = load_board("stm32f4-discovery")
    write_build_files(tmp_path, board, [], vendor_sources=["word.c"])
    subprocess.run([find_make(), "build/obj/word.o"], cwd=tmp_path, check=True)
    used = subprocess.run(["arm-none-eabi-nm", "-u", "build/obj/word.o"], cwd=tmp_path,
                          capture_output=True, text=True, check=True).stdout
    assert "memcpy" not in used


def test_what_is_compiled_for_size_is_there():
    sources = {path.name for path in resource_path("firmware").glob("*/*.c")}
    assert sources | {"learning.c", "model.c"} > SELDOM | AROUND_ASSEMBLY



@pytest.mark.thorough
@needs_gcc
def test_the_makefile_serves_a_person(tmp_path):
    folder = write_echo(tmp_path, "mps2-an385")
    size = subprocess.run(["make", "size"], cwd=folder, capture_output=True, text=True)
    assert size.returncode == 0 and ".stack" in size.stdout
    flash = subprocess.run(["make", "flash"], cwd=folder, capture_output=True, text=True)
    assert flash.returncode and "does not write" in flash.stderr
    subprocess.run(["make", "clean"], cwd=folder, check=True, capture_output=True)
    assert not (folder / "build").exists()


def test_broken_image_is_named(tmp_path):
    path = tmp_path / "firmware.elf"
    for content in (b"", b"\x7fELF", b"no image"):
        path.write_bytes(content)
        with pytest.raises(ToolchainError):
            read_memory_use(path)


@pytest.mark.parametrize("find, package", [(find_cross_gcc, "gcc-arm"), (find_make, "make")])
def test_missing_tools_say_how_to_get_them(monkeypatch, tmp_path, find, package):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("EDGETUNE_TOOLCHAIN", raising=False)
    with pytest.raises(ToolchainError) as caught:
        find()
    assert f"apt-get install {package}" in caught.value.next_step


def test_missing_host_compiler(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolchainError):
        find_host_cc()


def test_toolchain_folder_is_named_when_wrong(monkeypatch, tmp_path):
    monkeypatch.setenv("EDGETUNE_TOOLCHAIN", str(tmp_path))
    with pytest.raises(ToolchainError) as caught:
        find_cross_gcc()
    assert str(tmp_path) in caught.value.cause


@pytest.mark.thorough
@needs_gcc
def test_a_board_brings_sources_of_its_own(tmp_path):
    theirs = resource_path("boards") / "mps2-an385"
    mine, clock = tmp_path / "mine", '"cortex_m/fixed_clock.c"'
    shutil.copytree(theirs, mine)
    text = (mine / "board.toml").read_text()
    assert clock in text
    (mine / "board.toml").write_text(text.replace(clock, '"board/clock.c"'))
    with pytest.raises(UsageError) as caught:
        build_echo(tmp_path / "none", str(mine))
    assert "clock.c" in caught.value.message
    source = (resource_path("firmware") / "ports/cortex_m/fixed_clock.c").read_text()
    (mine / "own.h").write_text('#include "../cortex_m/parts.h"\n')
    source = source.replace("core.h", "../cortex_m/core.h").replace("parts.h", "own.h")
    (mine / "clock.c").write_text(source)
    build = build_echo(tmp_path / "one", str(mine))
    assert build.sizes.flash == build_echo(tmp_path / "two", "mps2-an385").sizes.flash
