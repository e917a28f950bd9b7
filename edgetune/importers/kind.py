"""Which maker's format a file has, by its first bytes."""

from __future__ import annotations

from edgetune.model.decode import IDENTIFIER

ZIP = b"PK\x03\x04"
HDF5 = b"\x89HDF\r\n\x1a\n"
IR_VERSION = 0x08  # the first field of every ONNX file: number 1, a varint


def kind_of(content: bytes) -> str:
    """"tflite", "keras" (.h5 too), "onnx", or "" where the bytes are none of these."""
    if content[4:8] == IDENTIFIER:
        return "tflite"
    if content.startswith((ZIP, HDF5)):
        return "keras"
    return "onnx" if content[:1] == bytes([IR_VERSION]) else ""
