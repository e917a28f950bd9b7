"""Features of sound by a declared recipe: log-mel spectra and MFCC, computed by librosa."""

from __future__ import annotations

import importlib.util
from dataclasses import fields

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.errors import ToolchainError, UsageError
from edgetune.installation import install_command

KINDS = ("log-mel", "mfcc")


@dataclass(frozen=True)
class Features:
    """``kind``: "log-mel", the natural logarithm of the energy in mel bands; "mfcc", their cosine
    transform (type 2, orthonormal).

    ``window`` and ``hop``: of a frame and from one to the next, in values; the frame is weighted
    by a periodic Hann window and not padded.  ``bands``: of the mel scale, from ``low`` to
    ``high`` Hz (0: half the sample rate), of area one (``mel`` "slaney") or of height one
    ("htk", TensorFlow's).  ``floor``: added before the logarithm.  ``coefficients``: of an MFCC.
    """

    kind: str
    window: int = 480
    hop: int = 320
    bands: int = 40
    low: float = 20.0
    high: float = 0.0
    floor: float = 1e-6
    mel: str = "htk"
    coefficients: int = 10

    @property
    def width(self) -> int:
        """Numbers of a frame."""
        return self.coefficients if self.kind == "mfcc" else self.bands

    def length(self, frames: int) -> int:
        """Values that so many frames are made of."""
        return self.window + (frames - 1) * self.hop

    def of(self, values: np.ndarray, rate: int) -> np.ndarray:
        """float32 [frames, width] of ``values`` [n], -1 to 1, at ``rate`` Hz."""
        import librosa

        energy = librosa.feature.melspectrogram(
            y=np.asarray(values, np.float32), sr=rate, n_fft=self.window, hop_length=self.hop,
            center=False, n_mels=self.bands, fmin=self.low, fmax=self.high or rate / 2,
            htk=self.mel == "htk", norm=None if self.mel == "htk" else "slaney",
        )
        found = np.log(energy + self.floor)
        if self.kind == "mfcc":
            found = librosa.feature.mfcc(S=found, n_mfcc=self.coefficients, norm="ortho")
        return found.T.astype(np.float32)


def parse_features(text: str) -> Features:
    """A recipe as it is declared: ``log-mel,window=480,hop=320,bands=40``.

    Raises:
        UsageError: another kind, another key, or a value that nothing can be computed by.
        ToolchainError: librosa is not installed.
    """
    kind, *pairs = (part.strip() for part in text.split(","))
    given = dict(pair.partition("=")[::2] for pair in pairs)
    known = {field.name: type(field.default) for field in fields(Features)[1:]}
    if kind not in KINDS or not set(given) <= set(known):
        raise _wrong(text, f"It is {' or '.join(KINDS)}, and of {', '.join(known)} what differs.")
    try:
        features = Features(kind, **{name: known[name](value) for name, value in given.items()})
    except ValueError:
        raise _wrong(text, "A value is no number.") from None
    whole = (features.window, features.hop, features.bands, features.coefficients)
    if min(whole) < 1 or features.floor <= 0 or features.low < 0 or features.high < 0:
        raise _wrong(text, "Sizes and the floor are above zero, frequencies are not below it.")
    if features.mel not in ("htk", "slaney") or features.coefficients > features.bands:
        raise _wrong(text, "mel is htk or slaney; there are no more coefficients than bands.")
    if importlib.util.find_spec("librosa") is None:
        raise ToolchainError(
            "Features of sound cannot be computed without librosa.",
            "It is not installed: it comes with an extra.", install_command("sound"),
        )
    return features


def _wrong(text: str, cause: str) -> UsageError:
    return UsageError(
        f"The features {text!r} are none that can be computed.", cause,
        "Declare them as they were in training: --features log-mel,window=480,hop=320,bands=40",
    )
