"""Data from every source gives the same samples, and what is wrong with it is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from cli_runner import BOARD, DATA, MODEL, ON_HOST, edgetune, refused, succeed

from edgetune.data import Preprocessing, Targets, load_data, load_samples
from edgetune.data.preprocessing import real_values
from edgetune.errors import DataError, UsageError
from edgetune.model.graph import Quantization, Tensor

BYTE = 1 / 255


def tensor(*shape: int, scale: float = BYTE, zero_point: int = -128) -> Tensor:
    """An int8 input for one sample of ``shape``."""
    quantization = Quantization(np.array([scale]), np.array([zero_point]))
    return Tensor(0, "input", (1, *shape), "int8", quantization)


GREY, COLOUR = tensor(4, 6, 1), tensor(4, 6, 3)
SOUND = tensor(100, 1, scale=1 / 128, zero_point=0)


@pytest.fixture
def arrays():
    """Twenty colour images and their labels."""
    random = np.random.default_rng(3)
    return random.integers(0, 256, (20, 4, 6, 3)).astype(np.uint8), np.arange(20) % 2


def assert_same(data, other):
    for name in ("tune_x", "tune_y", "test_x", "test_y"):
        np.testing.assert_array_equal(
            np.asarray(getattr(data, name)), np.asarray(getattr(other, name))
        )


# -- .npy and .npz ----------------------------------------------------------------------------


@pytest.fixture
def pair(tmp_path, arrays):
    """The images as an .npy pair: the arguments of `load_data` that name it."""
    np.save(tmp_path / "x.npy", arrays[0])
    np.save(tmp_path / "y.npy", arrays[1])
    return {"path": tmp_path / "x.npy", "labels": tmp_path / "y.npy"}


def from_npz(folder, arrays, graph_input=COLOUR, **options):
    np.savez(folder / "expected.npz", x=arrays[0], y=arrays[1])
    options = {"split": 0.5, "scale": BYTE} | options
    return load_data(folder / "expected.npz", graph_input, **options)


def test_a_pair_of_npy_files_is_the_archive(tmp_path, arrays, pair):
    data = load_data(**pair, graph_input=COLOUR, split=0.5, scale=BYTE)
    assert_same(data, from_npz(tmp_path, arrays))


def test_a_test_set_of_another_kind(tmp_path, arrays, pair):
    np.savez(tmp_path / "test.npz", x=arrays[0][:3], y=arrays[1][:3])
    data = load_data(**pair, graph_input=COLOUR, test=tmp_path / "test.npz", scale=BYTE)
    assert len(data.tune_x) == 20 and data.split is None
    np.testing.assert_array_equal(data.test_x, data.tune_x[:3])


def test_a_named_part_of_an_archive(tmp_path, arrays):
    np.savez(tmp_path / "a.npz", clean_x=arrays[0], clean_y=arrays[1], x=arrays[0][:1])
    data = load_data(tmp_path / "a.npz", COLOUR, part="clean", split=0.5, scale=BYTE)
    assert_same(data, from_npz(tmp_path, arrays))
    with pytest.raises(DataError, match="lacks dirty_x, dirty_y"):
        load_data(tmp_path / "a.npz", COLOUR, part="dirty", split=0.5)


def test_what_does_not_fit_into_memory_is_the_same_data(tmp_path, arrays, pair):
    expected = from_npz(tmp_path, arrays)
    streamed = load_data(**pair, graph_input=COLOUR, split=0.5, scale=BYTE, memory=100)
    assert_same(streamed, expected)
    assert_same(load_data(tmp_path / "expected.npz", COLOUR, 0.5, scale=BYTE, memory=100), expected)
    assert not isinstance(streamed.tune_x, np.ndarray)
    assert streamed.tune_x.shape == (10, 4, 6, 3) and streamed.tune_x.dtype == np.int8
    np.testing.assert_array_equal(streamed.tune_x[-1], expected.tune_x[-1])
    np.testing.assert_array_equal(streamed.tune_x[2:5], expected.tune_x[2:5])
    assert [x.tobytes() for x in streamed.test_x] == [x.tobytes() for x in expected.test_x]
    with pytest.raises(IndexError):
        streamed.tune_x[10]


def test_a_compressed_archive_that_does_not_fit_is_named(tmp_path, arrays):
    np.savez_compressed(tmp_path / "a.npz", x=arrays[0], y=arrays[1])
    with pytest.raises(DataError, match="cannot be read by row") as caught:
        load_data(tmp_path / "a.npz", COLOUR, 0.5, memory=100)
    assert "numpy.savez" in caught.value.next_step


@pytest.mark.parametrize("memory", [100, 1 << 20])
def test_an_npy_file_that_was_cut_is_named(tmp_path, pair, memory):
    content = pair["path"].read_bytes()
    for length in (0, 5, 30, 127, 200, len(content) - 1):
        pair["path"].write_bytes(content[:length])
        with pytest.raises(DataError):
            load_data(**pair, graph_input=COLOUR, split=0.5, scale=BYTE, memory=memory)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"(20, ", b"(\x83, "), (b"(20, ", b" 20, "), (b"(20, ", b"(-2, "), (b"|u1", b"|O1"),
     (b"|u1", b"|zz"), (b"\x01\x00", b"\x09\x00")],
)  # fmt: skip
def test_an_npy_header_that_is_damaged(pair, old, new):
    content = pair["path"].read_bytes()
    pair["path"].write_bytes(content.replace(old, new, 1))
    with pytest.raises(DataError, match="cannot be read|samples of shape"):
        load_data(**pair, graph_input=COLOUR, split=0.5, scale=BYTE)


def test_a_file_cut_while_it_is_read_is_named(pair):
    data = load_data(**pair, graph_input=COLOUR, split=0.5, scale=BYTE, memory=100)
    with open(pair["path"], "r+b") as file:
        file.truncate(300)
    with pytest.raises(DataError, match="cut short"):
        list(data.test_x)


def test_a_header_that_promises_more_than_there_is_allocates_nothing(tmp_path, pair):
    with open(tmp_path / "x.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "<f4", "fortran_order": False, "shape": (1 << 40, 4, 6, 3)}
        )
    with pytest.raises(DataError, match="cut short"):
        load_data(**pair, graph_input=COLOUR, split=0.5)


def test_nan_is_found_in_what_is_streamed(pair):
    x = np.full((5000, 4, 6, 3), 0.5, np.float32)
    x[:, 0] = 0
    x[4321, 1, 2, 0] = np.nan
    np.save(pair["path"], x)
    np.save(pair["labels"], np.arange(5000) % 2)
    with pytest.raises(DataError, match="1 values that are NaN") as caught:
        load_data(**pair, graph_input=COLOUR, split=0.5, memory=100)
    assert "[4321, 1, 2, 0]" in caught.value.cause


def test_labels_of_another_length_or_missing(tmp_path, pair):
    np.save(pair["labels"], np.arange(19))
    with pytest.raises(DataError, match="20 samples but 19 labels in y.npy"):
        load_data(**pair, graph_input=COLOUR, split=0.5, scale=BYTE)
    with pytest.raises(UsageError, match="where are their labels"):
        load_data(pair["path"], COLOUR, split=0.5)
    with pytest.raises(DataError, match="no data file"):
        load_data(pair["path"], COLOUR, labels=tmp_path / "nowhere.npy", split=0.5)


def test_ten_gigabytes_are_served_within_a_memory_limit(tmp_path):
    """A sparse file of 10 GB, tuned on in random order by a process that may not map it."""
    rows, shape = 4_000_000, (50, 50, 1)
    with open(tmp_path / "x.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|u1", "fortran_order": False, "shape": (rows, *shape)}
        )
        start = file.tell()
        try:
            file.truncate(start + rows * 2500)
        except OSError:
            pytest.skip("the file system refuses a sparse file of 10 GB")
    with open(tmp_path / "x.npy", "r+b") as file:
        for row in (0, 1_999_999, rows - 1):
            file.seek(start + row * 2500)
            file.write(bytes([row % 251]) * 2500)
    np.save(tmp_path / "y.npy", (np.arange(rows) % 10).astype(np.uint8))
    code = """
