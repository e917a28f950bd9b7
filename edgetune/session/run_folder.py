"""The folder of a run: what was asked, what happened, what came out."""

from __future__ import annotations

import glob
import json
from pathlib import Path

from edgetune.errors import UsageError
from edgetune.files import save_atomically

FORMAT = 1
STATE = "state.bin"


class RunFolder:
    """``run.json`` (settings and results), ``metrics.jsonl`` (a line a step), ``tuned.tflite``,
    ``state.bin``, from which a further run goes on, ``converted.tflite`` of a float model,
    ``best.tflite`` of a run that broke off, and ``firmware/``, the generated project.

    Open until `close`, or until the end of a `with` statement."""

    def __init__(self, path: Path):
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._metrics = open(path / "metrics.jsonl", "w", encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"The folder {path} cannot be used for the run.",
                error.strerror,
                "Give another one with --out.",
            ) from None

    @staticmethod
    def fresh(parent: Path, name: str) -> RunFolder:
        """A new numbered folder below ``parent``: an earlier run is never overwritten."""
        numbers = [int(p.name[:4]) for p in parent.glob("[0-9][0-9][0-9][0-9]-*")]
        return RunFolder(parent / f"{max(numbers, default=0) + 1:04d}-{name}")

    @staticmethod
    def latest(parent: Path, name: str) -> Path:
        """The last numbered folder below ``parent`` that a run of ``name`` left its state in.

        Raises:
            UsageError: there is none.
        """
        found = parent.glob(f"[0-9][0-9][0-9][0-9]-{glob.escape(name)}/{STATE}")
        if last := max(found, default=None):
            return last.parent
        raise UsageError(
            f"There is no run of {name} to go on from.",
            f"No folder {parent / f'NNNN-{name}'} holds a {STATE}.",
            "Name the run's folder: --continue FOLDER.",
        )

    @property
    def firmware(self) -> Path:
        return self.path / "firmware"

    @property
    def converted(self) -> Path:
        return self.path / "converted.tflite"

    @property
    def tuned(self) -> Path:
        return self.path / "tuned.tflite"

    @property
    def state(self) -> Path:
        return self.path / STATE

    @property
    def best(self) -> Path:
        return self.path / "best.tflite"

    def metric(self, **values) -> None:
        """Append one line to metrics.jsonl."""
        self._metrics.write(json.dumps(values) + "\n")

    def write_record(self, record: dict) -> None:
        """Replace run.json."""
        self._metrics.flush()
        text = json.dumps({"format": FORMAT} | record, indent=2) + "\n"
        save_atomically(self.path / "run.json", text.encode())

    def close(self) -> None:
        self._metrics.close()

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *_) -> None:
        self.close()
