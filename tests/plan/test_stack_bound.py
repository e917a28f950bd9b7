"""The stack that can never be exceeded, added up by hand over parts that are made up."""

from types import SimpleNamespace

import pytest

from edgetune.plan.parts import stack_bound

MARGIN, FRAME, VECTOR_FRAME = 128, 36, 108  # of the compiler; of an exception, in bytes


def bound(parts: dict, mve: bool = False) -> int:
    return stack_bound(SimpleNamespace(board=SimpleNamespace(core=SimpleNamespace(mve=mve))), parts)


def up(size: int) -> int:
    """To the next multiple of 32."""
    return (size + 31) // 32 * 32


def parts(**frames) -> dict:
    """Three roots without frames, but for those named."""
    names = ("et_reset", "et_fault", "et_uart_irq")
    return {name: {"frame": frames.get(name, 0)} for name in names}


@pytest.mark.parametrize("mve, frame", [(False, FRAME), (True, VECTOR_FRAME)])
def test_an_interrupt_comes_on_top_of_the_deepest_call(mve, frame):
    found = bound(parts(et_reset=400, et_uart_irq=200), mve)
    assert found == up(400 + frame + 200 + MARGIN)
    assert found - bound(parts(et_reset=400), mve) in (192, 224)


def test_all_that_the_interrupt_calls_counts():
    found = parts(et_reset=400, et_uart_irq=40)
    found["et_uart_irq"]["needs"] = ["et_rx_byte"]
    found["et_rx_byte"] = {"frame": 320}
    assert bound(found) == up(400 + FRAME + 40 + 320 + MARGIN)


def test_the_deepest_chain_counts_and_not_the_sum():
    found = parts(et_reset=8)
    found["et_reset"]["needs"] = ["main", "table"]
    found |= {
        "main": {"frame": 100, "needs": ["shallow", "deep"]},  # 100 is 104 on the stack
        "shallow": {"frame": 200}, "deep": {"frame": 16, "needs": ["deeper"]},
        "deeper": {"frame": 256}, "table": {"flash": 99},
    }
    assert bound(found) == up(8 + 104 + 16 + 256 + FRAME + MARGIN)


def test_a_fault_may_be_deeper_than_the_program():
    assert bound(parts(et_reset=64, et_fault=640)) == up(640 + FRAME + MARGIN)


def test_calls_through_pointers_reach_what_their_patterns_say():
    found = parts(et_reset=0)
    found["et_reset"]["needs"] = ["et_update"]
    found |= {
        "et_update": {"frame": 64, "pointers": ["model.c:*_row"]},
        "model.c:conv_2d_row": {"frame": 480}, "model.c:helper": {"frame": 4000},
    }
    assert bound(found) == up(64 + 480 + FRAME + MARGIN)


def test_a_part_that_points_back_to_its_caller_is_no_endless_chain():
    found = parts(et_reset=32)
    found["et_reset"]["needs"] = ["ring"]
    found["ring"] = {"frame": 0, "needs": ["et_reset"]}
    assert bound(found) == up(32 + FRAME + MARGIN)
