"""Writes edgetune/__init__.pyi, by which type checkers know the public names: from their homes.

    python tools/public_names.py
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
STUB = ROOT / "edgetune" / "__init__.pyi"
HEAD = '"""Made by tools/public_names.py from edgetune/__init__.py: change that, not this."""\n'


def stub() -> str:
    """The text of the file."""
    sys.path.insert(0, str(ROOT))
    import edgetune

    lines = [
        f"from {home} import {name} as {name}"
        for home, names in sorted(edgetune._HOMES.items()) for name in sorted(names)
    ]
    return "\n".join([HEAD, *lines, "", "__version__: str", ""])


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
