"""What makes real values of stored ones: scales, offsets and channels, for every source."""

from __future__ import annotations

import json

import numpy as np
import pytest
from data_sources import BYTE, COLOUR, assert_same, from_npz
from thinned import thinned_rows

from edgetune.data import Preprocessing, load_samples
from edgetune.data.preprocessing import real_values
from edgetune.errors import DataError, UsageError
from edgetune.model.graph import Tensor


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


@pytest.mark.parametrize(
    ("options", "words"), thinned_rows(WRONG, 4), ids=[words for _, words in WRONG]
)
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
