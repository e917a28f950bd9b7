"""Writes the table of docs/operators.md, from the rows of edgetune/model/kinds.py.

    python tools/operator_page.py [--check]

--check writes nothing and ends with 1 if the table is not as it would be written.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tools.pages.operators import with_table  # noqa: E402

PAGE = ROOT / "docs" / "operators.md"


def main():
    text = PAGE.read_text(encoding="utf-8")
    wanted = with_table(text)
    if "--check" in sys.argv[1:]:
        sys.exit(f"{PAGE.relative_to(ROOT)} is stale" if text != wanted else 0)
    if text != wanted:
        PAGE.write_text(wanted, encoding="utf-8")
        print(PAGE.relative_to(ROOT))


if __name__ == "__main__":
    main()
