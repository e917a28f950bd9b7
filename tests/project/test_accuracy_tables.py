"""The accuracy tables: their engine is the numpy one bit for bit, and their short forms print."""

import importlib.util
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from thinned import quick
from tiny_tflite import ModelBuilder

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "examples" / "accuracy"))

import ablation  # noqa: E402
import again  # noqa: E402
import compiled  # noqa: E402
import few  # noqa: E402
import from_random  # noqa: E402
import guard  # noqa: E402
import mnist_digits  # noqa: E402
import one_default  # noqa: E402
import peers  # noqa: E402
import runs  # noqa: E402
from tasks import load_task  # noqa: E402

from edgetune.errors import ToolchainError, UsageError  # noqa: E402
from edgetune.learn.learner import Learner  # noqa: E402
from edgetune.learn.lower import lower  # noqa: E402
from edgetune.learn.recipe import Recipe  # noqa: E402
from edgetune.learn.rules import RULES, Adaptive  # noqa: E402
from edgetune.learn.scaled import scaled_real  # noqa: E402
from edgetune.model.read import read_tflite  # noqa: E402

STEPS = 12
DIGITS = ["--task", "digits", "--seeds", "2"]


@pytest.fixture(autouse=True, scope="module")
def quickly_compiled():
    """Few steps are run: compiling them is what takes the time."""
    before, compiled.OPTIONS = compiled.OPTIONS, ("-std=gnu99", "-O1", "-shared", "-fPIC")
    yield
    compiled.OPTIONS = before


def odd_network():
    """Samples of 5 x 5 x 3 bytes: most of them do not begin where words do."""
    b = ModelBuilder((1, 5, 5, 3), 1 / 60, -4, seed=3).conv(4, 3, activation="RELU").dense(6)
    return read_tflite(b.build())


@pytest.fixture(scope="module")
def samples():
    random = np.random.default_rng(0)
    return random.integers(-128, 128, (20, 5, 5, 3)).astype(np.int8), random.integers(0, 6, 20)


@pytest.mark.parametrize("rule", quick(RULES, ["fixed"]))
def test_the_engine_is_numpys_with_an_end_without_and_again(rule, samples):
    (x, y), recipe = samples, Recipe(rule=rule)
    graph, order = odd_network(), np.random.default_rng(1).permutation(20)[:STEPS]
    engine = compiled.Compiled(graph, recipe)
    learner = Learner(lower(graph, recipe.loss_choice), recipe)
    weights = None
    for seed, total_steps in enumerate((STEPS, 0)):  # the second on the weights of the first
        engine.start(seed, total_steps, weights)
        learner.start(seed, total_steps)
        engine.train(x, y, order)
        for i in order:
            learner.train(x[i], y[i])
        assert engine.digest() == learner.digest()
        weights = engine.weights()
        assert learner.state().endswith(weights)
        right = [int(learner.forward(a).argmax()) == b for a, b in zip(x, y)]
        assert engine.accuracy(x, y) == np.mean(right)
    engine.start()
    assert engine.weights() != weights


def test_a_missing_compiler_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolchainError, match="cc was not found"):
        compiled.Compiled(odd_network(), Recipe())


def test_a_compiler_that_fails_is_heard(monkeypatch):
    monkeypatch.setattr(compiled, "OPTIONS", ("-std=none",))
    with pytest.raises(ToolchainError) as caught:
        compiled.Compiled(odd_network(), Recipe())
    assert "none" in caught.value.cause


# -- tables ------------------------------------------------------------------------------------


def table(capsys) -> list[list[str]]:
    """The cells printed; each line has as many as the header above it."""
    text = capsys.readouterr().out.split("\n")
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in text if row]
    for before, row in zip(rows, rows[1:]):
        assert len(row) == len(before) or row[0] == "task"
    return rows


@pytest.mark.thorough
def test_one_default(capsys):
    beyond = ["--factors", "1", "100", "--steps", "20"]
    one_default.main([*DIGITS, "--rule", "fixed", *beyond, "--held-out", "--endless"])
    head, _, row = table(capsys)
    assert head == ["task", "x1", "x100"]
    cells = [
        runs.cell(runs.Setting("digits", "fixed", steps=20, endless=endless, held_out=held), 2)
        for endless, held in ((True, True), (True, False), (False, True), (False, False))
    ]
    assert row == ["digits", cells[0], runs.TOO_HIGH]
    assert len(set(cells)) == 4


