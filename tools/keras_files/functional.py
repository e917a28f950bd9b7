"""Functional models of the matrix: branches, gates, several inputs and outputs."""

from __future__ import annotations

from tools.keras_files.parts import IMAGE, SEQUENCE, VECTOR, Keras, Make


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


def _nested(keras: Keras):
    """A Sequential model inside, and a layer that is called twice."""
    k = keras.layers
    image = keras.Input(IMAGE)
    inner = keras.Sequential([keras.Input(IMAGE), k.Conv2D(4, 3, padding="same"), k.ReLU(6.0)])
    shared = k.Conv2D(4, 1, activation="relu")
    x = k.Flatten()(shared(shared(inner(image))))
    return keras.Model(image, k.Softmax()(k.Dense(3)(x)))


def _written_out(keras: Keras):
    """Arithmetic and functions in the place of layers."""
    k = keras.layers
    image = keras.Input(IMAGE)
    x, y = (k.Conv2D(4, n, padding="same")(image) for n in (1, 3))
    x = keras.ops.relu(x + y) * 0.5 - y
    return keras.Model(image, k.Dense(3, "softmax")(k.Flatten()(x)))


def _gated_sequence(keras: Keras):
    """Squeeze and excitation over a sequence, skipped."""
    k = keras.layers
    sequence = keras.Input(SEQUENCE)
    x = k.Conv1D(4, 3, padding="same", activation="relu")(sequence)
    gate = k.Dense(4, "sigmoid")(k.Dense(2, "relu")(k.GlobalAveragePooling1D()(x)))
    x = k.Add()([x, k.Multiply()([x, k.Reshape((1, 4))(gate)])])
    return keras.Model(sequence, k.Dense(3, "softmax")(k.Flatten()(x)))


def _attention(keras: Keras):
    k = keras.layers
    sequence = keras.Input(SEQUENCE)
    x = k.Add()([sequence, k.MultiHeadAttention(2, 4)(sequence, sequence)])
    return keras.Model(sequence, k.Dense(3, "softmax")(k.Flatten()(x)))


FUNCTIONAL: dict[str, Make] = {
    "residual": _residual,
    "squeeze": lambda keras: _squeeze(keras, keepdims=True),
    "squeeze_reshape": lambda keras: _squeeze(keras, keepdims=False),
    "inverted_residual": _inverted,
    "merges": _merges,
    "extremes": _extremes,
    "nested": _nested,
    "written_out": _written_out,
    "gated_sequence": _gated_sequence,
    "attention": _attention,
    "two_inputs": _two_inputs,
    "two_outputs": _two_outputs,
}
