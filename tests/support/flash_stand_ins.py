"""Programs that stand for flashing tools: they say what the real ones say, and keep what they
were called with."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

_PROGRAM = """#!{python}
import json, pathlib, sys, time
paths = [pathlib.Path(word) for word in sys.argv[1:]]
files = {{str(path): path.read_bytes().hex() for path in paths if path.is_file()}}
json.dump([sys.argv[1:], files, sys.stdin.read()], open({record!r}, "w"))
print({said!r})
sys.stdout.flush()
time.sleep({seconds})
sys.exit({code})
"""


@dataclass(frozen=True)
class StandIn:
    """A program on PATH. ``record``: what its last call left."""

    path: Path
    record: Path

    @property
    def arguments(self) -> list[str]:
        """Of the last call."""
        return json.loads(self.record.read_text())[0]

    @property
    def input(self) -> str:
        """What the last call was given on its standard input."""
        return json.loads(self.record.read_text())[2]

    def content(self, name: str) -> bytes:
        """The bytes of the file ``name``, one of the arguments, during that call."""
        return bytes.fromhex(json.loads(self.record.read_text())[1][name])


class StandIns:
    """The programs of a test: PATH becomes a folder of their own, or begins with it."""

    def __init__(self, folder: Path, monkeypatch, alone: bool = True):
        self._folder = folder / "bin"
        self._folder.mkdir()
        others = "" if alone else f":{os.environ['PATH']}"
        monkeypatch.setenv("PATH", f"{self._folder}{others}")

    def add(self, name: str, said: str, code: int = 0, seconds: float = 0) -> StandIn:
        """A program that says ``said``, waits ``seconds`` and ends with ``code``."""
        path, record = self._folder / name, self._folder / f"{name}.json"
        path.write_text(_PROGRAM.format(
            python=sys.executable, record=str(record), said=textwrap.dedent(said).strip(),
            seconds=seconds, code=code,
        ))
        path.chmod(0o755)
        return StandIn(path, record)
