"""The reference, as pages: made from the code, so that it cannot say anything else."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"
MADE = "<!-- Made by tools/reference_pages.py from the code: change that, not this. -->\n"
HEADERS = ("firmware/include/edgetune/*.h", "firmware/engine/model.h")  # those that are there
OTHER_KEYS = {  # that are no option of a verb
    "model": "The model's file, where `edgetune ci` and the pytest plugin name none.",
    "devices": "Where the tests of a pipeline run: a list as `[\"host\", \"qemu\"]` "
    "([in a pipeline](../ci.md)).",
}
_C_NAME = re.compile(
    r"^(?:#define +(\w+)|(?! )(?:extern |static inline |struct |const )*[\w ]+?[ *]+(\w+)\("
    r"|} (\w+);"
    r"|extern [^;(]*?(\w+)(?:\[\])?;|struct (\w+) \{|typedef struct \w+ (\w+);"
    r"| {4}(EDGETUNE_\w+) =)",
    re.MULTILINE,
)


def reference_pages() -> dict[Path, str]:
    """Text of every page, by its path."""
    pages = {
        "README.md": _index(), "verbs.md": _verbs(), "exit-codes.md": _exit_codes(),
        "settings.md": _settings(), "python-names.md": _python(), "c.md": _c(),
        "messages.md": _messages(),
    }
    return {FOLDER / name: f"{MADE}\n{text.rstrip()}\n" for name, text in pages.items()}


def _index() -> str:
    return """# Reference

- [Verbs and their options](verbs.md)
- [What each verb prints](prints.md)
- [Exit codes](exit-codes.md)
- [Keys of edgetune.toml](settings.md)
- [Names of the Python package](python-names.md)
- [Names of the C headers](c.md)
- [Messages of the link](messages.md)
- [Operators](../operators.md), [boards](../boards/README.md)

All but the second and the last line are made from the code by `make pages`."""


# -- the command line -------------------------------------------------------------------------


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command with its words: ("edgetune weights pull", ...), groups before their verbs."""
    from edgetune.cli.main import main

    yield from _below("edgetune", main)


def _below(words: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=words)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from _below(f"{words} {name}", found)


def options_of(command: click.Command) -> list[click.Option]:
    """Its own; those of every verb (--json, -q, -v, --help) are said once."""
    return [p for p in command.params if isinstance(p, click.Option) and p.name not in EVERYWHERE]


EVERYWHERE = ("as_json", "json", "quiet", "verbose", "help", "version")


def option_words(option: click.Option) -> str:
    """As it is typed: ``--seed INTEGER``; a choice with all its values."""
    names = ", ".join([*option.opts, *option.secondary_opts])
    if option.is_flag:
        return names
    if isinstance(option.type, click.Choice):
        value = "|".join(map(str, option.type.choices))
    else:
        value = option.metavar or option.type.name.upper()
    return f"{names} {value}"


def option_help(option: click.Option) -> str:
    """Its sentence, with the default and whether it must be given."""
    text = " ".join((option.help or "").split())
    if option.required:
        text += " Required."
    if option.show_default and not option.is_flag and option.default is not None:
        text += f" [default: {option.default}]"
    if option.multiple:
        text += " May be given several times."
    return text.strip()


def help_of(command: click.Command) -> str:
    return inspect.cleandoc(command.help or "").replace("\b\n", "")


def usage_of(words: str, command: click.Command) -> str:
    pieces = [p.make_metavar(click.Context(command)) for p in command.params
              if isinstance(p, click.Argument)]
    options = ["[OPTIONS]"] if any(isinstance(p, click.Option) for p in command.params) else []
    below = ["VERB ..."] if isinstance(command, click.Group) else []
    return " ".join([words, *options, *pieces, *below])


def _verbs() -> str:
    parts = [
        "# Verbs",
        "Every verb takes `--json` (print the result, or the error, as JSON), `-q`, `--quiet` (no "
        "progress, no notes), `-v`, `--verbose` (also tracebacks, and notes with JSON) and `-h`, "
        "`--help`; `edgetune --version` prints the version. Defaults come from "
        "[edgetune.toml](settings.md); a verb ends with one of the [exit codes](exit-codes.md).",
    ]
    for words, command in commands():
        if words == "edgetune":
            continue
        parts += [f"## {words}", f"    {usage_of(words, command)}", help_of(command)]
        rows = [f"- `{option_words(o)}`: {option_help(o)}" for o in options_of(command)]
        parts += ["\n".join(rows)] if rows else []
    return "\n\n".join(parts)