def test_a_run_has_two_passes_or_so_many_steps():
    task = load_task("digits")
    passes = [sorted(part) for part in np.split(runs.order(task, 0), 2)]
    assert passes == [list(range(500))] * 2
    assert np.array_equal(runs.order(task, 0, 20), runs.order(task, 0)[:20])
    assert len(runs.order(task, 0, 1200)) == 1200


@pytest.mark.thorough
def test_a_factor_is_of_the_rules_default_rate():
    """56 of a network of four layers."""
    assert runs.Setting("digits", factor=0.25).engine().plan.rule.rate == 14


@pytest.mark.parametrize("best, tried", [(3, {2, 3, 4}), (5, {2, 3, 4, 5, 6}), (1, {1, 2, 3, 4})])
def test_a_constant_is_climbed_to(best, tried):
    """From the third rung on, until none beside it is better: at an end as well."""
    seen = set()

    def score(rate):
        seen.add(rate)
        return -abs(rate - best)

    assert peers.climbed(peers.Ladder((1, 2, 3, 4, 5, 6), 2), score) == best
    assert seen == tried


def test_a_constant_is_chosen_where_nothing_is_tested(monkeypatch):
    """And one that is too high for the rule is not taken."""
    def accuracies(setting, seeds):
        if setting.rate > 4:
            raise UsageError("too high", "", "")
        return [setting.rate if setting.held_out else 5 - setting.rate] * seeds  # tests mislead

    monkeypatch.setattr(peers, "accuracies", accuracies)
    monkeypatch.setattr(runs, "accuracies", accuracies)
    monkeypatch.setattr(peers, "before", lambda setting, seeds: [0.5] * seeds)
    for first in (1, 3):
        peer = peers.Peer("multinomial", peers.Ladder((1, 2, 4, 8, 16), first))
        assert peers.cell(runs.Setting("digits", "multinomial"), peer, 3) == "1.0 +- 0.0 (4)"


def test_a_climb_leaves_the_rates_at_which_networks_fall(monkeypatch):
    """Accuracy is by chance from 4 on, and alike: the best rate lies two rungs below."""
    found = {1: 60.0, 2: 70.0, 4: 10.0, 8: 10.0, 16: 11.0}
    monkeypatch.setattr(peers, "accuracies", lambda one, seeds: [found[one.rate]] * seeds)
    monkeypatch.setattr(runs, "accuracies", peers.accuracies)
    monkeypatch.setattr(peers, "before", lambda setting, seeds: [50.0] * seeds)
    peer = peers.Peer("niti", peers.Ladder((1, 2, 4, 8, 16), 3))
    assert peers.cell(runs.Setting("digits", "niti"), peer, 3) == "70.0 +- 0.0 (2)"


@pytest.mark.thorough
def test_peers(capsys):
    peers.main([*DIGITS, "--rule", "multinomial, published"])
    head, _, row = table(capsys)
    assert head == ["task", "multinomial, published"]
    assert row == ["digits", runs.cell(runs.Setting("digits", "multinomial"), 2)]


HIDDEN, LAST = [0, 1, 2], [3]
FACTS_OF = {  # the layers whose facts are others
    "without a centre": {"inputs": HIDDEN},
    "without bounds of moves": {"most_moved": HIDDEN + LAST, "of_output": HIDDEN},
    "without that by depth": {"most_moved": HIDDEN},
    "half of that by depth": {"most_moved": HIDDEN},
    "twice that by depth": {"most_moved": HIDDEN},
    "without that by outputs": {"of_output": HIDDEN},
    "last layer 16 steps": {"most_moved": LAST},
    "without 1.5 trials a weight": {"most_trials_q16": HIDDEN + LAST},
    "trials by the root of weights": {"share": HIDDEN + LAST},
}
TIMES = {"half of that by depth": 1 / 2, "twice that by depth": 2, "last layer 16 steps": 1 / 4}


@pytest.mark.parametrize("variant", ablation.VARIANTS)
def test_a_variant_differs_in_what_it_says(variant):
    ours = Recipe().rule_for(lower(load_task("digits").graph))
    theirs = ablation.VARIANTS[variant](ours.learning)
    pairs = list(zip(ours.facts, theirs.facts))
    changed = {
        name: [i for i, (a, b) in enumerate(pairs) if getattr(a, name) != getattr(b, name)]
        for name in asdict(ours.facts[0])
    }
    changed = {name: layers for name, layers in changed.items() if layers}
    assert changed == FACTS_OF.get(variant, {})
    if variant in TIMES:
        factor = scaled_real(TIMES[variant])
        for i in changed["most_moved"]:
            assert theirs.facts[i].most_moved == ours.facts[i].most_moved * factor
    heard = theirs.observers(ours.loss) != ours.observers(ours.loss)
    assert heard == (variant == "without the echo")
    assert (type(theirs) is Adaptive) == (variant == ablation.AS_IT_IS)


