"""What edgetune makes of an .onnx file: whether it is read, computes what ONNX Runtime computes,
runs as tflite-runtime does when it is int8, and learns; or the sentence by which it is refused."""

from __future__ import annotations

import json

import numpy as np
import onnx

from edgetune.errors import EdgetuneError
from edgetune.floats.engine import FloatEngine
from edgetune.importers.onnx.read import read_onnx
from edgetune.model.graph import Graph
from edgetune.quantize.convert import convert
from tools.keras_files.judge import CALIBRATION, FLOAT_TOLERANCE, Verdict, judge_int8
from tools.onnx_files.formats import COMPARED, OUTPUTS, samples

# ONNX Runtime rounds the activations of quantised files to 8 bits, their weights a tensor at a time
TOLERANCES = {"float": FLOAT_TOLERANCE, "qdq": 0.15, "qoperator": 0.15, "dynamic": 0.1}


def judge(content: bytes, tolerance: float = FLOAT_TOLERANCE) -> Verdict:
    """The verdict on an .onnx file of ``formats``.

    Args:
        tolerance: of the outputs in float, as a share of the largest.
    """
    try:
        graph = read_onnx(content)
        alike = _alike(content, graph, tolerance)
        shape = graph.input.shape[1:]
        return judge_int8(convert(graph, samples(shape, CALIBRATION)).content, alike)
    except EdgetuneError as error:
        return Verdict(False, refusal=f"{error.message} {error.cause}")


def _alike(content: bytes, graph: Graph, tolerance: float) -> bool:
    """Whether the float Graph computes what the file says that it should."""
    model = onnx.load_model_from_string(content)
    (source,) = [i for i in model.graph.input]
    shape = tuple(d.dim_value for d in source.type.tensor_type.shape.dim)[1:]
    found = json.loads({entry.key: entry.value for entry in model.metadata_props}[OUTPUTS])
    theirs = np.reshape(np.float32(found["values"]), found["shape"])
    x = samples(shape, COMPARED)
    ours = FloatEngine(graph).run(x if shape == graph.input.shape[1:] else np.moveaxis(x, 1, -1))
    ours = ours if ours.shape == theirs.shape else np.moveaxis(ours, -1, 1)
    if ours.shape != theirs.shape:
        ours = ours.reshape(theirs.shape)
    return bool(np.abs(theirs - ours).max() <= tolerance * max(1.0, np.abs(theirs).max()))
