"""Data from every source gives the same samples, and what is wrong with it is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_runner import BOARD, DATA, MODEL, ON_HOST, edgetune, refused, succeed
from data_sources import BYTE, COLOUR, assert_same, from_npz
from thinned import thinned

from edgetune.data import Preprocessing, load_data
from edgetune.errors import DataError, UsageError

# -- .npy and .npz ----------------------------------------------------------------------------


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


@pytest.mark.thorough
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


@pytest.mark.parametrize("function", thinned(["arrays", "pairs", "Items"], 2))
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
