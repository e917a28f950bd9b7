"""The documentation: pages made from code are up to date and name everything, links lead somewhere,
the site has every page, and it is built without a warning."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

import edgetune as api
from edgetune import errors
from edgetune.link.messages import Notice, Request
from edgetune.settings import KEYS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
sys.path.append(str(ROOT))

from tools.pages.pictures import GRADIENT, drawn, pictures  # noqa: E402
from tools.pages.reference import commands, headers, reference_pages  # noqa: E402
from tools.site_hooks import on_page_markdown  # noqa: E402

LINK = re.compile(r"(?<!`)\[[^\]\n]*\]\((?!https?://)([^)\s#]*)(?:#([^)\s]*))?\)")
PAGES = [*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "examples").rglob("*.md")]


def text_of(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def test_pages_made_from_code_are_what_is_made():
    for path, text in (reference_pages() | pictures()).items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run make pages"


# -- what the reference names, found here by other ways ---------------------------------------


def test_every_verb_and_option_is_in_the_reference():
    text = text_of("verbs.md")
    found = 0
    for words, command in commands():
        if words == "edgetune":
            continue
        part = text.split(f"\n## {words}\n", 1)[1].split("\n## ", 1)[0]
        for parameter in command.params:
            names = parameter.opts if isinstance(parameter, click.Option) else []
            for name in names:
                said = f"`{name}" in part or f", {name}" in part or f"`{name}`" in text
                assert said, (words, name)
                found += 1
    assert found > 200


def test_every_error_and_its_exit_code_is_in_the_reference():
    text = text_of("exit-codes.md")
    for error in (*vars(errors).values(),):
        if isinstance(error, type) and issubclass(error, errors.EdgetuneError):
            assert f"| {error.exit_code} | `{error.__name__}` |" in text
    help_text = click.Context(dict(commands())["edgetune"]).get_help()
    codes = re.findall(r"^\| (\d+) \|", text, re.MULTILINE)
    assert all(re.search(rf"^ +{code}  ", help_text, re.MULTILINE) for code in codes)


def test_every_key_of_the_settings_is_in_the_reference():
    assert all(f"- `{key}`: " in text_of("settings.md") for key in KEYS)


def test_every_public_python_name_is_in_the_reference():
    text = text_of("python-names.md")
    for name in (name for name in api.__all__ if not name.startswith("_")):
        assert re.search(rf"^\| `{name}(\(\))?` \|", text, re.MULTILINE), name


def test_every_c_name_is_in_the_reference():
    assert headers()
    text = text_of("c.md")
    for header in headers():
        code = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.DOTALL)
        for name in re.findall(r"\b((?:et|edgetune)_\w+)\(", code):
            assert f"`{name}`" in text, name
        for name in re.findall(r"^\} (\w+);", code, re.MULTILINE):
            assert f"`{name}`" in text, name


def test_every_message_of_the_link_is_in_the_reference_and_the_protocol():
    text, protocol = text_of("messages.md"), (DOCS / "protocol.md").read_text()
    for one in (*Request, *Notice):
        assert f"| 0x{one.value:02X} | {one.name} |" in text
        assert re.search(rf"^\| 0x{one.value:02X} \| {one.name.replace('_', '.')}", protocol,
                         re.MULTILINE | re.IGNORECASE), one


# -- links and the site -----------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    """Of a page's headings, as forges and the site make them."""
    titles = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", t)) for t in titles]
    return {title.strip().lower().replace(" ", "-") for title in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), target
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path), f"{target}#{anchor}"


def nav_pages(entries) -> list[str]:
    found = []
    for entry in entries:
        value = entry if isinstance(entry, str) else next(iter(entry.values()))
        found += [value] if isinstance(value, str) else nav_pages(value)
    return found


def test_the_site_has_every_page():
    text = (ROOT / "mkdocs.yml").read_text()
    listed = nav_pages(yaml.safe_load(text)["nav"])
    assert len(listed) == len(set(listed))
    assert set(listed) == {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}


class _Page:
    """As much of MkDocs' as the hook looks at."""

    def __init__(self, path: str):
        self.file = self
        self.src_uri = path


def test_links_out_of_the_pages_become_paths():
    text = "[examples/ci](../examples/ci), [the plan](../CONTRIBUTING.md#x), "
    text += "[data](data.md), [a](#b)"
    assert on_page_markdown(text, _Page("ci.md")) == (
        "`examples/ci`, the plan (`CONTRIBUTING.md`), [data](data.md), [a](#b)"
    )


@pytest.mark.thorough
def test_the_site_is_built_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs", reason="MkDocs is not installed (the extra docs)")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"],
        cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True,
    )
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
    page = (tmp_path / "site" / "reference" / "python-names.html").read_text()
    assert "Raises:" in page and "edgetune.session.job.Job" in page
    html = "".join(p.read_text() for p in (tmp_path / "site").rglob("*.html"))
    fetched = re.findall(r'(?:src|<link[^>]+href)="(https?://[^"]+)"', html)
    assert fetched == []  # nothing comes from elsewhere


def test_the_picture_of_a_draw_is_a_draw():
    """Larger gradients are met more often, and those of zero never."""
    met = drawn()
    assert all(GRADIENT[i] for i in met) and len(met) == 4
    assert max(range(len(GRADIENT)), key=lambda i: abs(GRADIENT[i])) in met
