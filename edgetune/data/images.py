"""A folder of images for each class, decoded by Pillow when they are asked for."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from edgetune.data.class_folders import class_files
from edgetune.data.source import LazySamples, Request, Source
from edgetune.errors import DataError, ToolchainError
from edgetune.files import check_regular
from edgetune.installation import install_command

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".ppm")
MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # Pillow's, by the model's channels
NARROW = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")  # 8 bits a channel


class ImageFiles(LazySamples):
    """uint8 samples (height, width, channels); grey to colour and back as Pillow converts.

    ``resize``: images of other sizes are resampled (bilinear, Pillow's, which averages when
    shrinking); without it they are refused when the source is opened.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, files: list[Path], shape: tuple[int, int, int], resize: bool):
        self.shape = (len(files), *shape)
        self._files, self._size, self._mode = files, (shape[1], shape[0]), MODES[shape[2]]
        self._resize = resize

    def check_sizes(self) -> None:
        """DataError where a file is no image, or of a size that is not declared to be fitted."""
        sizes = Counter()
        first = {}
        for path in self._files:
            with _opened(path) as image:
                sizes[image.size] += 1
                first.setdefault(image.size, path)
        wrong = [size for size in sizes if size != self._size]
        if wrong and not self._resize:
            raise self._wrong_size(sizes, first[wrong[0]], wrong[0])

    def _wrong_size(self, sizes: Counter, path: Path, size: tuple[int, int]) -> DataError:
        counted = ", ".join(f"{n} of {w} x {h}" for (w, h), n in sizes.most_common(5))
        return DataError(
            f"{path} is {size[0]} x {size[1]} pixels (width x height); the model takes "
            f"{self._size[0]} x {self._size[1]}.",
            f"There are {counted}{' and others' if len(sizes) > 5 else ''}.",
            "Declare --fit resize, if the training images were resized as well.",
        )

    def sample(self, row: int) -> np.ndarray:
        from PIL import Image

        path = self._files[row]
        with _opened(path) as image:
            try:
                image = image.convert(self._mode)
                if image.size != self._size:
                    image = image.resize(self._size, Image.Resampling.BILINEAR)
            # A damaged file makes Pillow's decoders raise nearly anything.
            except Exception as error:
                raise _unreadable(path, error) from error
        return np.asarray(image, np.uint8).reshape(self.shape[1:])


def read(request: Request) -> Source:
    """The images below a folder, their folders' names as labels."""
    _need_pillow()
    shape = request.shape + (1,) * (3 - len(request.shape))
    if len(shape) != 3 or shape[2] not in MODES:
        raise DataError(
            f"Images are no input for a model that takes {request.shape}.",
            "Its input is not height, width and 1, 3 or 4 channels.",
            "Give the data as .npy files, or by a Python function.",
        )
    files, labels, left_out = class_files(request, SUFFIXES)
    images = ImageFiles(files, shape, request.declaration.fit == "resize")
    images.check_sizes()
    return Source(
        images, labels, request.path, request.path, warnings=tuple(left_out), decoded=True
    )


def _opened(path: Path):
    """The image with its header read; 16-bit ones are refused, as Pillow would clip them."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(check_regular(path))
    except Exception as error:
        raise _unreadable(path, error) from error
    if image.mode not in NARROW:
        mode = image.mode
        image.close()
        raise DataError(
            f"The image {path} has more than 8 bits a channel.",
            f"Pillow calls its mode {mode}.",
            "Convert it to 8 bits, or give the data as .npy files.",
        )
    return image


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(
        f"The image {path} cannot be read.",
        f"{type(error).__name__}: {error}",
        "Repair or remove the file.",
    )


def _need_pillow():
    try:
        import PIL  # noqa: F401
    except ImportError:
        raise ToolchainError(
            "Images cannot be read without Pillow.",
            "It is not installed: it comes with an extra.",
            install_command("images"),
        ) from None
