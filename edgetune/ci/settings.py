"""The settings of a test and of edgetune.toml as a job: text becomes numbers and lists."""

from __future__ import annotations

import os
from dataclasses import fields

from edgetune.boards import Board
from edgetune.errors import UsageError
from edgetune.guard import NONE, RUNNING
from edgetune.learn.recipe import Recipe
from edgetune.model.constant_inputs import pairs_of
from edgetune.session.job import Job
from edgetune.session.reporter import Reporter
from edgetune.session.tuning import TuneSettings
from edgetune.settings import DATA, KEYS

_LISTS = {"layers": str.strip, "classes": str.strip, "frame": int, "window": int,
          "class_weights": float}
_NUMBERS = {"seed": int, "samples": int, "passes": int, "save_every": int,
            "sample_rate": int, "rate": float, "null_mass": float, "split": float,
            "label_smoothing": float, "huber_delta": float}  # fmt: skip
_EITHER = {"scale": float, "offset": float, "mean": float}  # a number, or one a channel
_RANGES = {"seed": range(2**32), "samples": range(1, 2**32), "passes": range(1, 2**32),
           "save_every": range(1, 2**32)}


_RECIPE = tuple(field.name for field in fields(Recipe))


def job_of(
    board: Board, settings: dict, device: str | None = None, reporter: Reporter | None = None
) -> Job:
    """The job that ``settings`` name: as in edgetune.toml, with underscores; paths that can be
    opened.

    Raises:
        UsageError: a setting that there is not, or no use of its value; no model.
    """
    unknown = [name for name in settings if name.replace("_", "-") not in KEYS]
    if unknown:
        raise UsageError(
            f"There is no setting {', '.join(unknown)}.",
            f"There are {', '.join(KEYS)}, with underscores.", "Remove or rename it.",
        )
    if "model" not in settings:
        raise UsageError(
            "No model is named.", "Neither the test nor edgetune.toml names one.",
            'Name it in the call, or write model = "..." into edgetune.toml.',
        )
    recipe = Recipe(**_chosen(settings, *_RECIPE))
    data = {DATA[name]: value for name, value in _chosen(settings, *DATA).items()}
    place = settings.get("cmsis_nn") or os.environ.get("EDGETUNE_CMSIS_NN")
    return Job(
        settings["model"], board, recipe, data, device=device, cmsis_nn=place, reporter=reporter,
        also=settings.get("also"),
    )


def tuning_of(settings: dict) -> TuneSettings:
    """How long is learnt, whether the simulation runs along and what guards; errors as of
    `job_of`."""
    verify = not settings.get("no_verify", False)
    guard = NONE if settings.get("no_guard", False) else settings.get("guard", RUNNING)
    return TuneSettings(
        verify=verify, guard=guard,
        **_chosen(settings, "seed", "samples", "passes", "endless", "continued", "save_every"),
    )


def _chosen(settings: dict, *names: str) -> dict:
    return {name: _typed(name, settings[name]) for name in names if name in settings}


def _typed(name: str, value):
    """``value`` as the Python API takes it; edgetune.toml's lists come as text with commas."""
    try:
        typed = _convert(name, value)
    except (TypeError, ValueError):
        typed = None
    if typed is None or typed not in _RANGES.get(name, [typed]):
        raise UsageError(
            f"The setting {name} cannot be {value!r}.",
            f"edgetune tune --help says what --{name.replace('_', '-')} can be.",
            "Correct it in the call or in edgetune.toml.",
        )
    return typed


def _convert(name: str, value):
    if name in _NUMBERS:
        return _NUMBERS[name](value)
    if name in _EITHER and isinstance(value, (int, float)):
        return float(value)
    if name == "inputs":
        return pairs_of(value)
    if kind := (_LISTS | _EITHER).get(name):
        return tuple(map(kind, value.split(",") if isinstance(value, str) else value))
    if name == "label_column" and not isinstance(value, (list, tuple)):
        return str(value)
    return value
