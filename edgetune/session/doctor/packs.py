"""CMSIS packs, CMSIS-NN among them."""

from __future__ import annotations

import os
from importlib.util import find_spec

from edgetune.build.cmsis_nn import NAME, find_cmsis_nn
from edgetune.errors import EdgetuneError
from edgetune.session.doctor.check import Check


def check_packs() -> list[Check]:
    """The index of parts, and CMSIS-NN; nothing without cmsis-pack-manager, which
    `check_packages` misses."""
    return [_index(), _cmsis_nn()] if find_spec("cmsis_pack_manager") else []


def _index() -> Check:
    from edgetune.packs import PackStore

    name, use = "CMSIS packs", "boards add, and flash algorithms for pyOCD"
    fix = "edgetune packs update; without a network: edgetune packs install FILE.pack"
    store = PackStore()
    try:
        parts = len(store.index().entries)
    except EdgetuneError as error:
        return Check(name, False, False, use, error.message, "edgetune packs update", broken=True)
    packs = ", ".join(map(str, store.installed())) or "no pack"
    if not parts:
        return Check(name, False, False, use, f"{packs}; the index of parts is empty", fix)
    return Check(name, True, False, use, f"{packs}; {parts:,} parts in the index")


def _cmsis_nn() -> Check:
    from edgetune.packs import PackName, PackStore

    use = "the forward kernels of CMSIS-NN"
    fix = f"edgetune packs install {NAME}; or name its sources: export EDGETUNE_CMSIS_NN=FOLDER"
    place = os.environ.get("EDGETUNE_CMSIS_NN")
    if place:
        return _named(place, use, fix)
    packs = [pack for pack in PackStore().installed() if PackName.parse(NAME).covers(pack)]
    if packs:
        return Check("CMSIS-NN", True, False, use, f"{packs[-1]}: --cmsis-nn pack")
    return Check("CMSIS-NN", False, False, use, "no pack, and EDGETUNE_CMSIS_NN is not set", fix)


def _named(place: str, use: str, fix: str) -> Check:
    try:
        return Check("CMSIS-NN", True, False, use, str(find_cmsis_nn(place)))
    except EdgetuneError as error:
        return Check("CMSIS-NN", False, False, use, error.message, fix, broken=True)
