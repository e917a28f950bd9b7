"""What every layer is: a forward with its backward under it."""

from __future__ import annotations

import numpy as np


class Layer:
    """A step without weights.  ``backward`` may rely on what the last ``forward`` kept."""

    def forward(self, *inputs: np.ndarray) -> np.ndarray:
        """The output for a batch: each input (n, ...)."""
        raise NotImplementedError

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        """The loss's gradient by each input, from ``dy``, that by the output."""
        raise NotImplementedError
