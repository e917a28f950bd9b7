"""Builds small int8 .tflite models from scratch, for tests that must not depend on files.

    model = ModelBuilder((1, 8, 8, 3), seed=1)
    model.conv(8, 3, stride=2, activation="RELU").mean().dense(4).softmax()
    content = model.build()
    outputs = run_in_tflite(content, model.random_inputs(10))

Weights are random and seeded.  A batch of random inputs travels along in float, and every
output scale is chosen from the range it takes, so that activations fill the int8 range.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import flatbuffers
import numpy as np
import pytest
import tflite

from edgetune.floats.operators import OPERATORS
from edgetune.model.decode import snake
from edgetune.model.moves import places_of

PROBES = 16  # random inputs the output scales are estimated from


@dataclass
class TensorSpec:
    """A tensor to be written; ``data`` is None for activations.  One that stands in the list
    twice is one table with two numbers."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: np.ndarray | None = None
    zero_point: np.ndarray | None = None
    axis: int = 0
    data: np.ndarray | None = None
    sparse: bool = False
    shares: TensorSpec | None = None  # one before it, whose buffer it is in
    variable: bool = False  # a state


@dataclass
class OperatorSpec:
    """An operator to be written; ``options`` holds schema names (``StrideH``) and integers.  An
    ``output`` of -1 is none."""

    kind: str
    inputs: list[int]
    output: int
    options_table: str = ""
    options: dict | None = None
    others: tuple[int, ...] = ()  # further outputs
    intermediates: tuple[int, ...] = ()


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
        patches = _patches(self._probe, kernel, stride, padding, dilation=dilation)
        parts = zip(np.split(patches, groups, axis=3), np.split(weights, groups))
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
        patches = _patches(self._probe, kernel, stride, padding, dilation=dilation)
        patches = np.repeat(patches, multiplier, axis=3)
        real = np.einsum("nhwcij,ijc->nhwc", patches, weights[0]) + bias
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
        real = _spread(self._probe, weights, stride, padding, size) + bias
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
        real = reduce(_patches(self._probe, size, stride, padding, fill), axis=(4, 5))
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
        real = _activate(real, activation)
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


NO_ACTIVATION = {
    "", "ReducerOptions", "PadOptions", "SoftmaxOptions", "LeakyReluOptions", "SqueezeOptions",
    "StridedSliceOptions", "PackOptions", "GeluOptions", "ResizeBilinearOptions",
}
MOVE_OPTIONS = {  # table and fields
    "TRANSPOSE": ("", ()), "SLICE": ("", ()), "REVERSE_V2": ("", ()), "TILE": ("", ()),
    "BROADCAST_TO": ("", ()),
    "STRIDED_SLICE": ("StridedSliceOptions", (
        "BeginMask", "EndMask", "EllipsisMask", "NewAxisMask", "ShrinkAxisMask")),
    "SPLIT": ("SplitOptions", ("NumSplits",)), "SPLIT_V": ("SplitVOptions", ("NumSplits",)),
    "UNPACK": ("UnpackOptions", ("Num", "Axis")),
    "GATHER": ("GatherOptions", ("Axis", "BatchDims")),
    "MIRROR_PAD": ("MirrorPadOptions", ("Mode",)),
    "RESIZE_NEAREST_NEIGHBOR": ("ResizeNearestNeighborOptions", (
        "AlignCorners", "HalfPixelCenters")),
    "SPACE_TO_DEPTH": ("SpaceToDepthOptions", ("BlockSize",)),
    "DEPTH_TO_SPACE": ("DepthToSpaceOptions", ("BlockSize",)),
}
NO_ACTIVATION |= {table for table, _ in MOVE_OPTIONS.values()}
ERF = np.vectorize(math.erf)
ARITHMETIC = {"ADD": np.add, "SUB": np.subtract, "MUL": np.multiply}
FUNCTIONS = {
    "RELU": lambda x, alpha: np.maximum(x, 0),
    "RELU6": lambda x, alpha: np.clip(x, 0, 6),
    "LEAKY_RELU": lambda x, alpha: np.where(x < 0, alpha * x, x),
    "LOGISTIC": lambda x, alpha: 1 / (1 + np.exp(-x)),
    "TANH": lambda x, alpha: np.tanh(x),
    "HARD_SWISH": lambda x, alpha: x * np.clip(x + 3, 0, 6) / 6,
    "ELU": lambda x, alpha: np.where(x < 0, np.exp(np.minimum(x, 0)) - 1, x),
    "GELU": lambda x, alpha: x / 2 * (1 + (
        np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)) if alpha else ERF(x / np.sqrt(2)))),
    "RELU_N1_TO_1": lambda x, alpha: np.clip(x, -1, 1),
    "RELU_0_TO_1": lambda x, alpha: np.clip(x, 0, 1),
    "ABS": lambda x, alpha: np.abs(x),
    "EXP": lambda x, alpha: np.exp(x),
    "RSQRT": lambda x, alpha: np.where(x > 0, 1 / np.sqrt(np.maximum(x, 1e-9)), 0.0),
    "LOG_SOFTMAX": lambda x, alpha: x - np.logaddexp.reduce(x, axis=-1, keepdims=True),
    "NEG": lambda x, alpha: -x,
    "SQUARE": lambda x, alpha: x * x,
    "SQRT": lambda x, alpha: np.sqrt(np.maximum(x, 0)),
    "LOG": lambda x, alpha: np.log(np.maximum(x, 1e-2)),
}
PARAMETERS = {
    "LEAKY_RELU": ("LeakyReluOptions", "Alpha"), "GELU": ("GeluOptions", "Approximate"),
}
COMPARED = {
    "GREATER": np.greater, "LESS": np.less, "GREATER_EQUAL": np.greater_equal,
    "LESS_EQUAL": np.less_equal,
}
DECIDED = {
    "MAXIMUM": np.maximum,
    "MINIMUM": np.minimum,
    "PRELU": lambda x, slopes: np.where(x < 0, x * slopes, x),
    "SQUARED_DIFFERENCE": lambda x, y: (x - y) ** 2,
    "SELECT_V2": lambda a, b, x, y: np.where(a > b, x, y),
}


