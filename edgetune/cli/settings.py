"""``edgetune.toml``: a project's choices, as defaults of the options."""

from __future__ import annotations

import sys
from pathlib import Path

from edgetune.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "edgetune.toml"
KEYS = (
    "model", "board", "device", "data", "labels", "test-data", "test-labels", "split", "part",
    "label-column", "classes", "scale", "offset", "mean", "order", "fit", "sample-rate", "frame",
    "layers", "rate", "draw", "reset", "seed", "passes", "samples", "no-verify",
    "min-accuracy", "out", "cmsis-nn",
)  # fmt: skip
NESTED = ("list", "show", "pull", "push", "diff")  # verbs below a verb


def read_settings(verbs: list[str], folder: Path | None = None) -> dict:
    """Defaults for every verb, from ``edgetune.toml`` in ``folder`` (the current one).

    Raises:
        UsageError: the file is not TOML, or holds an unknown key.
    """
    path = (folder or Path()) / FILE
    if not path.is_file():
        return {}
    values = _checked(_load(path))
    values |= {name: dict(values) for name in NESTED}
    return {verb: values for verb in verbs}


def _load(path: Path) -> dict:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{FILE} cannot be read.", str(error), "Correct it, or move it out of this folder."
        ) from None


def _checked(values: dict) -> dict:
    """``values`` under the names of click's parameters."""
    unknown = [key for key in values if key.replace("_", "-") not in KEYS]
    if unknown:
        raise UsageError(
            f"{FILE} holds unknown keys: {', '.join(unknown)}.",
            f"The keys are {', '.join(KEYS)}.",
            "Remove or rename them.",
        )
    return {key.replace("-", "_"): _plain(key, value) for key, value in values.items()}


def _plain(key: str, value):
    if isinstance(value, list) and all(isinstance(item, (str, int, float)) for item in value):
        return ",".join(map(str, value))
    if isinstance(value, (str, int, float)):
        return value
    raise UsageError(
        f"{FILE}: {key} is neither text nor a number.", f"It is {value!r}.",
        "Write it as on the command line.",
    )
