"""A .tflite file run by tflite-runtime, the judge of what we write.

In a process of its own (``runtime_child``): on some files it aborts.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from functools import lru_cache
from importlib.util import find_spec
from itertools import islice

import numpy as np

from edgetune.model.decoding import without_decoding
from edgetune.workers import Worker

CHILD = "edgetune.model.runtime_child"
BATCH = 64  # samples a request
LONGEST_REASON = 200  # characters of what it says


class Runtime:
    """A model in tflite-runtime's reference kernels (``BUILTIN_REF``).

    Only these round as the int8 specification's reference does; LiteRT's and XNNPACK's round
    some operators once.  Decoding at a file's end is left out (``decoding``): outputs are those
    before it.
    """

    def __init__(self, content: bytes):
        self._content = without_decoding(content)
        _worker(os.getpid()).ask(self._content)

    @classmethod
    def of(cls, content: bytes) -> Runtime | None:
        """None where tflite-runtime is not installed.

        Raises:
            RuntimeError: it refuses the file, or (``WorkerDied``) its process ended on it.
        """
        return cls(content) if find_spec("tflite_runtime") else None

    def run(self, inputs: Iterable[np.ndarray], output: int = 0) -> np.ndarray:
        """Outputs [n, *output shape without the batch] of inputs [n, ...] in the model's type.

        Of several inputs a sample holds all values, one input after another in the file's order.

        Args:
            output: the number of one of the file's outputs.

        Raises:
            RuntimeError: as ``of``.
        """
        inputs, results = iter(inputs), []
        while batch := list(islice(inputs, BATCH)):
            answer = _worker(os.getpid()).ask(
                self._content, _packed(np.stack(batch)), str(output).encode()
            )
            results.append(np.load(io.BytesIO(answer), allow_pickle=False))
        return np.concatenate(results)


def one_line(text: str) -> str:
    """What tflite-runtime says, short, without control characters and a full stop."""
    words = "".join(c if c.isprintable() else " " for c in text)
    words = " ".join(words.split()).rstrip(".")
    return words if len(words) <= LONGEST_REASON else words[:LONGEST_REASON] + "..."


@lru_cache(maxsize=None)
def _worker(process: int) -> Worker:
    """The one of this process: a fork must not read its parent's answers."""
    return Worker(CHILD)


def _packed(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()
