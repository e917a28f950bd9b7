"""What the models of the matrix have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Keras = Any  # the module
Make = Callable[[Keras], Any]  # gives a model
IMAGE, SEQUENCE, VECTOR = (8, 8, 2), (12, 3), (6,)


def chain(
    shape: tuple[int, ...], layers: Callable[[Any], list], batch: int | None = None
) -> Make:
    """A Sequential model of what ``layers`` makes of ``keras.layers``; its batch is open."""
    return lambda keras: keras.Sequential(
        [keras.Input(shape, batch_size=batch), *layers(keras.layers)]
    )
