"""Nodes that work on every element alone: sums, products and activation functions."""

from __future__ import annotations

import numpy as np

from edgetune.importers.onnx.builder import Builder, result
from edgetune.importers.onnx.node import Node
from edgetune.importers.onnx.signs import positive
from edgetune.importers.onnx.values import Unsupported, Value, as_image

UNARY = {
    "Relu": "RELU", "Sigmoid": "LOGISTIC", "Tanh": "TANH", "HardSwish": "HARD_SWISH",
    "Abs": "ABS", "Exp": "EXP", "Sqrt": "SQRT", "Log": "LOG",
    "Erf": "ERF", "Sign": "SIGN",  # of which only a chain's function is left in the end
    "Mish": "MISH", "Softsign": "SOFTSIGN",  # which stand for others (``floats.forms``)
}
BINARY = {"Add": "ADD", "Sum": "ADD", "Sub": "SUB", "Mul": "MUL", "Div": "MUL",
          "Max": "MAXIMUM", "Min": "MINIMUM"}
INFINITE = 1e30  # bounds beyond, and infinite ones, are none


def unary(builder: Builder, node: Node) -> Value:
    return builder.unary(UNARY[node.kind], node.activation())


def leaky_relu(builder: Builder, node: Node) -> Value:
    return _leaky(builder, node.activation(), float(node.attributes.get("alpha", 0.01)))


def _leaky(builder: Builder, x: Value, alpha: float) -> Value:
    return builder.unary("LEAKY_RELU", x, alpha=alpha)


def prelu(builder: Builder, node: Node) -> Value:
    """LeakyRelu where there is one slope."""
    x, slopes = node.activation(), node.weights(1, "the slopes")
    if np.unique(slopes).size == 1:
        return _leaky(builder, x, float(slopes.reshape(-1)[0]))
    return _with_constant(builder, "PRELU", x, Value(slopes.shape, slopes), False)


def elu(builder: Builder, node: Node) -> Value:
    return _elu(builder, node, 1.0, float(node.attributes.get("alpha", 1.0)))


def selu(builder: Builder, node: Node) -> Value:
    alpha = float(node.attributes.get("alpha", 1.6732632423543772))
    gamma = float(node.attributes.get("gamma", 1.0507009873554805))
    return _elu(builder, node, gamma, gamma * alpha)


def _elu(builder: Builder, node: Node, above: float, below: float) -> Value:
    if above == below == 1:
        return builder.unary("ELU", node.activation())
    return builder.unary("SCALED_ELU", node.activation(), above=above, below=below)


def celu(builder: Builder, node: Node) -> Value:
    alpha = float(node.attributes.get("alpha", 1.0))
    if alpha == 0:
        raise Unsupported("a division by zero")
    return builder.unary("CELU", node.activation(), alpha=alpha)


def softplus(builder: Builder, node: Node) -> Value:
    return builder.unary("SOFTPLUS", node.activation(), beta=1.0)


def gelu(builder: Builder, node: Node) -> Value:
    approximate = node.attributes.get("approximate", "none") in ("tanh", b"tanh")
    return builder.unary("GELU", node.activation(), approximate=approximate)


def power(builder: Builder, node: Node) -> Value:
    exponents = np.unique(node.weights(1, "the exponents"))
    if exponents.size != 1 or float(exponents[0]) not in (1, 2, 3, 4, 0.5, -0.5):
        raise Unsupported(f"powers of {exponents[:4].tolist()}")
    return _with_scalar(builder, "POW", node.activation(), float(exponents[0]))


def negative(builder: Builder, node: Node) -> Value:
    return times(builder, node.activation(), -1.0)


def reciprocal(builder: Builder, node: Node) -> Value:
    return _reciprocal(builder, node.activation())


def _reciprocal(builder: Builder, x: Value) -> Value:
    """One by a root, which is RSQRT; or the square of that, of what is more than zero."""
    root = builder.rewriter.producer(x.tensor)
    if root is not None and root.kind == "SQRT":
        y = builder.emit("RSQRT", root.inputs, builder.shape(x.tensor))
        return Value(x.shape, None, y, x.places)
    if not positive(builder, x.tensor):
        raise Unsupported("a division by what is computed, and may be zero")
    y = builder.unary("RSQRT", x)
    return _of_two(builder, "MUL", y, y)


# ---- clipping, on RELU and RELU6


def clip(builder: Builder, node: Node) -> Value:
    low, high = (_bound(node, *where) for where in (("min", 1), ("max", 2)))
    x = node.activation()
    if high is None and low is None:
        return x
    if high is None and low == 0:
        return builder.unary("RELU", x)
    if high is None:
        return _with_scalar(builder, "MAXIMUM", x, low)
    if low is None:
        return _with_scalar(builder, "MINIMUM", x, high)
    if not low < high:
        raise Unsupported(f"clipping to {low} and {high}")
    return _clipped(builder, x, low, high)


def _bound(node: Node, name: str, place: int) -> float | None:
    value = node.attributes.get(name)
    if value is None and node.operand(place) is not None:
        value = node.weights(place, "the bounds").reshape(-1)[0]
    return None if value is None or abs(value) > INFINITE else float(value)


