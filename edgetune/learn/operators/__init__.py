"""Every operator in numpy, one file each: its forward, its backward, and how a file's operator
becomes one.

The twin of ``firmware/engine``: ``conv_2d.py`` and ``conv_2d.c`` say the same.
"""

from edgetune.learn.lowerings import OF_OPERATORS
from edgetune.learn.operators.add import Add, Term
from edgetune.learn.operators.average_pool_2d import AveragePool2D
from edgetune.learn.operators.concatenation import Concatenation
from edgetune.learn.operators.conv_2d import Conv2D, DilatedConv2D, GroupedConv2D
from edgetune.learn.operators.depthwise_conv_2d import DepthwiseConv2D, DilatedDepthwiseConv2D
from edgetune.learn.operators.extreme import Extreme
from edgetune.learn.operators.fully_connected import FullyConnected
from edgetune.learn.operators.gather import Gather
from edgetune.learn.operators.joining import JoiningLayer, PairLayer
from edgetune.learn.operators.log_softmax import LogSoftmax
from edgetune.learn.operators.lookup import Lookup
from edgetune.learn.operators.max_pool_2d import MaxPool2D
from edgetune.learn.operators.mean import Mean
from edgetune.learn.operators.move import Axis, Move
from edgetune.learn.operators.mul import Mul
from edgetune.learn.operators.pad import Pad
from edgetune.learn.operators.prelu import Prelu
from edgetune.learn.operators.reduce_max import ReduceMax
from edgetune.learn.operators.reduction import Reduction
from edgetune.learn.operators.resize_bilinear import ResizeBilinear
from edgetune.learn.operators.select import Select
from edgetune.learn.operators.softmax import Softmax, SoftmaxRows
from edgetune.learn.operators.squared_difference import SquaredDifference
from edgetune.learn.operators.transpose_conv import TransposeConv
from edgetune.learn.operators.weighted import BIAS_INPUT, WeightedLayer, about

__all__ = [
    "BIAS_INPUT", "OF_OPERATORS",
    "Add", "AveragePool2D", "Axis", "Concatenation", "Conv2D", "DepthwiseConv2D", "DilatedConv2D",
    "DilatedDepthwiseConv2D", "Extreme", "FullyConnected", "Gather", "GroupedConv2D",
    "JoiningLayer", "LogSoftmax", "Lookup", "MaxPool2D", "Mean", "Move", "Mul", "Pad", "PairLayer",
    "Prelu", "ReduceMax", "Reduction", "ResizeBilinear", "Select", "Softmax", "SoftmaxRows",
    "SquaredDifference", "Term", "TransposeConv", "WeightedLayer", "about",
]
