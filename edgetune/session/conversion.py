"""Float models on their way to a device: converted by the data that they are tuned on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgetune.errors import ModelError
from edgetune.importers.kind import kind_of
from edgetune.importers.other_files import refuse_other
from edgetune.model.constant_inputs import Constants
from edgetune.model.graph import Graph
from edgetune.model.outputs import Choice
from edgetune.model.read import file_content, named, read_tflite
from edgetune.model.supported import CONVERT

if TYPE_CHECKING:
    from edgetune.data import Dataset
    from edgetune.quantize import Conversion, Options

COMPARED = 1000  # test samples that float and int8 are compared on
KINDS = {"keras": "a Keras model", "onnx": "an ONNX model"}


def convert_by(graph: Graph, data: Dataset, options: Options | None = None) -> Conversion:
    """The int8 file of a float Graph, calibrated by the tuning set, compared on the test set.

    The preprocessing of ``data`` is kept in the file.

    Args:
        data: real values, as `load_data` gives them for ``graph.input``.

    Raises:
        DataError: the model overflows on the samples.
    """
    from edgetune.data import preprocessing_note  # which few need, as all of quantisation
    from edgetune.quantize import Options, convert

    options = options or Options()
    calibration = data.tune_x[_spread(len(data.tune_x), options.samples)]
    rows = _spread(len(data.test_x), COMPARED)
    classes = data.targets.kind == "class"
    labelled = (data.test_x[rows], data.test_y[rows]) if classes else None
    return convert(graph, calibration, options, labelled, preprocessing_note(data.preprocessing))


def read_int8(
    path: str | os.PathLike, output: Choice = None, inputs: Constants = ()
) -> Graph:
    """`read_tflite`, which also knows what to do with a Keras or ONNX file."""
    path = Path(path)
    if path.is_file():
        with named(path):
            _refuse_others(file_content(path))
    return read_tflite(path, output, inputs)


def _refuse_others(content: bytes) -> None:
    refuse_other(content)
    if (kind := kind_of(content)) in KINDS:
        raise ModelError(
            f"This is {KINDS[kind]}.", "The engine runs int8 .tflite files.", CONVERT
        )


def _spread(count: int, wanted: int) -> np.ndarray:
    """Indices of ``wanted`` samples evenly over ``count``."""
    return np.linspace(0, count - 1, min(count, wanted)).astype(np.int64)