# Whose int8 kernels are newer than 2.14.
NEWER = {tflite.BuiltinOperator.SQRT, tflite.BuiltinOperator.LOG}


def resized(x, size, align_corners=False, half_pixel_centers=False):
    """``x`` [n, height, width, channels] between its cells, in real numbers."""
    options = dict(align_corners=align_corners, half_pixel_centers=half_pixel_centers)
    shape = (len(x), *size, x.shape[3])
    return OPERATORS["RESIZE_BILINEAR"](options, [x], shape)


def run_in_tflite(content: bytes, inputs: np.ndarray) -> list[np.ndarray]:
    """Runs a model in tflite_runtime's reference kernels (BUILTIN_REF); skips without them.
    Of ELU there is none among these: such a model runs in the other kernels.  ``NEWER`` ones take
    LiteRT.

    Args:
        inputs: ``(count, *input_shape)`` int8; of several inputs the values of all in a row.

    Returns:
        One ``(count, *output_shape)`` array a graph output.
    """
    kinds = {code.BuiltinCode() for code in codes(content)}
    runtime = pytest.importorskip(
        "ai_edge_litert.interpreter", reason="newer than tflite-runtime"
    ) if kinds & NEWER else pytest.importorskip(
        "tflite_runtime.interpreter", reason="tflite-runtime is for Python up to 3.11"
    )
    resolvers = runtime.OpResolverType
    others = tflite.BuiltinOperator.ELU in kinds
    interpreter = runtime.Interpreter(
        model_content=content,
        experimental_op_resolver_type=(
            resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES if others else resolvers.BUILTIN_REF
        ),
    )
    interpreter.allocate_tensors()
    where = interpreter.get_input_details()
    ends = np.cumsum([np.prod(detail["shape"]) for detail in where])[:-1]
    outputs = [detail["index"] for detail in interpreter.get_output_details()]
    results = []
    for sample in inputs:
        for detail, part in zip(where, np.split(sample, ends, -1) if len(ends) else [sample]):
            interpreter.set_tensor(detail["index"], part.reshape(detail["shape"]))
        interpreter.reset_all_variables()
        interpreter.invoke()
        results.append([interpreter.get_tensor(index) for index in outputs])
    return [np.stack(column) for column in zip(*results)]


