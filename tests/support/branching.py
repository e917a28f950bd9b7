"""Small networks with branches, as those that people deploy on microcontrollers."""

from tiny_tflite import ModelBuilder


def residual() -> ModelBuilder:
    """ResNet: two convolutions and a short cut, once as it is and once through a convolution."""
    b = ModelBuilder((1, 8, 8, 3), 1 / 60, -4, seed=11).conv(8, 3, activation="RELU")
    start = b.save()
    b.conv(8, 3, activation="RELU").conv(8, 3).join("ADD", start, "RELU")
    start = b.save()
    main = b.conv(12, 3, 2, activation="RELU").conv(12, 3).save()
    b.back_to(start).conv(12, 1, 2).join("ADD", main, "RELU")
    return b.average_pool(4).reshape((1, -1)).dense(5).softmax()


def separable() -> ModelBuilder:
    """MobileNetV1."""
    b = ModelBuilder((1, 12, 12, 3), 1 / 127, -1, seed=12).conv(8, 3, 2, activation="RELU6")
    for filters, stride in ((12, 1), (16, 2), (16, 1)):
        b.depthwise(3, stride, activation="RELU6").conv(filters, 1, activation="RELU6")
    return b.average_pool(3).conv(4, 1).reshape((1, 4)).softmax()


def inverted_residual() -> ModelBuilder:
    """MobileNetV2, with the gates and HARD_SWISH of V3."""
    b = ModelBuilder((1, 10, 10, 3), 1 / 127, -1, seed=13).conv(6, 3, 2).unary("HARD_SWISH")
    start = b.save()
    maps = b.conv(18, 1).unary("HARD_SWISH").depthwise(3, activation="RELU6").save()
    b.mean(keep_dims=True).conv(6, 1, activation="RELU").conv(18, 1)
    gate = b.unary("LOGISTIC", scale=1 / 256).save()
    b.back_to(maps).join("MUL", gate).conv(6, 1).join("ADD", start)
    return b.conv(16, 1, activation="RELU6").mean().dense(6).softmax()


def autoencoder() -> ModelBuilder:
    """Dense, as for anomaly detection."""
    b = ModelBuilder((1, 40), 0.4, 90, seed=14)
    for units in (24, 24, 8, 24, 24):
        b.dense(units, "RELU")
    return b.dense(40)


def dense_net() -> ModelBuilder:
    """Concatenation of all that came before, on one scale; a dilated branch; a crop."""
    b = ModelBuilder((1, 9, 9, 4), 1 / 40, 3, seed=15)
    start = b.save()
    b.max_pool(3, 1, "SAME").concatenate(start)
    b.conv(6, 3, dilation=2, activation="RELU").depthwise(3, dilation=2)
    b.crop((0, 1, 1, 0), (1, 8, 8, 6)).unary("LEAKY_RELU", 0.1).conv(6, 3)
    b.unary("TANH", scale=1 / 128, zero_point=0)
    wide = b.unary("QUANTIZE", scale=1 / 50, zero_point=10).save()
    b.conv(6, 1).join("SUB", wide).join("MUL", b.constant([0.5, 1, 1.5, 1, 0.2, -1]))
    return b.unary("RELU").mean(keep_dims=True).squeeze(1, 2).dense(4)


def moved() -> ModelBuilder:
    """Channels first and then last, an upsampled branch, less a row of largest values, parts in
    another order, means of neighbours."""
    b = ModelBuilder((1, 3, 8, 6), 1 / 40, 3, seed=16).transpose(0, 2, 3, 1)
    maps = b.conv(6, 3, activation="RELU").save()
    most = b.reduce("REDUCE_MAX", (1,), keep_dims=True).save()
    b.back_to(maps).conv(6, 3, 2).move("RESIZE_NEAREST_NEIGHBOR", [8, 6])
    b.join("ADD", maps, "RELU").join("SUB", most)
    b.move("GATHER", [2, 0, 0, 1, 5], Axis=3).move("SPLIT", 1, data=1, NumSplits=2, part=1)
    parts = b.made
    b.join("ADD", parts[0])
    b.resize_bilinear([7, 9], HalfPixelCenters=1)
    return b.move("RESIZE_NEAREST_NEIGHBOR", [5, 7]).conv(4, 3).dense(4)


