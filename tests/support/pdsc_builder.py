"""Writes pack descriptions and packs of made-up makers, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from zipfile import ZipFile

PACK = "Madeup::Parts_DFP@1.2.3"
FLASH, RAM = "rx", "rwx"


def memory(name: str, start: int, size: int, access: str, *flags: str, of: str = "") -> str:
    """A memory; ``flags``: default, startup; ``of``: the processor that alone reaches it."""
    marks = " ".join(f'{flag}="1"' for flag in flags)
    owner = f'Pname="{of}" ' if of else ""
    place = f'start="{start:#x}" size="{size:#x}"'
    return f'<memory {owner}name="{name}" access="{access}" {place} {marks}/>'


def processor(core: str, **facts: object) -> str:
    """A processor; ``facts`` are further attributes, as Dclock=168000000."""
    others = " ".join(f'{key}="{value}"' for key, value in facts.items())
    return f'<processor Dcore="{core}" {others}/>'


@dataclass
class Device:
    """A part and all that stands directly under its family."""

    name: str
    family: str
    body: list[str] = field(default_factory=list)
    maker: str = "STMicroelectronics:13"

    def xml(self) -> str:
        return (f'<family Dfamily="{self.family}" Dvendor="{self.maker}">'
                f'<device Dname="{self.name}">{"".join(self.body)}</device></family>')


def pdsc_text(*devices: Device, name: str = PACK, more: str = "") -> str:
    """A description of ``devices`` in the pack called ``name``."""
    vendor, _, rest = name.partition("::")
    title, _, version = rest.partition("@")
    inner = "".join(device.xml() for device in devices)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<package schemaVersion="1.7.7">'
        f"<name>{title}</name><vendor>{vendor}</vendor><description>made up</description>"
        f'<url>http://example.invalid/</url><releases><release version="{version}">first'
        f"</release></releases><devices>{inner}</devices>{more}</package>"
    )


def write_pdsc(folder: Path, *devices: Device, name: str = PACK) -> Path:
    """``folder``/parts.pdsc."""
    path = folder / "parts.pdsc"
    path.write_text(pdsc_text(*devices, name=name), encoding="utf-8")
    return path


def write_pack(path: Path, files: dict[str, bytes], name: str = PACK,
               devices: tuple[Device, ...] = ()) -> Path:
    """A pack with ``files`` beside its description."""
    vendor, _, rest = name.partition("::")
    with ZipFile(path, "w") as archive:
        archive.writestr(f"{vendor}.{rest.partition('@')[0]}.pdsc", pdsc_text(*devices, name=name))
        for inner, content in files.items():
            archive.writestr(inner, content)
    return path


def stm32f407(name: str = "STM32F407VGTx", clock: int = 168_000_000) -> Device:
    """The part of the STM32F4 Discovery: 1 MB of flash, 128 KB and 64 KB of RAM."""
    return Device(name, "STM32F4 Series", [
        processor("Cortex-M4", Dfpu="SP_FPU", Dmpu="MPU", Ddsp="DSP", Dclock=clock),
        memory("Flash", 0x08000000, 0x100000, FLASH, "default", "startup"),
        memory("SRAM1", 0x20000000, 0x20000, RAM, "default"),
        memory("SRAM2", 0x10000000, 0x10000, RAM),
        '<algorithm name="Flash/MADEUP_F4_1024.FLM" start="0x08000000" size="0x100000" '
        'default="1"/>',
    ])
