"""What the site does beside plain Markdown (mkdocs.yml names this file).

Links that leave docs/ lead into the tree, which the site does not have: they become the path.  The
page of Python names gets every name's whole docstring, by mkdocstrings.
"""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\[([^\]\n]*)\]\(((?!https?://|#)[^)\s#]*)(#[^)\s]*)?\)")
PYTHON = "reference/python-names.md"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page's text as the site has it."""
    folder = posixpath.dirname(page.file.src_uri)
    if page.file.src_uri == PYTHON:
        markdown += _docstrings()
    return LINK.sub(lambda match: _inside(match, folder), markdown)


def _inside(match: re.Match[str], folder: str) -> str:
    """A link within docs/ as it is, another one as its text and the path in the tree."""
    path = posixpath.normpath(posixpath.join("docs", folder, match[2]))
    if path.startswith("docs/") or not match[2]:
        return match[0]
    text = match[1].strip("`")
    return f"`{path}`" if text in (path, posixpath.basename(path)) else f"{match[1]} (`{path}`)"


def _docstrings() -> str:
    sys.path.insert(0, str(ROOT))
    from tools.pages.reference import public_names

    parts = []
    for name, module in public_names():
        parts.append(f"::: {module}.{name}")
    return "\n\n## In full\n\n" + "\n\n".join(parts) + "\n"
