"""Models with several outputs, int8 and float."""

from __future__ import annotations

from dataclasses import replace

from float_builder import FloatBuilder
from tflite_writer import serialise
from tiny_tflite import ModelBuilder

from edgetune.model.encode import encode
from edgetune.model.graph import Graph

NAMES = ("colour", "alive", "digits", "inner")


def three_heads() -> ModelBuilder:
    """A convolution, and on it classes, a label, classes without softmax; its own values are an
    output too."""
    model = ModelBuilder((1, 6, 6, 2), seed=3).conv(5, 3, stride=2, activation="RELU")
    trunk = model.save()
    model.depthwise(3).mean().dense(3).softmax()
    ends = [model.current]
    model.back_to(trunk).mean().dense(1).unary("LOGISTIC", scale=1 / 256)
    ends.append(model.current)
    ends += [model.back_to(trunk).dense(4).current, trunk[0]]
    for index, name in zip(ends, NAMES):
        model.tensors[index].name = name
    model.ends = ends
    return model


def three_heads_file() -> bytes:
    model = three_heads()
    return serialise(model.tensors, model.operators, model.ends)


def float_heads() -> Graph:
    """A float graph of a convolution and two heads, "colour" and "alive"."""
    b = FloatBuilder((1, 6, 6, 2), seed=4)
    trunk = b.conv(b.input, 4, 3, stride=2, fused="RELU")
    colour = b.add("SOFTMAX", b.dense(trunk, 3), beta=1.0)
    alive = b.add("LOGISTIC", b.dense(trunk, 1))
    graph = b.graph(colour)
    for index, name in ((colour, "colour"), (alive, "alive")):
        graph.tensors[index].name = name
    return replace(graph, outputs=(colour, alive))


def float_heads_file() -> bytes:
    return encode(float_heads())
