"""Small float networks that between them hold every operator that converts."""

from __future__ import annotations

import numpy as np
from float_builder import FloatBuilder


def residual(seed=0):
    """Two residual blocks, one with a projection, batch normalisation not yet folded."""
    b = FloatBuilder((1, 12, 12, 3), seed)
    x = b.batch_norm(b.conv(b.input, 8, 3), fused="RELU")
    y = b.batch_norm(b.conv(x, 8, 3), fused="RELU")
    y = b.batch_norm(b.conv(y, 8, 3))
    x = b.both("ADD", x, y, fused="RELU")
    y = b.batch_norm(b.conv(x, 16, 3, stride=2))
    x = b.add("RELU", b.both("ADD", y, b.conv(x, 16, 1, stride=2)))
    x = b.pool("AVERAGE_POOL_2D", x, 6)
    return b, b.add("SOFTMAX", b.dense(b.reshape(x, (1, 16)), 5), beta=1.0)


def pre_activation(seed=0):
    """Batch normalisation in front of the layers, where it cannot all be folded."""
    b = FloatBuilder((1, 10, 10, 4), seed)
    x = b.conv(b.input, 8, 3)
    y = b.conv(b.batch_norm(x, fused="RELU"), 8, 3)
    x = b.both("ADD", x, y)
    x = b.batch_norm(b.pool("MAX_POOL_2D", b.batch_norm(x), 2))
    return b, b.dense(b.reshape(b.conv(x, 6, 3, padding="VALID"), (1, 54)), 4)


def inverted_residual(seed=0):
    """Expansion, depthwise, projection, with RELU6 and a hard swish."""
    b = FloatBuilder((1, 12, 12, 4), seed)
    x = b.conv(b.input, 8, 3, stride=2, fused="RELU6")
    y = b.conv(x, 24, 1, fused="RELU6")
    y = b.depthwise(y, 3, fused="RELU6")
    x = b.both("ADD", x, b.conv(y, 8, 1))
    y = b.add("HARD_SWISH", b.conv(x, 16, 1))
    y = b.depthwise(y, 5, stride=2, multiplier=2, bias=False)
    gate = b.mean(y, keep_dims=True)
    gate = b.add("LOGISTIC", b.conv(b.conv(gate, 4, 1, fused="RELU"), 32, 1))
    return b, b.dense(b.mean(b.both("MUL", y, gate)), 6)


def autoencoder(seed=0):
    b = FloatBuilder((1, 64), seed)
    x = b.input
    for units in (32, 8, 32):
        x = b.batch_norm(b.dense(x, units), fused="RELU")
    return b, b.dense(x, 64)


def one_dimensional(seed=0):
    """As Keras exports Conv1D, MaxPooling1D, GlobalAveragePooling1D."""
    b = FloatBuilder((1, 32, 4), seed)
    x = b.pad(b.input, [(0, 0), (2, 2), (0, 0)])
    x = b.expand(x, 1)
    x = b.conv(x, 8, (1, 5), padding="VALID")
    x = b.reshape(x, (1, 32, 8))
    x = b.batch_norm(x, fused="RELU")
    x = b.expand(x, 2)
    x = b.pool("MAX_POOL_2D", x, (2, 1))
    x = b.reshape(x, (1, 16, 8))
    x = b.add("LEAKY_RELU", b.dense(x, 8, keep_num_dims=True), alpha=0.1)
    return b, b.dense(b.mean(x, axes=(1,)), 4)


def branches(seed=0):
    """Concatenations with fixed scales, crops, a mean along one axis, dilation, all of it."""
    b = FloatBuilder((1, 16, 16, 2), seed)
    x = b.conv(b.input, 6, 3, dilation=2, fused="RELU")
    one = b.add("TANH", b.slice(x, (1, 1, 0), (15, 15, 6)))
    other = b.conv(x, 4, 3, padding="VALID")
    third = b.add("LOGISTIC", other)
    x = b.concat([one, other, third])
    x = b.both("SUB", x, b.conv(x, 14, 1, fused="RELU6"))
    x = b.both("MUL", x, b.random.normal(0, 1, (1, 14, 14, 1)).astype(np.float32))
    x = b.pool("AVERAGE_POOL_2D", x, 3, stride=2, padding="SAME")
    x = b.add("RELU", b.pad(x, [(0, 0), (1, 0), (0, 2), (0, 0)]))
    first = b.slice(x, (0, 0, 0), (1, 9, 14), shrink=(1,))
    first = b.reshape(first, (1, 9, 14))
    x = b.concat([b.mean(x), b.reshape(first, (1, 126))])
    return b, b.add("SOFTMAX", b.dense(x, 5), beta=1.0)


