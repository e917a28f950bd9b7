"""Libraries in one image: each learns as if it were alone, whole or in slices."""

import ctypes

import numpy as np
import pytest
from c_engine import COMPILER
from learning import LEARNING
from libraries import images, signals, two_in_one_image, u32

if COMPILER is None:
    pytest.skip("no C compiler", allow_module_level=True)

pytestmark = pytest.mark.thorough

MORE, KEPT, BUSY, NO_STEP, TARGET, ALIGNMENT = 1, 2, -1, -2, -3, -4
FOREIGN, DAMAGED, MEMORY, CALLBACK = -6, -7, -8, -9


class Flash(ctypes.Structure):
    _fields_ = [("bytes", u32), ("cut", u32), ("memory", ctypes.c_uint8 * (1 << 16))]


class Statistics(ctypes.Structure):
    _fields_ = [(name, u32) for name in ("steps", "learnt", "draws", "measure")]


class Result(ctypes.Structure):
    _fields_ = [("prediction", ctypes.c_uint16), ("draws", ctypes.c_uint16), ("measure", u32)]


@pytest.fixture(name="models", scope="module")
def in_one_image(tmp_path_factory):
    return two_in_one_image(
        tmp_path_factory.mktemp("libraries"), (images(), {}),
        (signals(), {"rule": "fixed", "draw": "independent"}),
    )


def learn_in_slices(models, steps: int, seed: int) -> None:
    """Steps of two models at once, slice by slice; after each both are as simulated."""
    learners = [model.start(seed) for model in models]
    for i in range(steps):
        held = [model.sample(i) for model in models]
        for model, sample in zip(models, held):
            assert model.call("begin", *sample[:2]) == 0
        under_way = list(models)
        while under_way:
            under_way = [m for m in under_way if m.call("continue", u32(0), None) == MORE]
        for model, learner in zip(models, learners):
            learner.train(model.x[i], model.target(i))
            assert model.digest() == learner.digest() == model.digest(whole=1)


def test_two_models_learn_in_turn_as_the_simulation_does(models):
    learners = [model.start(seed=i) for i, model in enumerate(models)]
    for i in range(12):
        for model, learner in zip(models, learners):
            model.learn(i)
            learner.train(model.x[i], model.target(i))
            assert model.digest() == learner.digest() == model.digest(whole=1)


def test_slices_of_two_steps_at_once_change_no_bit(models):
    learn_in_slices(models, steps=6, seed=7)


def test_other_losses_and_rules_change_none_either(tmp_path):
    """A rule that measures before it draws, and a loss without a target."""
    autoencoder, recipe = LEARNING["autoencoder"]
    pairs = (images(), {"rule": "multinomial-global"}), (autoencoder(), recipe | {"rule": "niti"})
    learn_in_slices(two_in_one_image(tmp_path, *pairs), steps=4, seed=2)


@pytest.mark.parametrize("budget", [0, 3_000, 20_000, 0xFFFFFFFF])
def test_a_slice_keeps_to_its_budget_and_runs_one_stage_at_least(models, budget):
    first, result = models[0], Result()
    learner = first.start()
    costs = first.plan_costs
    sample, at, status = first.sample(0), 0, MORE
    assert first.call("begin", *sample[:2]) == 0
    while status == MORE:
        left, ran = budget, 0
        while at + ran < len(costs) and (ran == 0 or costs[at + ran] <= left):
            left = max(0, left - costs[at + ran])
            ran += 1
        at += ran
        status = first.call("continue", u32(budget), ctypes.byref(result))
        foretold = costs[at] + 1 if at < len(costs) else 0
        assert first.call("next_cost") == foretold
    told = learner.train(first.x[0], first.target(0))
    assert status == 0 and at == len(costs) and first.digest() == learner.digest()
    assert (result.prediction, result.draws, result.measure) == (
        told.prediction, told.draws, told.measure,
    )


def test_predictions_between_slices_are_those_of_the_weights_before(models):
    first = models[0]
    learner = first.start(seed=5)
    seen = set()
    for i in range(8):
        before = [int(np.argmax(learner.forward(x).ravel())) for x in first.x]
        sample, stage = first.sample(i), 0
        assert first.call("begin", *sample[:2]) == 0
        status = MORE
        while status == MORE:
            for other in (stage, stage + 7):
                address = first.sample(other)[0]
                assert first.call("predict", address) == before[other % len(first.x)]
            status, stage = first.call("continue", u32(0), None), stage + 1
        learner.train(first.x[i], first.target(i))
        assert first.digest() == learner.digest()
        seen.add(tuple(before))
    assert len(seen) > 1  # learning changed answers at all


