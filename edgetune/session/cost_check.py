"""A plan's estimate beside what was built and measured."""

from __future__ import annotations

from pathlib import Path

from elftools.elf.elffile import ELFFile

from edgetune.dataclass import dataclass
from edgetune.plan.cost import Estimate
from edgetune.session.firmware import Firmware


@dataclass(frozen=True)
class CostRow:
    """One figure: what the plan foretold, and what came out."""

    name: str
    planned: int
    found: int

    @property
    def error(self) -> float:
        """Relative to what came out."""
        return self.planned / self.found - 1 if self.found else 0.0


def compare_build(estimate: Estimate, firmware: Firmware) -> list[CostRow]:
    """The estimate beside the image: flash, code, tables, weights, arena, state, variables."""
    sizes = object_sizes(firmware.build.elf)
    use = firmware.build.sizes
    frozen = {
        f"{layer.name}_{part}" for layer in estimate.plan.program.weighted_layers
        for part in ("weights", "bias")
    }
    weights = sum(size for (_, name), size in sizes.items() if name in frozen | {"et_initial"})
    tables = _table_bytes(sizes)
    arena = sizes.get(("model.c", "arena")) or sizes["", "et_model_arena"]
    found = {
        "flash": use.flash, "code": use.flash - tables - weights, "table": tables,
        "weight": weights, "arena": arena, "state": sizes["model.c", "state"],
        "variable": use.static_ram,
    }
    return [
        CostRow(name, getattr(estimate, f"{name}_bytes"), size) for name, size in found.items()
    ]


def _table_bytes(sizes: dict) -> int:
    """The constants of model.c: what is local to it and neither code nor variable."""
    variables = {"arena", "state", "parameter_digest"}
    return sum(
        size for (file, name), size in sizes.items()
        if file == "model.c" and name not in variables
    )


def object_sizes(elf: Path) -> dict[tuple[str, str], int]:
    """(file, name) -> bytes of every data object, padded to a word; file "" if it is global."""
    sizes, file = {}, ""
    with elf.open("rb") as stream:
        for symbol in ELFFile(stream).get_section_by_name(".symtab").iter_symbols():
            kind = symbol["st_info"]["type"]
            if kind == "STT_FILE":
                file = symbol.name.rsplit("/", 1)[-1]
            elif kind == "STT_OBJECT":
                local = symbol["st_info"]["bind"] == "STB_LOCAL"
                sizes[file if local else "", symbol.name] = -(-symbol["st_size"] // 4) * 4
    return sizes
