"""Error tensors as 8-bit block floating point: int8 mantissas, one exponent a tensor.

``docs/numerics.md`` section 4.
"""

from __future__ import annotations

import numpy as np

from edgetune.learn.fixedpoint import bit_length


def normalise(acc: np.ndarray) -> tuple[np.ndarray, int]:
    """Mantissas ``acc / 2**shift`` truncated toward zero, |mantissa| <= 127, and ``shift``.

    Truncation composes: halving twice is quartering once.  So a kernel may halve what it has
    written whenever a value overflows, in any order, and ends with these same bits.
    """
    shift = max(0, bit_length(int(np.abs(acc).max(initial=0))) - 7)
    return np.sign(acc) * (np.abs(acc) >> shift), shift