def _exit_codes() -> str:
    from edgetune import errors

    found = [e for _, e in inspect.getmembers(errors, inspect.isclass)
             if issubclass(e, errors.EdgetuneError)]
    rows = [(0, "", "All went well.")]
    rows += [(e.exit_code, e.__name__, _first_sentence(e)) for e in found]
    rows.sort(key=lambda row: (row[0], row[1]))
    lines = ["| code | error | when |", "|---|---|---|"]
    lines += [f"| {code} | {f'`{name}`' if name else ''} | {text} |" for code, name, text in rows]
    return "# Exit codes\n\n" + "\n".join(lines) + (
        "\n\nThe error is the class that Python raises and that `--json` names, with `message`, "
        "`cause` and `next_step`."
    )


def _settings() -> str:
    from edgetune.settings import KEYS

    options: dict[str, click.Option] = {}
    for words, command in commands():
        for option in options_of(command):
            if words in ("edgetune tune", "edgetune eval") or option.name not in options:
                options[str(option.name)] = option
    rows = []
    for key in KEYS:
        option = options.get(key.replace("-", "_"))
        if key in OTHER_KEYS:
            rows.append(f"- `{key}`: {OTHER_KEYS[key]}")
        elif option is not None:
            text = option_help(option).replace(" Required.", "")
            rows.append(f"- `{key}`: as `{option_words(option)}`. {text}")
        else:
            raise ValueError(f"the key {key} is no option: say in OTHER_KEYS what it is")
    return (
        "# Keys of edgetune.toml\n\nThe file `edgetune.toml` in the current folder keeps a "
        "project's choices: they stand for options that are not given. Text and numbers are as "
        "on the command line, a flag is `true`, and a list is its items between commas there.\n\n"
        '    board = "stm32f4-discovery"\n    data = "samples.npz"\n    passes = 2\n\n'
        + "\n".join(rows)
    )


# -- Python -----------------------------------------------------------------------------------


def public_names() -> list[tuple[str, str]]:
    """(name, module) of every public name."""
    import edgetune

    return sorted((n, home) for home, names in edgetune._HOMES.items() for n in names)


def _python() -> str:
    import edgetune

    lines = ["| name | what it is |", "|---|---|"]
    for name, _ in public_names():
        found = getattr(edgetune, name)
        call = "()" if inspect.isfunction(found) else ""
        lines.append(f"| `{name}{call}` | {_first_sentence(found)} |")
    return (
        "# Names of the Python package\n\nAll are names of `edgetune`: `edgetune.Job`. "
        "[From Python](../python.md) shows how they are used; "
        "`help(edgetune.Job)` prints each one's arguments, units and errors, which the site has "
        "below.\n\n" + "\n".join(lines)
    )


def _first_sentence(thing: Any) -> str:
    text = " ".join(inspect.cleandoc(thing.__doc__ or "").split("\n\n")[0].split())
    return re.split(r"(?<=\.)\s", text)[0].replace("|", "\\|")


# -- C and the link ---------------------------------------------------------------------------


def headers() -> list[Path]:
    """The public ones."""
    return [path for pattern in HEADERS for path in sorted(ROOT.glob(pattern))]


def c_names(text: str) -> list[str]:
    """Types, functions, constants and objects that a header declares, in its order."""
    code = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.DOTALL)
    found = [next(filter(None, m.groups())) for m in _C_NAME.finditer(code)]
    return [name for name in dict.fromkeys(found) if not name.endswith("_H")]


def _c() -> str:
    parts = ["# Names of the C headers", "The headers as they are; their comments are the "
             "reference."]
    for path in headers():
        text = path.read_text(encoding="utf-8")
        parts += [
            f"## {path.relative_to(ROOT).as_posix()}",
            "Names: " + ", ".join(f"`{name}`" for name in c_names(text)) + ".",
            f"```c\n{text.rstrip()}\n```",
        ]
    return "\n\n".join(parts)


def _messages() -> str:
    from edgetune.link import messages

    parts = [
        "# Messages of the link",
        f"Version {messages.PROTOCOL_VERSION}. A reply's number is its request's and "
        f"0x{messages.REPLY:02X}. Payloads, order and recovery: [the protocol](../protocol.md).",
    ]
    for kind, title in ((messages.Request, "Requests"), (messages.Notice, "Notices of a device"),
                        (messages.ErrorCode, "Codes of an ERROR")):
        width = 4 if kind is not messages.ErrorCode else 0
        rows = [f"| {f'0x{one.value:02X}' if width else one.value} | {one.name} |" for one in kind]
        parts += [f"## {title}", "\n".join(["| number | name |", "|---|---|", *rows])]
    return "\n\n".join(parts)
