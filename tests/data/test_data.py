"""Data sets: every accepted form gives the same int8 arrays, every wrong one a named error."""

import numpy as np
import pytest

from edgetune.data import Targets, load_data
from edgetune.data.preprocessing import Preprocessing, quantize
from edgetune.errors import DataError, UsageError
from edgetune.model.graph import Quantization, Tensor


def tensor(scale: float, zero_point: int = -128) -> Tensor:
    quantization = Quantization(np.array([scale]), np.array([zero_point]))
    return Tensor(0, "input", (1, 4, 4, 1), "int8", quantization)


UNIT = tensor(1 / 255)  # holds 0 to 1


@pytest.fixture
def arrays():
    """A valid set for UNIT: real values 0..1, three classes."""
    generator = np.random.default_rng(7)
    x = generator.random((18, 4, 4, 1)).astype(np.float32)
    y = (np.arange(18) % 3).astype(np.uint8)
    return {"tune_x": x[:12], "tune_y": y[:12], "test_x": x[12:], "test_y": y[12:]}


@pytest.fixture
def load(tmp_path):
    """Saves arrays and loads them as ``load_data`` does."""

    def save_and_load(arrays, graph_input=UNIT, **options):
        np.savez(tmp_path / "data.npz", **arrays)
        return load_data(tmp_path / "data.npz", graph_input, **options)

    return save_and_load


def test_real_values_within_the_range_need_no_declaration(arrays, load):
    data = load(arrays)
    assert data.tune_x.dtype == np.int8 and data.tune_x.shape == (12, 4, 4, 1)
    expected = np.floor(arrays["tune_x"].astype(np.float64) * 255 + 0.5) - 128
    np.testing.assert_array_equal(data.tune_x, expected)
    np.testing.assert_array_equal(data.test_y, arrays["test_y"])
    assert data.tune_y.dtype == np.int64
    assert data.preprocessing == Preprocessing(1.0, 0.0)
    assert data.warnings == [] and data.split is None


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_every_float_width_is_read(arrays, load, dtype):
    wide = load(arrays).tune_x.astype(int)
    arrays |= {key: arrays[key].astype(dtype) for key in ("tune_x", "test_x")}
    assert np.abs(load(arrays).tune_x.astype(int) - wide).max() <= 1


def test_declared_bytes_become_what_their_real_values_become(arrays, load):
    raw = {key: np.rint(arrays[key] * 255).astype(np.uint8) for key in ("tune_x", "test_x")}
    declared = load(arrays | raw, scale=1 / 255)
    np.testing.assert_array_equal(declared.tune_x, raw["tune_x"].astype(int) - 128)
    assert declared.preprocessing.scale == 1 / 255


def test_the_file_may_declare_its_preprocessing_and_the_caller_overrules_it(arrays, load):
    raw = {key: np.rint(arrays[key] * 16).astype(np.uint8) for key in ("tune_x", "test_x")}
    stored = load(arrays | raw | {"scale": 1 / 16, "offset": 0.0})
    assert stored.preprocessing == Preprocessing(1 / 16)
    np.testing.assert_array_equal(stored.tune_x, load(arrays | raw, scale=1 / 16).tune_x)
    overruled = load(arrays | raw | {"scale": 1 / 16, "offset": 0.5}, scale=1 / 32)
    assert overruled.preprocessing == Preprocessing(1 / 32)


def test_undeclared_int8_is_taken_as_quantised(arrays, load):
    raw = {key: np.rint(arrays[key] * 255 - 128).astype(np.int8) for key in ("tune_x", "test_x")}
    data = load(arrays | raw)
    np.testing.assert_array_equal(data.tune_x, raw["tune_x"])
    assert data.preprocessing.quantized


def test_undeclared_bytes_are_refused_with_the_declaration_that_would_fit(arrays, load):
    raw = {key: np.rint(arrays[key] * 255).astype(np.uint8) for key in ("tune_x", "test_x")}
    with pytest.raises(DataError) as caught:
        load(arrays | raw)
    assert "0 to 1" in caught.value.message
    assert "--scale 0.00392157 --offset 0 " in caught.value.next_step
    assert caught.value.exit_code == 8


