"""Widths: the sizes up to which every integer of the rule provably fits its register.

The proofs are in ``docs/numerics.md`` section 8; here a layer that lies outside is refused.
"""

from __future__ import annotations

import numpy as np

from edgetune.errors import ModelError
from edgetune.learn import operators as p
from edgetune.learn.draws import BIAS_LIMIT
from edgetune.learn.program import Program

MAX_SUM = 2**31 - 1  # forward: |bias| + 255 * sum |w|
MAX_ROW_SIZE = 2**30 // (128 * 255)  # forward: row_size * |w| * |x - zp| + |bias| < 2**31
MAX_FAN_OUT = 2**31 // (127 * 128)  # input error: taps * outputs * |e| * |w| < 2**31
MAX_POSITIONS = 2**31 // (127 * 255)  # gradient: positions * |e| * |x - zp| < 2**31
MAX_POOL_CELLS = 2**31 // (128 * 2**15) - 1
MAX_CLASSES = 2**15 - 1
MAX_LOG_CLASSES = 2**12 - 1  # of LOG_SOFTMAX: terms of 2**19 at most
MAX_REPEATS = 2**31 // (127 * 255)  # of an operand of MUL; ADD's sums are smaller


def check_widths(program: Program, trained: list[p.WeightedLayer], weights: bool = True) -> None:
    """ModelError naming the first layer whose sums could leave 32 bits.

    Args:
        weights: whether those of the ``trained`` layers learn, or their biases alone.
    """
    if program.classes > MAX_CLASSES:
        raise _too_wide("the output", "classes", program.classes, MAX_CLASSES)
    for layer in program.layers:
        if isinstance(layer, p.WeightedLayer):
            _check_forward(layer, layer in trained, weights and layer in trained)
        if isinstance(layer, p.LogSoftmax) and program.classes > MAX_LOG_CLASSES:
            raise _too_wide(layer.name, "classes", program.classes, MAX_LOG_CLASSES)
        if isinstance(layer, p.AveragePool2D):
            cells = layer.window.kernel[0] * layer.window.kernel[1]
            # Only windows of unequal count multiply; one window over everything does not.
            if program.activations[layer.output].shape[:2] != (1, 1) and cells > MAX_POOL_CELLS:
                raise _too_wide(layer.name, "cells in its window", cells, MAX_POOL_CELLS)
        if isinstance(layer, p.JoiningLayer):
            sizes = [program.activations[index].size for index in layer.inputs]
            if sizes[0] // sizes[1] > MAX_REPEATS:
                raise _too_wide(layer.name, "repetitions", sizes[0] // sizes[1], MAX_REPEATS)
    for layer in trained:
        _check_gradient(program, layer)
    for layer in program.weighted_layers if trained else ():
        _check_input_error(layer)


def _check_forward(layer: p.WeightedLayer, trained: bool, weights: bool) -> None:
    """By what each row can reach: with its weights, or with any where ``weights`` learn."""
    if weights and layer.row_size > MAX_ROW_SIZE:
        raise _too_wide(layer.name, "weights an output channel", layer.row_size, MAX_ROW_SIZE)
    biases = np.abs(layer.bias.astype(np.int64))
    sums = np.abs(layer.by_row(layer.weights).astype(np.int64)).sum(axis=1)
    _check_shifted(layer, biases + 255 * sums)
    if trained:
        biases = np.maximum(biases, BIAS_LIMIT)
    if weights:
        sums = 128 * layer.row_size
    most = int((biases + 255 * sums).max())
    if most > MAX_SUM:
        raise _too_wide(layer.name, "as the largest sum of a row", most, MAX_SUM)


def _check_shifted(layer: p.WeightedLayer, reached: np.ndarray) -> None:
    """What each row of the file reaches, shifted left where an output step is finer than one of
    its sums: beyond 32 bits TFLite's kernels go round."""
    most = int((reached << np.maximum(layer.shift.astype(np.int64), 0)).max())
    if most > MAX_SUM:
        raise _too_wide(layer.name, "as the largest sum of a row in output steps", most, MAX_SUM)


def _check_gradient(program: Program, layer: p.WeightedLayer) -> None:
    height, width, _ = program.activations[layer.output].shape
    if height * width > MAX_POSITIONS:
        raise _too_wide(layer.name, "output positions", height * width, MAX_POSITIONS)


def _check_input_error(layer: p.WeightedLayer) -> None:
    taps = layer.window.kernel[0] * layer.window.kernel[1] if hasattr(layer, "window") else 1
    if taps * layer.rows > MAX_FAN_OUT:
        raise _too_wide(layer.name, "outputs an input", taps * layer.rows, MAX_FAN_OUT)


def _too_wide(name: str, what: str, value: int, most: int) -> ModelError:
    return ModelError(
        f"{name} is too large for 32-bit sums.",
        f"It has {value} {what}; the arithmetic is exact up to {most}.",
        "Use a smaller model; docs/numerics.md section 8 has the bounds.",
    )
