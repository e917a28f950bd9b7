"""Files that one test makes for all of a run, whichever worker needs them next."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha1
from pathlib import Path

KEPT = "EDGETUNE_KEPT_OBJECTS"  # in the environment: where `tests/conftest.py` keeps them


@contextmanager
def kept(path: Path, *key) -> Iterator[bool]:
    """Whether ``path`` is there now, a copy of what was made by the same ``key`` in this run.

    Where it is not, the body makes it, and it is kept; other workers wait meanwhile.
    """
    if KEPT not in os.environ:
        yield False
        return
    place = Path(os.environ[KEPT]) / sha1(repr((path.name, key)).encode()).hexdigest()
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = place.is_file()
        if made:
            shutil.copyfile(place, path)
        yield made
        if not made:
            shutil.copyfile(path, place.with_suffix(".new"))
            place.with_suffix(".new").rename(place)
