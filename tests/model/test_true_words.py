"""Refusals name the true cause: kinds of files, and what is said of each."""

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from tiny_tflite import ModelBuilder

from edgetune.errors import ModelError
from edgetune.floats.read import as_float
from edgetune.importers.keras.layers import check_layers
from edgetune.importers.load import load_model
from edgetune.model.decode import decode
from edgetune.model.foreign import several_subgraphs
from edgetune.model.kinds import LSTM
from edgetune.model.reasons import Finding, listed
from edgetune.model.supported import refuse_unsupported


def graph_of(kind=None, count=1, dtype=None, weights=None):
    """A decoded file, changed: its first operators' kind, its activations' or weights' type."""
    model = ModelBuilder((1, 6)).dense(6, bias=False)
    for _ in range(count):
        model.unary("RELU")
    graph = decode(model.dense(3, bias=False).build())
    for operator in [op for op in graph.operators if op.kind == "RELU"] if kind else []:
        operator.kind, operator.inputs = kind, (*operator.inputs, len(graph.tensors))
        graph.tensors.append(type(graph.tensors[0])(len(graph.tensors), "state", (1, 6), "int8"))
    for tensor in graph.tensors:
        wanted = dtype if tensor.data is None else weights
        if wanted:
            tensor.dtype, tensor.quantization = wanted, None
    return graph


def converted(graph):
    as_float(graph)


def run(graph):
    refuse_unsupported(graph)


NOT_CORRUPT, NOT_REPLACE = "corrupt", "Replace these layers"
REFUSED = {
    "an LSTM": (converted, dict(kind=LSTM), "2 inputs", NOT_REPLACE),
    "an int8 LSTM": (run, dict(kind=LSTM), "edgetune convert", NOT_REPLACE),
    "an old LSTM": (converted, dict(kind="LSTM"), "recurrent", NOT_REPLACE),
    "SVDF": (converted, dict(kind="SVDF"), "without recurrence", NOT_CORRUPT),
    "Ethos-U": (converted, dict(kind="CUSTOM:ethos-u"), "Arm Ethos-U NPU", NOT_CORRUPT),
    "signals": (converted, dict(kind="CUSTOM:SignalRfft"), "features of sound", NOT_REPLACE),
    "XMOS": (converted, dict(kind="CUSTOM:XC_conv2d_v2"), "XMOS", NOT_REPLACE),
    "state": (converted, dict(kind="READ_VARIABLE"), "keeps state", NOT_REPLACE),
    "a place": (run, dict(kind="ARG_MAX"), "before ARG_MAX", NOT_REPLACE),
    "boxes": (converted, dict(kind="CUSTOM:TFLite_Detection_PostProcess"), "--output",
              NOT_REPLACE),
    "loops": (converted, dict(kind="WHILE"), "control flow", NOT_CORRUPT),
    "a newer operator": (converted, dict(kind="BUILTIN_999"), "newer than", NOT_CORRUPT),
    "TensorFlow's own": (converted, dict(kind="CUSTOM:FlexErf"), "TFLITE_BUILTINS", NOT_CORRUPT),
    "sixty of a kind": (converted, dict(kind="SPLIT_X", count=60), "60 times SPLIT_X", "61 times"),
    "int16": (converted, dict(dtype="int16"), "16x8", NOT_REPLACE),
    "float64": (converted, dict(dtype="float64"), "float64 activations", NOT_CORRUPT),
    "texts": (converted, dict(dtype="string"), "string activations", NOT_REPLACE),
    "truth values": (converted, dict(dtype="bool"), "bool activations", NOT_CORRUPT),
    "int4": (run, dict(weights="int4"), "from the float model", NOT_REPLACE),
    "blocks": (run, dict(weights="block-quantised int8"), "block-quantised", NOT_REPLACE),
}


def words(call, *arguments) -> str:
    with pytest.raises(ModelError) as caught:
        call(*arguments)
    error = caught.value
    assert error.message and error.cause and error.next_step
    return f"{error.message}\n{error.cause}\n{error.next_step}"


@pytest.mark.parametrize("name", REFUSED)
def test_the_true_cause(name):
    call, changes, said, unsaid = REFUSED[name]
    text = words(call, graph_of(**changes))
    assert said in text and unsaid not in text


def test_an_input_that_nothing_reads_is_no_layer():
    graph = graph_of()
    graph.tensors.append(replace(graph.tensors[0], index=len(graph.tensors), name="idle:0"))
    graph.inputs = (*graph.inputs, graph.tensors[-1].index)
    text = words(run, graph)
    assert "no operator reads the input 'idle'" in text and NOT_REPLACE not in text
    assert "--input idle=0" in text


@pytest.mark.parametrize("kinds, said", [
    (["CALL_ONCE", "WHILE"], "loops or conditions"), (["WHILE"], "loops or conditions"),
    (["CONV_2D"], "2 models"),
])
def test_what_several_subgraphs_are(kinds, said):
    assert said in several_subgraphs(2, kinds).message


def npz() -> bytes:
    content = io.BytesIO()
    np.savez(content, x=np.zeros(3))
    return content.getvalue()


def torch_file() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("archive/data.pkl", "x")
    return content.getvalue()


@pytest.mark.parametrize("content, said", [
    (npz(), "data file"), (b"\x93NUMPY", "data file"), (b"", "empty"), (torch_file(), "PyTorch"),
    (b"version https://git-lfs.github.com/spec/v1", "pointer"), (b"\x80\x04", "pickle"),
], ids=["npz", "npy", "empty", "torch", "lfs", "pickle"])
def test_files_that_are_no_models(content, said, tmp_path):
    (tmp_path / "model").write_bytes(content)
    assert said in words(load_model, tmp_path / "model")


def keras(*layers) -> dict:
    return json.loads(json.dumps({"class_name": "Sequential", "config": {"layers": [
        {"class_name": kind, "config": {"name": kind.lower()} | config} for kind, config in layers
    ]}}))


def test_keras_layers_and_activations_are_listed_at_once():
    text = words(check_layers, keras(
        ("Dense", {"activation": "no_such"}), ("ConvLSTM1D", {}), ("Hashing", {}), ("QDense", {}),
    ))
    assert "a layer of QKeras" in text and "Keras's own layers" in text
    assert "'no_such'" in text and "recurrent" in text and "Hashing" in text
    check_layers(keras(("Dense", {"activation": "relu"}), ("Dense", {"activation": "softmax"})))


def test_a_subclassed_model_is_not_corrupt():
    text = words(check_layers, {"class_name": "MyModel", "config": {}})
    assert "'MyModel'" in text and NOT_CORRUPT not in text


def test_like_findings_are_one_line():
    found = [Finding("SPLIT", f"operator {i} SPLIT", ["why"]) for i in range(60)]
    assert listed(found) == ["60 times SPLIT, the first is operator 0: why"]
