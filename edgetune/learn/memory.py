"""Memory of numpy's arrays, which a step makes and gives back by the hundred."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # of glibc's malloc.h


@cache
def keep_memory() -> None:
    """Has malloc keep what numpy gives back: a step then takes half the time, because the system
    need not clear the same pages again.  Where that is not possible it takes all of it."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_MMAP_THRESHOLD, 32 << 20)
        libc.mallopt(_TRIM_THRESHOLD, 1 << 30)
