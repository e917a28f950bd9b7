"""A .tflite file, read and checked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgetune.errors import ModelError
from edgetune.files import check_regular
from edgetune.model.consistency import check_operator, check_order
from edgetune.model.constant_inputs import Constants, with_constants
from edgetune.model.decode import decode
from edgetune.model.decoding import before_decoding
from edgetune.model.edges import leave_out_edges
from edgetune.model.foreign import refuse_foreign
from edgetune.model.graph import Graph
from edgetune.model.islands import join_islands
from edgetune.model.outputs import Choice, choose_output
from edgetune.model.simplify import simplify
from edgetune.model.size import check_count, check_work
from edgetune.model.streaming import as_window
from edgetune.model.supported import refuse_float, refuse_unsupported

MAX_FILE_BYTES = 64 << 20


def read_tflite(
    source: str | os.PathLike | bytes, output: Choice = None, inputs: Constants = ()
) -> Graph:
    """Reads an int8 .tflite model.

    The operators of the graph that comes back stand in an order in which they can run, batches
    are one, and shapes, scales and zero points agree with each other.  Float and uint8 edges
    are left out: the graph's input and output are int8.

    Args:
        source: a path, or the file's content.
        output: of a file with several outputs the one that counts, its name or number
            (``outputs``).
        inputs: those that are constants (``constant_inputs``); the graph's content is then the
            file with them.

    Raises:
        ModelError: the file cannot be read, is not a TFLite model, is corrupt, is too large, is a
            float or hybrid model, holds operators that edgetune does not run (all of them
            listed), or has several outputs and none is named.
        UsageError: there is no such output, or one of ``inputs`` does not suit the model.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _checked(with_constants(bytes(source), inputs), output)
    path = Path(source)
    with named(path):
        return _checked(with_constants(file_content(path), inputs), output)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Lets a ModelError begin with the name of the file."""
    try:
        yield
    except ModelError as error:
        error.message = f"{path.name}: {error.message}"
        error.args = (error.message,)
        raise


def file_content(path: Path) -> bytes:
    """The bytes of a model file; ModelError where it cannot be read or is too large."""
    try:
        with open(check_regular(path), "rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ModelError(
            "The model file cannot be read.", f"{error.strerror}: {path}", "Check the path."
        ) from None
    if len(content) > MAX_FILE_BYTES:
        raise ModelError(
            "The model file is too large.",
            f"It is longer than {MAX_FILE_BYTES >> 20} MB; no microcontroller holds it.",
            "Name a smaller model.",
        )
    return content


def _checked(content: bytes, output: Choice) -> Graph:
    graph = decode(content)
    graph.sha256 = hashlib.sha256(content).hexdigest()
    check_count(graph)
    check_order(graph)
    graph = choose_output(before_decoding(as_window(graph)), output)
    refuse_foreign(graph)
    refuse_float(graph)
    graph = simplify(graph)
    join_islands(graph)
    leave_out_edges(graph)
    refuse_unsupported(graph)
    for operator in graph.operators:
        check_operator(graph, operator)
    check_work(graph)
    return graph
