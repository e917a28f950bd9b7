"""docs/boards is what its boards' data and today's plan make of it."""

import pytest

from tools.board_pages import PAGES, pages, stale


@pytest.mark.thorough
def test_pages_are_up_to_date():
    assert [path.name for path in stale(pages())] == [], "make pages"


def test_a_page_that_differs_or_belongs_to_no_board_is_found():
    found = {path.name for path in stale({PAGES / "mps2-an385.md": "other"})}
    assert {"mps2-an385.md", "README.md"} <= found