def test_values_that_use_next_to_nothing_of_the_range_are_refused(arrays, load):
    with pytest.raises(DataError, match="do not look like the model's input") as caught:
        load(arrays, tensor(scale=1.0))
    assert "0.4 % of the model's range" in caught.value.cause


def test_a_declaration_that_does_not_fit_is_a_warning(arrays, load):
    data = load(arrays, scale=100)
    assert "outside the model's range" in data.warnings[0]


@pytest.mark.parametrize("name", ["scale", "offset"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_declaration_must_be_finite(arrays, load, name, value):
    with pytest.raises(UsageError, match=name):
        load(arrays, **{name: value})


def test_a_scale_of_zero_is_refused(arrays, load):
    with pytest.raises(UsageError, match="scale"):
        load(arrays, scale=0)


def test_preprocessing_survives_its_dictionary():
    declared = Preprocessing(1 / 127.5, -1.0)
    assert Preprocessing.from_dict(declared.as_dict()) == declared
    with pytest.raises(TypeError):
        Preprocessing.from_dict({"gain": 1.0})


def test_halves_are_rounded_away_from_zero_and_ends_saturate():
    grid = tensor(scale=1.0, zero_point=0)
    raw = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 300, -300])
    np.testing.assert_array_equal(
        quantize(raw, grid, Preprocessing()), [1, 2, 3, -1, -2, 127, -128]
    )


def test_a_trailing_dimension_of_one_may_be_missing(arrays, load):
    flat = {key: arrays[key][..., 0] for key in ("tune_x", "test_x")}
    np.testing.assert_array_equal(load(arrays | flat).tune_x, load(arrays).tune_x)


def test_a_column_of_whole_float_labels_is_read(arrays, load):
    columns = {key: arrays[key].astype(np.float32)[:, None] for key in ("tune_y", "test_y")}
    np.testing.assert_array_equal(load(arrays | columns).tune_y, arrays["tune_y"])


def test_split_is_stratified_repeatable_and_recorded(arrays, load):
    x = np.concatenate([arrays["tune_x"], arrays["test_x"]] * 5)
    y = np.repeat([0, 1, 2], [50, 30, 10])
    data = load({"x": x, "y": y}, split="0.8")
    assert np.bincount(data.tune_y).tolist() == [40, 24, 8]
    assert np.bincount(data.test_y).tolist() == [10, 6, 2]
    assert (data.split.tune_share, data.split.seed) == (0.8, 0)
    np.testing.assert_array_equal(load({"x": x, "y": y}, split=0.8).tune_x, data.tune_x)
    rows = np.concatenate([data.tune_x, data.test_x]).reshape(90, -1)
    whole = quantize(x, UNIT, Preprocessing()).reshape(90, -1)
    assert sorted(map(bytes, rows)) == sorted(map(bytes, whole))


@pytest.mark.parametrize("split", ["0", "1", "1.5", "-0.1", "half", "nan"])
def test_a_split_must_be_a_share(arrays, load, split):
    with pytest.raises(UsageError, match="split"):
        load({"x": arrays["tune_x"], "y": arrays["tune_y"]}, split=split)


def test_a_split_of_a_file_with_both_sets_is_refused(arrays, load):
    with pytest.raises(UsageError, match="already"):
        load(arrays, split="0.8")


def test_a_split_that_leaves_one_set_empty_is_refused(arrays, load):
    with pytest.raises(DataError, match="empty"):
        load({"x": arrays["tune_x"][:3], "y": np.arange(3)}, split="0.9")


def test_x_and_y_without_a_split_are_asked_about(arrays, load):
    with pytest.raises(DataError) as caught:
        load({"x": arrays["tune_x"], "y": arrays["tune_y"]})
    assert "--split" in caught.value.next_step


def test_missing_keys_are_named_with_those_present(arrays, load):
    del arrays["test_x"]
    with pytest.raises(DataError, match="lacks test_x") as caught:
        load(arrays | {"extra": np.zeros(1)})
    assert "tune_x, tune_y, test_y, extra" in caught.value.cause


def _float32(shape, fill=0.5):
    return np.full(shape, fill, np.float32)


