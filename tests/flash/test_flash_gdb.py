"""Firmware written through GDB servers: QEMU stands for a chip, a real GDB writes it."""

from __future__ import annotations

import shutil
import socket
from contextlib import closing

import pytest
from cli_runner import MODEL, edgetune, refused, succeed
from echo_project import build_echo, greet
from emulators import needs_gcc
from gdb_target import GdbTarget

from edgetune.boards import load_board
from edgetune.errors import DeviceNotFoundError, ToolchainError
from edgetune.flash.gdb import GdbFlasher
from edgetune.flash.image import read_image
from edgetune.link.client import Client

GDB = shutil.which("gdb-multiarch") or shutil.which("arm-none-eabi-gdb")
BOARD = "stm32f4-discovery"
OTHER = "mps2-an385"

needs_chip = pytest.mark.skipif(
    not (GDB and shutil.which("qemu-system-arm") and shutil.which("arm-none-eabi-gcc")),
    reason="GDB, QEMU or the Arm compiler is not installed",
)


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    """The echo firmware's ELF file for a board, by its name."""
    if not shutil.which("arm-none-eabi-gcc"):
        pytest.skip("the Arm compiler is not installed")
    built = {}

    def build(board: str):
        if board not in built:
            built[board] = build_echo(tmp_path_factory.mktemp(board), board).elf
        return built[board]

    return build


@pytest.fixture
def target():
    """Starts the chips that a test asks for, and ends them."""
    opened = []

    def start(*args, **options) -> GdbTarget:
        opened.append(GdbTarget(*args, **options))
        opened[-1].open()
        return opened[-1]

    yield start
    for one in opened:
        one.close()


@needs_chip
@pytest.mark.parametrize("name", [BOARD, *(
    pytest.param(name, marks=pytest.mark.thorough)
    for name in (OTHER, "mps2-an385-m0plus", "mps2-an505", "lm3s6965evb", "stm32vldiscovery")
)])
def test_an_empty_chip_is_written_and_runs(name, echo, target):
    chip = target(load_board(name))
    result = succeed("flash", "--board", name, "--image", echo(name), "--gdb", chip.server)
    size = read_image(echo(name)).size
    assert result == {
        "board": name, "image": str(echo(name)), "tool": "gdb", "probe": chip.server,
        "bytes": size, "verified": True,
    }
    assert greet(chip) >= 1


@needs_chip
@pytest.mark.thorough
def test_a_model_is_built_written_and_answers(tmp_path, echo, target):
    """Over the echo firmware, which runs meanwhile: what was there is gone."""
    chip = target(load_board(BOARD), echo(BOARD))
    assert greet(chip) == 1
    outcome = edgetune(
        "flash", MODEL, "--board", BOARD, "--out", tmp_path, "--gdb", chip.server
    )
    assert outcome.code == 0, outcome.stderr
    assert f"by gdb, {chip.server}: read back and found equal" in outcome.stdout
    client = Client(chip)
    info = client.hello()
    assert f"build id {info.build_id:08x}" in outcome.stdout and info.board == BOARD
    assert client.digest(full=True) == client.digest()


@pytest.mark.thorough
@needs_chip
def test_the_table_of_vectors_is_the_images(echo, target):
    """After writing, an interrupt finds its handler: the echo firmware receives by one."""
    chip = target(load_board(OTHER))
    GdbFlasher(load_board(OTHER), chip.server).write(read_image(echo(OTHER)))
    greet(chip)
    chip.write(b"abc")
    assert chip.read(5.0)[:1] == b"a"


@pytest.mark.thorough
@needs_chip
def test_memory_that_does_not_keep_what_is_written(echo, target):
    """QEMU has nothing there and takes every write; GDB goes on after sections that differ."""
    chip = target(load_board(OTHER))
    image = read_image(echo(BOARD))
    with pytest.raises(ToolchainError) as caught:
        GdbFlasher(load_board(OTHER), chip.server).write(image)
    assert "does not hold what was written" in caught.value.message
    assert "MIS-MATCHED" in caught.value.cause


def test_another_boards_image_is_refused_before_anything_is_written(echo):
    error = refused("flash", "--board", OTHER, "--image", echo(BOARD), "--gdb", "127.0.0.1:1")
    assert error["exit_code"] == 2 and "not built for" in error["message"]


@needs_gcc
@pytest.mark.thorough
def test_an_image_names_its_board_where_addresses_do_not_tell(tmp_path):
    succeed("build", MODEL, "--board", BOARD, "--out", tmp_path / "f407")
    image = tmp_path / "f407" / "build" / "firmware.elf"
    assert read_image(image).board == BOARD
    error = refused("flash", "--board", "nucleo-f446re", "--image", image, "--gdb", "127.0.0.1:1")
    assert error["exit_code"] == 2 and f"--board {BOARD}" in error["next_step"]


@pytest.mark.thorough
@pytest.mark.skipif(not GDB, reason="GDB is not installed")
def test_no_server(echo):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nothing listens
        server = f"127.0.0.1:{taken.getsockname()[1]}"
        outcome = edgetune("flash", "--board", BOARD, "--image", echo(BOARD), "--gdb", server)
    assert outcome.code == 3 and "No GDB server answers." in outcome.stderr
    assert "refused" in outcome.stderr or "imed out" in outcome.stderr


@pytest.mark.thorough
@pytest.mark.skipif(not GDB, reason="GDB is not installed")
def test_a_server_that_never_answers_is_left(echo):
    with closing(socket.socket()) as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        server = f"127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises((ToolchainError, DeviceNotFoundError)) as caught:
            GdbFlasher(load_board(BOARD), server, seconds=1.0).write(read_image(echo(BOARD)))
    assert "within 1 seconds" in caught.value.cause


def test_without_gdb(echo, tmp_path, monkeypatch):
    image = echo(BOARD)
    monkeypatch.setenv("PATH", str(tmp_path))
    error = refused("flash", "--board", BOARD, "--image", image, "--gdb", "localhost:3333")
    assert error["exit_code"] == 9 and "apt-get install gdb-multiarch" in error["next_step"]


@pytest.mark.parametrize("server", ["localhost", ":3333", "localhost:x"])
def test_an_address_that_is_none(server, echo):
    error = refused("flash", "--board", BOARD, "--image", echo(BOARD), "--gdb", server)
    assert error["exit_code"] == 2 and "HOST:PORT" in error["cause"]
