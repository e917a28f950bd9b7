"""Files that TensorFlow made of Keras models, ``python tools/keras_matrix.py --out FOLDER``: each
is read, runs as tflite-runtime does, and tunes; or is refused in words that stand here."""

from pathlib import Path

import numpy as np
import pytest
from tflite_runs import run_in_tflite
from thinned import thinned
from tiny_tflite import ModelBuilder

from edgetune.errors import ModelError
from edgetune.floats.engine import FloatEngine
from edgetune.floats.read import read_float
from edgetune.importers.keras.layers import check_layers
from edgetune.model.read import read_tflite
from tools.keras_files.formats import FORMATS, WAYS
from tools.keras_files.judge import FLOAT_TOLERANCE, TOLERANCES, judge
from tools.keras_files.models import MODELS
from tools.keras_files.refused import REFUSED_LAYERS, is_known, is_refused

FILES = sorted((Path(__file__).parent / "keras_models").glob("*.tflite"))
REFUSED: dict[str, str] = {}  # by the file's name without its suffix: what the sentence says


@pytest.mark.parametrize("path", thinned(FILES, 6), ids=lambda path: path.stem)
def test_a_file_of_tensorflow(path):
    name, _, form = path.stem.split(".")
    verdict = judge(path.read_bytes(), TOLERANCES.get(form, FLOAT_TOLERANCE))
    if path.stem in REFUSED:
        assert not verdict.read and REFUSED[path.stem] in verdict.refusal
    elif is_refused(name, form):
        assert not verdict.read and is_known(name, verdict.refusal), verdict
    else:
        assert (verdict.word, verdict.tunes) == ("ok", True), verdict


def test_an_operator_newer_than_tflite_runtime_is_judged_by_an_older_version():
    """TILE, whose version 3 has the same arithmetic."""
    pytest.importorskip("tflite_runtime", reason="tflite-runtime is for Python up to 3.11")
    name = "upsampling.from_saved_model.int8_float_ends.tflite"
    assert judge((FILES[0].parent / name).read_bytes()).runs is True


@pytest.mark.parametrize("everywhere", ["kept", "rows"])
def test_a_dense_layer_over_every_cell_learns(everywhere):
    b = ModelBuilder((1, 6, 7, 4), 1 / 40, -9, seed=6).dense(5, "RELU", everywhere=everywhere)
    verdict = judge(b.reshape((1, -1)).dense(3).softmax().build())
    assert (verdict.word, verdict.tunes) == ("ok", True)


def test_vectors_in_rows_are_cells_in_float():
    b = ModelBuilder((1, 12, 5), 1 / 40, -9, seed=6).dense(4, "RELU", everywhere="rows")
    content = b.reshape((1, 12, 4)).build()
    inside, outside = read_tflite(content).input.grid, read_tflite(content).output.grid
    x = b.random_inputs(3, seed=1)
    real = ((x[:, 0].astype(int) - inside.zero_point[0]) * inside.scale[0]).astype(np.float32)
    theirs = run_in_tflite(content, x)[0][:, 0].astype(int) - outside.zero_point[0]
    highest = (127 - outside.zero_point[0]) * outside.scale[0]
    ours = np.minimum(FloatEngine(read_float(content)).run(real), highest)
    np.testing.assert_allclose(ours, theirs * outside.scale[0], atol=2 * outside.scale[0])


def test_outputs_go_by_their_names_in_the_signature():
    content = (FILES[0].parent / "two_outputs.from_saved_model.int8_float_ends.tflite").read_bytes()
    for name, size in (("output_0", 3), ("output_1", 1)):
        graph = read_tflite(content, name)
        assert graph.output.size == size and graph.output_name == name


LAYERS_OF = {  # the layer by which a model is refused
    "attention": "MultiHeadAttention", "conv_3d": "Conv3D", "embedding": "Embedding",
}


@pytest.mark.parametrize("name", REFUSED_LAYERS)
def test_a_keras_file_is_refused_for_the_same_reason(name):
    layer = {"class_name": LAYERS_OF[name], "module": "keras.layers", "config": {"name": "x"}}
    model = {"class_name": "Sequential", "module": "keras", "config": {"layers": [layer]}}
    with pytest.raises(ModelError) as error:
        check_layers(model)
    assert REFUSED_LAYERS[name] in error.value.cause


def test_the_files_are_the_matrix_in_small():
    names, ways, forms = map(set, zip(*(path.stem.split(".") for path in FILES)))
    assert names <= set(MODELS) and ways == set(WAYS) and forms == set(FORMATS)
