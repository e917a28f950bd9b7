"""The state block: bytes as docs/numerics.md section 7 has them, fields where numpy has them."""

import struct

import numpy as np
import pytest
from tiny_tflite import ModelBuilder

from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.learn.rules import RULES, Adaptive, FixedRate
from edgetune.learn.rules.null_mass import NullMass
from edgetune.learn.state import fields, parameter_bytes, parameters_type, state_type
from edgetune.model.read import read_tflite


def odd_program():
    """Weights of 27 and 15 bytes, so that zeros follow them."""
    b = ModelBuilder((1, 5, 5, 1), seed=41).conv(3, 3, activation="RELU").mean()
    return lower(read_tflite(b.dense(5).softmax().build()))


def learner_after(steps, rule="fixed"):
    program = odd_program()
    learner = Learner(program, Recipe(rule=rule, rate=8.0), seed=3, total_steps=100)
    random = np.random.default_rng(5)
    for i in range(steps):
        learner.train(random.integers(-128, 128, 25), i % 5)
    return learner


def test_the_block_is_the_one_that_the_page_describes():
    learner = learner_after(4)
    assert learner.rule.layers[0] != learner.rule.layers[1]
    expected = struct.pack("<4I", *learner.generator.state, 4, 100)
    for mass in learner.rule.layers:
        expected += struct.pack("<IiI", mass.total, mass.exponent, mass.count)
    for layer, zeros in zip(learner.trained, (1, 1)):
        expected += layer.weights.tobytes() + bytes(zeros) + layer.bias.astype("<i4").tobytes()
    assert learner.state() == expected


def test_a_learner_goes_on_from_a_block_as_the_one_that_wrote_it():
    one, other = learner_after(4), Learner(odd_program(), Recipe(rule="fixed", rate=8.0))
    assert one.digest() != other.digest()
    other.load_state(one.state())
    assert one.digest() == other.digest() and one.state() == other.state()
    x = np.random.default_rng(6).integers(-128, 128, 25)
    assert [one.train(x, 2) for _ in range(3)] == [other.train(x, 2) for _ in range(3)]
    assert one.digest() == other.digest()


def test_what_was_loaded_is_of_pythons_integers():
    """numpy's wrap around where the generator's arithmetic must not."""
    learner = learner_after(2)
    learner.load_state(learner.state())
    words = [*learner.generator.state, learner.step, learner.total_steps]
    words += [w for m in learner.rule.layers for w in (m.total, m.exponent, m.count)]
    assert {type(word) for word in words} == {int}
    assert all(isinstance(mass, NullMass) for mass in learner.rule.layers)


def test_a_block_that_is_cut_off_is_refused():
    learner = learner_after(1)
    with pytest.raises(ValueError):
        learner.load_state(learner.state()[:-1])


@pytest.mark.parametrize("rule", RULES)
def test_nothing_trained_leaves_generator_and_counters(rule):
    learner = Learner(odd_program(), Recipe(("none",), rule), seed=3, total_steps=9)
    learner.train(np.zeros(25, np.int8), 1)
    learner.step = 0
    assert not list(learner.rule.words())
    assert learner.state() == struct.pack("<4I", *learner.generator.state, 0, 9)
    learner.load_state(learner.state())
    assert (learner.step, learner.total_steps, learner.rule.layers) == (0, 9, [])


def test_fields_are_named_placed_and_sized():
    trained = odd_program().weighted_layers
    found = {f.path: (f.offset, f.count, f.size) for f in fields(state_type(trained, FixedRate))}
    conv, dense = (layer.name for layer in trained)
    assert list(found.items()) == [
        ("learner.generator", (0, 2, 8)),
        ("learner.step", (8, 1, 4)),
        ("learner.total_steps", (12, 1, 4)),
        ("layers[0].total", (16, 1, 4)),
        ("layers[0].exponent", (20, 1, 4)),
        ("layers[0].count", (24, 1, 4)),
        ("layers[1].total", (28, 1, 4)),
        ("layers[1].exponent", (32, 1, 4)),
        ("layers[1].count", (36, 1, 4)),
        (f"parameters.{conv}_weights", (40, 27, 27)),
        (f"parameters.{conv}_bias", (68, 3, 12)),
        (f"parameters.{dense}_weights", (80, 15, 15)),
        (f"parameters.{dense}_bias", (96, 5, 20)),
    ]
    assert state_type(trained, FixedRate).itemsize == 116


def test_parameters_of_layers_add_up():
    layers = odd_program().weighted_layers
    assert [parameter_bytes(layer) for layer in layers] == [28 + 12, 16 + 20]
    assert parameters_type(layers).itemsize == 76
    assert parameters_type([]).itemsize == 0


def test_another_rule_keeps_other_words():
    """Six words, an echo and a number of two for the network; a null mass, a number and a word
    for each layer."""
    trained = odd_program().weighted_layers
    found = {f.path: f.offset for f in fields(state_type(trained, Adaptive))}
    assert [path for path in found if not path.startswith(("learner", "parameters"))] == [
        "network.samples", "network.shortfall", "network.samples_since",
        "network.shortfall_since", "network.most_since", "network.age",
        "network.echo.log2", "network.echo.mean", "network.echo.count", "network.echo.previous",
        "network.gain.mantissa", "network.gain.exponent",
        *(f"layers[{i}].{word}" for i in (0, 1) for word in (
            "null_mass.total", "null_mass.exponent", "null_mass.count",
            "decrease.mantissa", "decrease.exponent", "output",
        )),
    ]
    assert (found["layers[0].decrease.mantissa"], found["layers[1].null_mass.total"]) == (76, 88)
    assert state_type(trained, Adaptive).itemsize == 16 + 48 + 2 * 24 + 76


def test_a_rule_with_words_of_all_kinds_goes_on_from_its_block():
    one, other = learner_after(9, rule="adaptive"), Learner(odd_program(), Recipe(rule="adaptive"))
    other.load_state(one.state())
    assert one.digest() == other.digest() and one.state() == other.state()
    words = list(one.rule.words())
    assert len(words) == 12 + 2 * 6 and all(words[:6]) and {type(word) for word in words} == {int}
    at = struct.unpack_from("<IIIIIIiIIIIi", one.state(), 16)
    assert list(at) == words[:12]
