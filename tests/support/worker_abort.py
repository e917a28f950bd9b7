"""In the place of onnx's checker: a child that ends its process."""

import os


def answer(content: bytes) -> bytes:
    os.abort()
