"""Any model file as a float Graph, told apart by what is in it."""

from __future__ import annotations

import os
from pathlib import Path

from edgetune.errors import ModelError
from edgetune.floats.read import read_float
from edgetune.importers.keras.read import read_keras
from edgetune.importers.kind import kind_of
from edgetune.importers.onnx.read import read_onnx
from edgetune.importers.other_files import refuse_other
from edgetune.model.constant_inputs import Constants, with_constants
from edgetune.model.graph import Graph
from edgetune.model.outputs import Choice
from edgetune.model.read import file_content, named


def load_model(
    path: str | os.PathLike, output: Choice = None, inputs: Constants = ()
) -> Graph:
    """Reads a .tflite, .keras, .h5 or .onnx file as a float Graph (``floats.graph``).

    Quantised .tflite files come back with real values in the place of integers.

    Args:
        output: of a model with several outputs the one that counts, its name or number.
        inputs: those that are constants (``model.constant_inputs``).

    Raises:
        ModelError: the file cannot be read, is none of these, is corrupt, holds what cannot be
            converted (all of it listed), or has several outputs and none is named.
        UsageError: there is no such output, or one of ``inputs`` does not suit the model.
        ToolchainError: the extra that reads such files is not installed.
    """
    path = Path(path)
    _refuse_folder(path)
    with named(path):
        return _read(file_content(path), path, output, inputs)


def _read(content: bytes, path: Path, output: Choice, inputs: Constants) -> Graph:
    refuse_other(content)
    kind = kind_of(content)
    if kind == "keras":
        return read_keras(content, output, inputs)
    if kind == "onnx":
        return read_onnx(content, path.parent, output, inputs)
    if kind == "tflite":
        return read_float(with_constants(content, inputs), output)
    raise ModelError(
        "This is no model that edgetune reads.",
        "It is neither a .tflite, .keras, .h5 nor .onnx file.",
        "Name one of these; a PyTorch model is exported to ONNX first (docs/pytorch.md).",
    )


def _refuse_folder(path: Path) -> None:
    if path.is_dir():
        raise ModelError(
            f"{path} is a folder.",
            "A SavedModel is not read as it is.",
            "Save the model as one file, model.save('model.keras'), or convert it to .tflite.",
        )
