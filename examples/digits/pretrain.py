"""Pretrains the demo's model and writes its data: everything in this folder that is not text.

Needs TensorFlow and scikit-learn (``pip install tensorflow-cpu==2.15.1 scikit-learn``); the
files it writes are committed, so nobody who only runs the demo needs either.

The 1,797 digits of scikit-learn are split once, stratified by class, into 900 to pretrain on,
500 to tune on and 397 to test on.  The device's sensor is mounted sideways: what it sees is
turned by 90 degrees, and the model has never seen that.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

HERE = Path(__file__).parent
SEED = 2026
PRETRAIN, TUNE = 900, 500  # the remaining 397 are the test part
SCALE = 1 / 16  # raw values are 0..16, the model's input is 0..1


def split(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Disjoint, sorted indices of the pretraining, tuning and test digits."""
    every = np.arange(len(labels))
    pretrain, rest = train_test_split(
        every, train_size=PRETRAIN, stratify=labels, random_state=SEED
    )
    tune, test = train_test_split(
        rest, train_size=TUNE, stratify=labels[rest], random_state=SEED
    )
    return np.sort(pretrain), np.sort(tune), np.sort(test)


def sideways(images: np.ndarray) -> np.ndarray:
    """``images`` (n, 8, 8, 1) turned by 90 degrees counter-clockwise."""
    return np.ascontiguousarray(np.rot90(images, axes=(1, 2)))


def build() -> tf.keras.Model:
    """Convolution, pooling, depthwise-separable block, ten logits: 5,920 weights."""
    layers = tf.keras.layers
    return tf.keras.Sequential(
        [
            layers.Input((8, 8, 1), batch_size=1),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.DepthwiseConv2D(3, padding="same", activation="relu"),
            layers.Conv2D(32, 1, activation="relu"),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )


def pretrain(images: np.ndarray, labels: np.ndarray) -> tf.keras.Model:
    """The trained float model; ``images`` (n, 8, 8, 1) in 0..1, ``labels`` (n,) in 0..9."""
    batched = tf.keras.Sequential(build().layers)
    batched.build((None, 8, 8, 1))
    batched.compile(
        optimizer=tf.keras.optimizers.Adam(3e-3),
        loss=tf.keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.03),
    )
    batched.fit(images, np.eye(10)[labels], batch_size=32, epochs=60, verbose=0)
    single = build()
    single.set_weights(batched.get_weights())
    return single


def convert(model: tf.keras.Model, samples: np.ndarray | None = None) -> bytes:
    """The model as a TFLite file: float, or int8 throughout when calibrated with ``samples``."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if samples is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[None]] for image in samples)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def accuracy(content: bytes, images: np.ndarray, labels: np.ndarray) -> float:
    """Share of ``images`` (n, 8, 8, 1), raw, that the TFLite file reads right."""
    interpreter = tf.lite.Interpreter(
        model_content=content,
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
    )
    interpreter.allocate_tensors()
    source, sink = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero_point = source["quantization"]
    real = images.astype(np.float32) * np.float32(SCALE)
    samples = np.rint(real / scale) + zero_point if scale else real
    right = 0
    for sample, label in zip(samples, labels, strict=True):
        interpreter.set_tensor(source["index"], sample[None].astype(source["dtype"]))
        interpreter.invoke()
        right += int(interpreter.get_tensor(sink["index"]).argmax() == label)
    return right / len(labels)


def main() -> None:
    tf.keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    digits = load_digits()
    images = digits.images.astype(np.uint8)[..., None]
    labels = digits.target.astype(np.uint8)
    pretrain_at, tune_at, test_at = split(labels)

    samples = images[pretrain_at].astype(np.float32) * np.float32(SCALE)
    model = pretrain(samples, labels[pretrain_at])
    files = {"float": convert(model), "int8": convert(model, samples)}
    test_x, test_y = images[test_at], labels[test_at]
    for name, content in files.items():
        (HERE / f"digits_{name}.tflite").write_bytes(content)
        upright, turned = (accuracy(content, x, test_y) for x in (test_x, sideways(test_x)))
        print(f"{name}: {100 * upright:.1f} % upright, {100 * turned:.1f} % sideways")
    np.savez_compressed(
        HERE / "digits.npz",
        scale=np.float64(SCALE),
        offset=np.float64(0),
        tune_x=sideways(images[tune_at]),
        tune_y=labels[tune_at],
        test_x=sideways(test_x),
        test_y=test_y,
        upright_test_x=test_x,
        upright_test_y=test_y,
        pretrain_x=images[pretrain_at],
        pretrain_y=labels[pretrain_at],
        pretrain_index=pretrain_at.astype(np.int16),
        tune_index=tune_at.astype(np.int16),
        test_index=test_at.astype(np.int16),
    )


if __name__ == "__main__":
    main()
