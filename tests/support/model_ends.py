"""Models whose ends have another type than int8."""

import numpy as np
from tflite_writer import OperatorSpec, TensorSpec, serialise
from tiny_tflite import ModelBuilder


def in_uint8(builder):
    """Makes a model's activations and weights uint8, as those of older files."""
    for spec in builder.tensors:
        if spec.dtype == "int8":
            spec.dtype, spec.zero_point = "uint8", spec.zero_point + 128
            if spec.data is not None:
                spec.data = (spec.data.astype(int) + 128).astype(np.uint8)


def with_ends(dtype, scale=None, zero_point=None):
    """A dense layer between a QUANTIZE and its opposite."""
    model = ModelBuilder((1, 6)).dense(4)
    inside = model.tensors[0], model.tensors[model.current]
    for spec in inside:
        ends = {} if dtype == "float32" else dict(
            scale=spec.scale if scale is None else scale, zero_point=spec.zero_point + 128
        )
        model.tensors.append(TensorSpec("outside", spec.shape, dtype, **ends))
    first, last = len(model.tensors) - 2, len(model.tensors) - 1
    model.operators.insert(0, OperatorSpec("QUANTIZE", [first], 0, "QuantizeOptions", {}))
    kind, table = ("DEQUANTIZE", "DequantizeOptions") if dtype == "float32" else (
        "QUANTIZE", "QuantizeOptions"
    )
    model.operators.append(OperatorSpec(kind, [model.current], last, table, {}))
    return serialise(model.tensors, model.operators, [last], inputs=[first])
