"""The Keras models of the matrix: tiny, untrained, one a habit that people have.

Every function takes the module ``keras`` and returns a model; ``MODELS`` has them by name.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tools.keras_files.functional import FUNCTIONAL
from tools.keras_files.parts import IMAGE, SEQUENCE, VECTOR, Keras, Make, chain

ACTIVATIONS = (
    "relu", "relu6", "elu", "selu", "gelu", "silu", "tanh", "sigmoid", "leaky_relu", "hard_silu",
    "softplus", "exponential",
)
AUGMENTATION = "augmentation"


def _activation(name: str) -> Make:
    """``name`` behind a convolution."""
    return chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, strides=2, padding="same"), k.Activation(name), k.Flatten(),
        k.Dense(3, "softmax"),
    ])  # fmt: skip


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


MODELS: dict[str, Make] = {
    "dense": chain(VECTOR, lambda k: [k.Dense(5, "relu"), k.Dense(3, "softmax")]),
    "logits": chain(VECTOR, lambda k: [k.Dense(5, "relu"), k.Dense(3)]),
    "one_sigmoid": chain(VECTOR, lambda k: [k.Dense(5, "relu"), k.Dense(1, "sigmoid")]),
    "regression": chain(VECTOR, lambda k: [k.Dense(5, "relu"), k.Dense(1)]),
    "autoencoder": chain(VECTOR, lambda k: [k.Dense(3, "relu"), k.Dense(6)]),
    "flatten": chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, activation="relu"), k.MaxPooling2D(), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "flatten_only": chain(IMAGE, lambda k: [k.Flatten(), k.Dense(3, "softmax")]),
    "reshape": chain((128,), lambda k: [
        k.Reshape(IMAGE), k.Conv2D(4, 3, strides=2), k.Reshape((-1,)), k.Dense(3, "softmax"),
    ]),
    "permute": chain(IMAGE, lambda k: [
        k.Permute((2, 1, 3)), k.Conv2D(4, 3), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "global_average": chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, activation="relu"), k.GlobalAveragePooling2D(), k.Dense(3, "softmax"),
    ]),
    "global_max": chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, activation="relu"), k.GlobalMaxPooling2D(), k.Dense(3, "softmax"),
    ]),
    "global_max_1d": chain(SEQUENCE, lambda k: [
        k.Conv1D(4, 3, activation="relu"), k.GlobalMaxPooling1D(), k.Dense(3, "softmax"),
    ]),
    "global_average_1d": chain(SEQUENCE, lambda k: [
        k.Conv1D(4, 3, activation="relu"), k.GlobalAveragePooling1D(), k.Dense(3, "softmax"),
    ]),
    "batch_norm": chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, use_bias=False), k.BatchNormalization(), k.ReLU(), k.Dropout(0.5),
        k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "batch_norm_last": chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, activation="relu"), k.BatchNormalization(), k.MaxPooling2D(), k.Flatten(),
        k.Dense(3, "softmax"),
    ]),
    "separable": chain(IMAGE, lambda k: [
        k.SeparableConv2D(4, 3, padding="same"), k.ReLU(6.0), k.DepthwiseConv2D(3, strides=2),
        k.GlobalAveragePooling2D(), k.Dense(3, "softmax"),
    ]),
    "dilated": chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, dilation_rate=2), k.DepthwiseConv2D(3, padding="same", dilation_rate=2),
        k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "grouped": chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, groups=2), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "windows": chain(IMAGE, _windows),
    AUGMENTATION: chain(IMAGE, _augmentation),
    "normalisation": chain(IMAGE, _normalisation),
    "layer_normalisation": chain(SEQUENCE, lambda k: [
        k.LayerNormalization(), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "sequence": chain(SEQUENCE, _sequence),
    "causal": chain(SEQUENCE, lambda k: [
        k.Conv1D(4, 3, padding="causal", activation="relu"),
        k.Conv1D(5, 3, padding="causal", dilation_rate=2), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "dense_over_sequence": chain(SEQUENCE, lambda k: [
        k.Dense(4, "relu"), k.Dense(5), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "dense_over_image": chain(IMAGE, lambda k: [
        k.Dense(4, "relu"), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "time_distributed": chain(SEQUENCE, lambda k: [
        k.TimeDistributed(k.Dense(4, "relu")), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "time_distributed_conv": chain((3, 6, 6, 2), lambda k: [
        k.TimeDistributed(k.Conv2D(4, 3)), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "upsampling": chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, strides=2, padding="same", activation="relu"), k.UpSampling2D(2),
        k.Conv2D(2, 3, padding="same"),
    ]),
    "upsampling_bilinear": chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, strides=2, padding="same", activation="relu"),
        k.UpSampling2D(2, interpolation="bilinear"), k.Resizing(10, 7), k.Conv2D(2, 3),
    ]),
    "transposed": chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, strides=2, padding="same", activation="relu"),
        k.Conv2DTranspose(2, 3, strides=2, padding="same"),
    ]),
    "transposed_1d": chain(SEQUENCE, lambda k: [
        k.Conv1D(4, 3, strides=2, padding="same", activation="relu"),
        k.Conv1DTranspose(3, 3, strides=2, padding="same"),
    ]),
    "upsampling_1d": chain(SEQUENCE, lambda k: [
        k.Conv1D(4, 3, strides=2, padding="same", activation="relu"), k.UpSampling1D(2),
        k.Conv1D(3, 3, padding="same"),
    ]),
    "prelu": chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, strides=2), k.PReLU(shared_axes=[1, 2]), k.Flatten(),
        k.Dense(3, "softmax"),
    ]),
    "prelu_of_cells": chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, strides=2), k.PReLU(), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "layers_of_functions": chain(IMAGE, lambda k: [
        k.Conv2D(4, 3), k.LeakyReLU(), k.Conv2D(4, 1), k.ELU(), k.Conv2D(4, 1),
        k.ReLU(max_value=4), k.Flatten(), k.Dense(3),
        k.Softmax(),
    ]),
    "dense_batch_norm": chain(VECTOR, lambda k: [
        k.Dense(8, use_bias=False), k.BatchNormalization(), k.ReLU(), k.Dropout(0.5),
        k.Dense(3, "softmax"),
    ]),
    "repeated": chain(VECTOR, lambda k: [
        k.Dense(4, "relu"), k.RepeatVector(5), k.Conv1D(3, 3), k.Flatten(),
        k.Dense(3, "softmax"),
    ]),
    "layer_normalisation_2d": chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, strides=2), k.LayerNormalization(), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "group_normalisation": chain(IMAGE, lambda k: [
        k.Conv2D(4, 3, strides=2), k.GroupNormalization(2), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "time_distributed_net": chain((3, 6, 6, 2), lambda k: [
        k.TimeDistributed(k.Conv2D(4, 3, activation="relu")), k.TimeDistributed(k.MaxPooling2D()),
        k.TimeDistributed(k.Flatten()), k.Conv1D(4, 2), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "lstm": chain(SEQUENCE, lambda k: [k.LSTM(4), k.Dense(3, "softmax")], batch=1),
    "lstm_unrolled": chain(SEQUENCE, lambda k: [k.LSTM(4, unroll=True), k.Dense(3, "softmax")]),
    "gru": chain(SEQUENCE, lambda k: [k.GRU(4), k.Dense(3, "softmax")], batch=1),
    "bidirectional": chain(SEQUENCE, lambda k: [
        k.Bidirectional(k.LSTM(4)), k.Dense(3, "softmax"),
    ], batch=1),
    "conv_3d": chain((4, 4, 4, 2), lambda k: [
        k.Conv3D(3, 2), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "embedding": chain(VECTOR, lambda k: [
        k.Embedding(5, 4), k.Flatten(), k.Dense(3, "softmax"),
    ]),
    "log_softmax": chain(VECTOR, lambda k: [k.Dense(5, "relu"), k.Dense(3, "log_softmax")]),
    "softmax_between": chain(VECTOR, lambda k: [k.Dense(5, "softmax"), k.Dense(3, "softmax")]),
} | FUNCTIONAL | {name: _activation(name) for name in ACTIVATIONS}  # fmt: skip


def make(keras: Keras, name: str):
    """The model ``name``, the same every time; batch normalisations as if they were trained."""
    keras.utils.set_random_seed(sum(map(ord, name)))
    model = MODELS[name](keras)
    random = np.random.default_rng(len(name))
    for weight in model.weights:
        kind = weight.path.rsplit("/", 1)[-1] if hasattr(weight, "path") else weight.name
        if kind.startswith(("gamma", "moving_variance")):
            weight.assign(random.uniform(0.5, 2, weight.shape))
        elif kind.startswith(("alpha", "beta", "bias", "moving_mean")):
            weight.assign(random.normal(0, 0.3, weight.shape))
    return model
