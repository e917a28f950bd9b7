"""How many files an operator takes: those that docs/operators-adding.md lists, and no other."""

import io
import re
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "operators-adding.md"
PRODUCT = ("edgetune/model", "edgetune/learn", "edgetune/plan", "edgetune/codegen",
           "firmware/engine")
NAMES = re.compile(r"Mul|MUL|mul|(et_)?mul_\w+|et_mul|mul\.c")
MOST = 12


def listed() -> list[str]:
    """The files that one writes in: of the tables of numbers, product and tests."""
    text = PAGE.read_text(encoding="utf-8")
    tables = re.split(r"^\| file .*\n\|[-|]*\n", text, flags=re.MULTILINE)[1:]
    rows = [re.match(r"(\|.*\n)*", table)[0] for table in tables]
    return re.findall(r"^\| `(.*?)` \|", "".join(rows), re.MULTILINE)


def names(path: Path) -> list[str]:
    """Of MUL, in the code; what comments and docstrings say is no code, and what C has in quotes,
    an instruction of that name, no operator."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        quoted = r'(?<!#include )"[^"\n]*"'
        words = re.findall(r"[\w.]+", re.sub(quoted, "", code))
    else:
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        kept = (t.string for t in tokens if t.type in (tokenize.NAME, tokenize.STRING))
        words = [word.strip("\"'") for word in kept]
    return [word for word in words if NAMES.fullmatch(word)]


def test_the_product_names_an_operator_where_the_page_says_and_nowhere_else():
    files = [f for folder in PRODUCT for f in (ROOT / folder).rglob("*") if f.suffix in
             (".py", ".c", ".h")]
    found = {str(f.relative_to(ROOT)) for f in files if names(f) or f.stem == "mul"}
    found -= {"edgetune/model/folding.py"}  # of constants: it neither runs nor trains
    assert found == {file for file in listed() if file.startswith(PRODUCT)}


def test_the_tests_that_the_page_lists_name_it():
    tests = [file for file in listed() if file.startswith("tests/")]
    assert tests and all(names(ROOT / file) for file in tests)


def test_an_operator_takes_no_more_files_than_the_page_says():
    assert len(set(listed())) == len(listed()) <= MOST
