"""What a plan foretells is what the image takes and the emulator counts."""

import re
from pathlib import Path

import numpy as np
import pytest
from branching import two_inputs
from emulators import needs_gcc, needs_qemu
from thinned import thinned
from tiny_tflite import ModelBuilder

from edgetune.boards import list_boards, load_board
from edgetune.errors import DoesNotFitError, EdgetuneError
from edgetune.learn.learner import Learner
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.plan import cost_table
from edgetune.plan.cost import estimate
from edgetune.plan.fit import check_fit
from edgetune.plan.plan import make_plan
from edgetune.plan.windows import Axis, gradient_loops
from edgetune.plan.workload import nonzero_inputs, observe
from edgetune.session.cost_check import compare_build
from edgetune.session.firmware import build_firmware
from tools.calibration.comparison import CODE_SHARE, EXACT, MODELS, compare, misses

DIGITS = Path(__file__).parents[2] / "examples" / "digits" / "digits_int8.tflite"


def plan_of(graph, board="stm32f4-discovery", **recipe):
    return make_plan(graph, Recipe(**recipe), load_board(board))


def deep_graph():
    """Wide activations below, more weights above."""
    b = ModelBuilder((1, 25, 10, 1), seed=31).conv(32, 3, activation="RELU")
    for _ in range(2):
        b.depthwise(3, activation="RELU").conv(32, 1, activation="RELU")
    return read_tflite(b.mean().dense(12).softmax().build())


# ---- the plan beside the image and the emulator


@needs_gcc
@pytest.mark.thorough
def test_a_port_never_measured_is_estimated_and_gets_the_stack_left_over(tmp_path):
    board = load_board("stm32f4-discovery")
    known = estimate(plan_of(read_tflite(DIGITS)))
    table = cost_table._read(board.core.name)
    ports = {name: facts for name, facts in table["parts"]["ports"].items()
             if name not in board.port_sources}
    parts = table["parts"] | {"ports": ports}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cost_table, "_read", lambda core: table | {"parts": parts})
        plan = plan_of(read_tflite(DIGITS))
        cost, firmware = estimate(plan), build_firmware(plan, tmp_path, "digits")
    assert set(cost.table.unmeasured) == set(board.port_sources) - set(ports)
    assert cost.arena_bytes == known.arena_bytes
    assert abs(cost.code_bytes - known.code_bytes) < 2000
    assert firmware.build.sizes.ram == board.ram.length


def test_a_rule_never_measured_has_no_estimate(monkeypatch):
    table = cost_table._read("cortex-m4")
    parts = table["parts"] | {"rules": {}}
    monkeypatch.setattr(cost_table, "_read", lambda core: table | {"parts": parts})
    with pytest.raises(EdgetuneError, match="the rule adaptive on a cortex-m4 is not known"):
        estimate(plan_of(read_tflite(DIGITS)))


@needs_gcc
@needs_qemu
@pytest.mark.thorough
@pytest.mark.parametrize("board", ["stm32f4-discovery", "mps2-an385-m0plus", "mps3-an547"])
def test_plan_image_and_measurement_agree(tmp_path, board):
    assert misses(compare(board, "digits", tmp_path)) == []


