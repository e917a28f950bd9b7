"""Constant objects as C text."""

import numpy as np

from edgetune.codegen.c_text import declarator, definition, definitions, numbers
from edgetune.plan.c_data import SCALARS, Array, CObject, Pointer, array_object, struct

I8, I16, I32 = (SCALARS[name] for name in ("int8", "int16", "int32"))
PAIR = struct("pair", (I16, "low high"))
ENTRY = struct(
    "entry", (I32, "a b c d"), (Pointer("int8_t"), "first"), (Pointer("int8_t"), "second")
)


def test_numbers_are_wrapped_and_none_is_lost():
    values = np.arange(-50, 50)
    lines = numbers(values).split("\n")
    assert max(map(len, lines)) <= 96 and len(lines) == 5
    assert [int(word) for word in "".join(lines).split(",")] == list(values)


def test_declarators():
    assert declarator(Array(PAIR, 3), "pairs") == "pair pairs[3]"
    assert declarator(Pointer("const int8_t"), "at") == "const int8_t *at"


def test_an_array_with_its_note():
    constant = array_object("a", np.array([1, -2], np.int8), "Two.")
    assert definition(constant, "const") == (
        "/* Two. */\nconst int8_t a[2] = {\n    1, -2\n};\n"
    )


def test_a_struct_is_inline_as_long_as_it_fits_a_line():
    outer = struct("outer", (PAIR, "by_name in_order"), (Array(PAIR, 2), "many"), (ENTRY, "entry"))
    long = {name: f"a_rather_long_{name}" for name in ENTRY.offsets}
    value = {
        "by_name": {"low": 1, "high": 2}, "in_order": (3, 4), "many": ((5, 6), (7, 8)),
        "entry": long,
    }
    assert definitions([CObject("o", outer, value)]) == (
        "static const outer o = {\n"
        "    .by_name = {.low = 1, .high = 2},\n"
        "    .in_order = {3, 4},\n"
        "    .many = {{5, 6}, {7, 8}},\n"
        "    .entry = {\n"
        + "".join(f"        .{name} = {long[name]},\n" for name in ENTRY.offsets)
        + "    },\n};\n"
    )


def test_a_table_has_three_numbers_or_one_pointer_a_line():
    row = {"a": 1, "b": 2, "c": 3, "d": 4, "first": "x", "second": "&y[1]"}
    assert definition(CObject("t", Array(ENTRY, 1), (row,))) == (
        "static const entry t[1] = {\n"
        "    {.a = 1, .b = 2, .c = 3,\n"
        "     .d = 4,\n"
        "     .first = x,\n"
        "     .second = &y[1]},\n"
        "};\n"
    )
