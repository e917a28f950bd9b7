"""CMSIS packs, CMSIS-NN among them."""

from __future__ import annotations

import os
from pathlib import Path

from edgetune.build.cmsis_nn import check_cmsis_nn
from edgetune.errors import ToolchainError
from edgetune.session.doctor.check import Check

USE = "the forward kernels of CMSIS-NN"
FIX = "Name a folder with its sources: export EDGETUNE_CMSIS_NN=FOLDER"


def check_packs() -> list[Check]:
    """One check."""
    return [_cmsis_nn()]


def _cmsis_nn() -> Check:
    folder = os.environ.get("EDGETUNE_CMSIS_NN")
    if not folder:
        return Check("CMSIS-NN", False, False, USE, "EDGETUNE_CMSIS_NN is not set", FIX)
    try:
        check_cmsis_nn(Path(folder))
    except ToolchainError as error:
        return Check("CMSIS-NN", False, False, USE, error.message, FIX, broken=True)
    return Check("CMSIS-NN", True, False, USE, folder)
