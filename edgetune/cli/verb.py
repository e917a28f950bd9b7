"""A verb of the command line, with the options that every verb has."""

from __future__ import annotations

import click

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
    """A command that takes one board."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = [word for word in args if word.partition("=")[0] == ONCE]
        if len(named) > 1:
            raise UsageError(
                f"`edgetune {ctx.info_name}` takes one board.", f"{ONCE} was given {len(named)} "
                "times.", "Give the command once for each board.",
            )
        return super().parse_args(ctx, args)


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
