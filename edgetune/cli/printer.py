"""What a verb says: results on stdout, as text or as JSON; progress and notes on stderr."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import TYPE_CHECKING

from edgetune.cli.plain import GAP, Plain, fits, is_plain
from edgetune.cli.shown import broken, fitted, shown
from edgetune.errors import EdgetuneError, Interrupted

if TYPE_CHECKING:
    from rich.console import Console

FORMAT = 1  # of the JSON output; a change that could break a reader raises it
SENTENCE_WIDTH = 100  # of sentences, there
INDENT, CAUSE = 2, 9  # of what follows a line that was broken; of an error's parts


class Printer:
    """One verb's output.

    ``result``: set by the verb, what ``--json`` prints.  ``quiet`` and ``verbose`` are the
    options -q and -v.
    """

    def __init__(self, command: str, as_json: bool):
        self.command = command
        self.as_json = as_json
        self.quiet = False
        self.verbose = False
        self.result: dict = {}
        self._reporter = None

    def text(self, text: str = "") -> None:
        """A line of the result, on a terminal broken between words where it is too long."""
        self.wrapped(text, INDENT)

    def wrapped(self, text: str, indent: int) -> None:
        """The same, where what follows is indented by so many blanks."""
        if self.as_json:
            return
        console = _console(sys.stdout)
        if isinstance(console, Plain):
            console.print(text)
            return
        lines = fitted(text, console.width, indent) if console.is_terminal else text
        console.print(shown(lines), highlight=False, soft_wrap=True)

    def sentences(self, text: str) -> None:
        """Sentences of the result, broken between words."""
        console = _console(sys.stdout)
        self.text(broken(text, console.width if console.is_terminal else SENTENCE_WIDTH))

    def table(self, headers: list[str], rows: list[list], title: str = "") -> None:
        """A table of the result; numbers stand on the right.

        Where it is wider than the terminal it comes in parts, see `_parts`.
        """
        if self.as_json:
            return
        for part, columns in enumerate(_parts(headers, rows, _console(sys.stdout).width)):
            if part:
                self.text()
            self._table(
                [headers[c] for c in columns], [[row[c] for c in columns] for row in rows],
                "" if part else title,
            )

    def _table(self, headers: list[str], rows: list[list], title: str) -> None:
        console = _console(sys.stdout)
        if isinstance(console, Plain):
            columns = [[header, *(_cell(row[c]) for row in rows)]
                       for c, header in enumerate(headers)]
            if fits(columns) and not title:
                console.table(columns, [_is_right(rows, c) for c in range(len(headers))])
                return
            console = _rich(sys.stdout)
        self._rich_table(console, headers, rows, title)

    def _rich_table(
        self, console: Console, headers: list[str], rows: list[list], title: str
    ) -> None:
        from edgetune.cli.console import Table

        words = [_longest_word([header, *(row[c] for row in rows)])
                 for c, header in enumerate(headers)]
        if sum(words) + GAP * (len(words) - 1) > console.width:
            self._rows_by_line(headers, rows, title)
            return
        table = Table(title=shown(title) or None, title_justify="left", box=None, pad_edge=False)
        for column, header in enumerate(headers):
            table.add_column(
                shown(header), justify="right" if _is_right(rows, column) else "left",
                overflow="fold", min_width=words[column],
            )
        for row in rows:
            table.add_row(*(shown(_cell(value)) for value in row))
        console.print(table, highlight=False)

    def _rows_by_line(self, headers: list[str], rows: list[list], title: str) -> None:
        """A table that no terminal of this width has room for: a line a cell."""
        for line in filter(None, [title]):
            self.text(line)
        for number, row in enumerate(rows):
            if number:
                self.text()
            for header, value in zip(headers, row):
                if value is not None:
                    self.text(f"{header}: {_cell(value)}")

    def note(self, text: str) -> None:
        """What happens next."""
        self.reporter.note(text)

    def said(self, text: str) -> None:
        """What was asked for and is no result: on stderr, whatever else is said there."""
        _rich(sys.stderr).print(shown(text), highlight=False, soft_wrap=True)

    def warning(self, text: str) -> None:
        """What may void the result: also where quiet was asked for."""
        self.reporter.warning(text)

    @property
    def reporter(self):
        """For the session: bars on a terminal, else some lines; nothing when quiet or JSON."""
        from edgetune.cli.progress import PlainReporter, TerminalReporter

        if self._reporter is None:
            silent = self.quiet or (self.as_json and not self.verbose)
            if silent or is_plain(sys.stderr) or not _rich(sys.stderr).is_terminal:
                console = _Late(sys.stderr)
                self._reporter = PlainReporter(console, silent, mute=silent and self.as_json)
            else:
                self._reporter = TerminalReporter(_rich(sys.stderr))
        return self._reporter

    def finish(self) -> None:
        """Print the result, where JSON was asked for and a verb has left one."""
        if self.as_json and self.result:
            self._print_json({"result": self.result})
        sys.stdout.flush()  # an error of the last lines is one of the command's

    def fail(self, error: EdgetuneError, trace: str = "") -> None:
        """Print ``error``: as JSON on stdout, else on stderr."""
        self.close()
        if self.as_json:
            result = {"result": self.result} if self.result else {}
            self._print_json(result | {"error": error.as_dict()})
        console = _rich(sys.stderr)
        if not self.as_json:
            width = console.width if console.is_terminal else 0
            for line in _error_lines(error, width):
                console.print(line, highlight=False, soft_wrap=True)
        if trace and self.verbose:
            console.print(shown(trace), highlight=False, soft_wrap=True)

    def interrupted(self) -> None:
        """Say so; under ``--json`` also as the one document on stdout."""
        self.close()
        if self.as_json:
            error = Interrupted("Interrupted.", "Ctrl-C or a signal.", "Run the command again.")
            self._print_json({"error": error.as_dict()})
        _rich(sys.stderr).print("Interrupted.")

    def close(self) -> None:
        """End a bar under way."""
        if self._reporter:
            self._reporter.close()

    def _print_json(self, facts: dict) -> None:
        import json

        print(json.dumps({"format": FORMAT, "command": self.command} | facts, indent=2))


def _parts(headers: list[str], rows: list[list], width: int) -> list[list[int]]:
    """Columns that fit beside each other, part by part; all parts but the first begin with the
    column that tells rows apart."""
    sizes = [
        max(len(header), *(len(_cell(row[c])) for row in rows), 0) + GAP
        for c, header in enumerate(headers)
    ]
    key = next((c for c in range(len(headers)) if _tells_apart(rows, c)), 0)
    parts: list[list[int]] = [[0]]
    for column in range(1, len(headers)):
        used = sum(sizes[c] for c in parts[-1]) - GAP
        if len(parts[-1]) > 1 and used + sizes[column] > width:
            parts.append([] if column == key else [key])
        parts[-1].append(column)
    return parts


def _tells_apart(rows: list[list], column: int) -> bool:
    return len({_cell(row[column]) for row in rows}) == len(rows)


def _console(file) -> Console | Plain:
    return Plain(file) if is_plain(file) else _rich(file)


class _Late:
    """A console of rich's that is made when it is first used."""

    def __init__(self, file):
        self._file = file

    @cached_property
    def _console(self) -> Console:
        return _rich(self._file)

    def __getattr__(self, name: str):
        return getattr(self._console, name)


def _rich(file) -> Console:
    from edgetune.cli.console import console_of  # rich takes a while, which help has no need of

    return console_of(file)


def _error_lines(error: EdgetuneError, width: int = 0) -> list[str]:
    """Message, cause and next step, each under its own heading; ``width``: of the terminal."""

    def part(text: object) -> str:
        found = fitted(str(text), width - CAUSE, 0) if width > 2 * CAUSE else str(text)
        return shown(found.replace("\n", "\n" + " " * CAUSE))

    lines = [f"[bold red]Error:[/] {part(error.message)}"]
    if error.cause:
        lines.append(f"  [bold]Cause:[/] {part(error.cause)}")
    if error.next_step:
        lines.append(f"  [bold]Next:[/]  {part(error.next_step)}")
    return lines


def _longest_word(values: list) -> int:
    return max((len(word) for value in values for word in _cell(value).split()), default=0)


def _is_right(rows: list[list], column: int) -> bool:
    """Whether a column holds numbers alone."""
    return all(_is_number(row[column]) for row in rows if row[column] is not None)


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _cell(value) -> str:
    """Thousands are set apart; nothing is shown for None."""
    if value is None:
        return ""
    return f"{value:,}" if _is_number(value) else str(value)
