"""Writes docs/reference from the code: verbs, exit codes, settings, Python, C, messages; and the
pictures of docs/explanation.

    python tools/reference_pages.py [--check]

--check writes nothing and ends with 1 if a page is not as it would be written.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tools.pages.pictures import pictures  # noqa: E402
from tools.pages.reference import reference_pages  # noqa: E402


def main() -> None:
    pages = reference_pages() | pictures()
    stale = [p for p, text in pages.items() if not p.exists() or p.read_text("utf-8") != text]
    if "--check" in sys.argv[1:]:
        sys.exit(f"stale: {', '.join(p.name for p in stale)}" if stale else 0)
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(pages[path], encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