@pytest.mark.thorough
def test_ablation(capsys):
    variants = ablation.AS_IT_IS, "last layer 16 steps"
    ablation.main([*DIGITS, "--factors", "1", "--rule", variants[0], "--rule", variants[1]])
    head, _, whole, changed = table(capsys)
    assert head == ["variant", "digits x1"]
    assert whole == [variants[0], runs.cell(runs.Setting("digits", held_out=True), 2)]
    assert changed[0] == variants[1] and changed[1] != whole[1]
    assert not set(ablation.VARIANTS) & set(RULES)


@pytest.mark.thorough
def test_again(capsys):
    again.main([*DIGITS, "--at", "4", "2", "--steps", "20"])
    head, _, *rows = table(capsys)
    assert head == ["task", "run", "steps", "start", "2", "4"]
    assert [row[1:3] for row in rows] == [
        [run, end] for end in ("endless", "annealed") for run in ("second", "third", "fourth")
    ]
    assert rows[0][3] == rows[3][3] != rows[1][3]  # both go on from the first run's weights


def test_a_run_is_measured_from_where_it_begins():
    found = np.array([[[[50, 40, 60]]], [[[60, 57, 58]]]], float).repeat(2, axis=1)
    assert again.lines("har", ("second",), found)[0] == (
        "| har | second | endless | 55.0 | -6.5 (-10.0) | +4.0 (-2.0) |"
    )


@pytest.mark.thorough
def test_unshifted_samples_start_where_the_model_is_good(capsys):
    again.main([*DIGITS, "--unshifted", "--at", "2"])
    rows = table(capsys)[2:]
    assert [row[:3] for row in rows] == [
        ["digits-unshifted", "first", end] for end in ("endless", "annealed")
    ]
    assert all(float(row[3]) > 90 for row in rows)


@pytest.mark.thorough
@pytest.mark.parametrize("options", [[], ["--normalised"]])
def test_few_in_float_has_the_inputs_that_were_asked_for(options, monkeypatch):
    seen = []
    monkeypatch.setattr(
        few.float_sgd, "after", lambda settings, rate, seed: seen.append(settings) or 0.5
    )
    once = ["--seeds", "1", "--counts", "5", "--passes", "1", "--rate", "0.01"]
    few.main([*DIGITS, *options, *once])
    assert [settings.normalised for settings in seen] == [bool(options)]


@pytest.mark.thorough
def test_few(capsys):
    few.main([*DIGITS, "--seeds", "1", "--counts", "5", "--passes", "2", "--rate", "0.01"])
    head, _, row, other, _, ordered = table(capsys)
    assert head == ["task", "samples", "int8", "float32 SGD"] and row[:2] == ["digits", "5"]
    assert "(rate 0.01)" in row[3]
    assert other[1:3] == ["shuffled", "ordered by class"]
    change = float(ordered[2].split()[0]) - float(ordered[1].split()[0])
    assert change < -3 and float(ordered[3]) == pytest.approx(change, abs=0.11)


def test_each_pass_is_ordered_by_class():
    labels = np.array([2, 0, 1])
    assert few.by_class(np.array([0, 1, 2, 2, 0, 1]), labels).tolist() == [1, 2, 0, 1, 2, 0]


# -- networks that networks.py makes -----------------------------------------------------------


@pytest.fixture
def made(tmp_path):
    """A folder with two of them, of other weights, and a mnist.npz of noise."""
    networks = {
        "linear": ModelBuilder((1, 28, 28, 1), 1 / 255, -128, seed=1).dense(10).softmax(),
        "mlp3": ModelBuilder((1, 14, 14, 1), 1 / 255, -128, seed=2).dense(10).softmax(),
    }
    for name, builder in networks.items():
        (tmp_path / f"{name}.tflite").write_bytes(builder.build())
    random = np.random.default_rng(0)
    arrays = {
        f"{kind}_{part}": random.integers(0, top, (count, *shape)).astype(np.uint8)
        for part, count in (("train", 12_030), ("test", 2020))
        for kind, top, shape in (("x", 256, (28, 28)), ("y", 10, ()))
    }
    np.savez(tmp_path / "mnist.npz", **arrays)
    return tmp_path


