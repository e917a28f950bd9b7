"""What a test asks a device to learn: model, recipe, samples."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from edgetune.boards import Board
from edgetune.build.cmsis_nn import find_cmsis_nn
from edgetune.data import Dataset, Targets, load_data, stored_preprocessing
from edgetune.errors import UsageError
from edgetune.learn.recipe import Recipe
from edgetune.model.graph import Graph
from edgetune.model.read import read_tflite
from edgetune.plan.cost import Estimate, estimate
from edgetune.plan.plan import Plan, make_plan
from edgetune.quantize import load
from edgetune.session.conversion import convert_by, read_int8
from edgetune.session.tuning import TuneSettings
from edgetune.settings import DATA, KEYS

_LISTS = {"layers": str.strip, "classes": str.strip, "frame": int}
_NUMBERS = {"seed": int, "samples": int, "passes": int, "sample_rate": int, "rate": float,
            "split": float}  # fmt: skip
_EITHER = {"scale": float, "offset": float, "mean": float}  # a number, or one a channel
_RANGES = {"seed": range(2**32), "samples": range(1, 2**32), "passes": range(1, 2**32)}


@dataclass(frozen=True)
class Task:
    """``settings``: names as in edgetune.toml, with underscores; paths that can be opened.

    Raises, here and as its parts are asked for, the errors of reading, planning and conversion.
    """

    board: Board
    settings: dict

    def __post_init__(self):
        unknown = [name for name in self.settings if name.replace("_", "-") not in KEYS]
        if unknown:
            raise UsageError(
                f"There is no setting {', '.join(unknown)}.",
                f"There are {', '.join(KEYS)}, with underscores.", "Remove or rename it.",
            )
        if "model" not in self.settings:
            raise _unnamed("model")

    @property
    def model(self) -> Path:
        return Path(self.settings["model"])

    @property
    def key(self) -> tuple[str, str]:
        """Model and recipe."""
        return str(self.model), repr(self.recipe)

    @cached_property
    def cmsis_nn(self) -> Path | None:
        place = self.settings.get("cmsis_nn") or os.environ.get("EDGETUNE_CMSIS_NN")
        return find_cmsis_nn(place) if place else None

    @property
    def recipe(self) -> Recipe:
        return Recipe(**self._chosen("layers", "rate", "draw", "reset"))

    @property
    def tuning(self) -> TuneSettings:
        verify = not self.settings.get("no_verify", False)
        return TuneSettings(verify=verify, **self._chosen("seed", "samples", "passes"))

    @cached_property
    def graph(self) -> Graph:
        """The int8 model; one of floats is converted by the tuning set."""
        found = load(str(self.model))
        if not isinstance(found, Graph):
            return read_int8(self.model)
        samples = self._load(found.input, found.output.size)
        return read_tflite(convert_by(found, samples).content)

    @cached_property
    def plan(self) -> Plan:
        return make_plan(self.graph, self.recipe, self.board, bool(self.cmsis_nn))

    @cached_property
    def cost(self) -> Estimate:
        return estimate(self.plan)

    @cached_property
    def data(self) -> Dataset:
        classes, stored = self.plan.program.classes, stored_preprocessing(self.graph)
        return self._load(self.graph.input, classes, stored=stored)

    def _load(self, tensor, classes: int, **others) -> Dataset:
        if "data" not in self.settings:
            raise _unnamed("data")
        chosen = self._chosen(*DATA)
        facts = {DATA[name]: value for name, value in chosen.items()}
        return load_data(graph_input=tensor, targets=Targets("class", classes), **facts, **others)

    def _chosen(self, *names: str) -> dict:
        return {n: _typed(n, self.settings[n]) for n in names if n in self.settings}


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
    if kind := (_LISTS | _EITHER).get(name):
        return tuple(map(kind, value.split(",") if isinstance(value, str) else value))
    return str(value) if name == "label_column" else value


def _unnamed(what: str) -> UsageError:
    return UsageError(
        f"No {what} is named.", "Neither the test nor edgetune.toml names one.",
        f'Name it in the call, or write {what} = "..." into edgetune.toml.',
    )
