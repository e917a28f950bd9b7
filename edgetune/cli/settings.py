"""``edgetune.toml`` as defaults of the verbs' options."""

from __future__ import annotations

import os

from edgetune.settings import project_settings

NESTED = ("list", "show", "pull", "push", "diff", "init")  # verbs below a verb


def read_settings(verbs: list[str], folder: str | os.PathLike = ".") -> dict:
    """Defaults for every verb, from ``edgetune.toml`` in ``folder`` (the current one).

    Raises:
        UsageError: the file is not TOML, or holds an unknown key.
    """
    values = project_settings(folder)
    for name in ("inputs", "also"):  # options that stand once an input, or once a set
        if name in values:
            values[name] = tuple(str(values[name]).split(","))
    values |= {name: dict(values) for name in NESTED}
    return {verb: values for verb in verbs}
