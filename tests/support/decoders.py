"""Models that end in what decodes their output."""

from __future__ import annotations

import numpy as np
from tflite_writer import OperatorSpec, TensorSpec, serialise
from tiny_tflite import ModelBuilder


def network(per_channel=True) -> ModelBuilder:
    model = ModelBuilder((1, 6, 6, 2), seed=3)
    model.conv(4, 3, stride=2, activation="RELU", per_channel=per_channel)
    return model.conv(3, 1, per_channel=per_channel)


def decoded(model: ModelBuilder, kind="ARG_MAX", *, further=(), ends=None) -> bytes:
    """``model`` with a decoder of its output and of ``further`` tensors behind it."""
    tensors = [*model.tensors, TensorSpec("axis", (), "int32", data=np.int32(3))]
    tensors.append(TensorSpec("picked", (1, 3, 3), "int32"))
    picked = len(tensors) - 1
    inputs = [model.current, picked - 1] if kind == "ARG_MAX" else [model.current, *further]
    options = ("ArgMaxOptions", {"OutputType": 2}) if kind == "ARG_MAX" else ()
    operators = [*model.operators, OperatorSpec(kind, inputs, picked, *options)]
    tensors.append(TensorSpec("real", (1, 3, 3), "float32"))
    operators.append(OperatorSpec("CAST", [picked], picked + 1, "CastOptions", {}))
    return serialise(tensors, operators, [picked + 1] if ends is None else [picked + 1, *ends])
