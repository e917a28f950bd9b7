"""Builds small int8 .tflite models from scratch, for tests that must not depend on files.

    model = ModelBuilder((1, 8, 8, 3), seed=1)
    model.conv(8, 3, stride=2, activation="RELU").mean().dense(4).softmax()
    content = model.build()
    outputs = run_in_tflite(content, model.random_inputs(10))

Weights are random and seeded.  A batch of random inputs travels along in float, and every
output scale is chosen from the range it takes, so that activations fill the int8 range.
"""

from __future__ import annotations

import numpy as np
import tflite

from edgetune.model.decode import snake
from edgetune.model.moves import places_of
from tests.support.tflite_writer import OperatorSpec, TensorSpec, serialise
from tests.support.tiny_operators import (
    ARITHMETIC,
    COMPARED,
    DECIDED,
    FUNCTIONS,
    MOVE_OPTIONS,
    NO_ACTIVATION,
    PARAMETERS,
    activated,
    patches,
    resized,
    spread,
)

PROBES = 16  # random inputs the output scales are estimated from


class ModelBuilder:
    """A chain of operators, each applied to the output of the one before.

    Every method returns the builder.  ``stride`` and ``kernel`` are one integer or
    ``(height, width)``; ``padding`` is "SAME" or "VALID"; ``activation`` is a name of the
    schema's ActivationFunctionType ("NONE", "RELU", "RELU6", "RELU_N1_TO_1", ...).

    Args:
        input_shape: shape with the batch of one: ``(1, height, width, channels)`` or ``(1, n)``.
        input_scale, input_zero_point: the input's quantisation.
        seed: of the weights and of the inputs the scales are estimated from.
    """

    def __init__(self, input_shape, input_scale=1 / 64, input_zero_point=0, seed=0):
        self.random = np.random.default_rng(seed)
        self.tensors: list[TensorSpec] = []
        self.operators: list[OperatorSpec] = []
        self.input_shape = tuple(input_shape)
        self.current = self._tensor("input", self.input_shape, input_scale, input_zero_point)
        probes = self.random_inputs(PROBES, seed).astype(np.float64)
        self._probe = (probes[:, 0] - input_zero_point) * input_scale
        self.inputs = [self.current]

    def another_input(self, name, shape, scale=1 / 64, zero_point=0):
        """A further input, to go on from; samples are then those of all in a row."""
        values = np.random.default_rng(len(self.tensors)).integers(-128, 128, (PROBES, *shape[1:]))
        self.current = self._tensor(name, shape, scale, zero_point)
        self._probe = (values - zero_point) * scale
        self.inputs.append(self.current)
        self.input_shape = (1, sum(int(np.prod(self.tensors[i].shape)) for i in self.inputs))
        return self

    # ---- operators with weights

    def conv(self, filters, kernel, stride=1, padding="SAME", activation="NONE",
             per_channel=True, dilation=1, groups=1):
        """CONV_2D; weights ``(filters, kernel height, kernel width, input channels / groups)``.

        There is always a bias: TFLite refuses a convolution without one.
        """
        kernel, stride = _pair(kernel), _pair(stride)
        channels = self.shape[3] // groups
        weights = self._random_weights((filters, *kernel, channels), np.prod(kernel) * channels)
        indices, weights, bias = self._constants(weights, 0, per_channel)
        windows = patches(self._probe, kernel, stride, padding, dilation=dilation)
        parts = zip(np.split(windows, groups, axis=3), np.split(weights, groups))
        real = [np.einsum("nhwcij,oijc->nhwo", part, own) for part, own in parts]
        real = np.concatenate(real, axis=3) + bias
        options = dict(Padding=_padding(padding), StrideH=stride[0], StrideW=stride[1],
                       DilationHFactor=dilation, DilationWFactor=dilation)
        return self._finish("CONV_2D", indices, real, "Conv2DOptions", options, activation)

    def depthwise(self, kernel, stride=1, padding="SAME", activation="NONE", multiplier=1,
                  per_channel=True, bias=True, dilation=1):
        """DEPTHWISE_CONV_2D; weights ``(1, kernel height, kernel width, channels * multiplier)``.

        Output channel ``c * multiplier + m`` comes from input channel ``c``.
        """
        kernel, stride = _pair(kernel), _pair(stride)
        channels = self.shape[3] * multiplier
        weights = self._random_weights((1, *kernel, channels), kernel[0] * kernel[1])
        indices, weights, bias = self._constants(weights, 3, per_channel, bias)
        windows = patches(self._probe, kernel, stride, padding, dilation=dilation)
        windows = np.repeat(windows, multiplier, axis=3)
        real = np.einsum("nhwcij,ijc->nhwc", windows, weights[0]) + bias
        options = dict(Padding=_padding(padding), StrideH=stride[0], StrideW=stride[1],
                       DepthMultiplier=multiplier,
                       DilationHFactor=dilation, DilationWFactor=dilation)
        return self._finish(
            "DEPTHWISE_CONV_2D", indices, real, "DepthwiseConv2DOptions", options, activation
        )

    def transposed(self, filters, kernel, stride=1, padding="SAME", activation="NONE",
                   per_channel=True, bias=True, more=(0, 0)):
        """TRANSPOSE_CONV; weights ``(filters, kernel height, kernel width, input channels)``.

        ``more``: rows and columns that the output has beyond the least, below the stride.
        """
        kernel, stride = _pair(kernel), _pair(stride)
        height, width, channels = self.shape[1:]
        weights = self._random_weights((filters, *kernel, channels), np.prod(kernel) * channels)
        indices, weights, bias = self._constants(weights, 0, per_channel, bias)
        least = kernel if padding == "VALID" else (1, 1)
        size = [(n - 1) * s + k + m for n, s, k, m in zip((height, width), stride, least, more)]
        real = spread(self._probe, weights, stride, padding, size) + bias
        options = dict(Padding=_padding(padding), StrideH=stride[0], StrideW=stride[1])
        shape = self._constant("shape", np.array([1, *size, filters], np.int32))
        source = self.current
        self._finish("TRANSPOSE_CONV", [], real, "TransposeConvOptions", options, activation)
        self.operators[-1].inputs = [shape, indices[0], source, *indices[1:]]
        return self

    def dense(self, units, activation="NONE", per_channel=False, bias=True, everywhere=None):
        """FULLY_CONNECTED; weights ``(units, input size)``; the input is taken as flat, or with
        ``everywhere`` as a vector a cell: "kept" keeps the dimensions, "rows" has two."""
        if everywhere:
            return self._dense_everywhere(units, activation, per_channel, everywhere == "kept")
        size = int(np.prod(self.shape))
        weights = self._random_weights((units, size), size)
        indices, weights, bias = self._constants(weights, 0, per_channel, bias)
        real = self._probe.reshape(len(self._probe), -1) @ weights.T + bias
        return self._finish(
            "FULLY_CONNECTED", indices, real, "FullyConnectedOptions", {}, activation
        )

    def _dense_everywhere(self, units, activation, per_channel, kept):
        weights = self._random_weights((units, self.shape[-1]), self.shape[-1])
        indices, weights, bias = self._constants(weights, 0, per_channel)
        real = self._probe @ weights.T + bias
        self._finish("FULLY_CONNECTED", indices, real, "FullyConnectedOptions",
                     {"KeepNumDims": int(kept)}, activation)
        if not kept:
            self.tensors[self.current].shape = (int(np.prod(self.shape[:-1])), units)
        return self

    # ---- operators without weights

    def max_pool(self, size=2, stride=None, padding="VALID", activation="NONE"):
        """MAX_POOL_2D; ``stride`` defaults to ``size``; the scale stays."""
        return self._pool("MAX_POOL_2D", -np.inf, np.max, size, stride, padding, activation)

    def average_pool(self, size=2, stride=None, padding="VALID", activation="NONE"):
        """AVERAGE_POOL_2D over the elements inside the image; the scale stays."""
        return self._pool("AVERAGE_POOL_2D", np.nan, np.nanmean, size, stride, padding, activation)

    def mean(self, keep_dims=False, same_scale=False):
        """MEAN over all but batch and channels; a scale of its own unless ``same_scale``."""
        return self.reduce("MEAN", range(1, self._probe.ndim - 1), keep_dims, same_scale)

    def reduce(self, kind, axes, keep_dims=False, same_scale=False):
        """MEAN or REDUCE_MAX over ``axes``, which may be negative or stand twice."""
        function = {"MEAN": np.mean, "REDUCE_MAX": np.max}[kind]
        chosen = {axis % self._probe.ndim for axis in axes} - {0}  # the batch is one
        real = function(self._probe, axis=tuple(chosen), keepdims=keep_dims)
        index = self._constant("axes", np.array(list(axes), np.int32))
        return self._finish(kind, [index], real, "ReducerOptions", dict(KeepDims=int(keep_dims)),
                            keep_scale=same_scale or kind == "REDUCE_MAX")

    def pad(self, *edges, channels=(0, 0)):
        """PAD with zeros (the zero point): top, bottom, left and right, of a sequence its ends;
        and ``channels``, before and behind."""
        paddings = [(0, 0), *zip(edges[::2], edges[1::2]), channels]
        index = self._constant("paddings", np.array(paddings, np.int32))
        real = np.pad(self._probe, paddings)
        return self._finish("PAD", [index], real, "PadOptions", {}, keep_scale=True)

    def reshape(self, shape):
        """RESHAPE; ``shape`` with the batch, one entry may be -1."""
        index = self._constant("shape", np.array(shape, np.int32))
        real = self._probe.reshape(len(self._probe), *self._probe[:1].reshape(shape).shape[1:])
        return self._finish("RESHAPE", [index], real, keep_scale=True)

    def softmax(self, beta=1.0):
        """SOFTMAX over the last axis; scale 1/256, zero point -128."""
        real = np.exp(beta * (self._probe - self._probe.max(axis=-1, keepdims=True)))
        real /= real.sum(axis=-1, keepdims=True)
        return self._finish("SOFTMAX", [], real, "SoftmaxOptions", dict(Beta=beta), scale=1 / 256)

    def unary(self, kind, alpha=None, **quantization):
        """Any operator with one input and the same output shape (LOGISTIC, RELU, QUANTIZE, ...).

        ``alpha`` is LEAKY_RELU's, or whether GELU approximates; ``scale`` and ``zero_point`` may
        be given.
        """
        real = FUNCTIONS.get(kind, lambda x, alpha: x)(self._probe, alpha)
        table, name = PARAMETERS.get(kind, ("", ""))
        options = {name: alpha} if table else None
        return self._finish(kind, [], real, table, options, **quantization)

    def in_float(self, *kinds):
        """Functions of one value in float32, between a DEQUANTIZE and a QUANTIZE."""
        for kind in ("DEQUANTIZE", *kinds):
            real = FUNCTIONS.get(kind, lambda x, alpha: x)(self._probe, None)
            spec = TensorSpec(f"{kind.lower()}{len(self.operators)}", self.shape, "float32")
            self.tensors.append(spec)
            self.operators.append(OperatorSpec(kind, [self.current], len(self.tensors) - 1))
            self.current, self._probe = len(self.tensors) - 1, real
        return self.unary("QUANTIZE")

    # ---- branches

    def save(self):
        """The current output, to come back to."""
        return self.current, self._probe

    def back_to(self, point):
        """Goes on from a saved output."""
        self.current, self._probe = point
        return self

    def join(self, kind, point, activation="NONE", swap=False):
        """ADD, SUB or MUL of the current output and a saved one, which may be smaller."""
        index, probe = point
        operands = (probe, self._probe) if swap else (self._probe, probe)
        real = ARITHMETIC[kind](*operands)
        table = f"{kind.title()}Options"
        return self._finish(kind, [index], real, table, {}, activation, swap=swap)

    def constant(self, values):
        """A constant int8 operand for ``join``; its shape may lack leading dimensions."""
        values = np.asarray(values, np.float64)
        scale = np.float32(max(np.abs(values).max(), 1e-3) / 127)
        data = np.round(values / scale).astype(np.int8)
        return self._constant("constant", data, np.array([scale])), data * scale

    def decided(self, kind, point):
        """MAXIMUM, MINIMUM, PRELU or SQUARED_DIFFERENCE with a constant, or all but PRELU with a
        saved activation, which for the first two has the same scale."""
        index, probe = point
        tensor = self.tensors[index]
        of_one_scale = kind in ("MAXIMUM", "MINIMUM")
        if tensor.data is not None and of_one_scale:
            here = self.tensors[self.current]
            tensor.scale, tensor.zero_point = here.scale, here.zero_point
            steps = np.round(probe / here.scale[0]) + here.zero_point[0]
            tensor.data = np.clip(steps, -128, 127).astype(np.int8)
            probe = (tensor.data - here.zero_point[0]) * here.scale[0]
        keep = of_one_scale or kind == "PRELU"
        return self._finish(kind, [index], DECIDED[kind](self._probe, probe), keep_scale=keep)

    def select(self, comparison, pair, chosen, other):
        """SELECT_V2 of two saved outputs by a comparison of two others; the former get one
        scale."""
        (first, a), (second, b) = pair
        real = np.where(COMPARED[comparison](a, b), chosen[1], other[1])
        self.current, self._probe = chosen
        name = f"{comparison.lower()}{len(self.operators)}"
        flags = TensorSpec(name, (1, *real.shape[1:]), "bool")
        self.tensors.append(flags)
        place = len(self.tensors) - 1
        self.operators.append(OperatorSpec(comparison, [first, second], place))
        self._finish("SELECT_V2", [], real)
        self.operators[-1].inputs = [place, chosen[0], other[0]]
        for index in (chosen[0], other[0]):
            made = self.tensors[self.current]
            self.tensors[index].scale = made.scale
            self.tensors[index].zero_point = made.zero_point
        return self

    def concatenate(self, *points, axis=-1):
        """CONCATENATION of the current output and saved ones, all of one scale."""
        real = np.concatenate([self._probe, *(probe for _, probe in points)], axis=axis)
        options = dict(Axis=axis)
        others = [index for index, _ in points]
        return self._finish("CONCATENATION", others, real, "ConcatenationOptions", options,
                            keep_scale=True)

    # ---- views and crops

    def squeeze(self, *axes):
        """SQUEEZE of axes of size one."""
        real = np.squeeze(self._probe, axes)
        return self._finish("SQUEEZE", [], real, "SqueezeOptions", dict(SqueezeDims=axes),
                            keep_scale=True)

    def expand(self, axis):
        """EXPAND_DIMS before ``axis``."""
        index = self._constant("axis", np.array([axis], np.int32))
        real = np.expand_dims(self._probe, axis)
        return self._finish("EXPAND_DIMS", [index], real, keep_scale=True)

    def transpose(self, *order):
        index = self._constant("order", np.array(order, np.int32))
        return self._finish("TRANSPOSE", [index], self._probe.transpose(order), keep_scale=True)

    def crop(self, begin, end, begin_mask=0, end_mask=0):
        """STRIDED_SLICE with strides of one; bit i of a mask: all of axis i."""
        rank = len(begin)
        parts = [np.array(v, np.int32) for v in (begin, end, [1] * rank)]
        indices = [self._constant(f"slice{i}_", part) for i, part in enumerate(parts)]
        real = self._probe[(slice(None), *(
            slice(None if begin_mask >> i & 1 else begin[i], None if end_mask >> i & 1 else end[i])
            for i in range(1, rank)
        ))]
        options = dict(BeginMask=begin_mask, EndMask=end_mask)
        return self._finish("STRIDED_SLICE", indices, real, "StridedSliceOptions", options,
                            keep_scale=True)

    # ---- other moves of values

    def move(self, kind, *constants, data=0, part=0, **options):
        """Any operator that only moves values, by its constants and its options' schema names.

        ``data``: place of the activation among the inputs; ``part``: the output to go on from.
        """
        constants = [np.asarray(c, np.int32) for c in constants]
        named = dict.fromkeys(map(snake, MOVE_OPTIONS[kind][1]), 0)
        named |= {snake(name): value for name, value in options.items()}
        probe, shape = self._probe, self.shape
        taken = places_of(kind, shape, named, constants)
        reals = [probe.reshape(len(probe), -1)[:, t.reshape(-1)].reshape(-1, *t.shape[1:])
                 for t in taken]
        indices = [self._constant(f"{kind.lower()}{i}_", c) for i, c in enumerate(constants)]
        first = self.tensors[self.current]
        source = self.current
        self._finish(kind, indices, reals[part], MOVE_OPTIONS[kind][0], options, keep_scale=True)
        operator = self.operators[-1]
        operator.inputs = [*indices[:data], source, *indices[data:]]
        made = [
            self.current if i == part else self._tensor(
                f"{kind.lower()}{len(self.operators)}_{i}", (1, *real.shape[1:]),
                first.scale[0], first.zero_point[0],
            ) for i, real in enumerate(reals)
        ]
        operator.output, operator.others = made[0], tuple(made[1:])
        self.made = [(index, real) for index, real in zip(made, reals)]
        return self

    def resize_bilinear(self, size, **options):
        """RESIZE_BILINEAR to height and width; options by their schema names."""
        real = resized(self._probe, size, *(
            bool(options.get(name)) for name in ("AlignCorners", "HalfPixelCenters")))
        index = self._constant("size", np.array(size, np.int32))
        return self._finish("RESIZE_BILINEAR", [index], real, "ResizeBilinearOptions", options,
                            keep_scale=True)

    def pack(self, *points, axis=1):
        """PACK of the current output and saved ones, all of one scale."""
        real = np.stack([self._probe, *(probe for _, probe in points)], axis)
        others = [index for index, _ in points]
        options = dict(Axis=axis, ValuesCount=len(points) + 1)
        return self._finish("PACK", others, real, "PackOptions", options, keep_scale=True)

    # ---- how constants are kept

    def zero_biases(self):
        """Zeros in all biases; those of one size share a buffer, as TensorFlow merges them."""
        first = {}
        for tensor in (self.tensors[o.inputs[2]] for o in self.operators if len(o.inputs) > 2):
            tensor.data = np.zeros_like(tensor.data)
            owner = first.setdefault(tensor.shape, tensor)
            tensor.shares = None if owner is tensor else owner
        return self

    def no_bias(self, place=-1):
        """Leaves an operator's bias out as TensorFlow does, which writes -1."""
        self.operators[place].inputs[2:] = [-1]
        return self

    # ---- results

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the current output."""
        return self.tensors[self.current].shape

    def random_inputs(self, count, seed=0) -> np.ndarray:
        """``count`` int8 inputs, uniform over the whole range: ``(count, *input_shape)``."""
        shape = (count, *self.input_shape)
        return np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)

    def build(self, expose_all=False, old_codes=False) -> bytes:
        """The file's content.

        Args:
            expose_all: make every activation an output of the graph, in order of operators.
            old_codes: keep the operators' codes in ``deprecated_builtin_code`` only.
        """
        outputs = [o.output for o in self.operators] if expose_all else [self.current]
        return serialise(self.tensors, self.operators, outputs, old_codes, self.inputs)

    # ---- inner parts

    def _pool(self, kind, fill, reduce, size, stride, padding, activation):
        size = _pair(size)
        stride = size if stride is None else _pair(stride)
        real = reduce(patches(self._probe, size, stride, padding, fill), axis=(4, 5))
        options = dict(Padding=_padding(padding), StrideH=stride[0], StrideW=stride[1],
                       FilterHeight=size[0], FilterWidth=size[1])
        return self._finish(
            kind, [], real, "Pool2DOptions", options, activation, keep_scale=True
        )

    def _random_weights(self, shape, fan_in):
        return self.random.normal(0, np.sqrt(2 / fan_in), shape)

    def _constants(self, weights, axis, per_channel, with_bias=True):
        """Adds weights and bias; returns their indices and the values they really hold."""
        others = tuple(i for i in range(weights.ndim) if i != axis)
        largest = np.abs(weights).max(axis=others if per_channel else None)
        scale = (np.atleast_1d(largest) / 127).astype(np.float32)
        along = scale.reshape([-1 if i == axis else 1 for i in range(weights.ndim)])
        quantised = np.round(weights / along).astype(np.int8)
        index = self._constant("weights", quantised, scale, axis)
        if not with_bias:
            return [index], quantised * along, 0.0
        bias_scale = scale * self.tensors[self.current].scale[0]
        bias = self.random.normal(0, 0.1, weights.shape[axis]) * self._probe.std()
        bias = np.round(bias / bias_scale).astype(np.int32)
        indices = [index, self._constant("bias", bias, bias_scale)]
        return indices, quantised * along, bias * bias_scale

    def _constant(self, name, data, scale=None, axis=0):
        zero_point = None if scale is None else np.zeros(len(scale), np.int64)
        name = f"{name}{len(self.operators)}"
        spec = TensorSpec(name, data.shape, str(data.dtype), scale, zero_point, axis, data)
        self.tensors.append(spec)
        return len(self.tensors) - 1

    def _tensor(self, name, shape, scale, zero_point):
        scale, zero_point = np.array([scale], np.float32), np.array([zero_point], np.int64)
        self.tensors.append(TensorSpec(name, tuple(shape), "int8", scale, zero_point))
        return len(self.tensors) - 1

    def _finish(self, kind, constants, real, table="", options=None, activation="NONE",
                keep_scale=False, scale=None, zero_point=-128, swap=False):
        """Adds the operator and its output, quantised to the range of ``real``."""
        real = activated(real, activation)
        if keep_scale:
            scale = self.tensors[self.current].scale[0]
            zero_point = self.tensors[self.current].zero_point[0]
        elif scale is None:
            low, high = min(real.min(), 0.0), max(real.max(), 1e-3)
            scale = (high - low) / 255
            zero_point = int(np.clip(np.round(-128 - low / scale), -128, 127))
        if options is not None and table not in NO_ACTIVATION:
            code = getattr(tflite.ActivationFunctionType, activation)
            options = dict(options, FusedActivationFunction=code)
        output = self._tensor(f"{kind.lower()}{len(self.operators)}", (1, *real.shape[1:]),
                              scale, zero_point)
        inputs = [*constants, self.current] if swap else [self.current, *constants]
        self.operators.append(OperatorSpec(kind, inputs, output, table, options))
        self.current, self._probe = output, real
        return self







def _pair(value):
    return (value, value) if np.isscalar(value) else tuple(value)


def _padding(name):
    return getattr(tflite.Padding, name)
