"""Steps of networks whose outputs and errors lie over what they are made of: on every bit as the
numpy engine's, which knows nothing of it."""

import numpy as np
import pytest
from emulators import CORES, need_emulator
from overlap_cases import stem
from shared_data import shared
from tiny_tflite import ModelBuilder

from edgetune.boards import load_board
from edgetune.data import Dataset
from edgetune.data.preprocessing import Preprocessing
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.plan.cost import estimate
from edgetune.plan.plan import make_plan
from edgetune.plan.savings import Savings, stages_of
from edgetune.plan.thrift import plan_within
from edgetune.session.firmware import build_firmware
from edgetune.session.verification import verify

pytestmark = pytest.mark.thorough


def check(plan, folder, device, steps):
    """As many forward passes, and steps, on random samples and classes."""
    source = np.random.default_rng(4)
    x = source.integers(-128, 128, (2 * steps, *plan.program.graph.input.shape[1:]), np.int8)
    y = source.integers(0, plan.program.classes, len(x))
    data = Dataset(x[:steps], y[:steps], x[steps:], y[steps:], Preprocessing(quantized=True))
    firmware = build_firmware(plan, folder, "over", native=device == "host")
    assert verify(firmware, device, data, steps).steps == steps
    return firmware


def over_everything(core: str):
    """A plan that trains two layers of a network and none between them, whose outputs and errors
    lie over what they are made of wherever they can: of layers that widen and narrow, of a stride,
    pools, a sum, and functions of one value."""
    b = ModelBuilder((1, 12, 10, 3), seed=11).conv(5, 3, 2, activation="RELU").conv(13, 1)
    b.depthwise(3, stride=2, activation="RELU6").conv(6, 1).unary("LEAKY_RELU", 0.1)
    side = b.save()
    b.conv(6, 1).join("ADD", side).depthwise(3).max_pool(2, stride=1).conv(8, 1)
    graph = read_tflite(b.unary("HARD_SWISH").average_pool(2, stride=1).dense(4).softmax().build())
    program = lower(graph, Recipe().loss_choice)
    recipe = Recipe(layers=tuple(program.weighted_layers[i].name for i in (4, -1)))
    return make_plan(graph, recipe, load_board(CORES[core]), ram=1,
                     savings=Savings(over=stages_of(program.layers)))


@pytest.mark.parametrize("core", ["host", "M0+", "M4", "M55"])
def test_everything_that_can_lies_over_its_inputs(core, tmp_path):
    if core != "host":
        need_emulator()
    plan = over_everything("M4" if core == "host" else core)
    over = {buffer.name for buffer in plan.schedule.buffers if buffer.over}
    assert over >= {
        "conv_2d_1_out", "depthwise_conv_2d_2_out", "conv_2d_3_out", "leaky_relu_4_out",
        "add_6_out", "depthwise_conv_2d_7_out", "conv_2d_9_out",
        "conv_2d_9_error", "max_pool_2d_8_error", "add_6_error", "conv_2d_5_error",
    }
    check(plan, tmp_path, "host" if core == "host" else "qemu", 6)


def test_the_linker_holds_a_stem_to_what_overlap_leaves(tmp_path):
    need_emulator()
    plan = plan_within(stem(), Recipe(("last",)), load_board(CORES["M4"]).with_ram(4800))
    assert "conv_2d_1 forward" in plan.savings.over
    assert estimate(plan).ram_bytes <= plan.board.ram.length <= 4800
    check(plan, tmp_path, "qemu", 4)


def test_seventeen_layers_of_mobilenet_learn_within_256_kb(tmp_path):
    need_emulator()
    graph = read_tflite(shared("mlperf_tiny/vww_96_int8.tflite"))
    board = load_board("mps2-an386").with_ram(256 * 1024)
    plan = plan_within(graph, Recipe(("last:17",)), board)
    assert "conv_2d_2 forward" in plan.savings.over and len(plan.trained) == 17
    assert estimate(plan).ram_bytes <= 256 * 1024
    check(plan, tmp_path, "qemu", 2)
