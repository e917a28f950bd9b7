"""CMSIS packs: the index of parts, descriptions, and packs in the folder of cmsis-pack-manager."""

from typing import TYPE_CHECKING

from edgetune.homes import at_first_use

if TYPE_CHECKING:
    from edgetune.packs.find import find_part
    from edgetune.packs.install import install_file, install_pack
    from edgetune.packs.name import PackName
    from edgetune.packs.part import Memory, Part
    from edgetune.packs.pdsc import Description, read_pdsc
    from edgetune.packs.store import PackStore
    from edgetune.packs.update import update_index

__all__ = [
    "Description",
    "Memory",
    "PackName",
    "PackStore",
    "Part",
    "find_part",
    "install_file",
    "install_pack",
    "read_pdsc",
    "update_index",
]

__getattr__ = at_first_use(__name__, {
    "find": ("find_part",),
    "install": ("install_file", "install_pack",),
    "name": ("PackName",),
    "part": ("Memory", "Part",),
    "pdsc": ("Description", "read_pdsc",),
    "store": ("PackStore",),
    "update": ("update_index",),
})  # fmt: skip