import resource, sys
import numpy as np
from edgetune.data import load_data
from edgetune.model.graph import Quantization, Tensor
from edgetune.session.order import sample_order

resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
quantization = Quantization(np.array([1 / 255]), np.array([-128]))
tensor = Tensor(0, "input", (1, 50, 50, 1), "int8", quantization)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
data = load_data("x.npy", tensor, labels="y.npy", test="x.npy", test_labels="y.npy", scale=1 / 255)
for row in sample_order(len(data.tune_x), 2000, 1, 0):
    assert data.tune_x[row].shape == (50, 50, 1)
print([int(data.tune_x[row][0, 0, 0]) for row in (0, 1_999_999, 3_999_999)])
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]),
                          "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    values, grown = done.stdout.splitlines()
    assert json.loads(values) == [row % 251 - 128 for row in (0, 1_999_999, rows - 1)]
    assert int(grown) < 512  # MB


# -- preprocessing ----------------------------------------------------------------------------


def test_one_scale_and_offset_a_channel(tmp_path, arrays):
    scale, offset = (BYTE, BYTE / 2, BYTE / 4), (0.0, 0.25, 0.5)
    data = from_npz(tmp_path, arrays, scale=scale, offset=offset)
    for channel in range(3):
        one = from_npz(tmp_path, arrays, scale=scale[channel], offset=offset[channel])
        np.testing.assert_array_equal(data.test_x[..., channel], one.test_x[..., channel])
    assert Preprocessing.from_dict(json.loads(json.dumps(data.preprocessing.as_dict()))) == (
        data.preprocessing
    )


