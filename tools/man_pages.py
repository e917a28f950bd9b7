"""Writes man pages of all verbs, from the command line's own help.

    python tools/man_pages.py FOLDER     edgetune.1, edgetune-tune.1, edgetune-boards-list.1, ...

Read one with `man FOLDER/edgetune-tune.1`; in a folder man1 below one of $MANPATH, with
`man edgetune-tune`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from edgetune import __version__  # noqa: E402
from tools.pages.reference import (  # noqa: E402
    commands,
    help_of,
    option_help,
    option_words,
    usage_of,
)


def man_pages() -> dict[str, str]:
    """Text of each page in roff's man macros, by its file's name."""
    found = dict(commands())
    return {f"{words.replace(' ', '-')}.1": _page(words, found) for words in found}


def _page(words: str, found: dict[str, click.Command]) -> str:
    command, name = found[words], words.replace(" ", "-")
    title, *rest = help_of(command).split("\n\n")
    below = [other for other in found if other.rpartition(" ")[0] == words]
    parts = [
        f'.TH "{name.upper()}" 1 "" "edgetune {__version__}"',
        f".SH NAME\n{_plain(name)} \\- {_plain(' '.join(title.split()))}",
        f".SH SYNOPSIS\n.B {_plain(usage_of(words, command))}",
    ]
    parts += [".SH DESCRIPTION\n" + "\n.PP\n".join(_plain(text) for text in rest)] if rest else []
    options = [p for p in command.params if isinstance(p, click.Option)]
    if options:
        rows = (f".TP\n.B {_plain(option_words(o))}\n{_plain(option_help(o))}" for o in options)
        parts.append(".SH OPTIONS\n" + "\n".join(rows))
    if words == "edgetune":
        codes = inspect_codes(command)
        parts.append(".SH EXIT STATUS\n" + "\n".join(f".TP\n.B {c}\n{_plain(t)}" for c, t in codes))
    near = below or [words.rpartition(" ")[0]]
    parts.append(".SH SEE ALSO\n" + ", ".join(f"{_plain(o.replace(' ', '-'))}(1)" for o in near))
    return "\n".join(parts) + "\n"


def inspect_codes(command: click.Command) -> list[tuple[str, str]]:
    """The exit codes that the help lists."""
    return re.findall(r"^ +(\d+)  +(.*)$", command.epilog or "", re.MULTILINE)


def _plain(text: str) -> str:
    """``text`` as roff takes it: nothing in it is a request or an escape."""
    escaped = text.replace("\\", "\\\\").replace("-", "\\-").replace("`", "")
    return re.sub(r"^([.'])", r"\\&\1", escaped, flags=re.MULTILINE)


def main(folder: str) -> None:
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    for name, text in man_pages().items():
        (place / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
