"""Imports keep their direction: a package knows only what stands before it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "edgetune"
# `docs/architecture.md`, One direction: each may import what stands before it.
ORDER = (
    "__init__", "dataclass", "homes", "printable", "errors", "files", "installation", "programs",
    "resources", "settings", "workers", "pages", "model", "floats", "importers", "quantize", "data",
    "measures", "learn",
    "packs", "boards", "plan", "codegen", "build", "flash", "device", "link", "guard", "session",
    "ci", "cli", "__main__",
)
ROOT_NAMES = ("__version__",)  # the rest of `edgetune` stands for the whole flow


def imports(source: str) -> Iterator[str]:
    """The parts of edgetune that a module imports, inside functions too."""
    for node in _statements(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (_part(name) for name in names if name.split(".")[0] in ("", "edgetune"))


def _statements(node) -> Iterator[ast.stmt]:
    """All in the body of ``node``, at any depth; expressions hold no imports."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        for child in getattr(node, field, ()):
            yield child
            yield from _statements(child)


def _part(name: str) -> str:
    """``edgetune.learn.rule`` is ``learn``; a relative import, or all of edgetune, is itself."""
    package, _, rest = name.partition(".")
    part = rest.split(".")[0]
    return "__init__" if part in ROOT_NAMES else part if package and part else name


def wrong_imports(module: str, source: str) -> list[str]:
    """What a module, given as its path below edgetune/, must not import."""
    me = ORDER.index(Path(module).with_suffix("").parts[0])
    before = ORDER[:me] if "/" not in module else ORDER[: me + 1]
    return [f"{module} imports {part}" for part in imports(source) if part not in before]


def test_every_import_keeps_to_the_order():
    modules = sorted(PACKAGE.rglob("*.py"))
    found = [wrong_imports(str(m.relative_to(PACKAGE)), m.read_text()) for m in modules]
    assert sum(found, []) == []


def test_the_order_names_every_package_and_no_other():
    parts = {path.stem for path in PACKAGE.iterdir() if path.is_dir() or path.suffix == ".py"}
    assert set(ORDER) == parts - {"__pycache__"}


@pytest.mark.parametrize("line", [
    "from edgetune.plan.plan import make_plan",
    "from edgetune import plan",
    "import edgetune.plan as p",
    "def f():\n    from edgetune.plan import cost",
    "import edgetune",
    "from edgetune import tune",
    "from ..plan import cost",
])  # fmt: skip
def test_a_wrong_import_is_found(line):
    assert len(wrong_imports("learn/rule.py", line)) == 1


def test_imports_of_what_stands_before_are_not_found():
    line = "import numpy\nfrom edgetune import __version__\nfrom edgetune.learn import recipe"
    assert wrong_imports("learn/rule.py", line) == []
    assert len(wrong_imports("errors.py", "from edgetune.errors import UsageError")) == 1
