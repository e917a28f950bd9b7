"""Every loss on devices: steps equal the numpy engine's, on every bit."""

import pytest
from emulators import need_emulator
from learning import LEARNING, noise

from edgetune.boards import load_board
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.plan.plan import make_plan
from edgetune.session.firmware import build_firmware
from edgetune.session.verification import verify

pytestmark = pytest.mark.thorough
CORES = {
    "M0+": "mps2-an385-m0plus", "M4": "mps2-an386", "M7": "mps2-an500", "M33": "mps2-an505",
    "M55": "mps3-an547",
}


def check(name, board, device, steps, folder):
    network, settings = LEARNING[name]
    builder = network()
    plan = make_plan(read_tflite(builder.build()), Recipe(**settings), load_board(board))
    firmware = build_firmware(plan, folder, "small", native=device == "host")
    result = verify(firmware, device, noise(builder, plan.program.loss), steps)
    assert (result.forward, result.steps) == (20, steps)
    assert len(set(result.digests)) == steps


@pytest.mark.parametrize("name", LEARNING)
def test_host(name, tmp_path):
    check(name, "mps2-an386", "host", 40, tmp_path)


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("name", ["weighted multi-label", "Huber", "autoencoder"])
def test_cores(name, core, tmp_path):
    need_emulator()
    check(name, CORES[core], "qemu", 10, tmp_path)
