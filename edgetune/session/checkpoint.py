"""A run as it was at one moment: all that it takes to carry it on to the same end."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from zlib import crc32

import numpy as np

from edgetune.data import Dataset
from edgetune.dataclass import dataclass
from edgetune.errors import DataError, EdgetuneError
from edgetune.files import check_regular
from edgetune.learn.kept import keep, state_id, state_of
from edgetune.plan.plan import Plan

FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """``run``: which one, see `identity`.  ``begun``, ``state``: the states that it began with and
    that the device had after ``losses`` of as many steps, and after the guard was told
    ``journal``.  ``before``: the outputs of the first evaluation, int8 [n, outputs]; None where
    that is still to come.  ``options``: of the command line, None where it was another door.
    ``traffic``: on the line up to then, of all connections, see `added`."""

    run: dict
    begun: bytes
    state: bytes
    losses: np.ndarray
    journal: tuple[bytes, ...] = ()
    before: np.ndarray | None = None
    options: dict | None = None
    traffic: Mapping[str, int] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """That were done."""
        return len(self.losses)

    def content(self, identity: int) -> bytes:
        """As a file: an .npz without objects, its states with heads that say by this `state_id`
        whose they are."""
        told = {"format": FORMAT, "run": self.run, "options": self.options,
                "journal": [len(entry) for entry in self.journal], "traffic": dict(self.traffic)}
        before = {} if self.before is None else {"before": self.before}
        file = io.BytesIO()
        np.savez(
            file, told=_bytes(json.dumps(told).encode()), losses=self.losses,
            begun=_bytes(keep(identity, self.begun)),
            state=_bytes(keep(identity, self.state)),
            journal=_bytes(b"".join(self.journal)), **before,
        )
        return file.getvalue()

    @staticmethod
    def read(path: Path) -> Checkpoint:
        """Of a run's folder.

        Raises:
            DataError: the file is damaged or of another release.
        """
        try:
            with np.load(check_regular(path), allow_pickle=False) as arrays:
                return _checkpoint({name: arrays[name] for name in arrays.files})
        except EdgetuneError:
            raise
        except Exception as error:  # zipfile and numpy raise what they like
            raise _unread(path, f"{type(error).__name__}: {error}") from None

    def of_plan(self, plan: Plan, run: dict) -> Checkpoint:
        """With bare states, once it is clear that it is of this ``run``.

        Raises:
            DataError: it is of another one, or of another model or recipe.
        """
        wrong = [name for name in run if self.run.get(name) != run[name]]
        if wrong:
            raise DataError(
                "The run that broke off was another one.",
                f"These differ: {', '.join(wrong)}.",
                "Give model, data and options as that run had them; its run.json has them",
            )
        identity, size = state_id(plan.program, plan.recipe), plan.state_bytes
        return replace(
            self, begun=state_of(self.begun, identity, size),
            state=state_of(self.state, identity, size),
        )


def identity(
    plan: Plan, settings: dict, data: Dataset, order: np.ndarray,
    also: Mapping[str, Dataset] | None = None,
) -> dict:
    """What a run is, beside its network: its settings, and its samples in their order."""
    targets = np.ascontiguousarray(data.tune_y) if data.tune_y is not None else np.zeros(0)
    run = {
        "settings": settings,
        "recipe": plan.recipe.as_dict(),
        "samples": [len(data.tune_x), len(data.test_x)],
        "order": crc32(np.ascontiguousarray(order, "<i8")),
        "targets": crc32(targets.tobytes()),
    }
    if also:
        run["also"] = {name: len(one.test_x) for name, one in also.items()}
    return json.loads(json.dumps(run))  # as a file gives it back


def _bytes(content: bytes) -> np.ndarray:
    return np.frombuffer(content, np.uint8)


def _checkpoint(arrays: dict[str, np.ndarray]) -> Checkpoint:
    told = json.loads(arrays["told"].tobytes())
    if told["format"] != FORMAT:
        raise ValueError(f"its format is {told['format']}, this edgetune's {FORMAT}")
    ends = np.cumsum(told["journal"], dtype=np.int64)
    entries = np.split(arrays["journal"], ends)
    if len(entries.pop()) or len(entries) != len(told["journal"]):
        raise ValueError("its journal is cut off")
    return Checkpoint(
        told["run"], arrays["begun"].tobytes(), arrays["state"].tobytes(),
        arrays["losses"].astype(np.float64), tuple(entry.tobytes() for entry in entries),
        arrays.get("before"), told["options"], _counts(told.get("traffic", {})),
    )


def added(traffic: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Counts of a line, see `Client.traffic`, and those of a further connection of it."""
    return {name: traffic.get(name, 0) + more.get(name, 0) for name in {**traffic, **more}}


def _counts(told: dict) -> dict[str, int]:
    """As they were saved; runs of earlier releases have none."""
    return {str(name): int(count) for name, count in told.items()}


def _unread(path: Path, why: str) -> DataError:
    return DataError(
        f"{path.name} cannot be read.", why,
        "Go on from the weights that the run left: --continue FOLDER",
    )
