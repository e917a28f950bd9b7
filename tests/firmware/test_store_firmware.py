"""Firmware that keeps what it learnt: what it takes, and what it leaves alone."""

import pytest
from emulators import needs_gcc
from tiny_tflite import ModelBuilder

from edgetune.boards import list_boards, load_board
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.plan.cost import estimate
from edgetune.plan.plan import make_plan
from edgetune.session.firmware import build_firmware

MODEL = (
    ModelBuilder((1, 6, 6, 2), 1 / 40, -7, seed=8).conv(4, 3, activation="RELU").mean()
    .dense(5).softmax().build()
)
BOARDS = [name for name in list_boards() if load_board(name).store]


def planned(name: str, store: bool):
    return make_plan(read_tflite(MODEL), Recipe(), load_board(name), store=store)


@needs_gcc
@pytest.mark.thorough
@pytest.mark.parametrize("name", BOARDS)
def test_it_takes_no_more_than_planned_and_the_region_is_free(tmp_path, name):
    plan, plain = planned(name, store=True), planned(name, store=False)
    image = build_firmware(plan, tmp_path / "store", "small").build.sizes
    before = build_firmware(plain, tmp_path / "plain", "small").build.sizes
    more, cost, least = image.flash - before.flash, estimate(plan), estimate(plain)
    planned_more = cost.flash_bytes - least.flash_bytes
    assert 0.8 * planned_more < more <= planned_more
    assert image.static_ram - before.static_ram <= cost.variable_bytes - least.variable_bytes
    length = plan.board.flash.length - plan.board.store.length
    assert f"LENGTH = 0x{length:X}" in (tmp_path / "store" / "linker.ld").read_text()
    loads = [s.load_address + s.size for s in image.sections if s.load_address is not None]
    assert max(loads) <= plan.board.store.origin and plan.flash_length == length


@needs_gcc
def test_without_it_nothing_is_taken(tmp_path):
    plan = planned("nucleo-f401re", store=False)
    build_firmware(plan, tmp_path, "small", native=True)
    assert not (tmp_path / "firmware" / "store").exists()
    assert not (tmp_path / "host" / "flash.c").exists()
    assert f"LENGTH = 0x{plan.board.flash.length:X}" in (tmp_path / "linker.ld").read_text()
    with_it, without = (estimate(planned("nucleo-f401re", store)) for store in (True, False))
    assert with_it.code_bytes > without.code_bytes and with_it.stack_bytes > without.stack_bytes
