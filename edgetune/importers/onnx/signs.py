"""What is known of the sign of an activation, by the operators that it comes from."""

from __future__ import annotations

from edgetune.importers.onnx.builder import Builder

NEVER_NEGATIVE = ("RELU", "RELU6", "LOGISTIC", "SOFTMAX", "ABS", "EXP", "SQRT", "RSQRT", "SOFTPLUS")
KEEPS_SIGN = ("MAX_POOL_2D", "AVERAGE_POOL_2D", "MEAN", "PAD", "RESHAPE", "STRIDED_SLICE",
              "CONCATENATION", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")


def never_negative(builder: Builder, tensor: int, inputs: bool = False) -> bool:
    """Whether its values are known to be zero or more.

    Args:
        inputs: whether the graph's are taken to be.
    """
    operator = builder.rewriter.producer(tensor)
    if operator is None or operator.kind in NEVER_NEGATIVE:
        return inputs or operator is not None
    constants, operands = _parted(builder, operator)
    keeps = operator.kind in KEEPS_SIGN or (
        operator.kind == "MUL" and all((c >= 0).all() for c in constants)
    )
    return keeps and all(never_negative(builder, i, inputs) for i in operands)


def positive(builder: Builder, tensor: int) -> bool:
    """Whether its values are known to be more than zero, by a constant that keeps them there."""
    operator = builder.rewriter.producer(tensor)
    if operator is None or operator.kind not in ("ADD", "MAXIMUM", "MUL", "RELU"):
        return False
    constants, operands = _parted(builder, operator)
    if len(operands) != 1 or not all((c > 0).all() for c in constants):
        return False
    if operator.kind in ("MUL", "RELU"):
        return positive(builder, operands[0])
    return operator.kind == "MAXIMUM" or never_negative(builder, operands[0])


def _parted(builder: Builder, operator) -> tuple[list, list[int]]:
    """The values of its constants, and its activations."""
    values = [builder.rewriter.data(i) for i in operator.inputs]
    activations = [i for i, value in zip(operator.inputs, values) if value is None]
    return [value for value in values if value is not None], activations
