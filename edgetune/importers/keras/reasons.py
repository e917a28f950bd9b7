"""Why a Keras layer cannot be converted, before TensorFlow has looked at it."""

from __future__ import annotations

from edgetune.model.decode import printable, quoted
from edgetune.model.kinds import CONVERTED
from edgetune.model.reasons import FEED_FORWARD, Reason, UnknownKind

RECURRENT = (
    "RNN", "ConvLSTM1D", "ConvLSTM2D", "LSTMCell", "GRUCell", "SimpleRNNCell", "CuDNNLSTM",
    "CuDNNGRU",
)
QKERAS = (
    "QActivation", "QDense", "QConv1D", "QConv2D", "QConv2DTranspose", "QDepthwiseConv2D",
    "QSeparableConv1D", "QSeparableConv2D", "QBatchNormalization", "QAveragePooling2D",
    "QGlobalAveragePooling2D", "QAdaptiveActivation", "QDenseBatchnorm", "QConv2DBatchnorm",
    "QDepthwiseConv2DBatchnorm",
)
PLAIN = (
    "Save the model with Keras's own layers in the place of those of QKeras; edgetune makes it "
    "int8 by itself."
)
FUNCTIONS = {  # Keras's activations, and the operators that TensorFlow's converter makes of them
    "elu": ("ELU",), "exponential": ("EXP",), "gelu": ("GELU",), "hard_shrink": ("SELECT_V2",),
    "hard_sigmoid": (), "hard_silu": (), "hard_swish": (), "leaky_relu": ("LEAKY_RELU",),
    "linear": (), "log_sigmoid": ("LOG",), "log_softmax": ("LOG_SOFTMAX",), "mish": ("EXP", "LOG"),
    "relu": ("RELU",), "relu6": ("RELU6",), "selu": (), "sigmoid": ("LOGISTIC",),
    "silu": ("LOGISTIC", "MUL"), "soft_shrink": ("SELECT_V2",), "softmax": ("SOFTMAX",),
    "softplus": ("EXP", "LOG"), "softsign": ("ABS", "DIV"), "sparse_plus": ("SELECT_V2",),
    "squareplus": ("SQRT",), "swish": ("LOGISTIC", "MUL"), "tanh": ("TANH",),
    "tanh_shrink": ("TANH", "SUB"), "threshold": ("SELECT_V2",), "celu": ("ELU",),
    "glu": ("SPLIT",), "sparsemax": ("SELECT_V2",),
}


def unknown_layer(kind: str) -> str:
    """The reason for a layer that is in no list."""
    if kind in RECURRENT:
        return Reason("a recurrent layer, whose state goes from step to step", FEED_FORWARD)
    if kind in QKERAS:
        return Reason("a layer of QKeras, whose numbers have other widths than int8", PLAIN)
    return UnknownKind("this kind of layer is not supported")


def refused_activation(config) -> str:
    """That a layer's activation has no operators here; empty where it has, or has none.

    Args:
        config: the layer's.  An activation is the name of a function, or a layer, which is
            looked at as one.
    """
    name = config.get("activation") if isinstance(config, dict) else None
    if not isinstance(name, str):
        return ""
    if name not in FUNCTIONS:
        return UnknownKind(f"the activation {quoted(printable(name))} is not supported")
    lacking = [kind for kind in FUNCTIONS[name] if kind not in CONVERTED]
    if lacking:
        return UnknownKind(
            f"the activation {name} is not supported: there is no {' or '.join(lacking)}"
        )
    return ""
