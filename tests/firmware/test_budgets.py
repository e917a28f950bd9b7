"""No figure of tools/budgets.json rises by more than 1 %, and none falls unnoticed."""

import json

import pytest
from emulators import need_emulator

from edgetune.boards.cores import CORES
from tools.budgets import CORE, COUNTED, FILE, changes, compiler, counted, measure

UPDATE = "python tools/budgets.py --update"


@pytest.fixture(scope="module")
def budgets():
    return json.loads(FILE.read_text())


@pytest.mark.parametrize(("models", "cores"), [(["digits"], CORES), (["kws"], [CORE])])
def test_plans_keep_to_their_budgets(budgets, models, cores):
    found = measure(models, cores)
    if not found:
        pytest.skip("the shared models are not there")
    assert not list(changes("", budgets["planned"], found)), UPDATE


@pytest.mark.thorough
def test_what_is_counted_keeps_to_its_budget(budgets):
    need_emulator()
    if budgets["compiler"] != compiler():
        pytest.skip("another compiler than that of the budgets")
    found = {f"{COUNTED} on {CORE}": counted()}
    assert not list(changes("counted", budgets["counted"], found)), UPDATE


def test_a_rise_a_fall_and_what_is_new_are_told():
    budget = {"kws": {"m4": {"step": 1000, "ram": 100}}}
    told = [
        list(changes("", budget, {"kws": {"m4": {"step": step, "ram": 100}}}))
        for step in (1010, 1011, 990, 989)
    ]
    assert told[0] == told[2] == []
    assert "rose from 1,000 to 1,011" in told[1][0] and "update" in told[3][0]
    assert "no budget" in next(changes("", budget, {"har": {"m4": {"step": 1}}}))
