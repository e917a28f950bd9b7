"""The frame for register models, by the smallest driver there is: the cycle counter."""

import inspect
import textwrap

import pytest
import registers
from emulators import needs_gcc
from registers import Flash, Machine, Registers

from edgetune.boards import load_board

pytestmark = needs_gcc

SOURCES = ["cortex_m/dwt.c"]
STORE = "void store(unsigned a, unsigned short v) { *(volatile unsigned short *)a = v; }"


class Dwt(Registers):
    """CYCCNT counts once CTRL.CYCCNTENA is set while DEMCR.TRCENA is (DDI 0403 C1.8)."""

    def __init__(self, demcr, counts=True, still=0):
        super().__init__("DWT", 0xE0001000, {0x0: 0, 0x4: 0})
        self.demcr, self.counts, self.still = demcr, counts, still

    def read(self, offset, size):
        if offset == 4 and self.counts and self.values[0] & 1:
            self.still, late = self.still - 1, self.still <= 0
            self.values[4] += late
        return super().read(offset, size)

    def write(self, offset, value, size):
        assert self.demcr.values[0] & 1 << 24, "the trace unit is off"
        super().write(offset, value, size)


def _machine(folder, counts=True, still=0):
    demcr = Registers("DEMCR", 0xE000EDFC, {0: 0}, size=4)
    lock = Registers("LAR", 0xE0001FB0, {0: 0}, size=4)
    models = [demcr, lock, Dwt(demcr, counts, still)]
    return Machine(folder, load_board("stm32f4-discovery"), SOURCES, models)


@pytest.mark.parametrize("counts, still, rate", [
    (True, 0, 168_000_000),
    (True, 1, 168_000_000),  # as in Renode, whose time stands still up to a branch
    (False, 0, 0),
])
def test_a_counter_that_does_not_count_is_none(tmp_path, counts, still, rate):
    machine = _machine(tmp_path, counts, still)
    machine.call("et_counter_start", 168_000_000)
    assert machine.call("port_tick_hz") == rate
    assert machine.order(("DEMCR", 0), ("LAR", 0), ("DWT", 4), ("DWT", 0))
    assert machine.values("LAR", 0) == [0xC5ACCE55]
    assert not machine.order(("DWT", 0), ("DEMCR", 0))
    assert machine.values("DWT", 0) == [1]


def test_the_example_of_the_package_runs(tmp_path):
    paragraphs = inspect.getdoc(registers).split("\n\n")
    example = textwrap.dedent(next(text for text in paragraphs if "rcc = " in text))
    names = {"tmp_path": tmp_path, "board": load_board("stm32f4-discovery")}
    names |= {name: getattr(registers, name) for name in registers.__all__}
    exec(example, names)
    assert names["machine"].recorded() == b"A"


def test_an_address_that_nobody_models_fails(tmp_path):
    machine = Machine(tmp_path, load_board("stm32f4-discovery"), SOURCES)
    with pytest.raises(AssertionError, match="no model for address 0xe0001004"):
        machine.call("port_ticks")


def test_a_register_that_a_model_lacks_fails(tmp_path):
    dwt = Registers("DWT", 0xE0001000, {0: 0})
    machine = Machine(tmp_path, load_board("stm32f4-discovery"), SOURCES, [dwt])
    with pytest.raises(AssertionError, match="DWT has no register at 0x4"):
        machine.call("port_ticks")


def test_a_call_that_does_not_end_fails(tmp_path):
    with pytest.raises(AssertionError, match="did not return"):
        _machine(tmp_path).call("et_counter_start", 1, instructions=3)


def test_stores_to_flash_are_the_controllers(tmp_path):
    source = tmp_path / "store.c"
    source.write_text(STORE)

    class Eager(Flash):
        def store(self, address, value, size):
            self.memory.write(address, (~value & 0xFFFF).to_bytes(size, "little"))

    board = load_board("stm32f4-discovery")
    machine = Machine(tmp_path / "with", board, [source], [Eager("FLASH", 0x40023C00, {})])
    machine.call("store", 0x08000802, 0x1234)
    assert machine.read(0x08000800, 5) == b"\xff\xff\xcb\xed\xff"
    with pytest.raises(AssertionError, match="a store to flash at 0x8000802"):
        Machine(tmp_path / "without", board, [source]).call("store", 0x08000802, 1)
