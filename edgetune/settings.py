"""``edgetune.toml``: a project's choices, read and checked."""

from __future__ import annotations

import os
import sys

from edgetune.errors import UsageError

FILE = "edgetune.toml"
KEYS = (
    "model", "board", "device", "devices", "data", "labels", "test-data", "test-labels",
    "test-part", "also", "split", "part", "label-column", "classes", "scale", "offset", "mean",
    "order", "fit", "sample-rate", "frame", "window", "features", "inputs", "layers", "output",
    "rule", "rate", "null-mass", "draw", "reset", "loss", "class-weights", "label-smoothing",
    "huber-delta", "seed", "passes", "samples", "endless", "continued", "save-every", "no-verify",
    "guard", "no-guard", "min-accuracy", "out", "cmsis-nn", "ram", "baud",
)  # fmt: skip

# Settings that say how data is read, and the parameters of `load_data` that take them.
DATA = {
    "data": "path", "test_data": "test", "classes": "class_names",
    **{name: name for name in (
        "labels", "test_labels", "test_part", "split", "part", "label_column", "scale", "offset",
        "mean", "order", "fit", "sample_rate", "frame", "window", "features",
    )},
}  # fmt: skip


def project_settings(folder: str | os.PathLike) -> dict:
    """The choices in ``folder``'s edgetune.toml, {} without one.

    Keys have underscores; a list is its items joined by commas, as on the command line.

    Raises:
        UsageError: the file is not TOML, or holds an unknown key or a value of no use.
    """
    path = os.path.join(folder, FILE)
    return _checked(_load(path)) if os.path.isfile(path) else {}


def _load(path: str) -> dict:
    from edgetune.files import check_regular  # with pathlib, which a help text does without

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        return tomllib.loads(check_regular(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"{FILE} cannot be read.", str(error), "Correct it, or move it out of this folder."
        ) from None


def _checked(values: dict) -> dict:
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
