"""Makes networks of other depths and kinds: those that the rule was not made with.

    python examples/accuracy/networks.py [NAME ...] [--out FOLDER] [--mnist FILE]

Writes int8 .tflite files, a scale a channel.  mlp2, mlp3, mlp5, cnn8, cnn14, dsc10 and dw22 are
trained on the first 12,000 upright digits of ``mnist.npz`` (the last two with batch normalisation),
to be tuned on shifted ones; linear, hidden and convolutional hold random weights, to learn from
nothing: their scales leave room for weights and activations four times as large, since training
makes them grow, and what starts at 127 cannot.

Needs TensorFlow (``pip install '.[keras]'``) and of edgetune nothing.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path

import numpy as np
from mnist_digits import FROM_RANDOM, digits
from places import NETWORKS, SHARED

SEED = 5
TRAINED_ON = 12_000  # digits
BATCH = 32
EPOCHS = {"dw22": 5}  # the others: 4
RATE = 2e-3, 2e-5  # at the start and at the end
CALIBRATION = 200  # digits
RESHAPE = 22  # of the schema's BuiltinOperator
ROOM = 4  # of random networks: weights and activations may become so many times as large


class Chain:
    """A Keras model, layer by layer; each method returns the chain.

    Args:
        size: of the image, pixels a side.
        normalised: convolutions have batch normalisation instead of a bias.
    """

    def __init__(self, size: int, normalised: bool = False):
        from tensorflow import keras

        self.keras, self.layers, self.normalised = keras, keras.layers, normalised
        self.input = self.x = self.layers.Input((size, size, 1))

    def conv(self, filters: int, kernel: int = 3, stride: int = 1) -> Chain:
        return self._convolved(self.layers.Conv2D(
            filters, kernel, stride, "same", use_bias=not self.normalised,
            kernel_initializer="he_normal",
        ))

    def depthwise(self, stride: int = 1) -> Chain:
        return self._convolved(self.layers.DepthwiseConv2D(
            3, stride, "same", use_bias=not self.normalised, depthwise_initializer="he_normal",
        ))

    def _convolved(self, layer) -> Chain:
        self.x = layer(self.x)
        if self.normalised:
            self.x = self.layers.BatchNormalization(momentum=0.9)(self.x)
        return self._add(self.layers.ReLU())

    def separable(self, filters: int, stride: int = 1) -> Chain:
        return self.depthwise(stride).conv(filters, 1)

    def max_pool(self, size: int) -> Chain:
        return self._add(self.layers.MaxPool2D(size))

    def average_pool(self, size: int) -> Chain:
        return self._add(self.layers.AveragePooling2D(size))

    def dense(self, units: int, activation: str | None = "relu") -> Chain:
        if len(self.x.shape) > 2:
            self._add(self.layers.Reshape((int(np.prod(self.x.shape[1:])),)))
        return self._add(self.layers.Dense(units, activation, kernel_initializer="he_normal"))

    def times(self, count: int, add, *arguments) -> Chain:
        for _ in range(count):
            add(self, *arguments)
        return self

    def _add(self, layer) -> Chain:
        self.x = layer(self.x)
        return self

    def classifier(self):
        """The model, with ten classes."""
        return self.keras.Model(self.input, self.dense(10, None)._add(self.layers.Softmax()).x)


def dw22() -> Chain:
    """22 layers, MobileNet's blocks."""
    chain = Chain(14, normalised=True).conv(16).times(2, Chain.separable, 16).separable(32, 2)
    return chain.times(7, Chain.separable, 32).average_pool(7)


def dsc10() -> Chain:
    """MobileNet's blocks, half the image from the first layer on."""
    chain = Chain(28, normalised=True).conv(16, 3, 2).separable(24).separable(32, 2)
    return chain.times(2, Chain.separable, 32).average_pool(7)


def cnn14() -> Chain:
    chain = Chain(14).times(2, Chain.conv, 8).max_pool(2).times(10, Chain.conv, 12)
    return chain.average_pool(7).dense(32)


MODELS = {
    "mlp2": lambda: Chain(28).dense(128),
    "mlp3": lambda: Chain(14).dense(96).dense(32),
    "mlp5": lambda: Chain(14).times(4, Chain.dense, 64),
    "cnn8": lambda: (
        Chain(14).times(2, Chain.conv, 8).max_pool(2).times(4, Chain.conv, 16).dense(32)
    ),
    "cnn14": cnn14,
    "dsc10": dsc10,
    "dw22": dw22,
    "linear": lambda: Chain(28),
    "hidden": lambda: Chain(28).dense(128),
    "convolutional": lambda: Chain(28).conv(8, 3, 2).conv(16, 3, 2),
}


