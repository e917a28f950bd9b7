"""Files that TensorFlow made of Keras models, ``python tools/keras_matrix.py --out FOLDER``: each
is read, runs as tflite-runtime does, and tunes; or is refused in words that stand here."""

from pathlib import Path

import pytest

from tools.keras_files.formats import FORMATS, WAYS
from tools.keras_files.judge import FLOAT_TOLERANCE, TOLERANCES, judge
from tools.keras_files.models import MODELS

FILES = sorted((Path(__file__).parent / "keras_models").glob("*.tflite"))
REFUSED = {  # by the file's name without its suffix: what the sentence says
    "flatten.from_keras_model.int8": "SHAPE",
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_of_tensorflow(path):
    verdict = judge(path.read_bytes(), TOLERANCES.get(path.stem.split(".")[2], FLOAT_TOLERANCE))
    if path.stem in REFUSED:
        assert not verdict.read and REFUSED[path.stem] in verdict.refusal
    else:
        assert (verdict.read, verdict.runs is not False, verdict.tunes) == (True, True, True), verdict


def test_the_files_are_the_matrix_in_small():
    names, ways, forms = map(set, zip(*(path.stem.split(".") for path in FILES)))
    assert names <= set(MODELS) and ways == set(WAYS) and forms == set(FORMATS)
