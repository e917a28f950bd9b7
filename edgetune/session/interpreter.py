"""Predictions of a .tflite file by tflite-runtime, the judge of what we write."""

from __future__ import annotations

import numpy as np

from edgetune.model.edges import from_file_output, to_file_input
from edgetune.model.read import read_tflite


def interpreter_predictions(content: bytes, x: np.ndarray) -> np.ndarray | None:
    """Argmax of each output, int64 [n], by the reference kernels (``BUILTIN_REF``).

    Only these round as the int8 specification's reference does; LiteRT's and XNNPACK's round
    some operators once.  None where tflite-runtime is not installed.

    Args:
        x: int8 [n, ...] in the model's input quantisation.
    """
    try:
        from tflite_runtime.interpreter import Interpreter, OpResolverType
    except ImportError:
        return None
    interpreter = Interpreter(
        model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    graph = read_tflite(content)
    x = to_file_input(graph, x)
    source, sink = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    predictions = np.empty(len(x), np.int64)
    for i, sample in enumerate(x):
        interpreter.set_tensor(source["index"], sample.reshape(source["shape"]))
        interpreter.invoke()
        predictions[i] = from_file_output(graph, interpreter.get_tensor(sink["index"])).argmax()
    return predictions
