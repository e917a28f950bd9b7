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


EXAMPLES = {
    "CONV_2D": lambda b: b.conv(3, 3),
    "DEPTHWISE_CONV_2D": lambda b: b.depthwise(3),
    "FULLY_CONNECTED": lambda b: b.dense(5),
    "MAX_POOL_2D": lambda b: b.max_pool(2),
    "AVERAGE_POOL_2D": lambda b: b.average_pool(2),
    "MEAN": lambda b: b.mean(),
    "REDUCE_MAX": lambda b: b.reduce("REDUCE_MAX", (1, 3)),
    "PAD": lambda b: b.pad(1, 1, 1, 1),
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
    "QUANTIZE": lambda b: b.unary("QUANTIZE", scale=1 / 50, zero_point=3),
    "RESHAPE": vector,
    "SQUEEZE": lambda b: b.mean(keep_dims=True).squeeze(1, 2),
    "EXPAND_DIMS": lambda b: vector(b).expand(1),
    "TRANSPOSE": lambda b: vector(b).expand(1).transpose(0, 2, 1),
    "STRIDED_SLICE": inner,
    "SOFTMAX": lambda b: b.dense(3).softmax(),
}
