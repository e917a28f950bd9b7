"""A folder of WAV files for each class, read when they are asked for."""

from __future__ import annotations

import math
import wave
from pathlib import Path

import numpy as np

from edgetune.data.class_folders import class_files
from edgetune.data.features import Features, parse_features
from edgetune.data.source import LazySamples, Request, Source
from edgetune.dataclass import dataclass
from edgetune.errors import DataError
from edgetune.files import check_regular

SUFFIXES = (".wav",)


@dataclass(frozen=True)
class _Header:
    rate: int
    length: int
    channels: int


class SoundFiles(LazySamples):
    """float32 samples in the model's shape, PCM of any width as -1 to below 1.

    A longer file is cut, a shorter one is followed by silence, both only as ``fit`` allows.
    ``frame``: length and hop; the values become overlapping frames, one a row.  ``features``: what
    is computed of frames in their place.
    """

    dtype = np.dtype(np.float32)

    def __init__(
        self, files: list[Path], shape: tuple[int, ...], frame: tuple[int, int] | None,
        features: Features | None = None,
    ):
        self.shape, self._files, self._frame = (len(files), *shape), files, frame
        self._features, self._rate = features, 0
        size = math.prod(shape)
        plain = frame is None and features is None
        self._channels = shape[-1] if len(shape) == 2 and plain else 1
        self._length = size // self._channels
        if frame:
            self._length = frame[0] + (size // frame[0] - 1) * frame[1]
        if features:
            self._length = features.length(size // features.width)

    def check_headers(self, rate: int | None, fit: str) -> int:
        """The one sample rate of all files; DataError where they differ or do not fit."""
        for path in self._files:
            header = _header(path)
            rate = rate or header.rate
            if header.rate != rate:
                raise DataError(
                    f"{path} has a sample rate of {header.rate} Hz, not {rate}.",
                    "All sounds of a model have one sample rate; it is declared, or the first's.",
                    "Resample the file.",
                )
            self._check_shape(path, header, fit)
        self._rate = rate or 0
        return self._rate

    def _check_shape(self, path: Path, header: _Header, fit: str):
        if header.channels != self._channels:
            raise DataError(
                f"{path} has {header.channels} channels; the model takes {self._channels}.",
                "", "Mix the channels, or choose one, before.",
            )
        if header.length == self._length:
            return
        needed = "crop" if header.length > self._length else "pad"
        if needed not in fit:
            raise DataError(
                f"{path} holds {header.length} values a channel; the model takes {self._length}.",
                f"That is {header.length / header.rate:.3g} s at {header.rate} Hz.",
                f"Declare --fit {needed} (crop-pad for both), if the training sounds were "
                "treated so as well.",
            )

    def sample(self, row: int) -> np.ndarray:
        values = _decode(self._files[row])[: self._length]
        values = np.pad(values, ((0, self._length - len(values)), (0, 0)))
        if self._features:
            values = self._features.of(values[:, 0], self._rate)
        elif self._frame:
            length, hop = self._frame
            values = np.lib.stride_tricks.sliding_window_view(values[:, 0], length)[::hop]
        return values.reshape(self.shape[1:])


def read(request: Request) -> Source:
    """The sounds below a folder, their folders' names as labels."""
    declaration, size = request.declaration, math.prod(request.shape)
    if declaration.frame and size % declaration.frame[0]:
        raise DataError(
            f"Frames of {declaration.frame[0]} values do not make up the model's input.",
            f"It takes {request.shape}, {size} values.",
            "Declare the frame's length as the model has it: --frame LENGTH,HOP.",
        )
    features = parse_features(declaration.features) if declaration.features else None
    if features and size % features.width:
        raise DataError(
            f"Frames of {features.width} {features.kind} numbers do not make up the model's input.",
            f"It takes {request.shape}, {size} values.",
            "Declare as many bands, or coefficients, as the model has.",
        )
    files, labels, left_out = class_files(request, SUFFIXES)
    sounds = SoundFiles(files, request.shape, declaration.frame, features)
    rate = sounds.check_headers(declaration.sample_rate, declaration.fit or "")
    return Source(
        sounds, labels, request.path, request.path, sample_rate=rate, warnings=tuple(left_out)
    )


def _header(path: Path) -> _Header:
    with _opened(path) as file:
        return _Header(file.getframerate(), file.getnframes(), file.getnchannels())


def _decode(path: Path) -> np.ndarray:
    """All values of a file, float32 (length, channels)."""
    with _opened(path) as file:
        width, channels, length = file.getsampwidth(), file.getnchannels(), file.getnframes()
        try:
            content = file.readframes(length)
        except (EOFError, OSError, ValueError) as error:
            raise _unreadable(path, str(error)) from None
    if len(content) != length * channels * width:
        raise _unreadable(path, "it is cut short")
    return _values(content, width).reshape(-1, channels)


def _values(content: bytes, width: int) -> np.ndarray:
    """PCM of ``width`` bytes as float32: 8 bits are unsigned, all others signed."""
    if width == 1:
        return (np.frombuffer(content, np.uint8).astype(np.float32) - 128) / 128
    if width == 3:
        wide = np.zeros((len(content) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(content, np.uint8).reshape(-1, 3)
        content, width = wide.tobytes(), 4
    return (np.frombuffer(content, f"<i{width}") / 2.0 ** (8 * width - 1)).astype(np.float32)


def _opened(path: Path) -> wave.Wave_read:
    try:
        file = wave.open(str(check_regular(path)), "rb")
    except (wave.Error, EOFError, OSError, ValueError, RuntimeError, ZeroDivisionError) as error:
        raise _unreadable(path, f"{type(error).__name__}: {error}") from None
    if file.getsampwidth() not in (1, 2, 3, 4) or not file.getframerate():
        raise _unreadable(path, f"{8 * file.getsampwidth()} bits at {file.getframerate()} Hz")
    return file


def _unreadable(path: Path, why: str) -> DataError:
    return DataError(
        f"The sound {path} cannot be read.", why,
        "Only PCM of 8, 16, 24 or 32 bits is read; convert, repair or remove the file.",
    )
