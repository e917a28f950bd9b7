"""The ways by which TensorFlow makes a .tflite file of a Keras model."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from tools.keras_files.models import make

WAYS = ("from_keras_model", "from_saved_model")
FORMATS = ("float", "int8", "int8_float_ends", "uint8_ends", "dynamic_range", "float16")
SAMPLES = 50  # to calibrate by


def made(name: str, way: str, form: str) -> bytes | str:
    """The file of the model ``name`` by one of `WAYS` in one of `FORMATS`; TensorFlow's words
    where it does not convert."""
    import tensorflow as tf

    os.dup2(2, 1)  # it prints as it likes; the matrix goes to standard output
    try:
        return converted(tf, make(tf.keras, name), way, form)
    except Exception as error:  # TensorFlow raises what it likes
        return f"{type(error).__name__}: {error}"[:300]


def saved(name: str, path: str) -> None:
    """Saves the model ``name`` as Keras does; ``path`` ends with .keras or .h5."""
    import tensorflow as tf

    os.dup2(2, 1)
    make(tf.keras, name).save(path)


def converted(tf: Any, model: Any, way: str, form: str) -> bytes:
    """The .tflite file of ``model``, by one of `WAYS`, in one of `FORMATS`; errors are
    TensorFlow's."""
    with tempfile.TemporaryDirectory() as folder:
        if way == "from_saved_model":
            model.export(folder, verbose=False)
            converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        else:
            converter = tf.lite.TFLiteConverter.from_keras_model(model)
        _choose(tf, converter, model, form)
        return converter.convert()


def _choose(tf: Any, converter: Any, model: Any, form: str) -> None:
    if form == "float":
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if form == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if form in ("float16", "dynamic_range"):
        return
    converter.representative_dataset = lambda: _samples(model)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    ends = {"int8": tf.int8, "int8_float_ends": tf.float32, "uint8_ends": tf.uint8}[form]
    converter.inference_input_type = converter.inference_output_type = ends


def _samples(model: Any) -> Iterator[list | dict]:
    """By name where there are several inputs, whose order is not the model's."""
    random = np.random.default_rng(0)
    for _ in range(SAMPLES):
        arrays = [random.normal(0, 1, (1, *i.shape[1:])).astype(np.float32) for i in model.inputs]
        names = [i.name for i in model.inputs]
        yield arrays if len(arrays) == 1 else dict(zip(names, arrays))
