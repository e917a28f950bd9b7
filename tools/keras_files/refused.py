"""What edgetune refuses of the matrix, and the words that must stand in the refusal."""

from __future__ import annotations

REFUSED = {  # by the model's name: of its .tflite files
    "attention": "BATCH_MATMUL",
    "conv_3d": "CONV_3D",
    "embedding": "GATHER",
    "group_normalisation": "5 dimensions",
    **dict.fromkeys(("lstm", "gru", "bidirectional"), "The model has loops or conditions"),
}
READ_IN_INT8 = ("group_normalisation",)  # what a float file would need int8 kernels for
REFUSED_LAYERS = {  # of its Keras file, which is judged before TensorFlow converts it
    "attention": "MultiHeadAttention: this kind of layer is not supported",
    "conv_3d": "Conv3D: this kind of layer is not supported",
    "embedding": "Embedding: this kind of layer is not supported",
}


def is_refused(name: str, form: str) -> bool:
    """Whether the model's .tflite file in ``form`` is one that is refused."""
    return name in REFUSED and not (name in READ_IN_INT8 and "int8" in form)


def is_known(name: str, sentence: str) -> bool:
    """Whether the refusal of a .tflite file of the model ``name`` is a true one."""
    return name in REFUSED and REFUSED[name] in sentence
