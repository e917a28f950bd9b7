"""Files that PyTorch and ONNX Runtime made, ``python tools/onnx_matrix.py --out FOLDER``: each is
read, computes what ONNX Runtime computes, runs as tflite-runtime does, and tunes; or is refused in
words that stand here."""

import json
from pathlib import Path

import pytest
from thinned import thinned

pytest.importorskip("onnx", reason="the package onnx is not installed (edgetune[onnx])")

import onnx  # noqa: E402

from tools.onnx_files.formats import EXPORTERS, FORMS, OPSETS  # noqa: E402
from tools.onnx_files.judge import TOLERANCES, judge  # noqa: E402

FILES = sorted((Path(__file__).parent / "onnx_models").glob("*.onnx"))
MODELS = Path(__file__).parents[2] / "tools" / "onnx_files" / "models.py"
REFUSED = {  # by the file's name without its suffix: what the sentence says
    "hardshrink.dynamo.17.float": "it computes no function that has a name",
}


@pytest.mark.parametrize("path", thinned(FILES, 20), ids=lambda path: path.stem)
def test_a_file_of_pytorch(path):
    verdict = judge(path.read_bytes(), TOLERANCES[path.stem.split(".")[3]])
    if path.stem in REFUSED:
        assert not verdict.read and REFUSED[path.stem] in verdict.refusal
    else:
        assert (verdict.word, verdict.tunes) == ("ok", True), verdict


@pytest.mark.parametrize("place", range(3))
def test_an_output_that_differs_is_seen(place):
    path = next(path for path in FILES if path.stem.startswith("selu."))
    proto = onnx.load_model_from_string(path.read_bytes())
    (entry,) = proto.metadata_props
    found = json.loads(entry.value)
    found["values"][-1][place] += 0.01
    entry.value = json.dumps(found)
    assert judge(proto.SerializeToString()).word == "DIFFERS"


def test_the_files_are_the_matrix_in_small():
    names, exporters, opsets, forms = map(set, zip(*(path.stem.split(".") for path in FILES)))
    assert exporters == set(EXPORTERS) and forms == set(FORMS)
    assert opsets == set(map(str, OPSETS))
    text = MODELS.read_text()  # read, not imported: PyTorch is an extra
    assert all(f'"{name}"' in text for name in names)