def reductions(seed=0):
    """MEAN and REDUCE_MAX over channels, over one axis of an image, over a row."""
    b = FloatBuilder((1, 8, 9, 2), seed)
    shade = b.mean(b.conv(b.input, 6, 3, fused="RELU"), axes=(-1,))
    shade = b.dense(b.reshape(shade, (1, 72)), 3)
    x = b.mean(b.conv(b.input, 5, 3, fused="RELU"), axes=(2,), kind="REDUCE_MAX")
    most = b.mean(x, axes=(1, 2), kind="REDUCE_MAX", keep_dims=True)
    return b, b.dense(b.concat([b.mean(x, axes=(1,)), b.reshape(most, (1, 1)), shade]), 4)


def rearranged(seed=0):
    """What moves values: in images, in rows of three dimensions, up and down in size."""
    b = FloatBuilder((1, 3, 8, 6), seed)
    x = b.add("TRANSPOSE", b.input, np.array([0, 2, 3, 1], np.int32))
    x = b.conv(x, 8, 3, fused="RELU")
    small = b.add("SPACE_TO_DEPTH", b.conv(x, 8, 3, stride=2), block_size=1)
    large = b.add("RESIZE_NEAREST_NEIGHBOR", small, np.array([8, 6], np.int32),
                  align_corners=False, half_pixel_centers=True)
    soft = b.add("RESIZE_BILINEAR", small, np.array([8, 6], np.int32), align_corners=True,
                 half_pixel_centers=False)
    x = b.both("ADD", b.both("ADD", x, soft), large, fused="RELU")
    x = b.add("DEPTH_TO_SPACE", x, block_size=2)
    x = b.reshape(b.add("GATHER", x, np.array([3, 0, 1], np.int32), axis=1, batch_dims=0),
                  (1, 36, 2))
    x = b.pad(x, [(0, 0), (0, 1), (1, 0)])
    x = b.add("TRANSPOSE", b.dense(x, 4, keep_num_dims=True), np.array([0, 2, 1], np.int32))
    x = b.add("MIRROR_PAD", x, np.array([[0, 0], [1, 0], [0, 2]], np.int32), mode=1)
    x = b.add("REVERSE_V2", b.add("SLICE", x, *_bounds((0, 0, 3), (1, 4, 30))), _numbers(2))
    x = b.add("STRIDED_SLICE", x, *_bounds((0, 1, 0), (1, 4, 30), (1, 1, 2)), begin_mask=0,
              end_mask=0, ellipsis_mask=0, new_axis_mask=0, shrink_axis_mask=0)
    return b, b.dense(b.reshape(b.add("TILE", x, _numbers(1, 2, 1)), (1, 90)), 4)


def grouped(seed=0):
    """Convolutions in groups, with what folds into them and what is evened out before them."""
    b = FloatBuilder((1, 9, 10, 4), seed)
    x = b.batch_norm(b.pool("MAX_POOL_2D", b.conv(b.input, 12, 3), 2, 1))
    x = b.batch_norm(b.conv(x, 8, 3, padding="VALID", groups=4), fused="RELU")
    x = b.conv(x, 6, (3, 2), stride=(2, 1), fused="RELU", groups=2)
    return b, b.dense(b.mean(b.conv(x, 12, 1, groups=6, dilation=1)), 4)


def u_net(seed=0):
    """Down and up again: transposed convolutions, normalised, with functions of all kinds."""
    b = FloatBuilder((1, 8, 10, 3), seed)
    x = b.conv(b.input, 6, 3, fused="RELU")
    y = b.batch_norm(b.pool("MAX_POOL_2D", x, 2))
    y = b.batch_norm(b.transposed(y, 6, 3, 2), fused="RELU")
    x = b.conv(b.concat([x, y]), 4, 3, stride=2, fused="RELU")
    x = b.add("RELU6", b.transposed(x, 3, (2, 4), (2, 3), "VALID"))
    return b, b.conv(x, 2, 1)


def _numbers(*values) -> np.ndarray:
    return np.array(values, np.int32)


def _bounds(*rows) -> list[np.ndarray]:
    return [_numbers(*row) for row in rows]


NETWORKS = {f.__name__: f for f in (residual, pre_activation, inverted_residual, autoencoder,
                                     one_dimensional, branches, reductions, rearranged,
                                     grouped, u_net)}