WRONG = {
    "transposed samples": ({"tune_x": _float32((12, 1, 4, 4))}, r"\(1, 4, 4\).*\(4, 4, 1\)"),
    "another size": ({"test_x": _float32((6, 5, 4, 1))}, "test_x holds samples of shape"),
    "a single sample": ({"test_x": np.float32(0.5)}, "test_x is not an array"),
    "int64 samples": ({"tune_x": np.ones((12, 4, 4, 1), np.int64)}, "of type int64"),
    "text": ({"tune_x": np.full((12, 4, 4, 1), "a")}, "of type"),
    "complex samples": ({"tune_x": np.ones((12, 4, 4, 1), complex)}, "of type complex128"),
    "NaN": ({"tune_x": _float32((12, 4, 4, 1), np.nan)}, "192 values that are NaN"),
    "infinity": ({"test_x": _float32((6, 4, 4, 1), np.inf)}, "NaN or infinite"),
    "two types": ({"test_x": np.zeros((6, 4, 4, 1), np.uint8)}, "tune_x is float32 and test_x"),
    "too few labels": ({"tune_y": np.zeros(11, int)}, "12 samples but 11 labels"),
    "fractions": ({"tune_y": np.full(12, 0.5)}, "class number"),
    "NaN labels": ({"tune_y": np.full(12, np.nan)}, "class number"),
    "infinite labels": ({"tune_y": np.full(12, np.inf)}, "class number"),
    "truth values": ({"tune_y": np.zeros(12, bool)}, "class number"),
    "one-hot labels": ({"tune_y": np.eye(12, dtype=int)}, "class number"),
    "negative labels": ({"tune_y": np.full(12, -1)}, "from -1 to -1"),
    "too many classes": ({"test_y": np.full(6, 3)}, "from 3 to 3"),
    "an empty set": ({"test_x": _float32((0, 4, 4, 1)), "test_y": np.zeros(0, int)}, "empty"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arrays_are_refused_by_name(arrays, load, case):
    change, message = WRONG[case]
    with pytest.raises(DataError, match=message) as caught:
        load(arrays | change, targets=Targets("class", 3))
    assert caught.value.next_step


def test_one_class_only_and_unseen_classes_are_warnings(arrays, load):
    data = load(arrays | {"tune_y": np.ones(12, int)})
    assert any("tune_y holds one class only: 1" in warning for warning in data.warnings)
    assert any("lacks: 0, 2" in warning for warning in data.warnings)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="no data file .*nowhere.npz"):
        load_data(tmp_path / "nowhere.npz", UNIT)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04broken", b"\x93NUMPY\x01\x00"])
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "data.npz").write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        load_data(tmp_path / "data.npz", UNIT)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no samples"):
        load_data(tmp_path, UNIT)


def test_a_bare_npy_is_refused(tmp_path):
    np.save(tmp_path / "data.npy", np.zeros((3, 4, 4, 1)))
    with pytest.raises(UsageError, match="where are their labels"):
        load_data(tmp_path / "data.npy", UNIT)


def test_pickled_objects_are_never_loaded(arrays, load):
    with pytest.raises(DataError, match="cannot be read") as caught:
        load(arrays | {"tune_y": np.array([object()] * 12)})
    assert "allow_pickle" in caught.value.cause


def test_every_truncation_of_an_archive_is_refused(tmp_path, arrays):
    np.savez_compressed(tmp_path / "whole.npz", **arrays)
    content = (tmp_path / "whole.npz").read_bytes()
    cut = tmp_path / "cut.npz"
    for length in range(0, len(content), 7):
        cut.write_bytes(content[:length])
        with pytest.raises(DataError):
            load_data(cut, UNIT)


def test_flipped_bytes_give_data_or_a_typed_error(tmp_path, arrays):
    np.savez_compressed(tmp_path / "whole.npz", **arrays)
    content = bytearray((tmp_path / "whole.npz").read_bytes())
    damaged = tmp_path / "damaged.npz"
    refused = 0
    for at in range(0, len(content), 5):
        content[at] ^= 0xFF
        damaged.write_bytes(content)
        content[at] ^= 0xFF
        try:
            load_data(damaged, UNIT)
        except DataError:
            refused += 1
    assert refused > 100
