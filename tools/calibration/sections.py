"""Object files as a graph: sections with their sizes, and which section needs which."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection


@dataclass
class Section:
    """A section that occupies the chip.

    ``name``: its first global symbol, else FILE:SYMBOL.  ``flash`` and ``ram`` in bytes.
    ``needs``: names as the linker resolves them, global symbols or local sections.  ``frame``:
    bytes of stack; ``pointers``: patterns of what it calls through pointers.
    """

    file: str
    name: str
    function: bool
    weak: bool
    flash: int
    ram: int
    symbols: list[str]
    needs: set[str] = field(default_factory=set)
    frame: int = 0
    pointers: list[str] = field(default_factory=list)

    @property
    def function_name(self) -> str:
        """As the compiler's reports call it."""
        return self.name.rsplit(":", 1)[-1]


def read_object(file: str, content: bytes) -> list[Section]:
    """The allocated sections of an object; ``file`` is the name that its local symbols get."""
    elf = ELFFile(BytesIO(content))
    symbols = list(elf.get_section_by_name(".symtab").iter_symbols())
    sections = {
        index: _section(file, section, [s for s in symbols if s["st_shndx"] == index])
        for index, section in enumerate(elf.iter_sections())
        if section["sh_flags"] & SH_FLAGS.SHF_ALLOC
        and section["sh_size"]
        and section["sh_type"] != "SHT_ARM_EXIDX"
    }
    for section in elf.iter_sections():
        if isinstance(section, RelocationSection) and section["sh_info"] in sections:
            needs = {_target(sections, symbols[r["r_info_sym"]])
                     for r in section.iter_relocations()}
            sections[section["sh_info"]].needs |= needs - {""}
        elif section["sh_type"] == "SHT_ARM_EXIDX" and section["sh_link"] in sections:
            sections[section["sh_link"]].flash += section["sh_size"]
    return list(sections.values())


def _section(file: str, section, symbols) -> Section:
    named = [s for s in symbols if s["st_info"]["bind"] != "STB_LOCAL" and s.name]
    local = section.name.split(".", 2)[-1] or section.name
    names = sorted(s.name for s in named)
    size = -(-section["sh_size"] // section["sh_addralign"]) * section["sh_addralign"]
    writable = bool(section["sh_flags"] & SH_FLAGS.SHF_WRITE)
    return Section(
        file,
        names[0] if names else f"{file}:{local}",
        bool(section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR),
        bool(named) and all(s["st_info"]["bind"] == "STB_WEAK" for s in named),
        0 if section["sh_type"] == "SHT_NOBITS" else size,
        size if writable else 0,
        names,
    )


def _target(sections: dict, symbol) -> str:
    """The name of what a relocation's symbol lies in, or the undefined symbol's own."""
    index = symbol["st_shndx"]
    if index == "SHN_UNDEF" or symbol["st_info"]["bind"] == "STB_WEAK":
        return symbol.name
    return sections[index].name if index in sections else ""
