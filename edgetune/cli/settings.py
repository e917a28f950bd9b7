"""``edgetune.toml`` as defaults of the verbs' options."""

from __future__ import annotations

from pathlib import Path

from edgetune.settings import project_settings

NESTED = ("list", "show", "pull", "push", "diff", "init")  # verbs below a verb


def read_settings(verbs: list[str], folder: Path | None = None) -> dict:
    """Defaults for every verb, from ``edgetune.toml`` in ``folder`` (the current one).

    Raises:
        UsageError: the file is not TOML, or holds an unknown key.
    """
    values = project_settings(folder or Path())
    if "inputs" in values:  # an option that stands once an input
        values["inputs"] = tuple(str(values["inputs"]).split(","))
    values |= {name: dict(values) for name in NESTED}
    return {verb: values for verb in verbs}
