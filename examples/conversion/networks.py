"""Builds and trains small networks of the kinds that microcontrollers run, on real digits.

    python examples/conversion/networks.py FOLDER [NAME ...] [--mnist FILE]

writes float models into FOLDER: .tflite and .keras files of the Keras networks (which need
TensorFlow, ``pip install '.[keras]'``) and an .onnx file of the torch one (``torch``,
``onnx`` and ``onnxscript``).  What ``models/`` holds was made so.  ``check_networks.py`` converts
them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from images import NORMAL, SIZE, Images, flat, load_images

SEED = 5
BATCH = 64
STEPS = 500
RATE = 4e-3  # falls to zero, so that batch normalisation's averages settle


def residual(layers):
    """ResNet: short cuts as they are and through a convolution."""

    def block(x, filters, stride=1):
        y = convolution(layers, x, filters, 3, stride)
        y = layers.BatchNormalization(momentum=0.9)(
            layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
        )
        if stride > 1:
            x = layers.Conv2D(filters, 1, stride, padding="same")(x)
        return layers.ReLU()(layers.Add()([x, y]))

    x = source = layers.Input((SIZE, SIZE, 1))
    x = convolution(layers, x, 8, 3)
    x = block(block(block(x, 8), 12, 2), 16, 2)
    return source, classifier(layers, x)


def separable(layers):
    """MobileNetV1."""
    x = source = layers.Input((SIZE, SIZE, 1))
    x = convolution(layers, x, 8, 3, 2)
    for filters, stride in ((16, 1), (32, 2), (32, 1)):
        x = depthwise(layers, x, stride)
        x = convolution(layers, x, filters, 1)
    return source, classifier(layers, x)


def inverted_residual(layers):
    """MobileNetV2: expansion, depthwise, a linear projection."""

    def block(x, filters, stride=1):
        y = convolution(layers, x, 4 * x.shape[-1], 1, top=6)
        y = depthwise(layers, y, stride, top=6)
        y = layers.BatchNormalization(momentum=0.9)(
            layers.Conv2D(filters, 1, use_bias=False)(y)
        )
        return layers.Add()([x, y]) if stride == 1 else y

    x = source = layers.Input((SIZE, SIZE, 1))
    x = convolution(layers, x, 8, 3, 2, top=6)
    x = block(block(block(x, 8), 16, 2), 16)
    return source, classifier(layers, convolution(layers, x, 32, 1, top=6))


def autoencoder(layers):
    """Dense, for anomaly detection."""
    x = source = layers.Input((64,))
    for units in (48, 48, 8, 48, 48):
        x = layers.Dense(units, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    return source, layers.Dense(64)(x)


def convolution(layers, x, filters, kernel, stride=1, top=None):
    x = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False)(x)
    return layers.ReLU(top)(layers.BatchNormalization(momentum=0.9)(x))


def depthwise(layers, x, stride=1, top=None):
    x = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(x)
    return layers.ReLU(top)(layers.BatchNormalization(momentum=0.9)(x))


def classifier(layers, x):
    return layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(x))


KERAS = {f.__name__: f for f in (residual, separable, inverted_residual, autoencoder)}


def trained_keras(name: str, images: Images):
    """A trained Keras model, for batches of any size."""
    import tensorflow as tf

    tf.keras.utils.set_random_seed(SEED)
    model = tf.keras.Model(*KERAS[name](tf.keras.layers), name=name)
    x, y, loss = images.train_x, images.train_y, "sparse_categorical_crossentropy"
    if name == "autoencoder":
        x, loss = flat(x[y < NORMAL]), "mse"
        y = x
    epochs = max(1, STEPS * BATCH // len(x))
    rate = tf.keras.optimizers.schedules.CosineDecay(RATE, epochs * -(-len(x) // BATCH))
    model.compile(tf.keras.optimizers.Adam(rate), loss)
    model.fit(x, y, BATCH, epochs, verbose=0)
    return model


def as_tflite(model) -> bytes:
    """The float .tflite file, with a batch of one."""
    import tensorflow as tf

    spec = tf.TensorSpec([1, *model.inputs[0].shape[1:]], tf.float32, name="input")
    function = tf.function(lambda x: model(x, training=False)).get_concrete_function(spec)
    return tf.lite.TFLiteConverter.from_concrete_functions([function], model).convert()


def torch_residual():
    """Residual blocks with batch normalisation behind a convolution, and in front of the next
    block, where it cannot be folded into one."""
    from torch import nn

    class Block(nn.Module):
        def __init__(self, source, filters, stride):
            super().__init__()
            self.norm = nn.BatchNorm2d(source)
            self.path = nn.Sequential(
                nn.Conv2d(source, filters, 3, stride, padding=1, bias=False),
                nn.BatchNorm2d(filters), nn.ReLU(),
                nn.Conv2d(filters, filters, 3, padding=1),
            )
            self.short = nn.Conv2d(source, filters, 1, stride) if stride > 1 else nn.Identity()

        def forward(self, x):
            return self.short(x) + self.path(self.norm(x).relu())

    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), Block(8, 8, 1), Block(8, 12, 2), Block(12, 16, 2),
        nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10),
    )


def trained_torch(images: Images):
    """The torch network after the same number of steps."""
    import torch

    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # layers this small gain nothing by more
    random = np.random.default_rng(SEED)
    model = torch_residual()
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    x, y = torch.tensor(images.train_x).permute(0, 3, 1, 2), torch.tensor(images.train_y)
    for _ in range(STEPS):
        batch = random.integers(0, len(x), BATCH)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
        optimizer.step()
        rate.step()
    return model.eval()


def as_onnx(model) -> bytes:
    """The .onnx file, without the source lines that torch notes with every node."""
    import torch

    exported = torch.onnx.export(model, (torch.zeros(1, 1, SIZE, SIZE),), verbose=False)
    proto = exported.model_proto
    for part in (proto, proto.graph, *proto.graph.node, *proto.graph.value_info,
                 *proto.graph.input, *proto.graph.output, *proto.graph.initializer):
        part.ClearField("metadata_props")
    return proto.SerializeToString()


def write(name: str, images: Images, folder: Path) -> None:
    """Trains a network and writes its files into ``folder``."""
    if name == "torch_residual":
        (folder / f"{name}.onnx").write_bytes(as_onnx(trained_torch(images)))
        return
    model = trained_keras(name, images)
    model.save(folder / f"{name}.keras")
    (folder / f"{name}.tflite").write_bytes(as_tflite(model))


def main() -> None:
    names = [*KERAS, "torch_residual"]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", default=names, help=", ".join(names))
    parser.add_argument("--mnist", type=Path, help="train on MNIST instead of scikit-learn's")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    images = load_images(given.mnist)
    for name in given.names:
        write(name, images, given.folder)
        print(name, "written")


if __name__ == "__main__":
    main()