def layer_norm(b: ModelBuilder) -> ModelBuilder:
    """Over the channels, as TensorFlow's converter writes LayerNormalization."""
    x, channels, last = b.save(), b.shape[-1], len(b.shape) - 1
    mean = b.reduce("MEAN", (last,), keep_dims=True).save()
    b.back_to(x).decided("SQUARED_DIFFERENCE", mean).reduce("MEAN", (last,), keep_dims=True)
    b.join("ADD", b.constant([1e-2])).unary("RSQRT")
    scale = b.join("MUL", b.constant(b.random.uniform(0.5, 1.5, channels))).save()
    scaled = b.back_to(x).join("MUL", scale).save()
    b.back_to(mean).join("MUL", scale)
    offsets = b.constant(b.random.normal(0, 0.2, channels))
    return b.join("SUB", offsets, swap=True).join("ADD", scaled)


def normalised() -> ModelBuilder:
    """A dense layer over a sequence and a layer normalisation, twice; slopes a channel and the
    larger one of both; the logarithms of probabilities."""
    b = layer_norm(ModelBuilder((1, 9, 5), 1 / 40, 3, seed=17).dense(6, everywhere="kept"))
    first = b.decided("PRELU", b.constant([0.1, 0.5, -0.2, 0.3, 0.0, 1.2])).save()
    layer_norm(b.dense(6, everywhere="kept")).unary("QUANTIZE", scale=b.tensors[first[0]].scale[0],
                                                    zero_point=b.tensors[first[0]].zero_point[0])
    return b.decided("MAXIMUM", first).dense(4).unary("LOG_SOFTMAX", scale=1 / 16, zero_point=127)


def grouped() -> ModelBuilder:
    """ResNeXt: convolutions in groups, each group's outputs from its own channels.  At the end, as
    in a U-Net, one way down and up again."""
    b = ModelBuilder((1, 8, 7, 3), 1 / 40, 3, seed=17).conv(12, 3, activation="RELU")
    start = b.save()
    b.conv(12, 1, activation="RELU").conv(12, 3, activation="RELU6", groups=4).conv(12, 1)
    b.join("ADD", start, "RELU").conv(10, 3, 2, "VALID", groups=2)
    maps = b.conv(20, (2, 1), groups=10, per_channel=False, activation="RELU").save()
    b.max_pool(2).transposed(20, 3, (1, 2), "VALID").join("ADD", maps, "RELU")
    return b.transposed(4, (2, 3), 2, bias=False).conv(4, 3, 2, dilation=1, groups=2).dense(4)


def weighed() -> ModelBuilder:
    """Attention: what counts at each cell, channel by channel, is a SOFTMAX before the end."""
    b = ModelBuilder((1, 7, 5, 3), 1 / 40, 3, seed=17).conv(6, 3, activation="RELU")
    x = b.save()
    b.conv(6, 1).softmax()
    return b.join("MUL", x).conv(5, 3, 2, activation="RELU").dense(4).softmax()


def two_inputs() -> ModelBuilder:
    """An image and seven measurements, each on its own scale; the second lies at an odd byte."""
    b = ModelBuilder((1, 7, 5, 3), 1 / 40, 3, seed=17).conv(6, 3, activation="RELU").mean()
    image = b.save()
    b.another_input("measured", (1, 7), 1 / 90, -20)
    b.dense(6).join("ADD", image, "RELU")
    return b.dense(8, "RELU").dense(4).softmax()


NETWORKS = {
    "residual": residual,
    "separable": separable,
    "inverted residual": inverted_residual,
    "autoencoder": autoencoder,
    "dense net": dense_net,
    "moved": moved,
    "normalised": normalised,
    "grouped": grouped,
    "two inputs": two_inputs,
    "weighed": weighed,
}
