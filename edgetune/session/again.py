"""All that it takes to run something again: the command, its files by their hashes, versions."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgetune import __version__
from edgetune.boards import Board
from edgetune.data.arrays import Arrays
from edgetune.guard.choice import NONE, RUNNING
from edgetune.learn.losses import AUTO
from edgetune.learn.recipe import Recipe
from edgetune.session.record import TuneSettings
from edgetune.settings import DATA

if TYPE_CHECKING:
    from edgetune.session.job import Job

MOST_HASHED = 1 << 30  # bytes of a file: a larger one takes longer than many a run


def again_record(job: Job, settings: TuneSettings) -> dict:
    """For run.json: ``command``, one line for a shell, left out where samples were given as arrays,
    which no line can name; ``files``: of each that was named its SHA-256, None where it is larger
    than `MOST_HASHED`; ``versions``."""
    named = [job.model, settings.guard, *(job.source or {}).values(),
             *(one for place in job.places.values() for one in (place.source, place.labels))]
    files = {str(one): _hash(Path(one)) for one in named
             if isinstance(one, (str, os.PathLike)) and Path(one).is_file()}
    arrays = isinstance((job.source or {}).get("path"), Arrays)
    command = {} if arrays else {"command": shlex.join(tune_words(job, settings))}
    return command | {"files": files, "versions": versions()}


def versions() -> dict[str, str]:
    return {
        "edgetune": __version__, "python": platform.python_version(), "numpy": np.__version__,
        "system": platform.platform(terse=True),
    }


def tune_words(job: Job, settings: TuneSettings) -> list[str]:
    """The command that does what ``job`` does; the results' folder is left to it."""
    board = job.given_board
    words = ["edgetune", "tune", str(job.model), "--board",
             board.name if isinstance(board, Board) else str(board)]
    options = {
        "--device": job.device_name, "--cmsis-nn": job.given_cmsis_nn, "--ram": job.ram,
        "--baud": job.baud,
        **{_option(name): value for name, value in (job.source or {}).items() if name != "whole"},
    }
    words += recipe_words(job.recipe)
    for name, value in options.items():
        if value is not None and value != ():
            words += [name, _text(value)]
    for name, place in job.places.items():
        words += ["--also", f"{name}={place.whole or f':{place.part}'}"]
    return words + ["--store"] * job.store + ["--flash"] * job.flash + _settings_words(settings)


def _settings_words(settings: TuneSettings) -> list[str]:
    words = ["--seed", str(settings.seed), "--passes", str(settings.passes)]
    for name, value in {
        "--samples": settings.samples, "--continue": settings.continued,
        "--save-every": settings.save_every, "--faults": settings.faults,
        "--guard": None if settings.guard in (NONE, RUNNING) else settings.guard,
    }.items():
        words += [] if value is None else [name, str(value)]
    words += ["--no-guard"] * (settings.guard == NONE) + ["--endless"] * settings.endless
    return words + ["--no-verify"] * (not settings.verify)


def recipe_words(recipe: Recipe) -> list[str]:
    """The options that say ``recipe``; none for what they are without them."""
    words = [] if recipe.layers == Recipe.layers else ["--train", ",".join(recipe.layers)]
    words += [] if recipe.output is None else ["--output", str(recipe.output)]
    words += [] if recipe.rule == Recipe.rule else ["--rule", recipe.rule]
    words += [] if recipe.rate is None else ["--rate", str(recipe.rate)]
    words += [] if recipe.null_mass is None else ["--null-mass", str(recipe.null_mass)]
    words += [] if recipe.draw == Recipe.draw else ["--draw", recipe.draw]
    words += [] if recipe.loss == AUTO else ["--loss", recipe.loss]
    if recipe.class_weights:
        words += ["--class-weights", ",".join(map(str, recipe.class_weights))]
    for name in ("label_smoothing", "huber_delta"):
        if (value := getattr(recipe, name)) != getattr(Recipe, name):
            words += [f"--{name.replace('_', '-')}", str(value)]
    for name, constant in recipe.inputs:
        words += ["--input", f"{name}={constant}"]
    return words + ["--reset"] * recipe.reset


def _option(name: str) -> str:
    """Of what `load_data` calls so."""
    old = {new: old for old, new in DATA.items()}[name]
    return f"--{old.replace('_', '-')}"


def _text(value) -> str:
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _hash(path: Path) -> str | None:
    if path.stat().st_size > MOST_HASHED:
        return None
    with open(path, "rb") as file:
        found = hashlib.sha256()
        while part := file.read(1 << 20):
            found.update(part)
        return found.hexdigest()