def codes(content: bytes) -> list:
    model = tflite.Model.GetRootAs(content, 0)
    return [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]


def serialise(
    tensors, operators, outputs, old_codes=False, inputs=(0,), others=()
) -> bytes:
    """Writes tensors and operators as a TFLite file; ``others``: tensors and operators of further
    subgraphs, without inputs and outputs."""
    b = flatbuffers.Builder(1024)
    buffers, numbers = [_buffer(b, None)], {}
    graphs = [(tensors, operators, inputs, outputs), *((*other, (), ()) for other in others)]
    kinds = sorted({o.kind for graph in graphs for o in graph[1]})
    subgraphs = [_subgraph(b, *graph, kinds, buffers, numbers) for graph in graphs]
    model = _table(
        b, "Model",
        Version=3,
        OperatorCodes=_offsets(b, [_code_table(b, kind, old_codes) for kind in kinds]),
        Subgraphs=_offsets(b, subgraphs),
        Description=b.CreateString("built for a test"),
        Buffers=_offsets(b, buffers),
    )
    b.Finish(model, b"TFL3")
    return bytes(b.Output())


def _subgraph(b, tensors, operators, inputs, outputs, kinds, buffers, numbers):
    tables = {}
    for spec in tensors:
        if id(spec) in tables:
            continue
        if spec.shares is None:
            buffers.append(_buffer(b, spec.data))
        numbers[id(spec)] = numbers[id(spec.shares)] if spec.shares else len(buffers) - 1
        tables[id(spec)] = _tensor_table(b, spec, numbers[id(spec)])
    nodes = [_operator_table(b, o, kinds.index(o.kind)) for o in operators]
    return _table(
        b, "SubGraph",
        Tensors=_offsets(b, [tables[id(spec)] for spec in tensors]),
        Inputs=_numbers(b, inputs, np.int32),
        Outputs=_numbers(b, outputs, np.int32),
        Operators=_offsets(b, nodes),
        Name=b.CreateString("main"),
    )


def _table(b, name, **fields):
    """Writes the table ``name``; ``fields`` under their schema names, offsets or integers."""
    getattr(tflite, f"{name}Start")(b)
    for field, value in fields.items():
        if value is not None:
            getattr(tflite, f"{name}Add{field}")(b, value)
    return getattr(tflite, f"{name}End")(b)


def _offsets(b, offsets):
    b.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    return b.EndVector()


def _numbers(b, values, dtype):
    return None if values is None else b.CreateNumpyVector(np.asarray(values, dtype))


def _buffer(b, data):
    """A Buffer table; TFLite wants the data itself at a multiple of 16."""
    if data is None:
        return _table(b, "Buffer")
    content = data.tobytes()
    b.StartVector(1, len(content), 16)
    b.head = b.head - len(content)
    b.Bytes[b.head:b.head + len(content)] = content
    return _table(b, "Buffer", Data=b.EndVector())


def _tensor_table(b, spec, buffer):
    quantization = _table(
        b, "QuantizationParameters",
        Scale=_numbers(b, spec.scale, np.float32),
        ZeroPoint=_numbers(b, spec.zero_point, np.int64),
        QuantizedDimension=spec.axis,
    )
    sparsity = _table(b, "SparsityParameters") if spec.sparse else None
    return _table(
        b, "Tensor",
        Shape=_numbers(b, spec.shape, np.int32),
        Type=getattr(tflite.TensorType, spec.dtype.upper()),
        Buffer=buffer,
        Name=b.CreateString(spec.name),
        Quantization=quantization,
        Sparsity=sparsity,
        IsVariable=spec.variable,
    )


def _operator_table(b, spec, opcode):
    options = None
    if spec.options_table:
        fields = {name: _field(b, value) for name, value in spec.options.items()}
        options = _table(b, spec.options_table, **fields)
    return _table(
        b, "Operator",
        OpcodeIndex=opcode,
        Inputs=_numbers(b, spec.inputs, np.int32),
        Outputs=_numbers(b, [i for i in (spec.output, *spec.others) if i >= 0], np.int32),
        Intermediates=_numbers(b, spec.intermediates or None, np.int32),
        BuiltinOptionsType=getattr(tflite.BuiltinOptions, spec.options_table or "NONE"),
        BuiltinOptions=options,
    )