def test_a_mean_is_subtracted_before_scaling(tmp_path, arrays):
    how = from_npz(tmp_path, arrays, scale=[BYTE, 2 * BYTE, BYTE], mean=[0, 10, 20]).preprocessing
    raw = np.array([[50.0, 60.0, 70.0]])
    np.testing.assert_allclose(real_values(raw, how), [[50 * BYTE, 100 * BYTE, 50 * BYTE]])
    assert from_npz(tmp_path, arrays, scale=BYTE, mean=10).preprocessing.offset == -10 * BYTE


WRONG = [
    ({"scale": [1, 0, 1]}, "scale is not"),
    ({"offset": "low"}, "offset is not"),
    ({"offset": 1, "mean": 1}, "same thing"),
    ({"scale": [1, 2], "mean": [1, 2, 3]}, "different lengths"),
    ({"scale": [1, 2]}, "has 2 values"),
    ({"order": "rgb"}, "order is 'rgb'"),
    ({"fit": "stretch"}, "fit is 'stretch'"),
    ({"frame": (0, 1)}, "frame is"),
    ({"sample_rate": -1}, "sample rate is"),
    ({"labels": "y.npy"}, "--labels does not go with"),
    ({"label_column": "y"}, "--label-column does not go with"),
    ({"frame": (10, 5)}, "--frame does not go with"),
]


@pytest.mark.parametrize(("options", "words"), WRONG, ids=[words for _, words in WRONG])
def test_unusable_declarations(tmp_path, arrays, options, words):
    with pytest.raises(UsageError, match=words) as caught:
        from_npz(tmp_path, arrays, **options)
    assert caught.value.next_step


def test_channels_first_are_named_and_moved_where_declared(tmp_path, arrays):
    expected = from_npz(tmp_path, arrays)
    first = np.ascontiguousarray(arrays[0].transpose(0, 3, 1, 2)), arrays[1]
    with pytest.raises(DataError, match=r"\(3, 4, 6\).*\(4, 6, 3\)") as caught:
        from_npz(tmp_path, first)
    assert "Channels come first" in caught.value.cause and "--order chw" in caught.value.next_step
    assert_same(from_npz(tmp_path, first, order="chw"), expected)
    with pytest.raises(DataError) as caught:
        from_npz(tmp_path, arrays, order="chw")
    assert "last in the data already" in caught.value.cause


def test_exchanged_height_and_width_are_named(tmp_path, arrays):
    with pytest.raises(DataError) as caught:
        from_npz(tmp_path, (arrays[0].transpose(0, 2, 1, 3), arrays[1]))
    assert "exchanged" in caught.value.cause


def test_reversed_channels(tmp_path, arrays):
    data, turned = from_npz(tmp_path, arrays), from_npz(tmp_path, arrays, order="bgr")
    np.testing.assert_array_equal(turned.tune_x, data.tune_x[..., ::-1])
    lazy = from_npz(tmp_path, arrays, order="bgr", memory=100)
    np.testing.assert_array_equal(lazy.tune_x[4], turned.tune_x[4])


