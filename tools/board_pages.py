"""Writes docs/boards: a page for each board, from its data and from what `edgetune plan` says.

    python tools/board_pages.py [--check]

--check writes nothing and ends with 1 if a page is not as it would be written.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from edgetune.boards import Board, list_boards, load_board  # noqa: E402
from tools.pages.board import index_text, page_text  # noqa: E402

PAGES = ROOT / "docs" / "boards"


def pages() -> dict[Path, str]:
    """Path -> text of every page."""
    boards: list[Board] = [load_board(ROOT / "boards" / name) for name in list_boards()]
    texts = {PAGES / f"{board.name}.md": page_text(board) for board in boards}
    return {PAGES / "README.md": index_text(boards)} | texts


def stale(texts: dict[Path, str]) -> list[Path]:
    """Pages that are missing, differ, or belong to no board."""
    wrong = [path for path, text in texts.items() if not path.is_file() or path.read_text() != text]
    return wrong + [path for path in PAGES.glob("*.md") if path not in texts]


def main():
    texts = pages()
    found = stale(texts)
    if "--check" in sys.argv[1:]:
        sys.exit("\n".join(f"{path.relative_to(ROOT)} is stale" for path in found) or 0)
    PAGES.mkdir(parents=True, exist_ok=True)
    for path in found:
        path.write_text(texts[path], encoding="utf-8") if path in texts else path.unlink()
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
