"""The Keras models of the matrix: tiny, untrained, one a habit that people have.

Every function takes the module ``keras`` and returns a model; ``MODELS`` has them by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Keras = Any  # the module
IMAGE, SEQUENCE, VECTOR = (8, 8, 2), (12, 3), (6,)
ACTIVATIONS = (
    "relu", "relu6", "elu", "selu", "gelu", "silu", "tanh", "sigmoid", "leaky_relu", "hard_silu",
    "softplus", "exponential", "log_softmax",
)
AUGMENTATION = "augmentation"


def _chain(shape: tuple[int, ...], layers: Callable[[Any], list]) -> Callable[[Keras], Any]:
    """A Sequential model of what ``layers`` makes of ``keras.layers``."""
    return lambda keras: keras.Sequential([keras.Input(shape), *layers(keras.layers)])


def _activation(name: str) -> Callable[[Keras], Any]:
    """``name`` behind a convolution."""
    return _chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, strides=2, padding="same"), k.Activation(name), k.Flatten(),
        k.Dense(3, "softmax"),
    ])  # fmt: skip


def _residual(keras: Keras):
    k = keras.layers
    image = keras.Input(IMAGE)
    x = k.Conv2D(4, 3, padding="same", activation="relu")(image)
    y = k.BatchNormalization()(k.Conv2D(4, 3, padding="same", use_bias=False)(x))
    x = k.ReLU()(k.Add()([x, y]))
    return keras.Model(image, k.Dense(3, "softmax")(k.GlobalAveragePooling2D()(x)))


def _squeeze(keras: Keras, keepdims: bool):
    """Squeeze and excitation, the gate as a map of one cell or by a Reshape."""
    k = keras.layers
    image = keras.Input(IMAGE)
    x = k.Conv2D(4, 3, padding="same", activation="relu")(image)
    gate = k.GlobalAveragePooling2D(keepdims=keepdims)(x)
    gate = gate if keepdims else k.Reshape((1, 1, 4))(gate)
    gate = k.Dense(4, "sigmoid")(k.Dense(2, "relu")(gate))
    x = k.Multiply()([x, gate])
    return keras.Model(image, k.Dense(3, "softmax")(k.GlobalAveragePooling2D()(x)))


def _inverted(keras: Keras):
    """An inverted residual of MobileNetV2."""
    k = keras.layers
    image = keras.Input(IMAGE)
    x = k.Conv2D(4, 3, strides=2, padding="same")(image)
    y = k.ReLU(6.0)(k.BatchNormalization()(k.Conv2D(8, 1, use_bias=False)(x)))
    y = k.DepthwiseConv2D(3, padding="same", use_bias=False)(y)
    y = k.BatchNormalization()(k.Conv2D(4, 1)(k.ReLU(6.0)(k.BatchNormalization()(y))))
    x = k.GlobalAveragePooling2D()(k.Add()([x, y]))
    return keras.Model(image, k.Dense(3, "softmax")(k.Dropout(0.2)(x)))


def _merges(keras: Keras):
    k = keras.layers
    image = keras.Input(IMAGE)
    x, y = (k.Conv2D(4, n, padding="same", activation="relu")(image) for n in (1, 3))
    x = k.Concatenate()([k.Add()([x, y]), k.Subtract()([x, y]), k.Multiply()([x, y])])
    return keras.Model(image, k.Dense(3, "softmax")(k.Flatten()(k.AveragePooling2D(2)(x))))


def _extremes(keras: Keras):
    k = keras.layers
    image = keras.Input(IMAGE)
    x, y = (k.Conv2D(4, n, padding="same")(image) for n in (1, 3))
    x = k.Average()([k.Maximum()([x, y]), k.Minimum()([x, y])])
    return keras.Model(image, k.Dense(3, "softmax")(k.Flatten()(x)))


def _two_inputs(keras: Keras):
    k = keras.layers
    image, more = keras.Input(IMAGE), keras.Input(VECTOR)
    x = k.Concatenate()([k.Flatten()(k.Conv2D(4, 3)(image)), more])
    return keras.Model([image, more], k.Dense(3, "softmax")(x))


def _two_outputs(keras: Keras):
    k = keras.layers
    image = keras.Input(IMAGE)
    x = k.Flatten()(k.Conv2D(4, 3, activation="relu")(image))
    return keras.Model(image, [k.Dense(3, "softmax")(x), k.Dense(1, "sigmoid")(x)])


def _normalisation(k: Any) -> list:
    return [k.Normalization(mean=[0.1, -0.2], variance=[0.5, 2.0]), k.Conv2D(4, 3), k.Flatten(),
            k.Dense(3, "softmax")]


def _augmentation(k: Any) -> list:
    return [
        k.RandomFlip(), k.RandomRotation(0.1), k.RandomZoom(0.1), k.RandomTranslation(0.1, 0.1),
        k.RandomContrast(0.1), k.GaussianNoise(0.1), k.Rescaling(0.5, offset=-0.1),
        k.Conv2D(4, 3), k.SpatialDropout2D(0.1), k.GaussianDropout(0.1), k.AlphaDropout(0.1),
        k.ActivityRegularization(0.1), k.Flatten(), k.Dense(3, "softmax"),
    ]  # fmt: skip


def _windows(k: Any) -> list:
    """Every way to cut, pad and stride."""
    return [
        k.ZeroPadding2D(1), k.Conv2D(4, 3, strides=2), k.ZeroPadding2D(((0, 1), (1, 0))),
        k.DepthwiseConv2D(3, depth_multiplier=2), k.Cropping2D(((1, 0), (0, 1))), k.Flatten(),
        k.Dense(3, "softmax"),
    ]  # fmt: skip


def _sequence(k: Any) -> list:
    return [
        k.ZeroPadding1D(1), k.Conv1D(4, 3, activation="relu"), k.Cropping1D(1),
        k.DepthwiseConv1D(3, padding="same"), k.SeparableConv1D(4, 3), k.BatchNormalization(),
        k.MaxPooling1D(2), k.AveragePooling1D(2), k.Flatten(), k.Dense(3, "softmax"),
    ]  # fmt: skip


MODELS: dict[str, Callable[[Keras], Any]] = {
    "dense": _chain(VECTOR, lambda k: [k.Dense(5, "relu"), k.Dense(3, "softmax")]),
    "logits": _chain(VECTOR, lambda k: [k.Dense(5, "relu"), k.Dense(3)]),
    "one_sigmoid": _chain(VECTOR, lambda k: [k.Dense(5, "relu"), k.Dense(1, "sigmoid")]),
    "regression": _chain(VECTOR, lambda k: [k.Dense(5, "relu"), k.Dense(1)]),
    "autoencoder": _chain(VECTOR, lambda k: [k.Dense(3, "relu"), k.Dense(6)]),
    "flatten": _chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, activation="relu"), k.MaxPooling2D(), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "flatten_only": _chain(IMAGE, lambda k: [k.Flatten(), k.Dense(3, "softmax")]),
    "reshape": _chain((128,), lambda k: [
        k.Reshape(IMAGE), k.Conv2D(4, 3, strides=2), k.Reshape((-1,)), k.Dense(3, "softmax"),
    ]),
    "permute": _chain(IMAGE, lambda k: [
        k.Permute((2, 1, 3)), k.Conv2D(4, 3), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "global_average": _chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, activation="relu"), k.GlobalAveragePooling2D(), k.Dense(3, "softmax"),
    ]),
    "global_max": _chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, activation="relu"), k.GlobalMaxPooling2D(), k.Dense(3, "softmax"),
    ]),
    "global_max_1d": _chain(SEQUENCE, lambda k: [
        k.Conv1D(4, 3, activation="relu"), k.GlobalMaxPooling1D(), k.Dense(3, "softmax"),
    ]),
    "global_average_1d": _chain(SEQUENCE, lambda k: [
        k.Conv1D(4, 3, activation="relu"), k.GlobalAveragePooling1D(), k.Dense(3, "softmax"),
    ]),
    "batch_norm": _chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, use_bias=False), k.BatchNormalization(), k.ReLU(), k.Dropout(0.5),
        k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "batch_norm_last": _chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, activation="relu"), k.BatchNormalization(), k.MaxPooling2D(), k.Flatten(),
        k.Dense(3, "softmax"),
    ]),
    "separable": _chain(IMAGE, lambda k: [
        k.SeparableConv2D(4, 3, padding="same"), k.ReLU(6.0), k.DepthwiseConv2D(3, strides=2),
        k.GlobalAveragePooling2D(), k.Dense(3, "softmax"),
    ]),
    "dilated": _chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, dilation_rate=2), k.DepthwiseConv2D(3, padding="same", dilation_rate=2),
        k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "grouped": _chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, groups=2), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "windows": _chain(IMAGE, _windows),
    AUGMENTATION: _chain(IMAGE, _augmentation),
    "normalisation": _chain(IMAGE, _normalisation),
    "layer_normalisation": _chain(SEQUENCE, lambda k: [
        k.LayerNormalization(), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "sequence": _chain(SEQUENCE, _sequence),
    "causal": _chain(SEQUENCE, lambda k: [
        k.Conv1D(4, 3, padding="causal", activation="relu"),
        k.Conv1D(5, 3, padding="causal", dilation_rate=2), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "dense_over_sequence": _chain(SEQUENCE, lambda k: [
        k.Dense(4, "relu"), k.Dense(5), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "dense_over_image": _chain(IMAGE, lambda k: [
        k.Dense(4, "relu"), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "time_distributed": _chain(SEQUENCE, lambda k: [
        k.TimeDistributed(k.Dense(4, "relu")), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "time_distributed_conv": _chain((3, 6, 6, 2), lambda k: [
        k.TimeDistributed(k.Conv2D(4, 3)), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "upsampling": _chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, strides=2, padding="same", activation="relu"), k.UpSampling2D(2),
        k.Conv2D(2, 3, padding="same"),
    ]),
    "upsampling_bilinear": _chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, strides=2, padding="same", activation="relu"),
        k.UpSampling2D(2, interpolation="bilinear"), k.Resizing(10, 7), k.Conv2D(2, 3),
    ]),
    "transposed": _chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, strides=2, padding="same", activation="relu"),
        k.Conv2DTranspose(2, 3, strides=2, padding="same"),
    ]),
    "lstm": _chain(SEQUENCE, lambda k: [k.LSTM(4, unroll=True), k.Dense(3, "softmax")]),
    "residual": _residual,
    "squeeze": lambda keras: _squeeze(keras, keepdims=True),
    "squeeze_reshape": lambda keras: _squeeze(keras, keepdims=False),
    "inverted_residual": _inverted,
    "merges": _merges,
    "extremes": _extremes,
    "two_inputs": _two_inputs,
    "two_outputs": _two_outputs,
} | {name: _activation(name) for name in ACTIVATIONS}  # fmt: skip


def make(keras: Keras, name: str):
    """The model ``name``, the same every time; batch normalisations as if they were trained."""
    keras.utils.set_random_seed(sum(map(ord, name)))
    model = MODELS[name](keras)
    random = np.random.default_rng(len(name))
    for weight in model.weights:
        kind = weight.path.rsplit("/", 1)[-1] if hasattr(weight, "path") else weight.name
        if kind.startswith(("gamma", "moving_variance")):
            weight.assign(random.uniform(0.5, 2, weight.shape))
        elif kind.startswith(("beta", "bias", "moving_mean")):
            weight.assign(random.normal(0, 0.3, weight.shape))
    return model
