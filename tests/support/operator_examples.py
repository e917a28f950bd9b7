"""An example of each kind of operator, to stand behind a map: each adds it to a builder.

``EXAMPLES`` is what tests that hold for every kind run through: that its row is right, that numpy
gives TFLite's bytes, that its unit is a derivative; and what costs are measured with where no
other model has the operator.
"""


def channels(b) -> list[int]:
    """A constant's values, one for each channel."""
    return list(range(1, b.shape[-1] + 1))


def vector(b):
    return b.reshape((1, -1))


def inner(b):
    """Without the outermost rows and columns."""
    _, height, width, depth = b.shape
    return b.crop((0, 1, 1, 0), (1, height - 1, width - 1, depth))


def beside_its_average(kind):
    def add(b):
        point = b.save()
        return b.average_pool(3, 1, "SAME").decided(kind, point)

    return add


def selu(b, comparison="GREATER"):
    """As TensorFlow's converter writes it."""
    x = b.save()
    above = b.join("MUL", b.constant([1.05])).save()
    below = b.back_to(x).unary("EXP").join("SUB", b.constant([1.0]))
    below = below.join("MUL", b.constant([1.76])).save()
    parts = (above, below) if comparison.startswith("GREATER") else (below, above)
    return b.select(comparison, (x, b.constant([0.0])), *parts)


EXAMPLES = {
    "CONV_2D": lambda b: b.conv(3, 3),
    "DEPTHWISE_CONV_2D": lambda b: b.depthwise(3),
    "TRANSPOSE_CONV": lambda b: b.transposed(3, 3, 2),
    "FULLY_CONNECTED": lambda b: b.dense(5),
    "MAX_POOL_2D": lambda b: b.max_pool(2),
    "AVERAGE_POOL_2D": lambda b: b.average_pool(2),
    "MEAN": lambda b: b.mean(),
    "REDUCE_MAX": lambda b: b.reduce("REDUCE_MAX", (1, 3)),
    "PAD": lambda b: b.pad(1, 1, 1, 1, channels=(1, 2)),
    "ADD": lambda b: b.join("ADD", b.constant(channels(b))),
    "SUB": lambda b: b.join("SUB", b.constant(channels(b))),
    "MUL": lambda b: b.join("MUL", b.constant(channels(b))),
    "CONCATENATION": lambda b: b.concatenate(b.save()),
    "RELU": lambda b: b.unary("RELU"),
    "RELU6": lambda b: b.unary("RELU6"),
    "LEAKY_RELU": lambda b: b.unary("LEAKY_RELU", 0.2),
    "LOGISTIC": lambda b: b.unary("LOGISTIC", scale=1 / 256, zero_point=-128),
    "TANH": lambda b: b.unary("TANH", scale=1 / 128, zero_point=0),
    "HARD_SWISH": lambda b: b.unary("HARD_SWISH"),
    "ELU": lambda b: b.unary("ELU"),
    "GELU": lambda b: b.unary("GELU", False),
    "RELU_N1_TO_1": lambda b: b.unary("RELU_N1_TO_1"),
    "RELU_0_TO_1": lambda b: b.unary("RELU_0_TO_1"),
    "ABS": lambda b: b.unary("ABS"),
    "EXP": lambda b: b.unary("EXP"),
    "RSQRT": lambda b: b.unary("RELU").unary("RSQRT", scale=1 / 40),
    "SQRT": lambda b: b.unary("RELU").unary("SQRT"),
    "LOG": lambda b: b.unary("RELU").unary("LOG"),
    "MAXIMUM": beside_its_average("MAXIMUM"),
    "MINIMUM": lambda b: b.decided("MINIMUM", b.constant([0.4])),
    "PRELU": lambda b: b.decided("PRELU", b.constant([i / 4 - 0.3 for i in channels(b)])),
    "SQUARED_DIFFERENCE": beside_its_average("SQUARED_DIFFERENCE"),
    "SELECT_V2": selu,
    "QUANTIZE": lambda b: b.unary("QUANTIZE", scale=1 / 50, zero_point=3),
    "RESHAPE": vector,
    "SQUEEZE": lambda b: b.mean(keep_dims=True).squeeze(1, 2),
    "EXPAND_DIMS": lambda b: vector(b).expand(1),
    "TRANSPOSE": lambda b: b.transpose(0, 3, 1, 2),
    "SLICE": lambda b: b.move("SLICE", [0, 1, 0, 1], [1, 2, -1, 2]),
    "SPLIT": lambda b: b.move("SPLIT", 2, data=1, NumSplits=b.shape[2]),
    "SPLIT_V": lambda b: b.move("SPLIT_V", [1, -1], 1, part=1, NumSplits=2),
    "UNPACK": lambda b: b.move("UNPACK", Axis=1, Num=b.shape[1], part=2),
    "PACK": lambda b: b.pack(b.save()),
    "GATHER": lambda b: b.move("GATHER", [3, 0, 3, 1], Axis=1),
    "RESIZE_NEAREST_NEIGHBOR": lambda b: b.move("RESIZE_NEAREST_NEIGHBOR", [9, 5]),
    "RESIZE_BILINEAR": lambda b: b.resize_bilinear([2 * b.shape[1], 3], HalfPixelCenters=1),
    "MIRROR_PAD": lambda b: b.move("MIRROR_PAD", [[0, 0], [1, 0], [0, 1], [2, 0]]),
    "REVERSE_V2": lambda b: b.move("REVERSE_V2", [1]),
    "SPACE_TO_DEPTH": lambda b: b.move("RESIZE_NEAREST_NEIGHBOR", [6, 4]).move(
        "SPACE_TO_DEPTH", BlockSize=2),
    "DEPTH_TO_SPACE": lambda b: b.conv(4, 1).move("DEPTH_TO_SPACE", BlockSize=2),
    "TILE": lambda b: b.move("TILE", [1, 2, 1, 3]),
    "BROADCAST_TO": lambda b: b.mean(keep_dims=True).move("BROADCAST_TO", [1, 3, 4, b.shape[-1]]),
    "STRIDED_SLICE": inner,
    "LOG_SOFTMAX": lambda b: b.dense(3).unary("LOG_SOFTMAX", scale=1 / 16, zero_point=127),
    "SOFTMAX": lambda b: b.softmax(),
}