@needs_gcc
@needs_qemu
@pytest.mark.slow
@pytest.mark.parametrize("draw", ["systematic", "independent"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("board", list_boards())
def test_plan_image_and_measurement_agree_everywhere(tmp_path, board, model, draw):
    try:
        MODELS[model]()
    except FileNotFoundError:
        pytest.skip(f"the model {model} is not there")
    try:
        rows = compare(board, model, tmp_path, Recipe(draw=draw))
    except DoesNotFitError as error:
        pytest.skip(error.message)
    assert misses(rows) == []


@needs_gcc
@pytest.mark.thorough
@pytest.mark.parametrize("recipe", [
    dict(layers=("last",)), dict(layers=("conv_2d_3",)), dict(reset=True, layers=("last",)),
    dict(layers=("none",)), dict(layers=("biases",)),
])
def test_image_of_a_part_of_the_model_is_as_planned(tmp_path, recipe):
    plan = plan_of(read_tflite(DIGITS), **recipe)
    rows = compare_build(estimate(plan), build_firmware(plan, tmp_path, "digits"))
    assert [r for r in rows if r.name in EXACT and r.planned != r.found] == []
    assert [r for r in rows if r.name == "code" and abs(r.error) > CODE_SHARE] == []


@pytest.mark.thorough
@needs_gcc
def test_linker_reserves_the_planned_stack(tmp_path):
    plan = plan_of(read_tflite(DIGITS))
    sizes = build_firmware(plan, tmp_path, "digits").build.sizes
    assert sizes.stack == estimate(plan).stack_bytes


@pytest.mark.parametrize("board", thinned(list_boards(), 4))
def test_every_board_has_an_estimate_that_adds_up(board):
    cost = estimate(plan_of(read_tflite(DIGITS), board))
    facts = cost.as_dict()
    assert facts["flash_bytes"] == sum(facts[f"{n}_bytes"] for n in ("code", "table", "weight"))
    parts = ("arena", "state", "link", "static", "stack")
    assert facts["ram_bytes"] == sum(facts[f"{name}_bytes"] for name in parts)
    phases = sum(map(cost.phase_instructions, ("forward", "loss", "backward", "update")))
    assert phases < cost.step_instructions < 1.01 * phases
    assert [layer.trained for layer in cost.layers if layer.weights] == [True] * 4


def test_biases_alone_are_all_that_layers_keep_in_ram():
    plan = plan_of(read_tflite(DIGITS), layers=("biases",))
    cost, rows = estimate(plan), {layer.name: layer.rows for layer in plan.trained}
    for layer in cost.layers:
        assert layer.learnt == 4 * rows.get(layer.layer, 0)
        assert layer.ram == layer.learnt + layer.activations + layer.errors + layer.scratch
        assert not layer.weights or layer.weights > layer.learnt
    every = estimate(plan_of(read_tflite(DIGITS)))
    assert [layer.learnt for layer in every.layers] == [layer.weights for layer in every.layers]
    none = estimate(plan_of(read_tflite(DIGITS), layers=("none",)))
    assert not any(layer.learnt for layer in none.layers)


def test_a_draws_code_has_what_the_rule_adds_to_the_other_draws():
    measured = {"step": {"flash": 100, "frame": 8, "needs": ["a"]}, "own": {"flash": 5}}
    ruled = {"step": {"flash": 70, "frame": 16, "needs": ["b", "c"]}, "else": {"flash": 3}}
    alone = {"step": {"flash": 60, "frame": 16, "needs": ["b"]}}
    parts = cost_table._of_draw(measured, ruled, alone)
    assert parts["step"] == {"flash": 110, "frame": 16, "needs": ["a", "c"]}
    assert parts["own"]["flash"] == 5 and set(parts) == {"step", "own"}


# ---- loops and draws


@pytest.mark.parametrize("size, kernel, stride, pad, out, apart", [
    (8, 3, 1, 1, 8, 1), (9, 3, 2, 1, 5, 1), (7, 5, 2, 0, 2, 1), (4, 6, 1, 2, 3, 1),
    (10, 1, 3, 0, 4, 1), (9, 3, 1, 2, 9, 2), (5, 3, 2, 3, 3, 3),
])
def test_axis_counts_what_lies_inside(size, kernel, stride, pad, out, apart):
    inside = np.array([
        [0 <= o * stride + tap * apart - pad < size for o in range(out)] for tap in range(kernel)
    ])
    axis = Axis(size, out, kernel, stride, pad, apart)
    assert axis.pairs == inside.sum()
    for tap, row in enumerate(inside):
        first, last = axis.outputs_inside(tap)
        assert list(range(first, last)) == list(np.flatnonzero(row))
    assert axis.inside == list(inside.sum(axis=0))


@pytest.mark.parametrize("depth", [1, 3, 4, 6])
def test_gradient_loops_make_every_product_once(depth):
    down, along = Axis(9, 5, 3, 2, 1), Axis(7, 7, 3, 1, 1)
    loops = gradient_loops(down, along, depth)
    products = sum(
        int(kind.split("_")[1]) * turns for kind, turns in loops.items()
        if kind.startswith("sums_")
    )
    assert products == down.pairs * along.pairs * depth


@pytest.mark.parametrize("draw", thinned(["systematic", "independent"], 2))
def test_observed_draws_are_the_simulations(draw):
    plan = plan_of(read_tflite(DIGITS), draw=draw)
    learner = Learner(plan.program, plan.recipe)
    inputs = nonzero_inputs(plan, 8)
    learner.under_way(inputs[0], 0)
    draws = [learner.train(x, i % plan.program.classes).draws for i, x in enumerate(inputs)]
    seen = observe(plan)
    assert sum(counts.get("draws", 0) for counts in seen.values()) == pytest.approx(np.mean(draws))
    for layer in plan.trained:
        assert 0 < seen[layer.name]["rows"] <= layer.rows


@pytest.mark.parametrize("content", [DIGITS, two_inputs().build()], ids=["one", "two"])
def test_inputs_have_no_zeros(content):
    plan = plan_of(read_tflite(content))
    x = nonzero_inputs(plan, 20)
    assert not (x == plan.program.graph.input.grid.zero_point).any() and x.min() < -120


# ---- what does not fit


def small_board(folder, ram, flash=0x100000):
    text = (load_board("stm32f4-discovery").folder / "board.toml").read_text()
    text = text.replace("length = 0x20000\n", f"length = {ram}\n", 1)
    text = text.replace("length = 0x100000\n", f"length = {flash}\n", 1)
    if flash != 0x100000:
        text = re.sub(r"^sectors = .*$", f"sectors = [[1, {flash}]]", text, flags=re.MULTILINE)
        text = re.sub(r"^\[store\]\n.*\n.*\n", "", text, flags=re.MULTILINE)
    board = folder / "small-board"
    board.mkdir()
    (board / "board.toml").write_text(text)
    return board


def refusal(plan):
    with pytest.raises(DoesNotFitError) as caught:
        check_fit(plan, estimate(plan))
    return caught.value


def test_a_plan_that_fits_passes(tmp_path):
    plan = plan_of(deep_graph())
    check_fit(plan, estimate(plan))


@pytest.mark.thorough
def test_too_little_ram_names_the_layers_and_what_would_fit(tmp_path):
    board = small_board(tmp_path, ram=32 * 1024)
    plan = plan_of(deep_graph(), board)
    cost = estimate(plan)
    error = refusal(plan)
    assert f"{cost.ram_bytes:,}" in error.message and "32,768" in error.message
    largest = max(cost.layers, key=lambda layer: layer.ram)
    assert f"{largest.layer} ({largest.ram:,} bytes" in error.cause
    names = error.next_step.split("--layers ")[1].split(" ")[0].split(",")
    smaller = plan_of(deep_graph(), board, layers=tuple(names))
    check_fit(smaller, estimate(smaller))
    one_more = [layer.name for layer in plan.trained][-len(names) - 1:]
    refusal(plan_of(deep_graph(), board, layers=tuple(one_more)))


@pytest.mark.thorough
def test_where_not_even_one_layer_fits_a_board_is_named(tmp_path):
    error = refusal(plan_of(deep_graph(), small_board(tmp_path, ram=4096)))
    assert "--layers" not in error.next_step
    assert "--board nucleo-f401re" in error.next_step


def test_too_little_flash_names_the_weights(tmp_path):
    board = small_board(tmp_path, ram=0x20000, flash=16 * 1024)
    plan = plan_of(read_tflite(DIGITS), board)
    error = refusal(plan)
    assert "bytes of flash, the chip has 16,384" in error.message
    assert "weights of fully_connected_5 (5,160 bytes)" in error.cause


def test_nothing_is_written_for_a_plan_that_does_not_fit(tmp_path):
    plan = plan_of(deep_graph(), small_board(tmp_path, ram=4096))
    with pytest.raises(DoesNotFitError):
        build_firmware(plan, tmp_path / "project", "deep")
    assert not (tmp_path / "project").exists()
