"""Which ONNX operators there are, and what lowers them."""

from __future__ import annotations

from edgetune.importers.onnx import elementwise, joins, layers, pools, quantised, views

HANDLERS = {
    "Conv": layers.conv,
    "Gemm": layers.gemm,
    "MatMul": layers.matmul,
    "BatchNormalization": layers.batch_normalisation,
    "MaxPool": pools.max_pool,
    "AveragePool": pools.average_pool,
    "GlobalAveragePool": pools.global_pool,
    "GlobalMaxPool": pools.global_pool,
    "ReduceMean": pools.reduce,
    "ReduceMax": pools.reduce,
    "Relu": elementwise.unary,
    "Sigmoid": elementwise.unary,
    "Tanh": elementwise.unary,
    "HardSwish": elementwise.unary,
    "HardSigmoid": elementwise.hard_sigmoid,
    "Clip": elementwise.clip,
    "LeakyRelu": elementwise.leaky_relu,
    "PRelu": elementwise.leaky_relu,
    "Neg": elementwise.negative,
    "Add": elementwise.binary,
    "Sub": elementwise.binary,
    "Mul": elementwise.binary,
    "Div": elementwise.binary,
    "Sum": elementwise.sum_of_all,
    "Softmax": joins.softmax,
    "Concat": joins.concatenation,
    "Slice": joins.slice_of,
    "Split": joins.split,
    "Pad": joins.pad,
    "Reshape": views.reshape,
    "Flatten": views.flatten,
    "Transpose": views.transpose,
    "Squeeze": views.squeeze,
    "Unsqueeze": views.unsqueeze,
    "Identity": views.same,
    "Dropout": views.same,
    "Cast": views.cast,
    "QuantizeLinear": quantised.quantise,
    "DequantizeLinear": quantised.dequantise,
}
CHANNELS_SECOND = (  # operators for which axis 1 is that of the channels
    "Conv", "BatchNormalization", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool",
)
