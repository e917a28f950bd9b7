"""Classes by their names, and samples in CSV files."""

from __future__ import annotations

import numpy as np
import pytest
from data_sources import assert_same, from_npz, tensor

from edgetune.data import Targets, load_data
from edgetune.errors import DataError, UsageError

# -- names of classes -------------------------------------------------------------------------


def named(folder, arrays, names, **options):
    return from_npz(folder, (arrays[0], np.array(names)[arrays[1]]), **options)


def test_names_are_numbered_in_sorted_order(tmp_path, arrays):
    whole = {"split": None, "test": tmp_path / "expected.npz", "targets": Targets("class", 2)}
    data = named(tmp_path, arrays, ["walk", "run"], **whole)
    assert data.classes == ("run", "walk") and data.warnings == []
    np.testing.assert_array_equal(data.tune_y, 1 - arrays[1])
    swapped = named(tmp_path, arrays, ["walk", "run"], class_names=("walk", "run"), **whole)
    np.testing.assert_array_equal(swapped.tune_y, arrays[1])
    assert named(tmp_path, arrays, [b"walk", b"run"]).classes == ("run", "walk")


def test_names_that_are_numbers_are_class_numbers(tmp_path, arrays):
    data = named(tmp_path, arrays, ["10", "9"])
    assert data.classes == () and set(data.tune_y) == {9, 10}


def test_names_that_do_not_suit_the_model(tmp_path, arrays):
    assert "2 classes and the model has 5" in named(tmp_path, arrays, ["a", "b"],
                                                    targets=Targets("class", 5)).warnings[0]
    with pytest.raises(DataError, match="There are 2 classes: a, b"):
        named(tmp_path, arrays, ["a", "b"], targets=Targets("class", 1))
    with pytest.raises(DataError, match="class b is not among"):
        named(tmp_path, arrays, ["a", "b"], class_names=("a", "c"))


def test_names_here_and_numbers_there(tmp_path, arrays):
    np.savez(tmp_path / "test.npz", x=arrays[0], y=arrays[1])
    with pytest.raises(DataError, match="are numbers, those of y are names"):
        named(tmp_path, arrays, ["a", "b"], split=None, test=tmp_path / "test.npz")


# -- CSV --------------------------------------------------------------------------------------

ROWS = tensor(3)
TABLE = "a,b,c,label\n0.1,0.2,0.3,up\n\n0.4,0.5,0.9,down\n0.0,1.0,0.5,up\n1,0.3,0.2,down\n"


def from_csv(folder, text, graph_input=ROWS, **options):
    (folder / "d.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_data(folder / "d.csv", graph_input, **({"split": 0.5} | options))


def test_a_table_is_the_archive(tmp_path):
    rows = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.9], [0, 1, 0.5], [1, 0.3, 0.2]], np.float32)
    expected = from_npz(tmp_path, (rows, np.array([1, 0, 1, 0])), ROWS, scale=None)
    data = from_csv(tmp_path, TABLE)
    assert_same(data, expected)
    assert data.classes == ("down", "up")
    assert_same(from_csv(tmp_path, TABLE, memory=1), expected)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (TABLE.split("\n", 1)[1], {}),
        (TABLE.replace(",", ";"), {}),
        (TABLE.replace(",", "\t"), {}),
        (TABLE.replace(",", ";").replace(".", ","), {}),
        (TABLE.replace(",", ";").replace(".", ",").split("\n", 1)[1], {}),
        (TABLE.replace("\n", "\r\n"), {}),
        (b"\xef\xbb\xbf" + TABLE.encode(), {}),
        (TABLE.replace("up", '"up"'), {}),
        (TABLE.rstrip("\n"), {"label_column": "label"}),
        ("label,a,b,c\nup,.1,.2,.3\ndown,.4,.5,.9\nup,0,1,.5\ndown,1,.3,.2", {"label_column": "1"}),
    ],
    ids=["no header", "semicolons", "tabs", "decimal commas",
         "decimal commas without a header", "CRLF", "byte order mark", "quotes", "by name",
         "by number"],
)  # fmt: skip
def test_tables_are_written_in_many_ways(tmp_path, text, options):
    assert_same(from_csv(tmp_path, text, **options), from_csv(tmp_path, TABLE))


def test_a_row_takes_the_models_shape(tmp_path):
    assert from_csv(tmp_path, TABLE, tensor(3, 1, 1)).tune_x.shape == (2, 3, 1, 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no CSV file"),
        ("\0\1\2\n", "is no CSV file"),
        ("a,b,c,label\n", "holds no samples"),
        ("1\n2\n", "one column only"),
        (TABLE + "1,2,up\n", "line 7 has 3 columns, not 4"),
        (TABLE + "1,,2,up\n", "line 7, column 2: '' is not a number"),
        (TABLE + "1,two,2,up\n", "line 7, column 2: 'two'"),
        (TABLE + '1,"' + "2" * 200_000 + '",2,up\n', "line 7, column 2"),
        (TABLE + "1,nan,2,up\n", "1 values that are NaN"),
        ("1,2,up\n3,4,down\n" * 4, "samples of shape"),
    ],
)
@pytest.mark.parametrize("memory", [1, 1 << 20])
def test_tables_that_are_wrong(tmp_path, text, words, memory):
    with pytest.raises(DataError, match=words) as caught:
        from_csv(tmp_path, text, memory=memory)
    assert caught.value.next_step


def test_an_unknown_label_column(tmp_path):
    with pytest.raises(UsageError, match="no column colour"):
        from_csv(tmp_path, TABLE, label_column="colour")
