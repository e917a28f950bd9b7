"""Every board that Renode knows, in Renode itself: it equals the simulation and the host.

Set EDGETUNE_RENODE to a portable build's `renode`; without one these tests are skipped.
"""

import shutil

import numpy as np
import pytest
from tiny_tflite import ModelBuilder

from edgetune.boards import list_boards, load_board
from edgetune.data import Dataset
from edgetune.data.preprocessing import Preprocessing
from edgetune.device.renode import find_renode, renode_version
from edgetune.errors import ToolchainError
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.plan.plan import make_plan
from edgetune.session.connection import connect
from edgetune.session.firmware import build_firmware
from edgetune.session.reporter import Reporter
from edgetune.session.verification import verify

pytestmark = pytest.mark.thorough
BOARDS = [name for name in list_boards() if "renode" in load_board(name).emulators]


@pytest.fixture(autouse=True)
def renode():
    if not shutil.which("arm-none-eabi-gcc"):
        pytest.skip("arm-none-eabi-gcc is not installed")
    try:
        return find_renode()
    except ToolchainError as error:
        pytest.skip(f"{error.message} {error.cause}")


def task(board: str):
    """A plan and data to learn from: noise, for the bits alone."""
    builder = ModelBuilder((1, 12, 12, 3), 1 / 40, -7, seed=5)
    builder.conv(6, 3, 2, activation="RELU").depthwise(3, activation="RELU6").max_pool(2)
    builder.mean().dense(8, "RELU").dense(4).softmax()
    x = builder.random_inputs(30, seed=3)[:, 0]
    y = np.random.default_rng(4).integers(0, 4, len(x))
    plan = make_plan(read_tflite(builder.build()), Recipe(), load_board(board))
    return plan, Dataset(x[:20], y[:20], x[20:], y[20:], Preprocessing(quantized=True))


def test_its_version_is_told(renode):
    assert renode_version(renode)


@pytest.mark.parametrize("board", BOARDS)
def test_a_board_learns_as_the_host_does(board, tmp_path):
    plan, data = task(board)
    digests = []
    for device in ("host", "renode"):
        native = device == "host"
        firmware = build_firmware(plan, tmp_path / device, "small", native=native)
        digests.append(verify(firmware, device, data, steps=12, forward=5).digests)
    assert digests[0] == digests[1] and len(set(digests[0])) == 12


@pytest.mark.parametrize("board", BOARDS)
def test_instructions_are_counted(board, tmp_path):
    plan, data = task(board)
    firmware = build_firmware(plan, tmp_path, "small")
    with connect(firmware, "renode", Reporter()) as client:
        client.start(0, 1)
        before = client.executed_instructions()
        client.train(data.tune_x[0].tobytes(), plan.program.loss.encode(data.tune_y[0]))
        step = client.executed_instructions() - before
        assert step > plan.program.graph.input.size
        facts = plan.board.emulators["renode"]
        if facts.get("dwt") or facts.get("timer"):
            assert client.info.tick_hz > 0
            assert plan.program.graph.input.size < client.stats().step_ticks <= step
