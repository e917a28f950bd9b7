"""A further run goes on from the state that a run left: as if there had been one."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from cli_runner import DATA, MODEL, ON_HOST, edgetune, refused, succeed
from shared_data import digits
from tiny_tflite import ModelBuilder

from edgetune.boards import load_board
from edgetune.data import Dataset
from edgetune.data.preprocessing import Preprocessing
from edgetune.errors import DataError, UsageError
from edgetune.guard import NONE
from edgetune.learn.kept import HEAD, going_on, keep, state_id, state_of
from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.recipe import BIASES, Recipe
from edgetune.learn.state import LEARNER
from edgetune.model.read import read_tflite
from edgetune.plan.plan import make_plan
from edgetune.session.firmware import build_firmware
from edgetune.session.order import sample_order
from edgetune.session.run_folder import RunFolder
from edgetune.session.tuning import TuneSettings, tune, tuned_model

ADAPTIVE = Recipe(rule="adaptive")


def network(bias: bool = True) -> bytes:
    """One layer has no bias in its file; it learns one, which the tuned file then has."""
    b = ModelBuilder((1, 6, 6, 2), 1 / 40, -7, seed=8).conv(4, 3, activation="RELU")
    return b.mean().dense(5, bias=bias).softmax().build()


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    plan = make_plan(read_tflite(network()), ADAPTIVE, load_board("stm32f4-discovery"))
    return build_firmware(plan, tmp_path_factory.mktemp("built"), "small", native=True)


SAMPLES = ModelBuilder((1, 6, 6, 2)).random_inputs(60, seed=3)[:, 0]
LABELS = np.random.default_rng(4).integers(0, 5, 60)


def run(firmware, folder, rows: slice, **settings):
    """Learns these samples in their order, verified against the simulation."""
    x, y = SAMPLES[rows], LABELS[rows]
    at = np.empty(len(x), int)
    at[sample_order(len(x), None, 1, 0)] = np.arange(len(x))
    data = Dataset(x[at], y[at], SAMPLES[:5], LABELS[:5], Preprocessing(quantized=True))
    with RunFolder(folder) as out:
        chosen = TuneSettings(passes=1, guard=NONE, **settings)
        return tune(firmware, "host", data, chosen, out)


def test_two_runs_without_an_end_are_one(firmware, tmp_path):
    whole = run(firmware, tmp_path / "whole", slice(60), endless=True)
    run(firmware, tmp_path / "a", slice(25), endless=True)
    further = run(firmware, tmp_path / "b", slice(25, 60), endless=True, continued=tmp_path / "a")
    assert further.verified and (further.digest, further.state) == (whole.digest, whole.state)
    assert np.frombuffer(further.state, LEARNER, 1)["step"] == 60
    record = json.loads((tmp_path / "b" / "run.json").read_text())
    assert record["settings"]["continued"] == str(tmp_path / "a")


def test_a_further_run_with_an_end_anneals_over_its_own_steps(firmware, tmp_path):
    before = run(firmware, tmp_path / "a", slice(30))
    further = run(firmware, tmp_path / "b", slice(30, 50), continued=tmp_path / "a")
    simulated = Learner(firmware.plan.program, ADAPTIVE)
    simulated.load_state(going_on(before.state, 20))
    assert (simulated.step, simulated.total_steps) == (0, 20)
    assert simulated.rule.network.samples == 30 and simulated.rule.layers[0].null_mass.count == 30
    for x, y in zip(SAMPLES[30:50], LABELS[30:50]):
        simulated.train(x, y)
    assert further.state == simulated.state() and further.verified


def test_a_tuned_file_goes_on_with_the_state_of_its_run(tmp_path):
    """Where the original has no bias the tuned file has one more constant."""
    graph = read_tflite(network(bias=False))
    plan = make_plan(graph, ADAPTIVE, load_board("stm32f4-discovery"))
    learner = Learner(plan.program, ADAPTIVE)
    for x, y in zip(SAMPLES[:10], LABELS[:10]):
        learner.train(x, y)
    tuned = read_tflite(tuned_model(plan, learner.state()))
    assert len(tuned.tensors) > len(graph.tensors)
    assert state_id(lower(tuned), ADAPTIVE) == state_id(plan.program, ADAPTIVE)


@pytest.mark.parametrize("recipe", [
    Recipe(), Recipe(rule="adaptive", layers=("last",)), Recipe(rule="adaptive", layers=BIASES),
    Recipe(rule="adaptive", label_smoothing=0.1),
])  # fmt: skip
def test_the_state_of_another_recipe_has_another_name(recipe):
    graph = read_tflite(network())
    names = [
        state_id(lower(graph, r.loss_choice), r)
        for r in (ADAPTIVE, recipe)
    ]
    assert names[0] != names[1]


def test_the_state_of_another_network_has_another_name():
    g = read_tflite(network())
    scaled = ModelBuilder((1, 6, 6, 2), 1 / 41, -7, seed=8).conv(4, 3, activation="RELU")
    other = read_tflite(scaled.mean().dense(5).softmax().build())
    assert state_id(lower(g), ADAPTIVE) != state_id(lower(other), ADAPTIVE)
    assert state_id(lower(g), ADAPTIVE) == state_id(lower(g), replace(ADAPTIVE, rate=3.0))


@pytest.mark.parametrize("layers", [BIASES, ("last",)])
def test_what_is_not_trained_has_to_be_the_same(layers):
    plan = make_plan(read_tflite(network()), ADAPTIVE, load_board("stm32f4-discovery"))
    learner, recipe = Learner(plan.program, ADAPTIVE), Recipe(layers=layers)
    learner.trained[0].weights[0] += 1
    other = read_tflite(tuned_model(plan, learner.state()))
    assert state_id(lower(other), ADAPTIVE) == state_id(plan.program, ADAPTIVE)
    assert state_id(lower(other), recipe) != state_id(plan.program, recipe)


def test_a_kept_state_that_is_damaged_or_foreign_is_refused():
    state = bytes(range(64))
    kept = keep(7, state)
    assert state_of(kept, 7, 64) == state and len(kept) == HEAD.itemsize + 64
    spoilt = kept[:-1] + b"\0"
    for content, identity, size, said in (
        (b"", 7, 64, "cut off"), (kept[:-4], 7, 64, "checksum"), (spoilt, 7, 64, "checksum"),
        (kept, 8, 64, "00000007"), (kept, 7, 60, "64 bytes"),
    ):
        with pytest.raises(DataError) as caught:
            state_of(content, identity, size)
        assert said in caught.value.cause and caught.value.next_step


def test_a_run_without_a_state_is_named(firmware, tmp_path):
    with pytest.raises(UsageError) as caught:
        run(firmware, tmp_path / "a", slice(10), continued=tmp_path / "none")
    assert "none" in caught.value.message
    with pytest.raises(UsageError):
        RunFolder.latest(tmp_path, "small")


@pytest.mark.thorough
def test_the_command_line_goes_on(tmp_path, monkeypatch):
    """From a folder, and from the last run of the model; a run of another rule is refused."""
    monkeypatch.chdir(tmp_path)
    words = ("tune", MODEL, *ON_HOST, "--data", DATA, "--passes", 1, "--samples", 20, "--endless")
    first = succeed(*words)
    second = succeed(*words, "--continue", "last")
    assert second["continued"] == first["folder"] != second["folder"] and second["verified"]
    assert second["accuracy_before"] == first["accuracy_after"]
    learner = np.frombuffer(
        (tmp_path / second["folder"] / "state.bin").read_bytes(), LEARNER, 1, HEAD.itemsize
    )
    assert learner["step"] == 40
    tuned = ("tune", second["tuned"], *words[2:], "--continue", second["folder"])
    assert succeed(*tuned, "--out", "c")["accuracy_before"] == second["accuracy_after"]
    assert "Goes on from the state of c" in edgetune(*words, "--continue", "c").stdout
    assert refused(*words, "--continue", "c", "--rule", "adaptive")["exit_code"] == 8
    assert refused(*words, "--continue", "nowhere")["exit_code"] == 2
    shutil.rmtree("runs")
    assert refused(*words, "--continue", "last")["exit_code"] == 2


def test_the_identity_is_the_same_in_every_process():
    """No address and no order of a set is in it."""
    assert f"{state_id(lower(digits().graph), Recipe()):08x}" == "b794b88b"
