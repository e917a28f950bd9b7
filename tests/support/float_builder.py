"""Builds float Graphs operator by operator, branches included, with random seeded weights.

    b = FloatBuilder((1, 8, 8, 3))
    x = b.conv(b.input, 8, 3, fused="RELU")
    graph = b.graph(b.dense(b.add("ADD", x, b.conv(x, 8, 3)), 4))

Every method returns the index of the tensor that it adds.
"""

from __future__ import annotations

import numpy as np

from edgetune.model.graph import Graph, Operator, Tensor
from edgetune.model.kinds import KINDS
from edgetune.model.shapes import unchanged


class FloatBuilder:
    """``input`` is the index of the input, of ``input_shape`` with the batch of one."""

    def __init__(self, input_shape, seed=0):
        self.random = np.random.default_rng(seed)
        self.tensors: list[Tensor] = []
        self.operators: list[Operator] = []
        self.input = self._tensor("input", input_shape)
        self.inputs = [self.input]

    def another_input(self, name, shape):
        """A further input; samples are then the values of all in a row."""
        self.inputs.append(self._tensor(name, shape))
        return self.inputs[-1]

    # ---- operators with weights

    def conv(self, x, filters, kernel, stride=1, padding="SAME", fused="NONE", dilation=1,
             groups=1):
        """There is always a bias: TFLite refuses a convolution without one."""
        kernel = _pair(kernel)
        channels = self.shape(x)[3] // groups
        weights = self._weights((filters, *kernel, channels), np.prod(kernel) * channels)
        options = _window(stride, padding, fused, dilation)
        return self.add("CONV_2D", x, weights, self._bias(filters), **options)

    def depthwise(self, x, kernel, stride=1, padding="SAME", fused="NONE", multiplier=1,
                  dilation=1, bias=True):
        kernel = _pair(kernel)
        channels = self.shape(x)[3] * multiplier
        weights = self._weights((1, *kernel, channels), np.prod(kernel))
        options = _window(stride, padding, fused, dilation) | {"depth_multiplier": multiplier}
        operands = (weights, self._bias(channels)) if bias else (weights,)
        return self.add("DEPTHWISE_CONV_2D", x, *operands, **options)

    def transposed(self, x, filters, kernel, stride=1, padding="SAME", fused="NONE"):
        """As many outputs as its windows cover; with SAME a stride for each input."""
        kernel, stride = _pair(kernel), _pair(stride)
        _, height, width, channels = self.shape(x)
        weights = self._weights((filters, *kernel, channels), np.prod(kernel) * channels)
        reach = stride if padding == "SAME" else kernel
        size = [(n - 1) * s + r for n, s, r in zip((height, width), stride, reach)]
        return self.add(
            "TRANSPOSE_CONV", x, weights, self._bias(filters), padding=padding,
            stride_h=stride[0], stride_w=stride[1], fused_activation_function=fused,
            output_shape=(1, *size, filters),
        )

    def dense(self, x, units, fused="NONE", keep_num_dims=False, bias=True):
        shape = self.shape(x)
        size = shape[-1] if keep_num_dims else int(np.prod(shape))
        weights = self._weights((units, size), size)
        return self.add("FULLY_CONNECTED", x, weights, self._bias(units) if bias else None,
                        fused_activation_function=fused, keep_num_dims=keep_num_dims,
                        weights_format=0)

    # ---- operators without

    def pool(self, kind, x, size, stride=None, padding="VALID", fused="NONE"):
        height, width = _pair(size)
        options = _window(size if stride is None else stride, padding, fused)
        return self.add(kind, x, filter_height=height, filter_width=width, **options)

    def mean(self, x, axes=(1, 2), keep_dims=False, kind="MEAN"):
        """MEAN or REDUCE_MAX."""
        rank = len(self.shape(x))
        chosen = [a % rank for a in axes]
        shape = [1 if i in chosen else n for i, n in enumerate(self.shape(x))
                 if keep_dims or i not in chosen]
        return self.add(kind, x, np.array(axes, np.int32), shape=shape, keep_dims=keep_dims)

    def pad(self, x, paddings):
        return self.add("PAD", x, np.array(paddings, np.int32))

    def reshape(self, x, shape):
        return self.add("RESHAPE", x, np.array(shape, np.int32), shape=shape)

    def expand(self, x, axis):
        shape = list(self.shape(x))
        shape.insert(axis, 1)
        return self.add("EXPAND_DIMS", x, np.array(axis, np.int32), shape=shape)

    def slice(self, x, begin, end, shrink=(), shape=None):
        """STRIDED_SLICE; bounds without the batch, dimensions in ``shrink`` are dropped."""
        begin, end = (0, *begin), (1, *end)
        if shape is None:
            shape = [b - a for i, (a, b) in enumerate(zip(begin, end)) if i not in shrink]
        bounds = [np.array(v, np.int32) for v in (begin, end, np.ones(len(begin)))]
        masks = dict(begin_mask=0, end_mask=0, ellipsis_mask=0, new_axis_mask=0,
                     shrink_axis_mask=sum(1 << i for i in shrink))
        return self.add("STRIDED_SLICE", x, *bounds, shape=shape, **masks)

    def batch_norm(self, x, fused="NONE"):
        """MUL and ADD by a random constant a channel."""
        channels = self.shape(x)[-1]
        factor = self.random.uniform(0.3, 2, channels) * self.random.choice([-1, 1], channels)
        offset = self.random.normal(0, 0.5, channels)
        none = dict(fused_activation_function="NONE")
        x = self.add("MUL", x, factor.astype(np.float32), **none)
        return self.add("ADD", x, offset.astype(np.float32), fused_activation_function=fused)

    def both(self, kind, x, y, fused="NONE"):
        """ADD, SUB or MUL of two tensors or arrays."""
        return self.add(kind, x, y, fused_activation_function=fused)

    def concat(self, inputs, axis=-1, fused="NONE"):
        return self.add("CONCATENATION", *inputs, axis=axis, fused_activation_function=fused)

    def add(self, kind, *inputs, shape=None, **options):
        """Any operator; arrays among ``inputs`` become constants, None an absent operand."""
        indices = tuple(
            self._constant(i) if isinstance(i, np.ndarray) else -1 if i is None else i
            for i in inputs
        )
        name = f"{kind.lower()}{len(self.operators)}"
        output = self._tensor(name, shape or ())
        operator = Operator(len(self.operators), kind, indices, (output,), options)
        self.operators.append(operator)
        if shape is None:
            output_shape = KINDS[kind].output_shape if kind in KINDS else unchanged
            found = output_shape(Graph(self.tensors, self.operators, (), ()), operator)
            self.tensors[output].shape = tuple(int(n) for n in found)
        return output

    # ---- results

    def graph(self, output) -> Graph:
        return Graph(self.tensors, self.operators, tuple(self.inputs), (output,))

    def shape(self, tensor) -> tuple[int, ...]:
        return self.tensors[tensor].shape

    def samples(self, count, seed=1) -> np.ndarray:
        """Standard normal inputs, float32 ``(count, *input_shape without the batch)``."""
        shape = (count, *self.graph(self.input).input.shape[1:])
        return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)

    # ---- inner parts

    def _tensor(self, name, shape):
        self.tensors.append(Tensor(len(self.tensors), name, tuple(shape), "float32"))
        return len(self.tensors) - 1

    def _constant(self, values):
        index = self._tensor(f"constant{len(self.tensors)}", values.shape)
        self.tensors[index].data, self.tensors[index].dtype = values, str(values.dtype)
        return index

    def _weights(self, shape, fan_in):
        return self.random.normal(0, np.sqrt(2 / fan_in), shape).astype(np.float32)

    def _bias(self, size):
        return self.random.normal(0, 0.3, size).astype(np.float32)


def _window(stride, padding, fused, dilation=1):
    (down, right), (dilation_h, dilation_w) = _pair(stride), _pair(dilation)
    return dict(padding=padding, stride_h=down, stride_w=right, dilation_h_factor=dilation_h,
                dilation_w_factor=dilation_w, fused_activation_function=fused)


def _pair(value):
    return (value, value) if np.isscalar(value) else tuple(value)