def test_a_float_model_takes_real_values(tmp_path, arrays):
    model = Tensor(0, "input", (1, 4, 6, 3), "float32")
    data = from_npz(tmp_path, arrays, model, scale=1 / 127.5, offset=-1)
    assert data.tune_x.dtype == np.float32
    assert data.tune_x.min() >= -1 and data.tune_x.max() <= 1 and data.tune_x.max() > 0.9
    with pytest.raises(DataError, match="need a declaration"):
        from_npz(tmp_path, arrays, model, scale=None)


def test_the_models_own_declaration_serves_where_nothing_is_declared(tmp_path, arrays):
    stored = Preprocessing(BYTE, order="bgr")
    data = from_npz(tmp_path, arrays, scale=None, stored=stored)
    assert data.preprocessing == stored
    assert from_npz(tmp_path, arrays, stored=stored, order="hwc").preprocessing.order == "hwc"


def test_samples_to_calibrate_by_need_no_labels(tmp_path, arrays):
    np.save(tmp_path / "x.npy", arrays[0])
    x, how, _ = load_samples(tmp_path / "x.npy", COLOUR, 7, scale=BYTE)
    assert x.shape == (7, 4, 6, 3) and how.scale == BYTE
    everything = load_samples(tmp_path / "x.npy", COLOUR, scale=BYTE)[0]
    np.testing.assert_array_equal(x[[0, -1]], everything[[0, -1]])


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
        (TABLE.replace("\n", "\r\n"), {}),
        (b"\xef\xbb\xbf" + TABLE.encode(), {}),
        (TABLE.replace("up", '"up"'), {}),
        (TABLE.rstrip("\n"), {"label_column": "label"}),
        ("label,a,b,c\nup,.1,.2,.3\ndown,.4,.5,.9\nup,0,1,.5\ndown,1,.3,.2", {"label_column": "1"}),
    ],
    ids=["no header", "semicolons", "tabs", "CRLF", "byte order mark", "quotes", "by name",
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


# -- images -----------------------------------------------------------------------------------


@pytest.fixture
def pillow():
    return pytest.importorskip("PIL.Image", reason="Pillow is not installed")


@pytest.fixture
def folder(tmp_path, arrays, pillow):
    """The images as PNG files in one folder for each class."""
    root = tmp_path / "images"
    for number, (x, y) in enumerate(zip(*arrays)):
        (root / "ab"[y]).mkdir(parents=True, exist_ok=True)
        pillow.fromarray(x).save(root / "ab"[y] / f"{number:02}.png")
    return root


def test_a_folder_of_images_is_the_archive(tmp_path, arrays, folder):
    data = load_data(folder, COLOUR, 0.5, scale=BYTE)
    assert data.classes == ("a", "b")
    by_class = np.argsort(arrays[1], kind="stable")
    expected = from_npz(tmp_path, (arrays[0][by_class], arrays[1][by_class]))
    assert_same(data, expected)
    assert_same(load_data(folder, COLOUR, 0.5, scale=BYTE, memory=10), expected)


def test_an_order_stored_with_a_model_is_that_of_arrays(folder):
    stored = Preprocessing(BYTE, order="chw")
    assert_same(load_data(folder, COLOUR, 0.5, stored=stored),
                load_data(folder, COLOUR, 0.5, scale=BYTE))
    with pytest.raises(DataError, match="holds samples of shape"):
        load_data(folder, COLOUR, 0.5, scale=BYTE, order="chw")


@pytest.mark.parametrize("suffix", ["png", "bmp", "pgm", "jpg", "JPEG"])
def test_kinds_of_images(tmp_path, pillow, suffix):
    for label in "ab":
        (tmp_path / "i" / label).mkdir(parents=True)
        for i in range(2):
            grey = np.full((4, 6), 40 + 100 * i, np.uint8)
            pillow.fromarray(grey).save(tmp_path / "i" / label / f"{i}.{suffix}")
    data = load_data(tmp_path / "i", GREY, 0.5, scale=BYTE)
    assert sorted(np.concatenate([data.tune_x, data.test_x])[:, 0, 0, 0].astype(int) + 128) == [
        40, 40, 140, 140
    ]  # fmt: skip
    assert load_data(tmp_path / "i", COLOUR, 0.5, scale=BYTE).tune_x.shape == (2, 4, 6, 3)


def test_other_sizes_are_named_or_resized(folder, pillow):
    pillow.new("RGB", (9, 7), (10, 20, 30)).save(folder / "b" / "odd.png")
    with pytest.raises(DataError, match="odd.png is 9 x 7 pixels.* 6 x 4") as caught:
        load_data(folder, COLOUR, 0.5, scale=BYTE)
    assert "20 of 6 x 4, 1 of 9 x 7" in caught.value.cause
    assert "--fit resize" in caught.value.next_step
    data = load_data(folder, COLOUR, 0.5, scale=BYTE, fit="resize")
    plain = np.array([10, 20, 30]) - 128
    images = np.concatenate([data.tune_x, data.test_x])
    assert any((image == plain).all() for image in images)
    assert data.preprocessing.fit == "resize"


def test_undeclared_images_are_refused_with_a_declaration(folder):
    with pytest.raises(DataError, match="do not look like") as caught:
        load_data(folder, COLOUR, 0.5)
    assert "--scale 0.00392157" in caught.value.next_step


@pytest.mark.parametrize("length", [0, 20, 60])
def test_an_unreadable_image_is_named(folder, length):
    path = folder / "a" / "04.png"
    path.write_bytes(path.read_bytes()[:length])
    for memory in (10, 1 << 20):
        with pytest.raises(DataError, match=f"{path} cannot be read"):
            load_data(folder, COLOUR, 0.5, scale=BYTE, memory=memory)


def test_images_of_16_bits_are_named(folder, pillow):
    pillow.fromarray(np.zeros((4, 6), np.uint16)).save(folder / "a" / "deep.png")
    with pytest.raises(DataError, match="deep.png has more than 8 bits"):
        load_data(folder, COLOUR, 0.5, scale=BYTE)


def test_empty_folders_are_named(tmp_path, folder):
    (folder / "c").mkdir()
    with pytest.raises(DataError, match="class folder .*c is empty"):
        load_data(folder, COLOUR, 0.5, scale=BYTE)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty holds no samples") as caught:
        load_data(tmp_path / "empty", COLOUR, 0.5)
    assert "CLASS/FILE" in caught.value.next_step


def test_other_files_are_counted_and_hidden_ones_passed_over(folder):
    (folder / "a" / "notes.txt").write_text("x")
    (folder / "a" / ".hidden.png").write_text("x")
    (folder / ".cache").mkdir()
    assert "1 files" in load_data(folder, COLOUR, 0.5, scale=BYTE).warnings[0]


def test_one_class_only_is_a_warning(folder):
    for path in (folder / "b").iterdir():
        path.unlink()
    (folder / "b").rmdir()
    warnings = load_data(folder, COLOUR, 0.5, scale=BYTE).warnings
    assert "the tune set holds one class only: 0." in warnings


def test_images_for_a_model_without_channels(folder):
    with pytest.raises(DataError, match="no input for a model"):
        load_data(folder, tensor(4, 6, 9), 0.5)


def test_images_to_calibrate_by_may_lie_in_one_folder(folder):
    x, _, _ = load_samples(folder / "a", COLOUR, scale=BYTE)
    assert x.shape == (10, 4, 6, 3)


def test_without_pillow_the_extra_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(Exception, match="without Pillow") as caught:
        load_data(folder, COLOUR, 0.5)
    assert caught.value.exit_code == 9 and "edgetune[images]" in caught.value.next_step


# -- sounds -----------------------------------------------------------------------------------


def write_wav(path: Path, values: np.ndarray, width: int = 2, rate: int = 8000, channels: int = 1):
    """``values`` from -1 to below 1 as PCM of ``width`` bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = np.floor(np.asarray(values) * 2.0 ** (8 * width - 1)).astype("<i4")
    if width == 1:
        content = (whole + 128).astype(np.uint8).tobytes()
    else:
        content = whole.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :width].tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(content)


@pytest.fixture
def sounds(tmp_path):
    for label in ("no", "yes"):
        for i in range(2):
            values = np.linspace(-0.9, 0.9, 100) * (1 if label == "no" else -1)
            write_wav(tmp_path / "wavs" / label / f"{i}.wav", values)
    return tmp_path / "wavs"


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_every_width_of_pcm_is_the_same_sound(tmp_path, width):
    values = np.arange(-128, 128)[:100] / 128
    for label in "ab":
        for i in range(2):
            write_wav(tmp_path / "w" / label / f"{i}.wav", values, width)
    data = load_data(tmp_path / "w", SOUND, 0.5, scale=1)
    np.testing.assert_array_equal(data.tune_x[0, :, 0], np.arange(-128, -28))
    assert data.preprocessing.sample_rate == 8000


def test_a_folder_of_sounds(sounds):
    data = load_data(sounds, SOUND, 0.5)
    assert data.classes == ("no", "yes") and data.tune_x.shape == (2, 100, 1)
    ramp = np.linspace(-0.9, 0.9, 100) * 128
    assert np.abs(data.tune_x[data.tune_y == 0][0, :, 0] - ramp).max() <= 1
    assert_same(load_data(sounds, SOUND, 0.5, memory=1), data)


def test_another_sample_rate_is_named(sounds):
    write_wav(sounds / "yes" / "odd.wav", np.zeros(100), rate=16000)
    with pytest.raises(DataError, match="odd.wav has a sample rate of 16000 Hz, not 8000"):
        load_data(sounds, SOUND, 0.5)
    with pytest.raises(DataError, match="0.wav has a sample rate of 8000 Hz, not 16000"):
        load_data(sounds, SOUND, 0.5, sample_rate=16000)
    with pytest.raises(DataError, match="not 16000"):
        load_data(sounds, SOUND, 0.5, stored=Preprocessing(sample_rate=16000))


@pytest.mark.parametrize(("length", "fit"), [(150, "crop"), (60, "pad")])
def test_other_lengths_are_named_or_fitted(sounds, length, fit):
    write_wav(sounds / "yes" / "odd.wav", np.full(length, 0.5))
    with pytest.raises(DataError, match=f"odd.wav holds {length} values") as caught:
        load_data(sounds, SOUND, 0.5)
    assert f"--fit {fit} " in caught.value.next_step
    for allowed in (fit, "crop-pad"):
        data = load_data(sounds, SOUND, 0.5, fit=allowed)
        odd = next(x for x in [*data.tune_x, *data.test_x] if (x[:60] == 64).all())
        np.testing.assert_array_equal(odd[:, 0], [64] * min(length, 100) + [0] * (100 - length))


def test_sounds_in_frames(sounds):
    data = load_data(sounds, tensor(4, 40, scale=1 / 128, zero_point=0), 0.5, frame=(40, 20))
    whole = load_data(sounds, SOUND, 0.5).tune_x[:, :, 0]
    for row in range(4):
        np.testing.assert_array_equal(data.tune_x[:, row], whole[:, 20 * row : 20 * row + 40])
    with pytest.raises(DataError, match="do not make up"):
        load_data(sounds, SOUND, 0.5, frame=(30, 10))


def test_stereo_is_named_or_taken(sounds, tmp_path):
    write_wav(sounds / "yes" / "odd.wav", np.zeros(200), channels=2)
    with pytest.raises(DataError, match="odd.wav has 2 channels; the model takes 1"):
        load_data(sounds, SOUND, 0.5)
    left_right = np.stack([np.full(100, 0.25), np.full(100, -0.5)], axis=1)
    for label in "ab":
        for i in range(2):
            write_wav(tmp_path / "s" / label / f"{i}.wav", left_right, channels=2)
    stereo = tensor(100, 2, scale=1 / 128, zero_point=0)
    assert (load_data(tmp_path / "s", stereo, 0.5).tune_x == [32, -64]).all()


@pytest.mark.parametrize("length", [0, 10, 30, 43, 100])
def test_an_unreadable_sound_is_named(sounds, length):
    path = sounds / "no" / "1.wav"
    path.write_bytes(path.read_bytes()[:length])
    for memory in (1, 1 << 20):
        with pytest.raises(DataError, match=f"{path} cannot be read"):
            load_data(sounds, SOUND, 0.5, memory=memory)


# -- functions --------------------------------------------------------------------------------

LOADER = """
import numpy as np

x = np.random.default_rng(3).integers(0, 256, (20, 4, 6, 3)).astype(np.uint8)
y = np.arange(20) % 2

def arrays():
    return x, y

def pairs():
    yield from zip(x, y)

class Items:
    def __len__(self):
        return 20
    def __getitem__(self, i):
        return x[i], int(y[i])

def failing():
    yield x[0], 0
    raise KeyError("next")

def uneven():
    yield x[0], 0
    yield x[0, :2], 1

def nothing():
    return []

number = 3
"""


@pytest.fixture
def loader(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "edgetune_test_loader.py").write_text(LOADER)
    yield "edgetune_test_loader"
    sys.modules.pop("edgetune_test_loader", None)


@pytest.mark.parametrize("function", ["arrays", "pairs", "Items"])
@pytest.mark.parametrize("memory", [100, 1 << 20])
def test_a_function_gives_the_archive(tmp_path, arrays, loader, function, memory):
    options = {"graph_input": COLOUR, "split": 0.5, "scale": BYTE, "memory": memory}
    expected = from_npz(tmp_path, arrays)
    assert_same(load_data(f"{loader}:{function}", **options), expected)
    assert_same(load_data(f"{loader}.py:{function}", **options), expected)


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        (":failing", DataError, "failing failed"),
        (":uneven", DataError, "Sample 1 of"),
        (":nothing", DataError, "gives no samples"),
        (":number", UsageError, "has no function number"),
        (":missing", UsageError, "has no function missing"),
        ("s:arrays", UsageError, "cannot be imported"),
    ],
)
def test_functions_that_do_not_serve(loader, name, kind, words):
    with pytest.raises(kind, match=words) as caught:
        load_data(loader + name, COLOUR, 0.5)
    assert caught.value.next_step


# -- the command line -------------------------------------------------------------------------


def test_what_is_no_data_is_named(tmp_path):
    (tmp_path / "data.xlsx").write_bytes(b"x")
    with pytest.raises(DataError, match="of no kind") as caught:
        load_data(tmp_path / "data.xlsx", COLOUR)
    assert ".npy" in caught.value.cause


def test_two_test_sets_or_none_are_refused(tmp_path, arrays, pair):
    with pytest.raises(UsageError, match="exclude each other"):
        load_data(**pair, graph_input=COLOUR, split=0.5, test=pair["path"])
    with pytest.raises(DataError, match="which part is to be tuned on") as caught:
        load_data(**pair, graph_input=COLOUR)
    assert "--test-data" in caught.value.next_step


@pytest.mark.thorough
def test_tune_streams_a_folder_of_images(tmp_path, monkeypatch, pillow):
    """The demo's digits as PNG files: the same accuracies as from its archive."""
    monkeypatch.chdir(tmp_path)
    stored = np.load(DATA)
    for part in ("tune", "test"):
        for number, (x, y) in enumerate(zip(stored[f"{part}_x"][:60], stored[f"{part}_y"])):
            path = tmp_path / part / str(y) / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            pillow.fromarray(x.reshape(8, 8).astype(np.uint8)).save(path)
    result = succeed("tune", MODEL, *ON_HOST, "--data", "tune", "--test-data", "test",
                     "--scale", 1 / 16, "--samples", 20, "--passes", 1, "--out", "run")
    assert result["verified"] and result["steps"] == 20 and result["test_samples"] == 60
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["data"]["preprocessing"]["scale"] == 1 / 16
    assert Preprocessing.from_dict(record["data"]["preprocessing"]) == Preprocessing(1 / 16)
    rows = "\n".join(",".join(map(str, [*x.ravel(), f"c{y}"]))
                     for x, y in zip(stored["test_x"][:60], stored["test_y"]))
    (tmp_path / "d.csv").write_text(rows)
    table = edgetune("eval", MODEL, *ON_HOST, "--data", "d.csv", "--split", 0.5, "--scale", 1 / 16)
    assert table.code == 0 and "Classes: 0 c0, 1 c1" in table.stderr


def test_bad_data_ends_with_8_and_bad_options_with_2(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    command = ("tune", MODEL, "--board", BOARD, "--device", "host", "--data")
    assert refused(*command, "empty")["exit_code"] == 8
    assert refused(*command, DATA, "--scale", "1,x")["exit_code"] == 2
    assert refused(*command, DATA, "--labels", "y.npy")["exit_code"] == 2
