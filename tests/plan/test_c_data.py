"""C types and objects: layout by the rules, and values that must have the form of their type."""

import numpy as np
import pytest

from edgetune.plan.c_data import (
    SCALARS,
    Array,
    CObject,
    Pointer,
    array_object,
    flash_bytes,
    struct,
)

I8, I16, U16, I32 = (SCALARS[name] for name in ("int8", "int16", "uint16", "int32"))
PAIR = struct("pair", (I16, "low high"))
MIXED = struct(
    "mixed", (I8, "first"), (I32, "word"), (Array(I8, 3), "bytes"), (PAIR, "pair"),
    (Pointer("const int8_t"), "at"), (U16, "last"),
)


def test_members_are_aligned_and_the_end_is_padded():
    assert MIXED.offsets == {
        "first": 0, "word": 4, "bytes": 8, "pair": 12, "at": 16, "last": 20,
    }
    assert (MIXED.size, MIXED.alignment) == (24, 4)
    assert (PAIR.size, PAIR.alignment) == (4, 2)
    assert Array(MIXED, 3).size == 72


def test_flash_pads_each_object_to_a_word():
    objects = [
        array_object("a", np.zeros(5, np.int8)), array_object("b", np.zeros(3, np.uint16)),
        CObject("c", PAIR, (1, 2)),
    ]
    assert [constant.size for constant in objects] == [5, 6, 4]
    assert flash_bytes(objects) == 8 + 8 + 4
    assert flash_bytes([]) == 0


def test_an_array_takes_its_type_from_numpy():
    constant = array_object("a", np.zeros((2, 3), np.int32))
    assert constant.ctype == Array(I32, 6) and constant.value.shape == (6,)


@pytest.mark.parametrize("ctype, value", [
    (PAIR, {"low": 1}),
    (PAIR, {"high": 1, "low": 2}),
    (PAIR, {"low": 1, "high": 2, "more": 3}),
    (PAIR, (1, 2, 3)),
    (Array(I8, 3), (1, 2)),
    (Array(PAIR, 2), ((1, 2), (1, 2, 3))),
    (struct("outer", (PAIR, "pair")), {"pair": {"low": 1, "hi": 2}}),
    (struct("outer", (Array(I8, 2), "pair")), {"pair": (1, 2, 3)}),
])
def test_a_value_of_another_form_is_refused(ctype, value):
    with pytest.raises(ValueError):
        CObject("a", ctype, value)
