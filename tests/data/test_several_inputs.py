"""Data of models of several inputs: an array each, or rows of all values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgetune.data import load_data, load_samples
from edgetune.data.preprocessing import Preprocessing, quantize
from edgetune.errors import DataError, UsageError
from edgetune.model.graph import Quantization, Tensor
from edgetune.model.inputs import packed

IMAGE = Tensor(0, "image", (1, 4, 3, 2), "int8", Quantization(np.array([1 / 64]), np.array([-5])))
VECTOR = Tensor(1, "vector", (1, 7), "int8", Quantization(np.array([1 / 20]), np.array([30])))
TENSOR = packed([IMAGE, VECTOR], ["image", "vector"])
FLOATS = packed(
    [replace(t, dtype="float32", quantization=None) for t in (IMAGE, VECTOR)], ["image", "vector"]
)
RANDOM = np.random.default_rng(0)
A = RANDOM.uniform(-1.9, 2, (30, 4, 3, 2)).astype(np.float32)
B = RANDOM.uniform(-7, 4.8, (30, 7)).astype(np.float64)
Y = np.arange(30) % 3
LABELS = {"tune_y": Y[:20], "test_y": Y[20:]}
EXPECTED = np.concatenate([
    quantize(A, IMAGE, Preprocessing()).reshape(30, -1), quantize(B, VECTOR, Preprocessing()),
], axis=1)


def sets(one: str, other: str, a=A, b=B) -> dict:
    """Both sets, with these names behind tune_ and test_."""
    parts = {"tune": slice(20), "test": slice(20, None)}
    return {f"{p}_{name}": array[rows] for p, rows in parts.items()
            for name, array in ((one, a), (other, b))} | LABELS


def rows(a=A, b=B) -> np.ndarray:
    return np.concatenate([a.reshape(30, -1), b.reshape(30, -1)], axis=1)


@pytest.fixture(name="load")
def loader(tmp_path):
    def load(arrays: dict, tensor=TENSOR, **options):
        np.savez(tmp_path / "d.npz", **arrays)
        return load_data(tmp_path / "d.npz", tensor, **options)

    return load


@pytest.mark.parametrize("memory", [1 << 20, 100], ids=["loaded", "streamed"])
@pytest.mark.parametrize("names", [("image", "vector"), ("x_0", "x_1")])
def test_each_input_has_its_array_and_its_own_scale(load, names, memory):
    data = load(sets(*names), memory=memory)
    assert np.asarray(data.tune_x).dtype == np.int8
    np.testing.assert_array_equal(np.asarray(data.tune_x), EXPECTED[:20])
    np.testing.assert_array_equal(np.asarray(data.test_x), EXPECTED[20:])


def test_rows_of_all_values(load, tmp_path):
    whole = {"tune_x": rows()[:20], "test_x": rows()[20:], **LABELS}
    np.testing.assert_array_equal(load(whole).tune_x, EXPECTED[:20])
    text = "\n".join(",".join(map(repr, [*row.tolist(), int(y)])) for row, y in zip(rows(), Y))
    (tmp_path / "d.csv").write_text(text)
    data = load_data(tmp_path / "d.csv", TENSOR, split=0.8)
    assert {r.tobytes() for r in (*data.tune_x, *data.test_x)} == {r.tobytes() for r in EXPECTED}


@pytest.mark.parametrize("give", [
    "{'vector': B, 'image': A}, Y", "({'image': a, 'vector': b}, y) for a, b, y in zip(A, B, Y)",
], ids=["arrays", "samples"])
def test_a_function_gives_them_by_name(tmp_path, give):
    np.savez(tmp_path / "d.npz", A=A, B=B, Y=Y)
    (tmp_path / "own.py").write_text(
        f"import numpy as np\nA, B, Y = np.load({str(tmp_path / 'd.npz')!r}).values()\n"
        f"def load():\n    return ({give})\n"
    )
    x, _, _ = load_samples(f"{tmp_path / 'own.py'}:load", TENSOR)
    np.testing.assert_array_equal(x, EXPECTED)


def test_a_scale_for_each_input(load):
    data = load(sets("image", "vector", A / 2, B * 4), scale=(2, 0.25))
    np.testing.assert_array_equal(data.tune_x, EXPECTED[:20])
    assert data.preprocessing.scale == (2.0, 0.25) and not data.warnings


def test_only_images_have_an_order(load):
    first = np.moveaxis(A, -1, 1)
    np.testing.assert_array_equal(
        load(sets("image", "vector", first), order="chw").tune_x, EXPECTED[:20]
    )
    bgr = load(sets("image", "vector", A[..., ::-1]), order="bgr")
    np.testing.assert_array_equal(bgr.tune_x, EXPECTED[:20])


def test_int8_is_quantised_already(load):
    a, b = EXPECTED[:, :24].reshape(30, 4, 3, 2), EXPECTED[:, 24:]
    data = load(sets("image", "vector", a, b))
    assert data.preprocessing.quantized
    np.testing.assert_array_equal(data.tune_x, EXPECTED[:20])


def test_a_float_model_takes_real_values(load):
    data = load(sets("image", "vector"), FLOATS)
    np.testing.assert_array_equal(data.tune_x, rows()[:20].astype(np.float32))


def test_one_input_has_its_array_by_name_too(load):
    tensor = replace(VECTOR, name="serving_default_vector:0")
    data = load(sets("vector", "other", B, A), tensor)
    np.testing.assert_array_equal(data.tune_x, EXPECTED[:20, 24:])


LESS = sets("image", "vector")
del LESS["test_vector"]
HUGE = B.copy()
HUGE[3, 2] = np.nan


@pytest.mark.parametrize("arrays, options, said", [
    (LESS, {}, "lacks test_vector"),
    (sets("image", "vektor"), {}, "lacks tune_vector, test_vector"),
    (sets("image", "vector", A, B[:, :5]), {}, "tune_vector holds samples of shape (5,)"),
    (sets("image", "vector", np.moveaxis(A, -1, 1)), {}, "tune_image holds samples of shape"),
    (sets("image", "vector") | {"tune_vector": B[:7]}, {}, "20 samples, tune_vector 7"),
    (sets("image", "vector", A, B.astype(str)), {}, "tune_vector is of type"),
    (sets("image", "vector", A, HUGE), {}, "tune_vector holds 1 values that are NaN"),
    (sets("image", "vector", A, B.astype(np.int8)), {}, "are float32, int8"),
    (sets("image", "vector", A, B * 9), {}, "do not look like the model's input vector"),
    (sets("image", "vector", A, np.ones((30, 7), np.uint8)), {"tensor": FLOATS}, "type uint8"),
    ({"tune_x": A[:20], "test_x": A[20:], **LABELS}, {}, "shape (4, 3, 2); the model takes (31,)"),
    (sets("image", "vector"), {"scale": (1, 1, 1)}, "scale has 3 values"),
])
def test_what_does_not_suit_the_inputs_is_refused(load, arrays, options, said):
    with pytest.raises((DataError, UsageError)) as caught:
        load(arrays, **options)
    error = caught.value
    assert said in error.message and error.cause and error.next_step


def test_a_folder_holds_one_input(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "1.png").write_bytes(b"")
    with pytest.raises(DataError) as caught:
        load_data(tmp_path, TENSOR, split=0.5)
    assert "one input" in caught.value.message and "image (4, 3, 2)" in caught.value.cause


def test_real_values_stay_real_where_a_quantised_file_gave_ranges(tmp_path):
    np.savez(tmp_path / "d.npz", x=B, y=Y)
    x, how, _ = load_samples(tmp_path / "d.npz", replace(VECTOR, dtype="float32"))
    assert x.dtype == np.float32 and not how.quantized
    np.testing.assert_array_equal(x, B.astype(np.float32))
