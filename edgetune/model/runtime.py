"""A .tflite file run by tflite-runtime, the judge of what we write."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


class Runtime:
    """A model in tflite-runtime's reference kernels (``BUILTIN_REF``).

    Only these round as the int8 specification's reference does; LiteRT's and XNNPACK's round
    some operators once.
    """

    def __init__(self, interpreter):
        self._interpreter = interpreter
        self._source = interpreter.get_input_details()[0]
        self._sink = interpreter.get_output_details()[0]

    @classmethod
    def of(cls, content: bytes) -> Runtime | None:
        """None where tflite-runtime is not installed; RuntimeError for a file it refuses."""
        try:
            from tflite_runtime.interpreter import Interpreter, OpResolverType
        except ImportError:
            return None
        interpreter = Interpreter(
            model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
        )
        interpreter.allocate_tensors()
        return cls(interpreter)

    def run(self, inputs: Iterable[np.ndarray]) -> np.ndarray:
        """Outputs [n, *output shape without the batch] of inputs [n, ...] in the model's type."""
        results = []
        for sample in inputs:
            self._interpreter.set_tensor(
                self._source["index"], sample.reshape(self._source["shape"])
            )
            self._interpreter.invoke()
            results.append(self._interpreter.get_tensor(self._sink["index"])[0])
        return np.stack(results)