def train(model, images: np.ndarray, labels: np.ndarray, epochs: int) -> None:
    """Adam, its rate falling along a line.  ``images`` [n, size, size, 1]."""
    from tensorflow import keras

    first, last = RATE
    steps = len(images) // BATCH * epochs
    rate = keras.optimizers.schedules.PolynomialDecay(first, steps, last)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    model.fit(images, labels, batch_size=BATCH, epochs=epochs, verbose=0)


def as_int8(model, images: np.ndarray) -> bytes:
    """The .tflite file, int8 throughout, calibrated with ``images``."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[None]] for image in images)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def with_room(content: bytes) -> bytes:
    """A .tflite file whose weights and activations take a ROOM-th of int8's range, at scales ROOM
    times as large; its biases are 0.  The input and the probabilities keep theirs."""
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    (graph,) = model.subgraphs
    kept = {*graph.inputs, *graph.outputs}
    for operator in graph.operators:
        source, output = operator.inputs[0], operator.outputs[0]
        if model.operatorCodes[operator.opcodeIndex].builtinCode == RESHAPE and source in kept:
            kept.add(output)
        if output not in kept:
            _widen(graph.tensors[output])
        weights = graph.tensors[operator.inputs[1]] if len(operator.inputs) == 3 else None
        if weights is not None and weights.quantization.scale is not None:
            _give_room(model, graph, *operator.inputs)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _widen(tensor) -> None:
    if tensor.quantization.scale is not None:  # no shape
        tensor.quantization.scale = [ROOM * scale for scale in tensor.quantization.scale]


def _give_room(model, graph, source: int, weights: int, bias: int) -> None:
    """To a layer's weights; its bias takes the scales that follow."""
    tensor = graph.tensors[weights]
    _widen(tensor)
    buffer = model.buffers[tensor.buffer]
    values = np.frombuffer(bytes(buffer.data), np.int8)
    buffer.data = np.round(values / ROOM).astype(np.int8).tobytes()
    if bias >= 0:
        scale = graph.tensors[source].quantization.scale[0]
        graph.tensors[bias].quantization.scale = [
            scale * each for each in tensor.quantization.scale
        ]


def make(name: str, mnist: Path) -> tuple[bytes, float]:
    """The file, and the float model's accuracy on upright test digits, %."""
    from tensorflow import keras

    keras.utils.set_random_seed(SEED)
    model = MODELS[name]().classifier()
    size = model.input_shape[1]
    images, labels = digits(mnist, "train", size)
    images = images[..., None]
    if name not in FROM_RANDOM:
        train(model, images[:TRAINED_ON], labels[:TRAINED_ON], EPOCHS.get(name, 4))
    test_images, test_labels = digits(mnist, "test", size)
    found = model.predict(test_images[..., None], verbose=0).argmax(axis=1)
    content, accuracy = as_int8(model, images[:CALIBRATION]), (found == test_labels).mean()
    return with_room(content) if name in FROM_RANDOM else content, 100 * float(accuracy)


def prepare() -> None:
    """TensorFlow on one core, so that its results do not depend on their number; the process ends
    with a word where it is not there."""
    if importlib.util.find_spec("tensorflow") is None:
        sys.exit(
            "Error: networks cannot be made without TensorFlow.\n"
            "Cause: it is not installed: it comes with an extra.\n"
            "Next: pip install '.[keras]'"
        )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MODELS)}")
    parser.add_argument("--out", type=Path, default=NETWORKS, help="folder; default: %(default)s")
    parser.add_argument("--mnist", type=Path, default=SHARED / "mnist.npz")
    given = parser.parse_args(arguments)
    if unknown := set(given.names) - set(MODELS):
        parser.error(f"no network {', '.join(sorted(unknown))}: there are {', '.join(MODELS)}")
    prepare()
    given.out.mkdir(parents=True, exist_ok=True)
    for name in given.names or MODELS:
        content, accuracy = make(name, given.mnist)
        (given.out / f"{name}.tflite").write_bytes(content)
        print(f"{name}: {accuracy:.1f} % of the upright digits", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
