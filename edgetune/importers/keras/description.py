"""A Keras file's own description of its model, read without loading the model."""

from __future__ import annotations

import io
import json
import zipfile

from edgetune.errors import ModelError
from edgetune.model.decode import corrupt

MAX_UNPACKED = 256 << 20  # bytes of all members of a .keras file


def description(content: bytes) -> dict:
    """The description as Keras wrote it: JSON.

    Args:
        content: of a .keras file (a zip archive) or of an .h5 file.

    Raises:
        ModelError: there is none in it.
    """
    text = _of_zip(content) if content.startswith(b"PK") else _of_hdf5(content)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise corrupt(f"The model's description is not JSON ({error}).") from None


def _of_zip(content: bytes) -> str | bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            if sum(member.file_size for member in archive.infolist()) > MAX_UNPACKED:
                raise corrupt(f"It unpacks to more than {MAX_UNPACKED >> 20} MB.")
            if "config.json" in names:
                return archive.read("config.json")
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError,
            RuntimeError, zipfile.zlib.error) as error:
        raise corrupt(f"Its archive cannot be unpacked ({error}).") from None
    raise _no_model("There is no config.json in the archive.")


def _of_hdf5(content: bytes) -> str | bytes:
    import h5py

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            text = file.attrs.get("model_config")
    except (OSError, KeyError, ValueError, RuntimeError, TypeError) as error:
        raise corrupt(f"The HDF5 file cannot be read ({error}).") from None
    if not isinstance(text, (str, bytes)):
        raise _no_model("There is no model_config in the file; it may hold weights only.")
    return text


def _no_model(cause: str) -> ModelError:
    return ModelError(
        "This is not a Keras model.", cause, "Save the whole model: model.save('model.keras')."
    )
