"""What an operator of a small model is: its version, its options, and what it gives in real
numbers."""

import math

import numpy as np

from edgetune.floats.operators import OPERATORS

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
PARAMETERS = {
    "LEAKY_RELU": ("LeakyReluOptions", "Alpha"), "GELU": ("GeluOptions", "Approximate"),
}

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


def resized(x, size, align_corners=False, half_pixel_centers=False):
    """``x`` [n, height, width, channels] between its cells, in real numbers."""
    options = dict(align_corners=align_corners, half_pixel_centers=half_pixel_centers)
    shape = (len(x), *size, x.shape[3])
    return OPERATORS["RESIZE_BILINEAR"](options, [x], shape)


def activated(real, activation):
    if activation == "RELU":
        return np.maximum(real, 0)
    if activation == "RELU6":
        return np.clip(real, 0, 6)
    return real


def patches(image, kernel, stride, padding, fill=0.0, dilation=1):
    """``(n, height, width, channels, kernel height, kernel width)`` windows of an image."""
    reach = [(k - 1) * dilation + 1 for k in kernel]
    if padding == "SAME":
        need = [max((-(-s // t) - 1) * t + r - s, 0)
                for s, t, r in zip(image.shape[1:3], stride, reach)]
        around = [(0, 0), *((n // 2, n - n // 2) for n in need), (0, 0)]
        image = np.pad(image, around, constant_values=fill)
    windows = np.lib.stride_tricks.sliding_window_view(image, reach, axis=(1, 2))
    return windows[:, ::stride[0], ::stride[1], :, ::dilation, ::dilation]


def spread(image, weights, stride, padding, size):
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
