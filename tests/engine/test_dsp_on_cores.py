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

SUPPORT = Path(__file__).parents[1] / "support"
SWEEP, DRAW_SWEEP = SUPPORT / "dsp_sweep.c", SUPPORT / "draw_sweep.c"
SUM_SWEEP = SUPPORT / "sum_sweep.c"
SWEPT = ["M0+", "M3", "M4", "M7", "M33", "M55"]
PATIENCE = 120.0  # seconds; a bound, not an expectation
PORTABLE = {
    "add", "average_pool_2d", "channel_ratio", "conv_2d", "depthwise_conv_2d", "dot", "error_block",
    "error_scale", "fully_connected", "requantize", "window_gradient",
}
SOURCES = [
    path.name for path in sorted(ENGINE.glob("*.c"))
    if path.stem in PORTABLE | {"error_words"} or path.stem.endswith(("_dsp", "_lines", "_mve"))
]
DRAW_SOURCES = ["centre.c", "draw.c", "step.c"]
SUM_SOURCES = [
    "adaptive.c", "centre.c", "generator.c", "learner.c", "null_mass.c", "row_mass.c", "scaled.c",
    "step.c",
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


def swept(folder: Path, core: str, sweep: Path, sources: list[str], **defines: int) -> str:
    """What a sweep says on an emulated core."""
    need_emulator()
    board = load_board(CORES[core])
    for path in [sweep, *(ENGINE / name for name in sources), *ENGINE.glob("*.h")]:
        shutil.copyfile(path, folder / path.name)
    write_build_files(
        folder, board, [sweep.name, *sources], defines | core_defines(board.core),
        includes=["firmware/ports"], flags=["-Werror"],
    )
    return answer(board, build_project(folder, board).elf)


@pytest.mark.thorough
@pytest.mark.parametrize("core", SWEPT)
def test_kernels_agree_with_the_portable_ones(core, tmp_path):
    assert swept(tmp_path, core, SWEEP, SOURCES, ROUNDS=120) == "equal"


@pytest.mark.parametrize("core", quick(SWEPT, ["M4"]))
def test_draws_agree_with_a_search_for_every_point(core, tmp_path):
    """Strides of one to beyond a row of 2**31, more points in a row than vectors note at once, and
    weights at their ends."""
    defines = {"ROUNDS": 400, "ET_RULE_ADAPTIVE": 1}
    assert swept(tmp_path, core, DRAW_SWEEP, DRAW_SOURCES, **defines) == "equal"


@pytest.mark.parametrize("core", quick(SWEPT, ["M4"]))
def test_sums_of_a_step_agree_with_plain_ones(core, tmp_path):
    """Rows of all lengths and up to the largest gradients, of which bit 30 is still the sign."""
    defines = {"ROUNDS": 400, "ET_RULE_ADAPTIVE": 1}
    assert swept(tmp_path, core, SUM_SWEEP, SUM_SOURCES, **defines) == "equal"
