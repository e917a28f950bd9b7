"""Where models and data lie."""

from __future__ import annotations

import errno
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
NETWORKS = ROOT / "build" / "networks"  # what networks.py makes


def present(path: Path) -> Path:
    """``path``; FileNotFoundError where it is not there."""
    if not path.is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    return path
