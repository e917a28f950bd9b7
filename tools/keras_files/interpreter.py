"""TensorFlow's own interpreter, for files whose operators are newer than tflite-runtime's."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from typing import Any

import numpy as np


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
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            return pool.submit(_run, self._content, samples, output).result()


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
