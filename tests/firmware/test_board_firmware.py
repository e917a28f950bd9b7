"""Every board's firmware builds, with a small model and a large one, or is refused in words."""

import shutil

import pytest
from shared_data import digits, load_task

from edgetune.boards import list_boards, load_board
from edgetune.errors import DoesNotFitError
from edgetune.learn.recipe import Recipe
from edgetune.plan.cost import estimate
from edgetune.plan.plan import make_plan
from edgetune.session.firmware import build_firmware

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(
        shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"
    ),
]
CODE = (".boot2", ".text", ".rodata", ".ARM.exidx")


@pytest.mark.parametrize("model", ["digits", "kws"])
@pytest.mark.parametrize("name", list_boards())
def test_firmware_builds_or_is_refused(tmp_path, name, model):
    board = load_board(name)
    graph = (digits() if model == "digits" else load_task(model)).graph
    plan = make_plan(graph, Recipe(), board)
    cost = estimate(plan)
    fits = cost.flash_bytes <= board.flash.length and cost.ram_bytes <= board.ram.length
    if not fits:
        with pytest.raises(DoesNotFitError) as caught:
            build_firmware(plan, tmp_path, model)
        assert "the chip has" in caught.value.message and caught.value.next_step
        assert not any(tmp_path.iterdir())
        return
    _check_image(build_firmware(plan, tmp_path, model).build, board, cost)


def _check_image(build, board, cost):
    """Every section lies in the chip's memory, as the linker's own map says too."""
    for section in build.sizes.sections:
        region = board.flash if section.name in CODE else board.ram
        assert region.holds(section.address, section.size), section
        if section.load_address is not None:
            assert board.flash.holds(section.load_address, section.size), section
    assert _map_regions(build.map) == {
        "FLASH": (board.flash.origin, board.flash.length),
        "RAM": (board.ram.origin, board.ram.length),
    }
    assert build.sizes.static_ram <= cost.variable_bytes
    assert build.sizes.stack >= cost.stack_bytes or cost.table.unmeasured


def _map_regions(path) -> dict:
    """Name -> (origin, length), from the table at the head of a linker map."""
    lines = path.read_text().split("Memory Configuration", 1)[1].splitlines()[3:]
    rows = [line.split() for line in lines[: lines.index("")]]
    return {name: (int(at, 16), int(size, 16)) for name, at, size, *_ in rows
            if not name.startswith("*")}