@pytest.mark.thorough
def test_from_random(made, capsys):
    folders = ["--data", str(made), "--networks", str(made)]
    short = ["--seeds", "1", "--task", "linear", "--samples", "30", "--epochs", "2"]
    from_random.main([*folders, *short])
    head, _, row = table(capsys)
    setting = runs.Setting("linear", steps=60, data=made, networks=made)
    assert head == ["rule", "linear"] and row == ["adaptive", runs.cell(setting, 1)]


def test_an_error_ends_a_script_in_words(tmp_path, capsys):
    def no_compiler():
        raise ToolchainError("cc was not found.", "It is not on PATH.", "Install it")

    def no_network():
        return from_random.main(["--networks", str(tmp_path), "--task", "linear"])

    ends = ((no_compiler, 9, "Next: Install it"), (no_network, 2, "linear.tflite is not there"))
    for main, code, said in ends:
        with pytest.raises(SystemExit) as caught:
            runs.end(main)
        assert caught.value.code == code and said in capsys.readouterr().err


@pytest.mark.thorough
def test_digits_are_shifted_where_a_network_was_pretrained(made):
    task, whole = (load_task(name, made, made) for name in ("mlp3", "linear"))
    assert task.tune_x.shape == (30, 14, 14, 1) and task.test_x.shape == (20, 14, 14, 1)
    assert whole.samples == len(whole.tune_y) == 12_030 and len(whole.test_y) == 2020
    assert np.array_equal(task.tune_y, whole.tune_y[12_000:])
    squares = whole.tune_x[12_000:].reshape(30, 14, 2, 14, 2).mean((2, 4))[..., None] + 128
    assert np.abs(task.tune_x + 128.0 - (0.35 * squares + 0.3 * 255)).max() < 1.1


def test_a_quarter_turn_is_exact():
    images = np.random.default_rng(0).random((2, 6, 6)).astype(np.float32)
    turned = mnist_digits.rotated(images, 90)
    np.testing.assert_allclose(turned, np.rot90(images, -1, (1, 2)), atol=1e-6)
    assert np.all(mnist_digits.rotated(np.ones((1, 6, 6)), 40)[0, [0, -1], [0, -1]] < 1)


def test_a_third_is_held_out_another_for_each_seed():
    task = load_task("digits")
    first, second = task.third_held_out(0), task.third_held_out(1)
    assert len(first.test_y) == len(task.tune_y) // 3 and first.samples == len(first.tune_y)
    assert not np.array_equal(first.test_x, second.test_x)
    both = np.concatenate([first.tune_x, first.test_x])
    key = [np.sort([x.tobytes() for x in part]).tolist() for part in (both, task.tune_x)]
    assert key[0] == key[1]


def test_networks_say_that_they_need_tensorflow(monkeypatch):
    place = ROOT / "examples" / "accuracy" / "networks.py"  # another example has such a file too
    spec = importlib.util.spec_from_file_location("accuracy_networks", place)
    networks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(networks)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"\.\[keras\]"):
        networks.main(["mlp3"])


def test_of_two_classes_the_others_are_left_out():
    """The logits of those that stay are the same, and the whole network's are all there."""
    whole = load_task("digits")
    pair = whole.of("pair", (8, 3))
    assert set(whole.test_y[:200]) == set(range(10)) and set(pair.test_y) == {0, 1}
    three = int(np.flatnonzero(whole.test_y == 3)[0])
    assert (pair.test_x[pair.test_y == 1][0] == whole.test_x[three]).all()
    of_all, of_two = (Learner(lower(task.graph), Recipe()) for task in (whole, pair))
    for x in pair.test_x[:20]:
        of_all.forward(x)
        of_two.forward(x)
        logits = [a._value(a.program.logits).reshape(-1) for a in (of_all, of_two)]
        assert logits[1].tolist() == logits[0][[8, 3]].tolist()
    assert whole.graph.output.shape[-1] == 10
    assert len(pair.tune_y) == np.isin(whole.tune_y, (3, 8)).sum() >= pair.samples


def test_what_a_guard_holds_is_told_by_the_worse_seed_from_its_start_on():
    kept = (95.5, 96.2, "last"), (95.5, 95.5, "start"), (95.5, 95.5, "start"), (95.5, 95.4, "best")
    fell = (97.0, 40.1, "last"), (97.0, 97.0, "start"), (97.0, 96.1, "last"), (97.0, 97.0, "start")
    for rows in ([kept, fell], [fell, kept]):
        assert guard.worst(rows) == ["95.5", "40.1 (l)", "95.5 (s)", "95.5 (s)", "95.4 (b)"]
