"""Graphs written down tensor by tensor, with scales that can be worked by hand.

    g = HandGraph((1, 4, 4, 2), scale=0.5, zero_point=3)
    y = g.conv(g.input, rows=3, kernel=(3, 3), scale=2.0, weight_scale=[0.25], padding="SAME")
    program = g.lower(y)
"""

from __future__ import annotations

import math

import numpy as np

from edgetune.learn.lower import lower
from edgetune.learn.program import Program
from edgetune.model.graph import Graph, Operator, Quantization, Tensor


class HandGraph:
    """Every method adds an operator and returns its output's index; weights are zeros."""

    def __init__(self, shape, scale=0.5, zero_point=0):
        self.tensors: list[Tensor] = []
        self.operators: list[Operator] = []
        self.input = self.activation(shape, scale, zero_point)

    def activation(self, shape, scale, zero_point=0) -> int:
        return self._tensor(shape, _quantization([scale], zero_point))

    def constant(self, data, scale=None, axis=0) -> int:
        data = np.asarray(data)
        quantization = None if scale is None else _quantization(scale, 0, axis)
        return self._tensor(data.shape, quantization, data)

    def operator(self, kind, inputs, shape, scale=0.5, zero_point=0, **options) -> int:
        output = self.activation(shape, scale, zero_point)
        index = len(self.operators)
        self.operators.append(Operator(index, kind, tuple(inputs), (output,), options))
        return output

    def conv(self, source, rows, kernel, scale=0.5, zero_point=0, weight_scale=(0.5,), **options):
        weights = np.zeros((rows, *kernel, self.shape(source)[3]), np.int8)
        return self._window("CONV_2D", source, rows, weights, 0, scale, zero_point, weight_scale,
                            kernel, options)

    def depthwise(self, source, each, kernel, scale=0.5, zero_point=0, weight_scale=(0.5,),
                  **options):
        rows = self.shape(source)[3] * each
        weights = np.zeros((1, *kernel, rows), np.int8)
        return self._window("DEPTHWISE_CONV_2D", source, rows, weights, 3, scale, zero_point,
                            weight_scale, kernel, options)

    def pool(self, kind, source, kernel, scale=0.5, zero_point=0, **options):
        filters = dict(filter_height=kernel[0], filter_width=kernel[1])
        shape = (1, *self._out(source, kernel, options), self.shape(source)[3])
        return self.operator(kind, [source], shape, scale, zero_point, **_window_options(options),
                             **filters)

    def dense(self, source, rows, scale=0.5, zero_point=0, weight_scale=(0.5,), **options):
        weights = np.zeros((rows, math.prod(self.shape(source))), np.int8)
        inputs = [source, self.constant(weights, weight_scale), self._bias(rows)]
        return self.operator("FULLY_CONNECTED", inputs, (1, rows), scale, zero_point, **options)

    def pad(self, source, before, after):
        paddings = [(0, 0), *zip(before, after), (0, 0)]
        _, height, width, channels = self.shape(source)
        shape = (1, height + before[0] + after[0], width + before[1] + after[1], channels)
        of = self.tensors[source].quantization
        inputs = [source, self.constant(np.array(paddings, np.int32))]
        return self.operator("PAD", inputs, shape, of.scale[0], of.zero_point[0])

    def softmax(self, source, beta=1.0):
        return self.operator("SOFTMAX", [source], self.shape(source), 1 / 256, -128, beta=beta)

    def shape(self, tensor: int) -> tuple[int, ...]:
        return self.tensors[tensor].shape

    def lower(self, output: int) -> Program:
        return lower(self.graph(output))

    def graph(self, output: int) -> Graph:
        return Graph(self.tensors, self.operators, (self.input,), (output,), sha256="00" * 32)

    def _tensor(self, shape, quantization, data=None) -> int:
        index = len(self.tensors)
        dtype = "int8" if data is None else str(data.dtype)
        self.tensors.append(Tensor(index, f"t{index}", tuple(shape), dtype, quantization, data))
        return index

    def _bias(self, rows: int) -> int:
        return self.constant(np.zeros(rows, np.int32))

    def _window(self, kind, source, rows, weights, axis, scale, zero_point, weight_scale, kernel,
                options):
        shape = (1, *self._out(source, kernel, options), rows)
        inputs = [source, self.constant(weights, weight_scale, axis), self._bias(rows)]
        return self.operator(kind, inputs, shape, scale, zero_point, **_window_options(options))

    def _out(self, source, kernel, options) -> tuple[int, ...]:
        stride, dilation = options.get("stride", (1, 1)), options.get("dilation", (1, 1))
        size = self.shape(source)[1:3]
        if options.get("padding", "VALID") == "SAME":
            return tuple(-(-n // s) for n, s in zip(size, stride))
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
        return tuple((n - r) // s + 1 for n, r, s in zip(size, reach, stride))


def _quantization(scale, zero_point, axis=0) -> Quantization:
    """Scales as a file holds them: float32."""
    scale = np.asarray(scale, np.float32).astype(np.float64)
    return Quantization(scale, np.full(len(scale), zero_point, np.int64), axis)


def _window_options(options: dict) -> dict:
    """TFLite's names."""
    options = {"padding": "VALID", "stride": (1, 1), "dilation": (1, 1)} | options
    stride, dilation = options.pop("stride"), options.pop("dilation")
    return options | dict(
        stride_h=stride[0], stride_w=stride[1], dilation_h_factor=dilation[0],
        dilation_w_factor=dilation[1],
    )
