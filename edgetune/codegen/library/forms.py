"""The forms of a library: where its files lie, and what the build system reads.

All forms hold the same sources.  A form is a function from `Facts` to the files of the folder.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from edgetune import __version__
from edgetune.codegen.c_text import comment
from edgetune.codegen.for_size import compiled_for_size
from edgetune.dataclass import dataclass
from edgetune.printable import one_line

if TYPE_CHECKING:
    from edgetune.codegen.library.write import Library

FOLDER = files("edgetune.codegen.library").joinpath("templates")


@dataclass(frozen=True)
class Facts:
    """What all forms are made of: the texts of ``public`` headers and of ``sources``, by name."""

    library: Library
    title: str
    public: Mapping[str, str]
    sources: Mapping[str, str]

    @property
    def prefix(self) -> str:
        return self.library.wanted.prefix

    @property
    def learns(self) -> bool:
        return bool(self.library.costs)

    @property
    def c_files(self) -> list[str]:
        return sorted(name for name in self.sources if name.endswith(".c"))

    @property
    def for_size(self) -> list[str]:
        """Of the C files those that the server compiles for size."""
        small = compiled_for_size(self.library.plan.board.core)
        return [name for name in self.c_files if name in small]

    def filled(self, template: str, **more: object) -> str:
        """A template's text with the library's facts in it."""
        words = {
            "title": comment(self.title), "prefix": self.prefix, "PREFIX": self.prefix.upper(),
            "version": __version__,
        }
        text = FOLDER.joinpath(template).read_text(encoding="utf-8")
        return Template(text).substitute(words | more)


def _plain(facts: Facts, public: str = "include") -> dict[str, str]:
    """Sources and headers, the page about them, and an example."""
    return {
        **{f"{public}/{name}": text for name, text in facts.public.items()},
        **{f"src/{name}": text for name, text in facts.sources.items()},
        "README.md": _page(facts), "examples/main.c": _example(facts),
    }


def _example(facts: Facts) -> str:
    return facts.filled("main_learning.c.in" if facts.learns else "main_running.c.in")


def _page(facts: Facts) -> str:
    library = facts.library
    plan, costs = library.plan, library.costs
    sizes = [
        ("arena, RAM", plan.arena_bytes), ("state, RAM", plan.state_bytes),
        ("RAM in all, without the stack, at most", library.ram_bytes),
        ("weights, flash", library.weight_bytes), ("tables, flash", library.table_bytes),
    ]
    table = "".join(f"| {name} | {size:,} |\n" for name, size in sizes)
    slices = ""
    if costs:
        slices = facts.filled(
            "slices.md.in", stages=len(costs), step=f"{sum(costs):,}", longest=f"{max(costs):,}",
            between=_BETWEEN if library.wanted.between else _NOT_BETWEEN,
        )
    return facts.filled(
        "README.md.in", sizes=table, slices=slices, form=library.wanted.form,
        core=plan.board.core.name, for_size=", ".join(f"`{name}`" for name in facts.for_size),
        use=facts.filled(f"use_{library.wanted.form}.md.in"),
    )


_BETWEEN = "Predictions between the slices are those of the weights before the step."
_NOT_BETWEEN = (
    "Between the slices `edgetune_predict` gives EDGETUNE_BUSY: a library made with\n"
    "`--predict-between` answers by the weights before the step, for more RAM."
)


def _cmake(facts: Facts) -> dict[str, str]:
    text = facts.filled(
        "CMakeLists.txt.in", sources=_listed("src/", facts.c_files),
        for_size=_listed("src/", facts.for_size),
    )
    return _plain(facts) | {"CMakeLists.txt": text}


def _listed(folder: str, names: list[str]) -> str:
    return "\n".join(f"    {folder}{name}" for name in names)


def _arduino(facts: Facts) -> dict[str, str]:
    """All C files lie in src/, which alone is searched for headers."""
    name = f"examples/{facts.prefix}/{facts.prefix}.ino"
    files = _plain(facts, public="src") | {
        "library.properties": facts.filled("library.properties.in"),
        name: facts.filled("learning.ino.in" if facts.learns else "running.ino.in"),
    }
    del files["examples/main.c"]
    return files


def _platformio(facts: Facts) -> dict[str, str]:
    manifest = {
        "name": facts.prefix, "version": __version__, "description": one_line(
            f"The model {facts.title}, which learns on the device, by edgetune"
            if facts.learns else f"The model {facts.title}, by edgetune"
        ),
        "frameworks": "*", "platforms": "*",
        "headers": f"{facts.prefix}.h",
        "build": {"srcDir": "src", "includeDir": "include", "flags": ["-O2"]},
    }
    return _plain(facts) | {"library.json": json.dumps(manifest, indent=2) + "\n"}


def _zephyr(facts: Facts) -> dict[str, str]:
    sources, for_size = (_listed("../src/", names) for names in (facts.c_files, facts.for_size))
    return _plain(facts) | {
        "zephyr/module.yml": facts.filled("module.yml.in"),
        "zephyr/Kconfig": facts.filled("Kconfig.in"),
        "zephyr/CMakeLists.txt": facts.filled(
            "zephyr.txt.in", sources=sources, for_size=for_size
        ),
    }


def _cmsis_pack(facts: Facts) -> dict[str, str]:
    files = _plain(facts)
    kinds = {"include": "header", "src": "source"}
    rows = [
        f'        <file category="{kinds[name.split("/")[0]]}" name="{name}"/>'
        for name in sorted(files) if name.endswith((".c", ".h")) and not name.startswith("ex")
        and not (name.startswith("src/") and name.endswith(".h"))
    ]
    text = facts.filled("pack.pdsc.in", files="\n".join(rows), safe=escape(one_line(facts.title)))
    return files | {f"edgetune.{facts.prefix}.pdsc": text}


FORMS: dict[str, Callable[[Facts], dict[str, str]]] = {
    "sources": _plain, "cmake": _cmake, "arduino": _arduino, "platformio": _platformio,
    "zephyr": _zephyr, "cmsis-pack": _cmsis_pack,
}
