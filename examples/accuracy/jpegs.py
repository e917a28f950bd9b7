"""CIFAR-10 as a JPEG camera gives it: the images of ``cifar10_jpeg.npz``, decoded.

Needs Pillow (``pip install '.[images]'``).
"""

from __future__ import annotations

import io

import numpy as np

ANIMALS = ("bird", "cat", "deer", "dog", "frog", "horse")


def decoded(archive, part: str, rows: slice, size: int | None = None) -> np.ndarray:
    """uint8 (n, 32, 32, 3), or (n, size, size, 3) scaled up.

    Args:
        archive: the opened file: ``{part}_jpeg`` holds the images' bytes one behind the other,
            ``{part}_offset`` where each begins and the last ends.
        part: "train" or "test".
        rows: which images; a slice with an end.
    """
    data, offsets = archive[f"{part}_jpeg"].tobytes(), archive[f"{part}_offset"]
    span = range(*rows.indices(len(offsets) - 1))
    return np.stack([_image(data[offsets[i] : offsets[i + 1]], size) for i in span])


def _image(jpeg: bytes, size: int | None) -> np.ndarray:
    from PIL import Image

    image = Image.open(io.BytesIO(jpeg)).convert("RGB")
    return np.asarray(image if size is None else image.resize((size, size), Image.BILINEAR))


def is_animal(archive, labels: np.ndarray) -> np.ndarray:
    """1 for an animal, 0 for a vehicle, int64 (n,), from class numbers."""
    animal = np.array([str(name) in ANIMALS for name in archive["classes"]])
    return animal[labels].astype(np.int64)
