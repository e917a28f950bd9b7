"""Milliseconds and energy of a step: estimates, whose arithmetic is worked out by hand."""

import re
import shutil

import pytest
from cli_runner import MODEL, edgetune, refused, succeed

import edgetune as api
from edgetune.plan.speed import speed_of


@pytest.mark.parametrize("board, hz, cycles", [
    ("stm32f4-discovery", 168_000_000, (1, 2)), ("nucleo-h753zi", 400_000_000, (0.5, 1.5)),
])  # fmt: skip
def test_time_is_cycles_over_the_clock(board, hz, cycles):
    cost = api.Job(MODEL, board).estimate
    found = speed_of(cost)
    assert found.hz == hz and found.step_uj is None
    for spoken, count in ((found.step_ms, cost.step_instructions),
                          (found.forward_ms, cost.forward_instructions)):
        assert spoken == pytest.approx([1000 * c * count / hz for c in cycles])


@pytest.mark.parametrize("baud, rates", [
    (None, (115_200, 921_600)), (500_000, (115_200, 500_000)), (115_200, (115_200,)),
])  # fmt: skip
def test_a_sample_travels_its_bits_over_the_rate(baud, rates):
    """64 bytes, 4 of the target, 12 of the frame, 3 around it; 10 bits each."""
    found = speed_of(api.Job(MODEL, "nucleo-f446re", baud=baud).estimate)
    assert found.line_ms == tuple((rate, pytest.approx(830e3 / rate)) for rate in rates)


def test_energy_is_current_times_voltage_times_time():
    cost = api.Job(MODEL, "nucleo-l476rg").estimate
    found = speed_of(cost, (100, 3.0))
    amperes = 100e-6 * found.hz / 1e6
    assert found.step_uj == pytest.approx([amperes * 3 * ms * 1e3 for ms in found.step_ms])


def test_plan_says_that_it_is_an_estimate():
    words = ("plan", MODEL, "--board", "nucleo-f446re", "--power", "79,3.3")
    said = " ".join(edgetune(*words).stdout.split())
    assert "Estimates, not measured: a step takes" in said and "microjoules" in said
    speed = succeed(*words)["speed"]
    assert speed["estimate"] is True and set(speed["line_ms"]) == {"115200", "921600"}
    assert "a sample travels 7.2 ms at 115,200 bits per second, 0.901 ms at 921,600" in said
    assert "microjoules" not in edgetune(*words[:4]).stdout
    for wrong in ("79", "0,3.3", "79,-1"):
        assert refused(*words[:5], wrong)["exit_code"] == 2


def test_a_board_with_a_published_current_says_whose_it_is():
    """Nothing that was not published stands for a chip."""
    cost = api.Job(MODEL, "nucleo-l476rg").estimate
    found = speed_of(cost)
    assert found.step_uj == speed_of(cost, (100, 3.0)).step_uj
    assert found.current == cost.plan.board.supply.source
    assert speed_of(cost, (79, 3.3)).current == "given"
    words = ("plan", MODEL, "--board", "nucleo-l476rg")
    assert f"microjoules by {found.current}" in " ".join(edgetune(*words).stdout.split())
    assert succeed(*words)["speed"]["current"] == found.current
    for name in api.list_boards():
        supply = api.load_board(name).supply
        assert supply is None or re.match(r"(DS|PS|RM)\w*\d", supply.source)


@pytest.mark.parametrize("wrong", [
    "ua_per_mhz = 0", "ua_per_mhz = -1", "ua_per_mhz = nan", 'ua_per_mhz = "100"', "",
])
def test_a_supply_that_is_none_is_refused(wrong, tmp_path):
    board = tmp_path / "mine"
    shutil.copytree(api.load_board("nucleo-l476rg").folder, board)
    text = (board / "board.toml").read_text()
    (board / "board.toml").write_text(text.replace("ua_per_mhz = 100", wrong))
    assert refused("plan", MODEL, "--board", board)["exit_code"] == 2
