"""A Keras file to a float .tflite file, in a process of its own.

TensorFlow prints as it likes, may end the process, and keeps its memory; none of that reaches
the process that asked.  Run as ``python -m edgetune.importers.keras.convert SOURCE TARGET``; an
error is left as JSON in the place of TARGET.  Names of the outputs lie beside it, as JSON too.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from edgetune.errors import ModelError
from edgetune.importers.keras.description import description
from edgetune.importers.keras.layers import check_layers
from edgetune.importers.keras.old_files import modern_file

NAMES = ".json"  # suffix of the outputs' names


def main(source: str, target: str) -> None:
    try:
        content = Path(source).read_bytes()
        check_layers(description(content))
        Path(source).write_bytes(modern_file(content))
        result, names = _converted(source)
        Path(target).with_suffix(NAMES).write_text(json.dumps(names))
    except ModelError as error:
        result = json.dumps(error.as_dict()).encode()
    Path(target).write_bytes(result)


def _converted(source: str) -> tuple[bytes, list[str]]:
    """The .tflite file, and what Keras calls its outputs, in their order."""
    import tensorflow as tf

    try:
        model = tf.keras.models.load_model(source, compile=False)
    except Exception as error:  # Keras raises what it likes
        raise _failed("Keras cannot load this model.", error) from None
    _dense_everywhere(tf, model)
    _step_by_step(tf, model)
    forward = _with_batch_of_one(tf, model)
    # the function in the place of the model: so its weights become constants in every version
    converter = tf.lite.TFLiteConverter.from_concrete_functions([forward], forward)
    converter.allow_custom_ops = True  # so that what is unsupported is named, all at once
    try:
        return converter.convert(), _output_names(model)
    except Exception as error:
        raise _failed("TensorFlow cannot convert this model to .tflite.", error) from None


def _output_names(model) -> list[str]:
    """In their order; Keras 3 keeps those of a Sequential model in the functional one inside."""
    known = model if hasattr(model, "output_names") else getattr(model, "_functional", None)
    return [str(name) for name in getattr(known, "output_names", ())]


def _dense_everywhere(tf, model) -> None:
    """Lets TimeDistributed(Dense) be that dense layer, which takes any number of dimensions;
    Keras would write it as many layers, one a step."""
    for layer in model._flatten_layers():
        if isinstance(layer, tf.keras.layers.TimeDistributed) and isinstance(
            layer.layer, tf.keras.layers.Dense
        ):
            layer.call = lambda x, training=None, mask=None, dense=layer.layer: dense(x)


def _step_by_step(tf, model) -> None:
    """Lets recurrent layers be written out; TensorFlow would write loops."""
    for layer in model._flatten_layers():
        if isinstance(layer, tf.keras.layers.RNN):
            layer.unroll = True


def _with_batch_of_one(tf, model):
    """The model's forward pass with fixed shapes, its inputs called as Keras calls them; all its
    outputs, in the order of their names."""
    specs = [_spec(tf, i) for i in model.inputs]
    whole = specs[0] if len(specs) == 1 else getattr(model, "_inputs_struct", list(specs))

    def forward(*xs):
        return tf.nest.flatten(model(tf.nest.pack_sequence_as(whole, xs), training=False))

    try:
        return tf.function(forward).get_concrete_function(*specs)
    except Exception as error:
        raise _failed("Keras cannot run this model on one sample.", error) from None


def _spec(tf, source):
    shape = tuple(source.shape)
    if None in shape[1:]:
        raise ModelError(
            f"The model has an input of the shape {list(shape)}.",
            "Of its sizes only the batch may be open.",
            "Save the model with an input of a fixed shape.",
        )
    return tf.TensorSpec([1, *shape[1:]], source.dtype, name=source.name.split(":")[0])


def _failed(message: str, error: Exception) -> ModelError:
    cause = f"{type(error).__name__}: {error}".strip()[:1000]
    return ModelError(message, cause, "Save the model again with the Keras that is installed.")


if __name__ == "__main__":
    main(*sys.argv[1:])
