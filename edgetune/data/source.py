"""What every source of data gives: raw samples that can be asked for one by one, and labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgetune.data.declaration import Declaration
from edgetune.data.targets import Targets
from edgetune.dataclass import dataclass
from edgetune.errors import DataError
from edgetune.model.graph import Tensor

if TYPE_CHECKING:
    from edgetune.data.arrays import Arrays

MEMORY = 1 << 28  # bytes of an array beyond which samples are read when they are asked for
BLOCK_VALUES = 1 << 20  # read at once; a few times that many bytes are in memory


class LazySamples:
    """Raw samples that are read or decoded when asked for; indexed as an array is.

    ``shape``: (n, *sample); ``dtype``: of the values; ``checked``: nothing that is read can be
    wrong any more, since it was seen when the source was opened or any bytes are valid.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    checked = False

    def sample(self, row: int) -> np.ndarray:
        """One raw sample; DataError where it cannot be read."""
        raise NotImplementedError

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows) -> np.ndarray:
        if isinstance(rows, slice):
            rows = np.arange(len(self))[rows]
        if np.ndim(rows) == 0:
            return self.sample(int(rows))
        return np.stack([self.sample(int(row)) for row in rows])


Samples = np.ndarray | LazySamples


@dataclass
class Source:
    """Raw samples ``x`` and labels ``y`` (n, ...) (numbers or texts; None where none are wanted,
    or none are there and none are needed), under the names that messages call them by.

    ``declared``: the scale and offset that the file itself declares.
    ``sample_rate``: of sounds, in Hz.  ``decoded``: files whose reader puts channels last,
    however a model's arrays lie.  ``warnings``: sentences for the user.  ``overlapping``: samples
    share values with their neighbours.
    """

    x: Samples
    y: np.ndarray | None
    x_name: str = "x"
    y_name: str = "y"
    declared: Declaration = Declaration()
    sample_rate: int | None = None
    warnings: tuple[str, ...] = ()
    decoded: bool = False
    overlapping: bool = False

    def check_count(self) -> None:
        """DataError where there are not as many labels as samples."""
        labels = 0 if self.y is None or self.y.ndim == 0 else len(self.y)
        if labels != len(self.x):
            raise DataError(
                f"There are {len(self.x)} samples but {labels} labels in {self.y_name}.",
                "Every sample needs one label.",
                "Check how the arrays were written.",
            )

    def called(self, which: str) -> str:
        """What it is called as the ``which`` set: its own array's name where it has one."""
        return self.y_name if self.y_name.startswith(which) else f"the {which} set"


@dataclass(frozen=True)
class Request:
    """What a source is asked for.

    ``path``: a file, a folder or ``module:function``.  ``labels``: the file of an .npy's labels.
    ``label_column``: name or number from 1 of a CSV's, several with commas; the last ones
    without it.  ``part``: the set ``PART_x``, ``PART_y`` of an .npz.  ``shape``: the model's
    input without the batch.  ``memory``: arrays of more bytes are not loaded.  ``targets``: what
    the labels are to be; None: no labels are wanted.  ``inputs``: of the model,
    each.  ``arrays``: they are the data, and ``path`` is what messages call them.
    ``said``: the part of ``declaration`` that is of this call, not the model's own.
    """

    path: str
    shape: tuple[int, ...]
    declaration: Declaration = Declaration()
    labels: str | None = None
    label_column: str | None = None
    part: str | None = None
    memory: int = MEMORY
    targets: Targets | None = Targets()
    inputs: tuple[Tensor, ...] = ()
    arrays: Arrays | None = None
    said: Declaration = Declaration()

    @property
    def several(self) -> bool:
        """Whether a sample is the values of several inputs."""
        return len(self.inputs) > 1

    @property
    def file(self) -> Path:
        return Path(self.path)

    @property
    def needs_labels(self) -> bool:
        return self.targets is not None and self.targets.required

    @property
    def takes_labels(self) -> bool:
        """Labels are read where there are any."""
        return self.targets is not None


def blocks(x: Samples) -> Iterator[slice]:
    """Consecutive rows that are few enough to be held in memory."""
    size = max(1, int(np.prod(x.shape[1:], dtype=np.int64)))
    step = max(1, BLOCK_VALUES // size)
    for start in range(0, len(x), step):
        yield slice(start, min(start + step, len(x)))


def missing(path: Path) -> DataError:
    """The error for a path that leads nowhere."""
    return DataError(f"There is no data file {path}.", "", "Check the path given with --data.")
