"""Operators of two operands, of any shapes that broadcast: numpy against tflite-runtime's reference
kernels, byte for byte."""

import numpy as np
import pytest
from operator_examples import selu
from reference_bytes import check, refused
from tflite_writer import OperatorSpec
from thinned import thinned
from tiny_operators import DECIDED
from tiny_tflite import ModelBuilder

from edgetune.model.kinds import ARITHMETIC


@pytest.mark.parametrize("activation", thinned(["NONE", "RELU", "RELU6"], 3))
@pytest.mark.parametrize("kind", ARITHMETIC)
def test_arithmetic_of_two_branches(kind, activation):
    for seed, (scale, zero_point) in enumerate([(1 / 40, -7), (0.6, 127), (1e-3, -128)]):
        b = ModelBuilder((1, 6, 5, 4), scale, zero_point, seed=seed)
        start = b.save()
        b.conv(4, 3).join(kind, start, activation)
        check(b, 40)


SHAPES = (6, 5, 4), (5, 4), (4,), (1,), (), (1, 1, 1, 4)


@pytest.mark.parametrize("swap", [False, True], ids=["", "swapped"])
@pytest.mark.parametrize("shape", thinned(SHAPES, 3), ids=str)
@pytest.mark.parametrize("kind", ARITHMETIC)
def test_arithmetic_with_a_constant(kind, shape, swap):
    b = ModelBuilder((1, 6, 5, 4), 1 / 40, 19, seed=3)
    values = np.random.default_rng(4).normal(0.3, 1, shape)
    check(b.join(kind, b.constant(values), swap=swap))


def test_a_gate_for_each_channel():
    b = ModelBuilder((1, 6, 5, 4), 1 / 40, 19, seed=3).conv(8, 3)
    maps = b.save()
    gate = b.mean(keep_dims=True).conv(8, 1).unary("LOGISTIC", scale=1 / 256).save()
    check(b.back_to(maps).join("MUL", gate))


def channel_means(b):
    """Of every channel, on the maps' scale: it repeats over the cells."""
    return b.reduce("MEAN", (1, 2), keep_dims=True, same_scale=True)


def cell_means(b):
    """Of every cell, on the maps' scale: it repeats over the channels."""
    return b.reduce("MEAN", (3,), keep_dims=True, same_scale=True)


def of_two(kind, function, swap=False):
    """Maps and what ``function`` makes of them; both orders."""

    def add(b):
        maps = b.save()
        other = function(b).save()
        first, second = (other, maps) if swap else (maps, other)
        join = b.decided if kind in DECIDED else b.join
        b.back_to(first)
        return join(kind, second)

    return add


def with_constant(kind, shape):
    def add(b):
        values = np.random.default_rng(8).normal(0, 0.6, shape)
        join = b.decided if kind in DECIDED else b.join
        return join(kind, b.constant(values))

    return add


PAIRS = {
    f"{kind} {name}{' swapped' * swap}": of_two(kind, function, swap)
    for kind in ("MAXIMUM", "MINIMUM", "ADD", "SUB", "MUL", "SQUARED_DIFFERENCE")
    for name, function in {
        "of one shape": lambda b: b.average_pool(3, 1, "SAME"), "channels": channel_means,
        "cells": cell_means,
    }.items() for swap in (False, True)
} | {
    f"{kind} {shape}": with_constant(kind, shape)
    for kind in ("MAXIMUM", "PRELU", "MUL", "SQUARED_DIFFERENCE")
    for shape in ((4,), (1, 1, 4), (6, 6, 4), (6, 1, 4), (6, 6, 1), (1, 6, 1, 1))
}


@pytest.mark.parametrize("name", thinned(PAIRS, 5))
def test_two_operands(name):
    """Of any shapes that broadcast: the other one, and both (last behind a map)."""
    check(PAIRS[name](ModelBuilder((1, 6, 6, 4), 1 / 40, -9, seed=3)))


def test_two_operands_that_both_repeat():
    b = ModelBuilder((1, 6, 5, 4), 1 / 40, -9, seed=3)
    maps = b.save()
    rows = b.reduce("MEAN", (2,), keep_dims=True, same_scale=True).save()
    b.back_to(maps).reduce("MEAN", (1, 3), keep_dims=True, same_scale=True).join("SUB", rows)
    kinds = [layer.kind for layer in check(b).layers]
    assert kinds == ["mean", "mean", "move", "move", "add"]


def test_selections_that_are_refused():
    b = ModelBuilder((1, 6, 6, 2), 1 / 40, -9, seed=3)
    x = b.save()
    b.average_pool(3, 1, "SAME").select("LESS", (x, b.save()), x, b.save())
    assert "more than one value decides" in refused(b)
    b = ModelBuilder((1, 6, 6, 2), 1.0, -9, seed=3)
    x, bent = b.save(), b.unary("RELU").save()
    b.select("GREATER", (x, b.constant([0.0])), bent, bent)
    assert "scales of one and more" in refused(b)
    b = selu(ModelBuilder((1, 6, 6, 2), 1 / 40, -9, seed=3))
    b.operators.append(OperatorSpec("SELECT_V2", b.operators[-1].inputs, b.current))
    b.operators[-1].output = b._tensor("second", b.shape, 1 / 40, 0)
    b.current = b.operators[-1].output
    assert "not the condition of one SELECT_V2" in refused(b)


def test_slopes_that_are_refused():
    b = ModelBuilder((1, 6, 6, 2), 1 / 40, -9, seed=3)
    assert "slopes that are computed" in refused(b.decided("PRELU", b.save()))
    b = ModelBuilder((1, 6, 1, 2), 1 / 40, -9, seed=3)
    b.decided("PRELU", b.constant(np.ones((6, 2)))).tensors[-1].shape = (1, 6, 1, 2)
    assert "slopes of the shape [6, 2] for [1, 6, 1, 2]" in refused(b)
