"""What make is about to compile, and a key for each object: equal keys, equal objects.

A key is made of the compiler, its options and the contents of all files that a source can include,
read without a preprocessor: every ``#include`` counts, whatever the conditions around it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess
from collections.abc import Sequence
from functools import cache, cached_property, partial
from pathlib import Path

from edgetune.dataclass import dataclass
from edgetune.programs import run_program

_INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include(?:_next)?[ \t]*(?:([<"])([^>"\n]+)[>"]|(\w))', re.M)
# What makes an object depend on more than the files that are included.
_UNSEEN = re.compile(rb"__(?:DATE|TIME|TIMESTAMP)__|\.incbin|#[ \t]*embed|__has_include")
_PROBE_SECONDS = 30


@dataclass(frozen=True)
class Compilation:
    """One call of a compiler in the project's folder: its words, source and object."""

    words: tuple[str, ...]
    source: str
    target: str

    @staticmethod
    def of_line(line: str) -> Compilation | None:
        """That of a line that make would run; None where it compiles nothing."""
        try:
            words = shlex.split(line)
        except ValueError:
            return None
        if "-c" not in words[:-1] or "-o" not in words[:-1]:
            return None
        source, target = (words[words.index(option) + 1] for option in ("-c", "-o"))
        return Compilation(tuple(words), source, target) if target.endswith(".o") else None

    @property
    def folders(self) -> list[str]:
        """Where it looks for headers first."""
        return [word[2:] for word in self.words if word.startswith("-I")]

    @property
    def options(self) -> list[str]:
        """All that decides about the object; the folder's own name is mapped away in it."""
        return [word for word in self.words[1:] if not word.startswith("-ffile-prefix-map=")]


def compilations(dry_run: str) -> list[Compilation]:
    """Those of what ``make -n`` said."""
    return [found for line in dry_run.splitlines() if (found := Compilation.of_line(line))]


class Keys:
    """Keys of the compilations of one build in ``folder``; each file is read once, and what it
    includes looked for once."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._compilers: dict[str, Compiler] = {}
        self._file = cache(File.read)
        self._included = cache(self._look_for_included)
        self._name = cache(partial(os.path.relpath, start=folder))

    def of(self, compilation: Compilation) -> str | None:
        """None where an equal key would not say enough."""
        name = compilation.words[0]
        compiler = self._compilers.setdefault(name, Compiler(name, self.folder))
        if not compiler.said:
            return None
        digest = hashlib.sha256(repr((compiler.said, compilation.options)).encode())
        for path, file in sorted(self._closure(compilation, compiler.folders).items()):
            if file.unseen and Path(path).is_relative_to(self.folder):
                return None
            digest.update(repr((self._name(path), file.digest)).encode())
        return digest.hexdigest()

    def _closure(self, compilation: Compilation, system: Sequence[str]) -> dict[str, File]:
        """The source and every file that it can include, directly or not."""
        own = (os.path.join(self.folder, name) for name in compilation.folders)
        folders = *own, *system
        found: dict[str, File] = {}
        waiting = [os.path.join(self.folder, compilation.source)]
        while waiting:
            path = waiting.pop()
            if path in found or (file := self._file(path)) is None:
                continue
            found[path] = file
            waiting += self._included(path, folders)
        return found

    def _look_for_included(self, path: str, folders: tuple[str, ...]) -> list[str]:
        """Every file that the one at ``path`` can include itself, among these ``folders``."""
        file = self._file(path)
        beside = os.path.dirname(path)
        places = [
            os.path.normpath(os.path.join(place, name))
            for quoted, name in (file.includes if file else ())
            for place in ((beside, *folders) if quoted else folders)
        ]
        return [place for place in places if self._file(place)]


@dataclass(frozen=True)
class File:
    """A source or header: what it includes, as (quoted, name), and whether an object of it depends
    on what cannot be seen here."""

    digest: str
    includes: tuple[tuple[bool, str], ...]
    unseen: bool

    @staticmethod
    def read(path: str) -> File | None:
        try:
            content = Path(path).read_bytes()
        except OSError:
            return None
        found = _INCLUDE.findall(content)
        return File(
            hashlib.sha256(content).hexdigest(),
            tuple((mark == b'"', os.fsdecode(name)) for mark, name, macro in found if not macro),
            bool(_UNSEEN.search(content)) or any(macro for _, _, macro in found),
        )


class Compiler:
    """What a compiler says of itself: version, configuration, and its programs as they are now."""

    def __init__(self, name: str, folder: Path):
        self.name, self.folder = name, folder

    @cached_property
    def said(self) -> str:
        """Empty where it does not say."""
        command = [self.name, "-v", "-E", "-x", "c", os.devnull]
        environment = {**os.environ, "LC_ALL": "C"}
        try:
            code, output = run_program(command, _PROBE_SECONDS, self.folder, environment)
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return output + repr(sorted(_programs(output))) if code == 0 else ""

    @cached_property
    def folders(self) -> list[str]:
        """Where it looks for the system's headers."""
        start, _, rest = self.said.partition("search starts here:")
        lines = rest.partition("End of search list")[0].splitlines() if start else []
        return [line.strip() for line in lines if line.startswith(" ")]


def _programs(output: str) -> set[tuple[str, int, int]]:
    """Size and time of each program that the compiler named as it called it."""
    words = {words[0] for line in output.splitlines() if (words := line.split())}
    stats = {word: os.stat(word) for word in words if word[0] == "/" and os.path.isfile(word)}
    return {(word, stat.st_size, stat.st_mtime_ns) for word, stat in stats.items()}
