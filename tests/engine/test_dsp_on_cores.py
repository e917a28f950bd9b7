"""The kernels of the DSP extension and of MVE, and what cores without both take of them: on the
emulated core itself against the portable ones, and assembly against plain C."""

import shutil
import time
from pathlib import Path

import pytest
from c_engine import ENGINE
from emulators import CORES, need_emulator
from thinned import quick

from edgetune.boards import load_board
from edgetune.build import build_project, write_build_files
from edgetune.codegen.project import core_defines
from edgetune.device.qemu import QemuDevice

SWEEP = Path(__file__).parents[1] / "support" / "dsp_sweep.c"
SWEPT = ["M0+", "M3", "M4", "M7", "M33", "M55"]
ROUNDS = 120
PATIENCE = 120.0  # seconds; a bound, not an expectation
PORTABLE = {
    "add", "average_pool_2d", "conv_2d", "depthwise_conv_2d", "dot", "error_block", "error_scale",
    "fully_connected", "requantize", "window_gradient",
}
SOURCES = [
    path.name for path in sorted(ENGINE.glob("*.c"))
    if path.stem in PORTABLE | {"error_words"} or path.stem.endswith(("_dsp", "_lines", "_mve"))
]


def answer(board, elf) -> str:
    """The line that the sweep sends."""
    device, data, end = QemuDevice(board, elf), b"", time.monotonic() + PATIENCE
    device.open()
    try:
        while not data.endswith(b"\n") and time.monotonic() < end and device.alive():
            data += device.read(0.5)
    finally:
        device.close()
    return data.decode().strip()


@pytest.mark.parametrize("core", quick(SWEPT, ["M4"]))
def test_kernels_agree_with_the_portable_ones(core, tmp_path):
    need_emulator()
    board = load_board(CORES[core])
    for path in [SWEEP, *(ENGINE / name for name in SOURCES), *ENGINE.glob("*.h")]:
        shutil.copyfile(path, tmp_path / path.name)
    write_build_files(
        tmp_path, board, [SWEEP.name, *SOURCES], {"ROUNDS": ROUNDS} | core_defines(board.core),
        includes=["firmware/ports"], flags=["-Werror"],
    )
    assert answer(board, build_project(tmp_path, board).elf) == "equal"
