"""Executes the notebooks of examples/ and writes what their cells give into them.

    python tools/notebooks.py            all of them, in place
    python tools/notebooks.py FILE ...   these

No Jupyter is needed: a cell is Python, and what it gives is what it prints and its last expression,
as text and, where it has one, as HTML.  A notebook runs in a copy of examples/, so that it leaves
nothing behind.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
NEEDED = ("notebook", "digits")  # folders of examples/ that notebooks read


def executed(path: Path) -> dict[str, Any]:
    """The notebook with the outputs of a run from its first cell on."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    names: dict[str, Any] = {"__name__": "__main__"}
    with tempfile.TemporaryDirectory() as folder, _inside(_copied(Path(folder))):
        number = 0
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                number += 1
                cell["execution_count"] = number
                cell["outputs"] = _outputs("".join(cell["source"]), names, number)
    return notebook


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _copied(folder: Path) -> Path:
    for name in NEEDED:
        shutil.copytree(EXAMPLES / name, folder / name)
    return folder / "notebook"


def _outputs(source: str, names: dict[str, Any], number: int) -> list[dict[str, Any]]:
    body = ast.parse(source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    value, said = None, io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(ast.Module(body, []), "<cell>", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
    streams = [{"name": "stdout", "output_type": "stream", "text": _lines(said.getvalue())}]
    found = streams if said.getvalue() else []
    if value is not None:
        data = {"text/plain": _lines(repr(value))}
        if hasattr(value, "_repr_html_"):
            data["text/html"] = _lines(value._repr_html_())
        found.append({
            "data": data, "execution_count": number, "metadata": {},
            "output_type": "execute_result",
        })
    return found


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def text_of(notebook: dict[str, Any]) -> str:
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def main(words: list[str]) -> None:
    for path in map(Path, words or sorted(map(str, EXAMPLES.rglob("*.ipynb")))):
        path.write_text(text_of(executed(path)), encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, os.fspath(ROOT))
    main(sys.argv[1:])
