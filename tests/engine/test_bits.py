"""The product's spine: numpy, the host build and every emulated core agree on every bit.

After each step the device recomputes its digest from its memory; outputs are compared byte for
byte first.  The short form runs a few steps everywhere, the slow one 2,000 on the host, M4 and
M0+ and 200 on the other cores.
"""

import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from emulators import CORES, need_emulator
from shared_data import digits
from tiny_tflite import ModelBuilder

from edgetune.boards import load_board
from edgetune.data import Dataset
from edgetune.data.preprocessing import Preprocessing
from edgetune.learn.recipe import Recipe
from edgetune.learn.rules import RULES
from edgetune.model.read import read_tflite
from edgetune.plan.plan import make_plan
from edgetune.session.firmware import build_firmware
from edgetune.session.verification import verify

pytestmark = pytest.mark.thorough
LONG = {"M4": 2000, "M0+": 2000}
OTHER_RULES = [name for name in RULES if name != Recipe.rule]


def demo():
    task = digits()
    return task.graph, task.data


def separable():
    """Every operator that trains: stride, multiplier, RELU6, overlapping pools, unequal counts."""
    builder = ModelBuilder((1, 10, 9, 3), 1 / 40, -7, seed=5)
    builder.conv(8, 3, 2, activation="RELU").depthwise(3, activation="RELU6", multiplier=2)
    builder.conv(12, 1, activation="RELU").max_pool(2, 1).depthwise((3, 2), padding="VALID")
    builder.pad(0, 1, 1, 0).average_pool(2, 1, "SAME").conv(10, 1, per_channel=False)
    builder.mean().dense(16, "RELU", per_channel=True).dense(5).softmax()
    graph = read_tflite(builder.build())
    x = builder.random_inputs(80, seed=3)[:, 0]
    y = np.random.default_rng(4).integers(0, 5, len(x))
    quantized = Preprocessing(quantized=True)
    return graph, Dataset(x[:60], y[:60], x[60:], y[60:], quantized)


def small(classes=4):
    """What learns in 8 KB of RAM."""
    builder = ModelBuilder((1, 8, 8, 1), 1 / 40, -7, seed=6)
    builder.conv(4, 3, 2, activation="RELU").max_pool(2).dense(8, "RELU").dense(classes).softmax()
    graph = read_tflite(builder.build())
    x = builder.random_inputs(80, seed=3)[:, 0]
    y = np.random.default_rng(4).integers(0, classes, len(x))
    return graph, Dataset(x[:60], y[:60], x[60:], y[60:], Preprocessing(quantized=True))


NETWORKS = {"demo": demo, "separable": separable}
SMALL = {"small": small, "of two": partial(small, 2)}
BOARDS = {"nucleo-f401re": "demo", "nucleo-f446re": "demo", "stm32vldiscovery": "small"}


def check(network, board, device, steps, folder, recipe=Recipe()):
    graph, data = (NETWORKS | SMALL)[network]()
    plan = make_plan(graph, recipe, load_board(board))
    firmware = build_firmware(plan, folder, network, native=device == "host")
    result = verify(firmware, device, data, steps)
    assert result.steps == steps
    assert len(set(result.digests)) == steps  # the digest follows every step
    return result


@pytest.mark.parametrize("draw", ["systematic", "independent"])
@pytest.mark.parametrize("network", NETWORKS)
def test_host(network, draw, tmp_path):
    check(network, "stm32f4-discovery", "host", 100, tmp_path, Recipe(draw=draw))


@pytest.mark.parametrize("recipe", [
    Recipe(layers=("last",), reset=True),
    Recipe(layers=("conv_2d_2", "fully_connected_10")),
    Recipe(rate=2.5, draw="independent"),
], ids=["new head", "two layers", "rate"])
def test_recipes_on_the_host(recipe, tmp_path):
    check("separable", "mps2-an386", "host", 40, tmp_path, recipe)


@pytest.mark.parametrize("rule, recipe", [
    *((name, {}) for name in OTHER_RULES),
    *((name, {"draw": "independent"}) for name in OTHER_RULES if RULES[name].drawn),
    *((name, {"layers": ("biases",)}) for name in OTHER_RULES),
])
def test_rules_on_the_host(rule, recipe, tmp_path):
    check("separable", "mps2-an386", "host", 40, tmp_path, Recipe(rule=rule, **recipe))


@pytest.mark.parametrize("rule", [name for name in RULES if RULES[name].has_null_mass])
def test_a_null_mass_on_the_host(rule, tmp_path):
    """Small enough for the gradient to matter, and of a size unlike the gradient's."""
    check("separable", "mps2-an386", "host", 40, tmp_path, Recipe(rule=rule, null_mass=1e-3))


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("network", NETWORKS)
def test_cores(network, core, tmp_path):
    need_emulator()
    check(network, CORES[core], "qemu", 12, tmp_path)


@pytest.mark.parametrize("core", CORES)
def test_the_adaptive_rule_on_cores(core, tmp_path):
    need_emulator()
    check("separable", CORES[core], "qemu", 12, tmp_path, Recipe(rule="adaptive"))


@pytest.mark.parametrize("core", ["host", *CORES])
def test_two_classes(core, tmp_path):
    """Whose echo is heard in another way."""
    if core == "host":
        check("of two", "stm32f4-discovery", "host", 200, tmp_path)
    else:
        need_emulator()
        check("of two", CORES[core], "qemu", 12, tmp_path)


@pytest.mark.parametrize("core", ["M4", "M0+"])
@pytest.mark.parametrize("rule", OTHER_RULES[1:])
def test_the_peers_rules_on_cores(rule, core, tmp_path):
    need_emulator()
    check("separable", CORES[core], "qemu", 12, tmp_path, Recipe(rule=rule))


@pytest.mark.parametrize("board", BOARDS)
def test_boards(board, tmp_path):
    """The memory of the chip is enough, and its start-up code works."""
    need_emulator()
    check(BOARDS[board], board, "qemu", 12, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("core", ["host", *CORES])
@pytest.mark.parametrize("network", NETWORKS)
def test_cores_in_full(network, core, tmp_path):
    if core == "host":
        check(network, "stm32f4-discovery", "host", 2000, tmp_path)
    else:
        need_emulator()
        check(network, CORES[core], "qemu", LONG.get(core, 200), tmp_path)


@pytest.mark.parametrize("core", ["M3", "M0+", "M4", "M7", "M33", "M55", "host"])
@pytest.mark.parametrize("network", NETWORKS)
def test_cmsis_nn(network, core, tmp_path):
    """With CMSIS-NN's forward kernels the bits are the same."""
    folder = os.environ.get("EDGETUNE_CMSIS_NN")
    if not folder:
        pytest.skip("EDGETUNE_CMSIS_NN does not name CMSIS-NN's folder")
    graph, data = NETWORKS[network]()
    board = load_board(CORES.get(core, "stm32f4-discovery"))
    if core != "host":
        need_emulator()
    plan = make_plan(graph, Recipe(), board, cmsis_nn=True)
    firmware = build_firmware(
        plan, tmp_path, network, native=core == "host", cmsis_nn=Path(folder)
    )
    device = "host" if core == "host" else "qemu"
    assert verify(firmware, device, data, 12).steps == 12
