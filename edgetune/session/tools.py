"""Whether this computer has what a run needs, asked before anything is written."""

from __future__ import annotations

from edgetune.build.toolchain import find_cross_gcc, find_host_cc, find_make
from edgetune.device.qemu import find_qemu
from edgetune.device.renode import find_renode
from edgetune.device.select import needs_native

_EMULATORS = {"qemu": find_qemu, "renode": find_renode}


def check_build_tools(native: bool) -> None:
    """Raises ToolchainError where make or the compiler is missing.

    Args:
        native: for this computer instead of a board.
    """
    find_make()
    find_host_cc() if native else find_cross_gcc()


def check_tools(device: str) -> None:
    """Raises ToolchainError where a build for ``device``, or its emulator, cannot run.

    Args:
        device: a resolved device, see `resolve_device`.
    """
    check_build_tools(needs_native(device))
    if device in _EMULATORS:
        _EMULATORS[device]()