def test_amid_a_step_other_calls_are_refused(models):
    _, second = models
    second.start()
    digest, sample = second.digest(), second.sample(0)
    assert second.call("continue", u32(0), None) == NO_STEP
    assert second.call("begin", *sample[:2]) == 0
    assert second.call("begin", *sample[:2]) == BUSY
    assert second.call("predict", sample[0]) == BUSY
    assert second.call("save", ctypes.byref(Flash())) == BUSY
    assert second.call("load", ctypes.byref(Flash()), u32(0)) == BUSY
    assert second.call("guard", 0, 0, u32(1 << 16)) == BUSY
    second.start()  # begins anew, whatever was under way
    assert second.digest() == digest


def test_what_cannot_be_learnt_is_refused(models):
    for model in models:
        model.start()
        digest, (x, target, *_) = model.digest(), model.sample(0)
        odd = ctypes.c_void_p(x.value + 1)
        wrong = np.array([99], np.uint32)
        assert model.call("begin", odd, target) == model.call("predict", odd) == ALIGNMENT
        assert model.call("begin", x, wrong.ctypes.data_as(ctypes.c_void_p)) == TARGET
        assert model.digest() == digest


def test_a_saved_state_goes_on_and_no_other_is_taken(models):
    first, second = models
    learner, flash = first.start(), Flash()
    for i in range(5):
        first.learn(i)
        learner.train(first.x[i], first.target(i))
    assert first.call("save", ctypes.byref(flash)) == 0
    assert flash.bytes == first.plan.state_bytes + 12
    first.start(seed=9)
    other = first.digest()
    flash.memory[40] ^= 1
    assert first.call("load", ctypes.byref(flash), u32(0)) == DAMAGED
    flash.memory[40] ^= 1
    assert second.call("load", ctypes.byref(flash), u32(0)) == FOREIGN
    flash.cut = 3
    assert first.call("load", ctypes.byref(flash), u32(0)) == CALLBACK
    assert first.digest() == other
    flash.cut = 0
    assert first.call("load", ctypes.byref(flash), u32(0)) == 0
    for i in range(5, 9):
        assert first.digest() == learner.digest() == first.digest(whole=1)
        first.learn(i)
        learner.train(first.x[i], first.target(i))


def test_the_guard_keeps_the_best_state(models):
    first = models[0]
    first.start()
    assert first.call("guard", 0, 10, u32(first.plan.state_bytes - 1)) == MEMORY
    assert first.call("guard", 0, 10, u32(first.plan.state_bytes)) == KEPT
    first.learn(0)
    best = first.digest()
    assert first.call("guard", 1, 10, u32(0)) == KEPT
    for i in range(1, 4):
        first.learn(i)
    after = first.digest()
    assert first.call("guard", 1, 9, u32(0)) == 0 and first.digest() == after
    assert first.call("guard", 2, 0, u32(0)) == 0
    assert first.digest() == best == first.digest(whole=1)
    for i in range(1, 4):
        first.learn(i)
    assert first.digest() == after


def test_statistics_count(models):
    first, found, result = models[0], Statistics(), Result()
    first.start()
    draws = 0
    for i in range(3):
        assert first.call("learn", *first.sample(i)[:2], ctypes.byref(result)) == 0
        draws += result.draws
        assert i or first.call("statistics", ctypes.byref(found)) == 0
        assert i or found.measure == result.measure
    assert first.call("statistics", ctypes.byref(found)) == 0
    assert (found.steps, found.learnt, found.draws) == (3, 3, draws)


def test_counts_become_the_model_s_values(models):
    """Steps of 0.75 on a grid of zero point -4; halves go away from zero."""
    desk = models[0].desk
    fixed = desk.desk_fixed()
    assert fixed == 49152
    for count in [*range(-220, 220), -(2**31), 2**31 - 1]:
        exact = np.sign(count) * np.floor(abs(count) * 0.75 + 0.5) - 4
        wanted = int(np.clip(exact, -128, 127))
        assert desk.desk_quantize(count, fixed, u32(16), -4) == wanted
        real = desk.desk_quantize_float(
            ctypes.c_float(count * 0.75), ctypes.c_float(1.0), ctypes.c_int32(-4)
        )
        assert real == wanted
    assert desk.desk_dequantize(-128, 3 << 10, u32(10), 127) == -765
