"""TensorFlow's own interpreter, for files whose operators are newer than tflite-runtime's."""

from __future__ import annotations

import multiprocessing
import re
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import tflite

VERSION = 8  # of an OperatorCode, in its table of fields


class TensorFlowRuntime:
    """Runs a .tflite file by reference kernels, or by its other ones where an operator has none,
    in another process: tflite-runtime cannot run beside TensorFlow."""

    def __init__(self, content: bytes):
        self._content = content

    @classmethod
    def of(cls, content: bytes) -> TensorFlowRuntime | None:
        """None where TensorFlow is not installed."""
        return cls(content) if find_spec("tensorflow") else None

    def run(self, samples: np.ndarray, output: int = 0) -> np.ndarray:
        """Outputs number ``output`` of samples [n, ...], in the file's own types."""
        return _pool().submit(_run, self._content, samples, output).result()


@lru_cache(maxsize=None)
def _pool() -> ProcessPoolExecutor:
    """One for all files: TensorFlow takes long to load."""
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


def _run(content: bytes, samples: np.ndarray, output: int) -> np.ndarray:
    interpreter = _interpreter(content)
    (source,) = interpreter.get_input_details()
    result = interpreter.get_output_details()[output]
    outputs = []
    for sample in samples:
        interpreter.set_tensor(source["index"], sample[None])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(result["index"])[0])
    return np.stack(outputs)


def _interpreter(content: bytes) -> Any:
    import tensorflow as tf

    kernels = tf.lite.experimental.OpResolverType
    for kind in (kernels.BUILTIN_REF, kernels.BUILTIN_WITHOUT_DEFAULT_DELEGATES):
        try:
            interpreter = tf.lite.Interpreter(
                model_content=content, experimental_op_resolver_type=kind
            )
            interpreter.allocate_tensors()
            return interpreter
        except ValueError as error:  # no such operator, or not of this version
            reason = error
    raise reason


def of_older_version(content: bytes, reason: str) -> bytes | None:
    """The file with an older version of the operator that a runtime did not find; None where that
    is not the reason, or there is none.

    TensorFlow raises an operator's version with the types that it takes; its reference kernels
    take them by an older one too.
    """
    missing = re.search(r"builtin opcode '(\w+)' version '(\d+)'", reason)
    if missing is None or missing[2] == "1":
        return None
    kind, version = getattr(tflite.BuiltinOperator, missing[1]), int(missing[2])
    changed = bytearray(content)
    model = tflite.Model.GetRootAs(changed, 0)
    for code in map(model.OperatorCodes, range(model.OperatorCodesLength())):
        if (code.BuiltinCode(), code.Version()) == (kind, version):
            place = code._tab.Pos + code._tab.Offset(VERSION)
            changed[place : place + 4] = (version - 1).to_bytes(4, "little")
    return bytes(changed)
