"""Files that are no models, told apart by what is in them, so that the refusal can name them."""

from __future__ import annotations

import io
import zipfile

from edgetune.errors import ModelError
from edgetune.model.decode import printable

ONNX_FIRST = "Export the module to ONNX: docs/pytorch.md shows how."
DATA = (
    "This is a data file, not a model.",
    "It holds {}.",
    "Name a .tflite, .keras, .h5 or .onnx file as MODEL, and this file with --data.",
)
TORCH = (
    "This is a PyTorch file.",
    "It holds Python objects, and the network itself only as a program.",
    ONNX_FIRST,
)
STARTS = {  # of files, and what they are
    b"\x93NUMPY": DATA,
    b"\x89PNG": DATA,
    b"\xff\xd8\xff": DATA,
    b"RIFF": DATA,
    b"version https://git-lfs": (
        "This is a pointer to the model, not the model.",
        "Git LFS keeps the file itself elsewhere.",
        "Fetch it: git lfs pull.",
    ),
    b"\x7fELF": (
        "This is a program, not a model.", "It is an ELF file.",
        "Name the model that it was built from.",
    ),
    b"\x80": (
        "This is a Python pickle.",
        "It holds Python objects, which run as programs when they are read.",
        "Export the model to ONNX: torch.onnx.export, or skl2onnx for scikit-learn.",
    ),
}
HOLDS = {
    b"\x93NUMPY": "a numpy array", b"\x89PNG": "an image", b"\xff\xd8\xff": "an image",
    b"RIFF": "sound",
}


def refuse_other(content: bytes) -> None:
    """Raises ModelError for a file that is known to be no model: data, a pointer, a pickle.

    Args:
        content: all of the file.
    """
    if not content:
        raise ModelError("The model file is empty.", "It has no bytes.", "Copy it again.")
    if content.startswith(b"PK\x03\x04"):
        _refuse_archive(content)
    for start, (message, cause, next_step) in STARTS.items():
        if content.startswith(start):
            raise ModelError(message, cause.format(HOLDS.get(start, "")), next_step)


def _refuse_archive(content: bytes) -> None:
    try:
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError):
        return  # found to be corrupt by who reads it
    if names and all(name.endswith(".npy") for name in names):
        arrays = ", ".join(printable(name[:-4]) for name in names[:8])
        message, cause, next_step = DATA
        raise ModelError(message, cause.format(f"the arrays {arrays}"), next_step)
    if any(name.endswith("data.pkl") for name in names):
        raise ModelError(*TORCH)
    if any(name.endswith("saved_model.pb") for name in names):
        raise ModelError(
            "This is an archive of a SavedModel.", "A SavedModel is not read as it is.",
            "Save the model as one file, model.save('model.keras'), or convert it to .tflite.",
        )
