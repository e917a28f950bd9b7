"""The rows of ``model/kinds.py`` and what stands beside them: code, schema and page agree."""

from dataclasses import replace

import pytest
import tflite
from operator_examples import EXAMPLES
from tiny_operators import ARITHMETIC, DECIDED
from tiny_tflite import ModelBuilder

from edgetune.floats.operators import OPERATORS
from edgetune.learn.lower import lower
from edgetune.learn.lower.backward import Update, lower_backward
from edgetune.learn.lower.lowering import LOWERINGS
from edgetune.model import kinds
from edgetune.model.kinds import BESIDES, KINDS, LOSS, YES
from edgetune.model.read import read_tflite
from tools.operator_page import PAGE
from tools.pages.operators import table_lines, with_table


def _learns(behind) -> bool:
    """Whether a convolution learns that has ``behind`` behind it."""
    b = behind(ModelBuilder((1, 6, 6, 2), seed=3).conv(4, 3))
    if KINDS[b.operators[-1].kind].trains != LOSS:
        b = b.dense(3)
    program = lower(read_tflite(b.build()))
    steps = lower_backward(program, program.weighted_layers).steps
    return any(isinstance(s, Update) and s.layer is program.layers[0] for s in steps)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_says_whether_errors_pass(kind):
    passes = KINDS[kind].passes_errors or KINDS[kind].trains == LOSS
    assert _learns(EXAMPLES[kind]) == passes


@pytest.mark.parametrize("behind", [
    lambda b: b.conv(3, 3, dilation=2), lambda b: b.depthwise(3, dilation=2)
])
def test_errors_pass_a_dilated_convolution(behind):
    """No line of the page says anything else of it."""
    assert _learns(behind)
    assert KINDS["CONV_2D"].trains == KINDS["DEPTHWISE_CONV_2D"].trains == YES
    assert not any("dilated" in line.operators for line in BESIDES.values())


def test_every_row_has_its_code():
    assert set(LOWERINGS) == set(EXAMPLES) == set(KINDS)
    assert set(kinds.CONVERTED) == set(OPERATORS) - {"QUANTIZE", "SELECT_V2"}


@pytest.mark.parametrize("kind", KINDS)
def test_options_are_those_of_the_schema(kind):
    assert hasattr(tflite.BuiltinOperator, kind)
    if KINDS[kind].options:
        table, fields, _ = KINDS[kind].options
        assert hasattr(tflite.BuiltinOptions, table)
        assert all(hasattr(getattr(tflite, table), field) for field in fields)
        assert all(hasattr(tflite, f"{table}Add{field}") for field in fields)


def test_groups_of_kinds_hold_what_their_names_say():
    assert kinds.WEIGHTED == (
        "CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED"
    )
    assert kinds.ARITHMETIC == tuple(ARITHMETIC)
    assert kinds.DECIDED_BY_ONE == tuple(DECIDED)
    assert kinds.JOINING == (*kinds.ARITHMETIC, "CONCATENATION", *kinds.DECIDED_BY_ONE, "PACK")
    assert kinds.VIEWS == ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
    assert kinds.RESIZED == ("RESIZE_BILINEAR",)
    assert kinds.REDUCING == ("MEAN", "REDUCE_MAX")
    assert kinds.WINDOWED == (*kinds.WEIGHTED[:3], "MAX_POOL_2D", "AVERAGE_POOL_2D")
    assert set(kinds.FUSING) == {
        *kinds.WINDOWED, "FULLY_CONNECTED", *kinds.ARITHMETIC, "CONCATENATION",
    }
    assert all(KINDS[name].constants == () for name in kinds.FUNCTIONS)


def test_the_page_shows_the_rows():
    text = PAGE.read_text(encoding="utf-8")
    assert text == with_table(text), "make pages"


def test_a_row_that_changes_changes_the_page():
    rows = [replace(kind, reads="other") if kind.name == "PAD" else kind for kind in KINDS.values()]
    assert "| PAD | other | yes | yes | yes |" in table_lines(rows)
    assert len(table_lines(rows)) == len(table_lines())


def test_a_page_without_a_place_for_the_table_is_refused():
    with pytest.raises(ValueError, match="no place"):
        with_table("| operator |")
