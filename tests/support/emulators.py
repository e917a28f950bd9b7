"""What tests on emulated boards need of this computer."""

import shutil

import pytest


def need_emulator():
    """Skips the test where the Arm compiler or QEMU is missing."""
    for tool in ("arm-none-eabi-gcc", "qemu-system-arm"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
