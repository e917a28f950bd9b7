"""A .keras or .h5 file, read as a float Graph.

TensorFlow comes with its own converter, which knows every layer, folds what can be folded and
names tensors after layers; its .tflite file is then read like any other.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

from edgetune.errors import ModelError
from edgetune.floats.read import as_float
from edgetune.importers.extras import need
from edgetune.importers.keras.convert import NAMES
from edgetune.model.constant_inputs import Constants, with_constants
from edgetune.model.decode import IDENTIFIER, decode
from edgetune.model.graph import Graph
from edgetune.model.outputs import Choice
from edgetune.programs import run_program

ROOT = Path(__file__).parents[3]  # where the package edgetune lies
MODULE = "edgetune.importers.keras.convert"
PATIENCE = 600  # seconds; a small model takes ten
QUIET = {
    "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3",
}


def read_keras(content: bytes, output: Choice = None, inputs: Constants = ()) -> Graph:
    """Reads a Keras model as a float Graph (``floats.graph``).

    Args:
        content: of a .keras file (zip) or of an .h5 file (HDF5), with the whole model.
        output: of a model with several outputs the one that counts, its name or number.
        inputs: those that are constants (``model.constant_inputs``).

    Raises:
        ModelError: not a Keras model, corrupt, with layers that cannot be converted (all of
            them listed), or with several outputs of which none is named.
        UsageError: there is no such output, or one of ``inputs`` does not suit the model.
        ToolchainError: TensorFlow is not installed.
    """
    need("tensorflow", "keras", "Keras files")
    result, names = as_tflite(content)
    decoded = decode(with_constants(result, inputs))
    decoded.output_names = dict(zip(decoded.outputs, names))
    return as_float(decoded, output)


@lru_cache(maxsize=1)
def as_tflite(content: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The float .tflite file that TensorFlow makes of a Keras file, and the names of its outputs;
    errors as ``read_keras``."""
    suffix = ".keras" if content.startswith(b"PK") else ".h5"  # Keras goes by the name
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, f"model{suffix}"), Path(folder, "model.tflite")
        source.write_bytes(content)
        output = _run(source, target)
        result = target.read_bytes() if target.exists() else b""
        names = target.with_suffix(NAMES)
        found = json.loads(names.read_text()) if names.exists() else []
    if result[4:8] == IDENTIFIER:
        return result, tuple(found)
    if result:
        error = json.loads(result)
        raise ModelError(error["message"], error["cause"], error["next_step"])
    raise ModelError(
        "TensorFlow gave up on this model.", output[-1000:], "Check that Keras itself loads it."
    )


def _run(source: Path, target: Path) -> str:
    """Converts in a child process; what it said."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | QUIET | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-m", MODULE, source.name, target.name]
    try:
        return run_program(command, PATIENCE, source.parent, environment)[1]
    except subprocess.TimeoutExpired:
        return f"It took longer than {PATIENCE} s."
