"""Branching models on devices: outputs and steps equal the numpy engine's, on every bit.

The numpy engine's outputs are those of tflite-runtime's reference kernels
(``tests/engine/test_branches.py``).
"""

import numpy as np
import pytest
from branching import NETWORKS
from emulators import CORES, need_emulator
from tiny_tflite import ModelBuilder

from edgetune.boards import load_board
from edgetune.data import Dataset
from edgetune.data.preprocessing import Preprocessing
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.plan.plan import make_plan
from edgetune.plan.savings import Savings, stages_of
from edgetune.session.firmware import build_firmware
from edgetune.session.verification import verify

pytestmark = pytest.mark.thorough

STEPS = 10
MERGING = ("residual", "inverted residual", "dense net")  # their errors are added on the way


def check(network, device, folder, layers="all", core="M4", steps=STEPS, draw="systematic"):
    builder = NETWORKS[network]()
    board = load_board(CORES[core])
    recipe = Recipe(layers=(layers,), draw=draw)
    plan = make_plan(read_tflite(builder.build()), recipe, board)
    x = builder.random_inputs(40, seed=3)[:, 0]
    y = np.random.default_rng(4).integers(0, plan.program.classes, len(x))
    data = Dataset(x[:20], y[:20], x[20:], y[20:], Preprocessing(quantized=True))
    firmware = build_firmware(plan, folder, network, native=device == "host")
    result = verify(firmware, device, data, steps)
    assert (result.forward, result.steps) == (20, steps)
    return plan


@pytest.mark.parametrize("network", NETWORKS)
def test_host(network, tmp_path):
    assert check(network, "host", tmp_path).trained


@pytest.mark.parametrize("device", ["host", "qemu"])
def test_all_that_a_plan_can_give_up(device, tmp_path):
    """A ring smaller than a sample, the frame in the arena, outputs computed again, and kernels
    without scratch."""
    if device == "qemu":
        need_emulator()
    builder = ModelBuilder((1, 24, 24, 1), seed=5).conv(8, 3, 2, activation="RELU")
    builder.depthwise(3, activation="RELU6").conv(8, 1, 1).depthwise(3).dense(4).softmax()
    graph, board = read_tflite(builder.build()), load_board(CORES["M4"])
    layers = lower(graph, Recipe().loss_choice).layers
    again = frozenset(layer.name for layer in layers if "depthwise" in layer.name)
    savings = Savings(small_ring=True, shared_frame=True, again=again, plain=stages_of(layers))
    plan = make_plan(graph, Recipe(), board, ram=1, savings=savings)
    x = builder.random_inputs(30, seed=3)[:, 0]
    y = np.random.default_rng(4).integers(0, 4, len(x))
    data = Dataset(x[:20], y[:20], x[20:], y[20:], Preprocessing(quantized=True))
    firmware = build_firmware(plan, tmp_path, "thrifty", native=device == "host")
    assert verify(firmware, device, data, STEPS).steps == STEPS
    assert plan.link.rx_ring < plan.link.frame_max


@pytest.mark.parametrize("network", ["inverted residual", "dense net"])
def test_run_only(network, tmp_path):
    plan = check(network, "host", tmp_path, layers="none")
    assert not plan.trained and plan.state_bytes == 16


@pytest.mark.parametrize("network", NETWORKS)
def test_m4(network, tmp_path):
    need_emulator()
    check(network, "qemu", tmp_path)


@pytest.mark.parametrize("core", ["M0+", "M7", "M33", "M55"])
@pytest.mark.parametrize("network", MERGING)
def test_cores(network, core, tmp_path):
    need_emulator()
    plan = check(network, "qemu", tmp_path, core=core, steps=4)
    assert plan.trained == plan.program.weighted_layers
    assert any(stage.call == "error_join" for stage in plan.schedule.stages)


def learns_biases(plan) -> bool:
    """Whether they are all that each weighted layer learns."""
    names = plan.parameters_type.names
    return names == tuple(f"{layer.name}_bias" for layer in plan.program.weighted_layers)


@pytest.mark.parametrize("network, draw", [
    *((network, "systematic") for network in NETWORKS), ("residual", "independent"),
])
def test_biases_alone_on_the_host(network, draw, tmp_path):
    assert learns_biases(check(network, "host", tmp_path, layers="biases", draw=draw))


@pytest.mark.parametrize("network, core", [
    ("residual", "M0+"), ("residual", "M4"), ("inverted residual", "M4"),
])
def test_biases_alone(network, core, tmp_path):
    need_emulator()
    assert learns_biases(check(network, "qemu", tmp_path, layers="biases", core=core))
