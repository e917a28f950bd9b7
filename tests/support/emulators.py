"""What tests of firmware need of this computer."""

import shutil

import pytest

# Core -> the board of an emulated machine that has it.
CORES = {
    "M0+": "mps2-an385-m0plus", "M3": "mps2-an385", "M4": "mps2-an386", "M7": "mps2-an500",
    "M33": "mps2-an505", "M55": "mps3-an547", "STM32F4": "stm32f4-discovery",
    "LM3S": "lm3s6965evb",
}
needs_gcc = pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"
)
needs_qemu = pytest.mark.skipif(
    shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed"
)


def need_emulator():
    """Skips the test where the Arm compiler or QEMU is missing."""
    for tool in ("arm-none-eabi-gcc", "qemu-system-arm"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
