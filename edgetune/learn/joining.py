"""Forward of what joins branches, in numpy: ADD, SUB, MUL, CONCATENATION.

Operands are int64 arrays of int8 values.  The second operand of a sum or product repeats until
it is as long as the first.
"""

from __future__ import annotations

import numpy as np

from edgetune.learn import program as p
from edgetune.learn.fixedpoint import multiply_by_quantized_multiplier


def _repeated(other: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.resize(other, x.size).reshape(x.shape)


def _finish(layer: p.Add | p.Mul, acc: np.ndarray, out_shape) -> np.ndarray:
    y = multiply_by_quantized_multiplier(acc, layer.multiplier, layer.shift)
    y = np.clip(y + layer.output_zero_point, layer.activation_min, layer.activation_max)
    return y.reshape(out_shape)


def _term(term: p.Term, x: np.ndarray) -> np.ndarray:
    shifted = (x - term.zero_point) << 20
    return term.sign * multiply_by_quantized_multiplier(shifted, term.multiplier, term.shift)


def add_forward(layer: p.Add, x, other, out_shape):
    acc = _term(layer.terms[0], x) + _term(layer.terms[1], _repeated(other, x))
    return _finish(layer, acc, out_shape)


def mul_forward(layer: p.Mul, x, other, out_shape):
    acc = (x - layer.zero_points[0]) * (_repeated(other, x) - layer.zero_points[1])
    return _finish(layer, acc, out_shape)


def concatenation_forward(layer: p.Concatenation, *inputs_and_shape):
    *inputs, out_shape = inputs_and_shape
    return np.concatenate([x.reshape(layer.outer, -1) for x in inputs], axis=1).reshape(out_shape)