def _field(b, value):
    if isinstance(value, str):
        return b.CreateString(value)
    return _numbers(b, value, np.int32) if isinstance(value, tuple) else value


def _code_table(b, kind, old):
    """``kind`` may be "CUSTOM:name"."""
    name, _, custom = kind.partition(":")
    code = getattr(tflite.BuiltinOperator, name)
    fields = dict(DeprecatedBuiltinCode=min(code, 127), Version=VERSIONS.get(kind, 1),
                  CustomCode=b.CreateString(custom) if custom else None)
    return _table(b, "OperatorCode", **fields, BuiltinCode=None if old else code)


VERSIONS = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4, "MAX_POOL_2D": 2,
            "AVERAGE_POOL_2D": 2, "MEAN": 2, "PAD": 2, "SOFTMAX": 2, "ADD": 2, "SUB": 2, "MUL": 2,
            "REDUCE_MAX": 2,
            "CONCATENATION": 2, "RELU": 2, "RELU6": 2, "LEAKY_RELU": 2, "LOGISTIC": 2, "TANH": 2,
            "QUANTIZE": 2, "DEQUANTIZE": 2, "TRANSPOSE": 2, "STRIDED_SLICE": 2,
            "SLICE": 2, "SPLIT": 2, "SPLIT_V": 2, "UNPACK": 2, "PACK": 2, "GATHER": 2,
            "RESIZE_NEAREST_NEIGHBOR": 3, "RESIZE_BILINEAR": 3, "MIRROR_PAD": 2,
            "SPACE_TO_DEPTH": 2, "BROADCAST_TO": 2,
            "GELU": 2, "ABS": 2, "EXP": 2, "RSQRT": 2, "MAXIMUM": 2, "MINIMUM": 2, "SQRT": 2,
            "GREATER": 2, "LESS": 2, "GREATER_EQUAL": 2, "LESS_EQUAL": 2,
            "SQUARED_DIFFERENCE": 2, "LOG_SOFTMAX": 2,
            "LOG": 2, "TRANSPOSE_CONV": 3}


def _pair(value):
    return (value, value) if np.isscalar(value) else tuple(value)


def _padding(name):
    return getattr(tflite.Padding, name)


def _activate(real, activation):
    if activation == "RELU":
        return np.maximum(real, 0)
    if activation == "RELU6":
        return np.clip(real, 0, 6)
    return real


def _patches(image, kernel, stride, padding, fill=0.0, dilation=1):
    """``(n, height, width, channels, kernel height, kernel width)`` windows of an image."""
    reach = [(k - 1) * dilation + 1 for k in kernel]
    if padding == "SAME":
        need = [max((-(-s // t) - 1) * t + r - s, 0)
                for s, t, r in zip(image.shape[1:3], stride, reach)]
        around = [(0, 0), *((n // 2, n - n // 2) for n in need), (0, 0)]
        image = np.pad(image, around, constant_values=fill)
    windows = np.lib.stride_tricks.sliding_window_view(image, reach, axis=(1, 2))
    return windows[:, ::stride[0], ::stride[1], :, ::dilation, ::dilation]


def _spread(image, weights, stride, padding, size):
    """``(n, *size, filters)``: every cell of an image times the weights, added up around it."""
    _, *kernel, _ = weights.shape
    cells = np.einsum("nhwc,oijc->nhwijo", image, weights)
    result = np.zeros((len(image), *(n + k for n, k in zip(size, kernel)), len(weights)))
    outs = image.shape[1:3]
    before = [max((n - 1) * s + k - m, 0) // 2 if padding == "SAME" else 0
              for n, s, k, m in zip(outs, stride, kernel, size)]
    for i, j in np.ndindex(*kernel):
        for y, x in np.ndindex(*outs):
            at = y * stride[0] + i - before[0], x * stride[1] + j - before[1]
            if min(at) >= 0:
                result[:, at[0], at[1]] += cells[:, y, x, i, j]
    return result[:, :size[0], :size[1]]
