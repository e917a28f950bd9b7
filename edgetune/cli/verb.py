"""A verb of the command line, with the options that every verb has."""

from __future__ import annotations

import click


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


def verb(name: str):
    """A command whose first argument is the `Printer`, with the options that every verb has."""

    def decorate(function):
        function = stack(
            _flag("--json", sets="as_json", text="Print the result, or the error, as JSON."),
            _flag("-q", "--quiet", sets="quiet", text="No progress, no notes."),
            _flag("-v", "--verbose", sets="verbose", text="Also tracebacks, and notes with JSON."),
        )(click.pass_obj(function))
        return click.command(name)(function)

    return decorate


def stack(*decorators):
    """One decorator that does what all of them do, the first on the outside."""
    def decorate(function):
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate
