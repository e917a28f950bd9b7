"""Models whose ends have another type than int8."""

from tiny_tflite import ModelBuilder, OperatorSpec, TensorSpec, serialise


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
