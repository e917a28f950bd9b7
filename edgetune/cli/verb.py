"""A verb of the command line, with the options that every verb has."""

from __future__ import annotations

from functools import partial

import click
from click.shell_completion import CompletionItem

from edgetune.cli.completion import BY_NAME
from edgetune.errors import UsageError

ONCE = "--board"  # a second one would take the place of the first, unsaid


def _set_flag(name: str):
    def callback(ctx, parameter, value):
        if value:
            setattr(ctx.obj, name, True)

    return callback


def _flag(*names: str, sets: str, text: str):
    callback = _set_flag(sets)
    return click.option(
        *names, is_flag=True, expose_value=False, is_eager=True, callback=callback, help=text
    )


class Verb(click.Command):
    """A command that takes one board, and whose parameters a shell completes by their names."""

    def __init__(self, *given, **facts):
        super().__init__(*given, **facts)
        for parameter in self.params:
            if tell := BY_NAME.get(parameter.name):
                parameter.shell_complete = partial(_told, tell, parameter)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = [word for word in args if word.partition("=")[0] == ONCE]
        if len(named) > 1:
            raise UsageError(
                f"`edgetune {ctx.info_name}` takes one board.", f"{ONCE} was given {len(named)} "
                "times.", "Give the command once for each board.",
            )
        return super().parse_args(ctx, args)


def _told(tell, parameter, ctx, incomplete: str) -> list[CompletionItem]:
    found = tell(ctx, parameter, incomplete)
    return [one if isinstance(one, CompletionItem) else CompletionItem(one) for one in found]


def verb(name: str):
    """A command whose first argument is the `Printer`, with the options that every verb has."""

    def decorate(function):
        function = stack(
            _flag("--json", sets="as_json", text="Print the result, or the error, as JSON."),
            _flag("-q", "--quiet", sets="quiet", text="No progress, no notes."),
            _flag("-v", "--verbose", sets="verbose", text="Also tracebacks, and notes with JSON."),
        )(click.pass_obj(function))
        return click.command(name, cls=Verb)(function)

    return decorate


def stack(*decorators):
    """One decorator that does what all of them do, the first on the outside."""
    def decorate(function):
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate
