"""What TFLite's own kernels make of a model."""

import numpy as np
import pytest
import tflite

# Whose int8 kernels are newer than 2.14.
NEWER = {tflite.BuiltinOperator.SQRT, tflite.BuiltinOperator.LOG}


def run_in_tflite(content: bytes, inputs: np.ndarray) -> list[np.ndarray]:
    """Runs a model in tflite_runtime's reference kernels (BUILTIN_REF); skips without them.
    Of ELU there is none among these: such a model runs in the other kernels.  ``NEWER`` ones take
    LiteRT.

    Args:
        inputs: ``(count, *input_shape)`` int8; of several inputs the values of all in a row.

    Returns:
        One ``(count, *output_shape)`` array a graph output.
    """
    kinds = {code.BuiltinCode() for code in codes(content)}
    runtime = pytest.importorskip(
        "ai_edge_litert.interpreter", reason="newer than tflite-runtime"
    ) if kinds & NEWER else pytest.importorskip(
        "tflite_runtime.interpreter", reason="tflite-runtime is for Python up to 3.11"
    )
    resolvers = runtime.OpResolverType
    others = tflite.BuiltinOperator.ELU in kinds
    interpreter = runtime.Interpreter(
        model_content=content,
        experimental_op_resolver_type=(
            resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES if others else resolvers.BUILTIN_REF
        ),
    )
    interpreter.allocate_tensors()
    where = interpreter.get_input_details()
    ends = np.cumsum([np.prod(detail["shape"]) for detail in where])[:-1]
    outputs = [detail["index"] for detail in interpreter.get_output_details()]
    results = []
    for sample in inputs:
        for detail, part in zip(where, np.split(sample, ends, -1) if len(ends) else [sample]):
            interpreter.set_tensor(detail["index"], part.reshape(detail["shape"]))
        interpreter.reset_all_variables()
        interpreter.invoke()
        results.append([interpreter.get_tensor(index) for index in outputs])
    return [np.stack(column) for column in zip(*results)]


def codes(content: bytes) -> list:
    model = tflite.Model.GetRootAs(content, 0)
    return [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
