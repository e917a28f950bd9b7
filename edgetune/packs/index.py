"""The index of parts, of the pack folder or of one description file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from cmsis_pack_manager import Cache

from edgetune.dataclass import dataclass
from edgetune.errors import DataError, UsageError
from edgetune.packs.name import PackName
from edgetune.packs.part import Memory, Part
from edgetune.packs.pdsc import Description, read_pdsc


@dataclass(frozen=True)
class Index:
    """``entries``: part name -> what cmsis-pack-manager knows of it.

    ``describe``: the description of a pack, or None where it is not at hand.
    """

    entries: dict[str, dict]
    describe: Callable[[PackName], Description | None]

    def part(self, name: str, processor: str = "") -> Part:
        """The part that the index calls ``name``; of several processors the first, or the one
        named.

        Raises:
            UsageError: it has no such processor.
            DataError: the index is damaged.
        """
        try:
            return self._part(self.entries[name], processor)
        except (KeyError, TypeError, IndexError) as error:
            raise DataError(
                f"The index of parts is damaged at {name}.",
                f"{type(error).__name__}: {error}",
                "Make it again: edgetune packs update",
            ) from error

    def _part(self, entry: dict, wanted: str) -> Part:
        chosen = _processor(entry, wanted)
        source = entry["from_pack"]
        pack = PackName.parse(f"{source['vendor']}::{source['pack']}@{source['version']}")
        description = self.describe(pack)
        facts = description.processor(entry["name"], chosen["name"]) if description else {}
        clock = facts.get("Dclock", "")
        return Part(
            name=entry["name"],
            maker=(entry["vendor"] or source["vendor"]).split(":")[0],
            family=entry["family"],
            line=entry["sub_family"] or "",
            core=chosen["core"],
            fpu=chosen["fpu"],
            processor=chosen["name"] or "",
            processors=_processor_names(entry),
            memories=tuple(_memories(entry["memories"], chosen["name"])),
            algorithm=_algorithm(entry["algorithms"]),
            pack=pack,
            clock_hz=int(clock) if clock.isdigit() and int(clock) else None,
            extensions={key: facts[key] for key in ("Ddsp", "Dmve", "Dtz") if key in facts},
        )


def add_parts(cache: Cache, description: Description) -> None:
    """Put the parts of ``description`` into the index of ``cache``, whose folder exists."""
    with tempfile.TemporaryDirectory(prefix="edgetune-packs-") as folder:
        path = Path(folder) / "plain.pdsc"
        path.write_bytes(description.plain())
        cache.add_pack_from_path(str(path))


def index_of_file(path: Path) -> Index:
    """The parts of one description file; needs no network and leaves nothing behind.

    Raises:
        UsageError, DataError: see `read_pdsc`.
    """
    description = read_pdsc(path)
    with tempfile.TemporaryDirectory(prefix="edgetune-packs-") as folder:
        cache = Cache(True, False, json_path=folder, data_path=folder)
        add_parts(cache, description)
        entries = cache.index
    if not entries:
        raise DataError(
            f"{path} describes no part that cmsis-pack-manager can read.",
            f"The pack {description.pack} has no devices, or one of them has no known core.",
            "Name the description of a device family pack (its name ends in _DFP).",
        )
    return Index(entries, lambda pack: description)


def _processor_names(entry: dict) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one["name"] or "" for one in entry["processors"]))


def _processor(entry: dict, wanted: str) -> dict:
    for processor in entry["processors"]:
        if wanted.lower() in ("", (processor["name"] or "").lower()):
            return processor
    names = ", ".join(name for name in _processor_names(entry) if name) or "one without a name"
    raise UsageError(
        f"{entry['name']} has no processor '{wanted}'.",
        f"It has {names}.",
        "Name one of them with --processor.",
    )


def _memories(memories: dict, processor: str | None) -> list[Memory]:
    """Memories that the processor reaches, by address; empty ones are left out."""
    found = [
        Memory(
            name, memory["start"], memory["size"], memory["access"]["write"],
            memory["access"]["execute"], memory["default"], memory["startup"],
        )
        for name, memory in memories.items()
        if memory["size"] and memory["p_name"] in (None, processor)
        and not memory["access"]["peripheral"]
    ]  # fmt: skip
    return sorted(found, key=lambda memory: (memory.start, memory.name))


def _algorithm(algorithms: list[dict]) -> str:
    named = sorted(algorithms, key=lambda one: not one["default"])
    return named[0]["file_name"].replace("\\", "/") if named else ""
