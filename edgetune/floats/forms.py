"""Functions of one value that are no kind of operator, written with operators that have an int8
kernel, by which 8 bits lose least: what is rounded in between lies in [0, 1] or on the scale of
the ends.

    ELU with slopes  above * RELU(x) + below * (EXP(min(x, 0)) - 1), SELU among them
    CELU             alpha * ELU(x / alpha)
    SOFTPLUS         of beta * x: RELU(x) - LOG(LOGISTIC(|x|)), over beta
    LOG_SIGMOID      min(x, 0) + LOG(LOGISTIC(|x|))
    MISH             x * (1 - s * s) / (1 + s * s), s = LOGISTIC(-x)
    SOFTSIGN         x / (1 + |x|)
    SOFTSHRINK       RELU(x - l) + min(x + l, 0)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from edgetune.model.graph import Operator
from edgetune.model.kinds import FUSED_OPTION, FUSING
from edgetune.model.rewrite import Rewriter


class Parts:
    """Operators put in front of ``op``, on tensors of its shape."""

    def __init__(self, rewriter: Rewriter, op: Operator):
        self.rewriter, self.op = rewriter, op
        self.name, self.shape = (
            rewriter.tensors[op.outputs[0]].name, rewriter.shape(op.outputs[0])
        )  # fmt: skip

    def of(self, kind: str, *operands: int | float) -> int:
        """The output of a new operator; operands that are no index but a float are constants."""
        count = len(self.rewriter.tensors)
        inputs = [o if isinstance(o, int) else self._constant(kind, o) for o in operands]
        y = self.rewriter.activation(f"{self.name}/{kind.lower()}{count}", self.shape)
        options = {FUSED_OPTION: "NONE"} if kind in FUSING else {}
        self.rewriter.insert(self.op, kind, inputs, (y,), options)
        return y

    def _constant(self, kind: str, value: float) -> int:
        with np.errstate(over="ignore"):  # what is not finite is found later
            values = np.array([value]).astype(np.float32)
        return self.rewriter.constant(f"{self.name}/{kind.lower()}", values)

    def times(self, x: int, factor: float) -> int:
        return x if factor == 1 else self.of("MUL", x, float(factor))


class Form(NamedTuple):
    """``compute`` gives the function's values from its options and its operand, float64;
    ``write`` its operators."""

    compute: Callable[[dict, np.ndarray], np.ndarray]
    write: Callable[[Parts, int, dict], int]


def write_form(rewriter: Rewriter, op: Operator) -> None:
    """``op``, which is of a kind of ``FORMS``, becomes the last of the operators that it means."""
    parts = Parts(rewriter, op)
    result = FORMS[op.kind].write(parts, op.inputs[0], op.options)
    last = rewriter.producer(result)
    assert last is not None  # every form has an operator
    rewriter.remove(last)
    op.kind, op.inputs, op.options = last.kind, last.inputs, last.options


# ---- what they compute


def _elu(options: dict, x: np.ndarray) -> np.ndarray:
    below = options["below"] * np.expm1(np.minimum(x, 0))
    return np.where(x > 0, options["above"] * x, below)


def _celu(options: dict, x: np.ndarray) -> np.ndarray:
    alpha = options["alpha"]
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))


def _softplus(options: dict, x: np.ndarray) -> np.ndarray:
    return np.logaddexp(options["beta"] * x, 0) / options["beta"]


def _log_sigmoid(options: dict, x: np.ndarray) -> np.ndarray:
    return -np.logaddexp(-x, 0)


def _mish(options: dict, x: np.ndarray) -> np.ndarray:
    return x * np.tanh(np.logaddexp(x, 0))


def _softsign(options: dict, x: np.ndarray) -> np.ndarray:
    return x / (1 + np.abs(x))


def _softshrink(options: dict, x: np.ndarray) -> np.ndarray:
    return np.sign(x) * np.maximum(np.abs(x) - options["lambda"], 0)


# ---- by which operators


def _write_elu(parts: Parts, x: int, options: dict) -> int:
    """Two parts, one of which is zero."""
    above = parts.times(parts.of("RELU", x), options["above"])
    below = parts.of("SUB", parts.of("EXP", parts.of("MINIMUM", x, 0.0)), 1.0)
    return parts.of("ADD", above, parts.times(below, options["below"]))


def _write_celu(parts: Parts, x: int, options: dict) -> int:
    inner = parts.of("ELU", parts.times(x, 1 / options["alpha"]))
    return parts.times(inner, options["alpha"])


def _log_of_sigmoid(parts: Parts, x: int) -> int:
    """Of the size of x, between -0.7 and 0."""
    return parts.of("LOG", parts.of("LOGISTIC", parts.of("ABS", x)))


def _write_softplus(parts: Parts, x: int, options: dict) -> int:
    x = parts.times(x, options["beta"])
    y = parts.of("SUB", parts.of("RELU", x), _log_of_sigmoid(parts, x))
    return parts.times(y, 1 / options["beta"])


def _write_log_sigmoid(parts: Parts, x: int, options: dict) -> int:
    return parts.of("ADD", parts.of("MINIMUM", x, 0.0), _log_of_sigmoid(parts, x))


def _write_mish(parts: Parts, x: int, options: dict) -> int:
    sigmoid = parts.of("LOGISTIC", parts.times(x, -1))
    square = parts.of("MUL", sigmoid, sigmoid)
    gate = parts.of("MUL", parts.of("SUB", 1.0, square), _inverse(parts, square))
    return parts.of("MUL", x, gate)


def _write_softsign(parts: Parts, x: int, options: dict) -> int:
    return parts.of("MUL", x, _inverse(parts, parts.of("ABS", x)))


def _inverse(parts: Parts, x: int) -> int:
    """1 / (1 + x) of what is not negative."""
    root = parts.of("RSQRT", parts.of("ADD", x, 1.0))
    return parts.of("MUL", root, root)


def _write_softshrink(parts: Parts, x: int, options: dict) -> int:
    above = parts.of("RELU", parts.of("SUB", x, float(options["lambda"])))
    below = parts.of("MINIMUM", parts.of("ADD", x, float(options["lambda"])), 0.0)
    return parts.of("ADD", above, below)


FORMS = {
    "SCALED_ELU": Form(_elu, _write_elu),
    "CELU": Form(_celu, _write_celu),
    "SOFTPLUS": Form(_softplus, _write_softplus),
    "LOG_SIGMOID": Form(_log_sigmoid, _write_log_sigmoid),
    "MISH": Form(_mish, _write_mish),
    "SOFTSIGN": Form(_softsign, _write_softsign),
    "SOFTSHRINK": Form(_softshrink, _write_softshrink),
}