def _clipped(builder: Builder, x: Value, low: float, high: float) -> Value:
    """low + RELU6((x - low) * 6 / (high - low)) * (high - low) / 6."""
    factor = 6 / (high - low)
    x = builder.unary("RELU6", plus(builder, times(builder, x, factor), -low * factor))
    return plus(builder, times(builder, x, 1 / factor), low)


def hard_sigmoid(builder: Builder, node: Node) -> Value:
    """clip(alpha * x + beta, 0, 1)."""
    x = node.activation()
    alpha = float(node.attributes.get("alpha", 0.2))
    beta = float(node.attributes.get("beta", 0.5))
    y = times(builder, x, 6 * alpha) if abs(6 * alpha - 1) > 1e-5 else x
    y = builder.unary("RELU6", plus(builder, y, 6 * beta))
    y = times(builder, y, 1 / 6)
    if abs(alpha - 1 / 6) < 1e-5 and beta == 0.5:
        builder.hard_sigmoids[y.tensor] = x.tensor
    return y


def times(builder: Builder, x: Value, factor: float) -> Value:
    """Every element times a number."""
    return x if factor == 1 else _with_scalar(builder, "MUL", x, factor)


def plus(builder: Builder, x: Value, offset: float) -> Value:
    """Every element plus a number."""
    return x if offset == 0 else _with_scalar(builder, "ADD", x, offset)


def _with_scalar(builder: Builder, kind: str, x: Value, scalar, turned: bool = False) -> Value:
    inputs = (x.tensor, builder.real("constant", np.reshape(scalar, 1)))
    y = builder.emit(kind, inputs[::-1] if turned else inputs, builder.shape(x.tensor))
    return Value(x.shape, None, y, x.places)


# ---- two operands


def binary(builder: Builder, node: Node) -> Value:
    first, second = node.operands
    kind = BINARY[node.kind]
    if node.kind == "Div" and second.data is None:
        second = _reciprocal(builder, second)
    elif node.kind == "Div":
        second = Value(second.shape, 1 / node.weights(1, "the divisors"))
    if all(v.data is not None or v.shape[:1] == (1,) for v in (first, second)):
        return combined(builder, kind, first, second)
    rank = max(len(first.shape), len(second.shape)) + 1  # rows without a batch: they get one
    lifted = [v if v.data is not None else _of_rank(v, rank) for v in (first, second)]
    y = combined(builder, kind, *lifted)
    return y.view(y.places[0])


def combined(builder: Builder, kind: str, first: Value, second: Value) -> Value:
    """Of two operands, of which at least one is no constant, ADD, SUB or MUL."""
    if first.data is None and second.data is None:
        return _of_two(builder, kind, first, second)
    x, constant = (first, second) if first.data is None else (second, first)
    if constant.size == 1 and len(constant.shape) <= len(x.shape):
        return _with_scalar(builder, kind, x, constant.data, first is constant)
    return _with_constant(builder, kind, x, constant, first is constant)


def _with_constant(builder: Builder, kind: str, x: Value, constant: Value, turned: bool) -> Value:
    rank = max(len(x.shape), len(constant.shape))
    x = _of_rank(x, rank)
    order = builder.order_of(x)
    tensor = builder.arranged(x, order)
    values = constant.data.reshape((1,) * (rank - constant.data.ndim) + constant.data.shape)
    values = values.transpose(order)
    values = values.reshape(as_image(values.shape))
    if values.size == values.shape[-1]:
        values = values.reshape(-1)
    inputs = (tensor, builder.real("constant", values))
    shape = np.broadcast_shapes(builder.shape(tensor), values.shape)
    y = builder.emit(kind, inputs[::-1] if turned else inputs, shape)
    return result(y, np.broadcast_shapes(x.shape, constant.shape), order)


def _of_two(builder: Builder, kind: str, first: Value, second: Value) -> Value:
    if kind == "MUL" and (x := _hard_swish_of(builder, first, second)) is not None:
        return builder.unary("HARD_SWISH", x)
    rank = max(len(first.shape), len(second.shape))
    whole = np.broadcast_shapes(first.shape, second.shape)
    first, second = _of_rank(first, rank).once(), _of_rank(second, rank).once()
    order = builder.order_of(first, second)
    tensors = [builder.arranged(value, order) for value in (first, second)]
    shape = np.broadcast_shapes(*(builder.shape(tensor) for tensor in tensors))
    y = builder.emit(kind, tensors, shape)
    small = np.broadcast_shapes(first.shape, second.shape)
    return result(y, small, order).repeated(whole)


def _hard_swish_of(builder: Builder, first: Value, second: Value) -> Value | None:
    """x, where the operands are x and its hard sigmoid."""
    for x, y in ((first, second), (second, first)):
        same = x.shape == y.shape and (x.places == y.places).all()
        if same and builder.hard_sigmoids.get(y.tensor) == x.tensor:
            return x
    return None


def _of_rank(value: Value, rank: int) -> Value:
    """``value`` with dimensions of one in front, as broadcasting adds them."""
    return value.view(value.places.reshape((1,) * (rank - len(value.shape)) + value.shape))


def of_all(builder: Builder, node: Node) -> Value:
    """Sum, Max or Min of any number, two by two."""
    total = node.operands[0]
    for value in node.operands[1:]:
        pair = Node(node.proto, node.opset, [total, value], {})
        total = binary(builder, pair)
    return total
