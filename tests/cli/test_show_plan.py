"""What a plan saved is told so that each line of it saves something."""

from cli_runner import BOARD, MODEL

from edgetune.boards import load_board
from edgetune.cli.printer import Printer
from edgetune.cli.show_plan import show_plan
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.plan.cost import estimate
from edgetune.plan.plan import make_plan
from edgetune.plan.thrift import KEPT, Price, together

RING, FIRST, LAST = Price("ring", 512, 0), Price("first", 0, 1_000), Price("last", 96, 2_000)
MORE = Price("more", -32, 10)  # buffers lie worse before they lie better
SPENT = Price(KEPT, -64, -300)


def test_what_saves_nothing_belongs_to_what_saves_with_it():
    rows = [RING, FIRST, MORE, LAST, RING, SPENT]
    assert together(rows) == [[RING], [FIRST, MORE, LAST], [RING], [SPENT]]
    assert together([]) == []


def test_what_is_spent_stands_alone():
    assert together([RING, FIRST, SPENT]) == [[RING, FIRST], [SPENT]]
    assert together([FIRST, SPENT]) == [[FIRST], [SPENT]]
    assert together([SPENT]) == [[SPENT]]


def test_choices_that_save_only_together_are_printed_so(capsys):
    cost = estimate(make_plan(read_tflite(MODEL), Recipe(), load_board(BOARD)))
    show_plan(Printer("plan", as_json=False), cost, prices=[RING, FIRST, MORE, LAST, SPENT])
    said = capsys.readouterr().out
    assert """
Saved: 512 bytes of RAM for 0 instructions a step: ring
Saved: 64 bytes of RAM for 3,010 instructions a step, by these 3 together:
       first
       more
       last
Spent: 64 bytes of RAM, 300 instructions a step fewer: gradients kept in what is left
""" in said
