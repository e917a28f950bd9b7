"""The table [store] of a board.toml: where what was learnt is kept."""

import re
import shutil

import pytest

from edgetune.boards import list_boards, load_board
from edgetune.errors import UsageError
from edgetune.resources import resource_path

STORE = "origin = 0x080C0000\nlength = 0x40000"


@pytest.mark.parametrize("name", list_boards())
def test_the_region_is_whole_sectors_at_the_end_of_flash(name):
    board = load_board(name)
    if board.store is None:
        assert board.geometry is None  # a board whose flash can be written has one
        return
    store, flash = board.store, board.flash
    assert store.origin + store.length == flash.end and store.origin >= flash.origin
    count, size = board.geometry.sectors[-1]
    assert size == store.sector and store.length % (2 * size) == 0
    assert store.length < count * size or len(board.geometry.sectors) > 1
    assert store.capacity == store.length // 2 - 8 * max(32, store.unit) > 0
    assert f"ET_STORE_ORIGIN {store.origin:#x}" in " ".join(
        f"{key} {value:#x}" for key, value in board.macros().items() if isinstance(value, int)
    )


@pytest.mark.parametrize(
    "old, new, cause",
    [
        (STORE, "origin = 0x080E0000\nlength = 0x20000", "even number"),
        (STORE, "origin = 0x080A0000\nlength = 0x60000", "even number"),
        (STORE, "origin = 0x080D0000\nlength = 0x30000", "even number"),
        (STORE, "origin = 0x08080000\nlength = 0x40000", "end of flash"),
        (STORE, "origin = 0x08000000\nlength = 0x100000", "unequal"),
        (STORE, 'origin = "0x080C0000"\nlength = 0x40000', "positive integers"),
        (STORE, "origin = 0x080C0000", "'length'"),
        (STORE, "length = 0x40000", "'origin'"),
        ("[7, 0x20000]", "[6, 0x20000], [1024, 0x80]", "unequal"),
        (STORE, "origin = 0x080FFFC0\nlength = 0x40", "unequal|even number"),
    ],
)
def test_what_is_no_region(tmp_path, old, new, cause):
    folder = tmp_path / "mine"
    shutil.copytree(resource_path("boards") / "stm32f4-discovery", folder)
    path = folder / "board.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(UsageError) as error:
        load_board(folder)
    assert re.search(cause, error.value.cause)


def test_a_store_needs_a_driver(tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(resource_path("boards") / "mps2-an386", folder)
    with (folder / "board.toml").open("a") as file:
        file.write("\n[store]\norigin = 0x3E0000\nlength = 0x20000\n")
    with pytest.raises(UsageError) as error:
        load_board(folder)
    assert "needs the table [flash]" in error.value.cause
