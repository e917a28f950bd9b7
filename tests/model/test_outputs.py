"""Models with several outputs: one is chosen, what only the others need is cut, and a trained file
keeps them all."""

from dataclasses import replace

import numpy as np
import pytest
from model_ends import in_uint8
from several_outputs import NAMES, float_heads, float_heads_file, three_heads, three_heads_file
from tflite_runs import run_in_tflite
from tflite_writer import OperatorSpec, TensorSpec, serialise
from tiny_tflite import ModelBuilder
from written import written

from edgetune.errors import EdgetuneError, ModelError, UsageError
from edgetune.floats.engine import FloatEngine
from edgetune.floats.read import read_float
from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.model.compare import same_but_for
from edgetune.model.decode import decode
from edgetune.model.edges import from_file_output
from edgetune.model.encode import encode
from edgetune.model.outputs import End, SeveralOutputs, changing, pick
from edgetune.model.read import read_tflite
from edgetune.model.runtime import Runtime
from edgetune.quantize import convert
from edgetune.session.interpreter import judge

SIGNED = "StatefulPartitionedCall"
STEPS = 8
SEEN = {"colour": {"inner", "alive", "digits"}, "digits": {"inner", "colour", "alive"}}


def learnt(content, output, layers=("all",)):
    """A learner after some steps, and the file with what it learnt."""
    graph = read_tflite(content, output)
    learner = Learner(lower(graph), Recipe(layers, rule="fixed"))  # moves from the first steps on
    x = three_heads().random_inputs(STEPS, seed=9)
    for i in range(STEPS):
        learner.train(x[i], learner.program.loss.any_target(5 * i))
    return learner, written(graph, learner)


# ---- what runs


@pytest.mark.parametrize("number, name", list(enumerate(NAMES)))
def test_a_chosen_output_is_the_file_s(number, name):
    content, x = three_heads_file(), three_heads().random_inputs(6, seed=2)
    theirs = run_in_tflite(content, x)[number].reshape(6, -1)
    for choice in (name, number, str(number)):
        graph = read_tflite(content, choice)
        learner = Learner(lower(graph), Recipe(("none",)))
        assert graph.output.name == name and graph.choice == number
        assert np.array_equal([learner.forward(one) for one in x], theirs)


def test_what_only_others_need_is_cut_before_it_is_looked_at():
    model = three_heads()
    model.unary("SIN")  # which edgetune does not know
    content = serialise(model.tensors, model.operators, [*model.ends, model.current])
    graph = read_tflite(content, "inner")
    assert [op.index for op in graph.operators] == [0] and len(graph.cut) == 9
    assert [op.kind for op in read_tflite(content, "alive").operators] == [
        "CONV_2D", "MEAN", "FULLY_CONNECTED", "LOGISTIC",
    ]
    with pytest.raises(ModelError, match="cannot run 1 part"):
        read_tflite(content, 4)


def test_one_output_of_an_operator_with_several():
    model = ModelBuilder((1, 4, 4, 6), seed=5).conv(4, 1).move("SPLIT", 3, data=1, NumSplits=2)
    (first, _), (second, probe) = model.made
    model.back_to((second, probe)).dense(3)
    content = serialise(model.tensors, model.operators, [first, model.current])
    x = model.random_inputs(4)
    for number, theirs in enumerate(run_in_tflite(content, x)):
        learner = Learner(lower(read_tflite(content, number)), Recipe(("none",)))
        assert np.array_equal([learner.forward(one) for one in x], theirs.reshape(4, -1))


def float_ends(kind="DEQUANTIZE", dtype="float32"):
    """The heads with another type at every end."""
    model = three_heads()
    ends = []
    for index in model.ends:
        inner = model.tensors[index]
        grid = {} if dtype == "float32" else {"scale": inner.scale,
                                              "zero_point": inner.zero_point + 128}
        model.tensors.append(TensorSpec(f"{inner.name}_out", inner.shape, dtype, **grid))
        ends.append(len(model.tensors) - 1)
        table = f"{kind.title()}Options"
        model.operators.append(OperatorSpec(kind, [index], ends[-1], table, {}))
    return serialise(model.tensors, model.operators, ends)


@pytest.mark.parametrize("kind, dtype", [("DEQUANTIZE", "float32"), ("QUANTIZE", "uint8")])
def test_ends_of_another_type_are_left_out(kind, dtype):
    content, x = float_ends(kind, dtype), three_heads().random_inputs(4, seed=2)
    for number, theirs in enumerate(run_in_tflite(content, x)):
        graph = read_tflite(content, f"{NAMES[number]}_out")
        learner = Learner(lower(graph), Recipe(("none",)))
        assert graph.output.dtype == "int8"
        ours = [learner.forward(one) for one in x]
        assert np.array_equal(ours, from_file_output(graph, theirs).reshape(4, -1))


# ---- what is written


@pytest.mark.parametrize("name", ["colour", "digits"])
def test_the_trained_file_has_all_outputs(name):
    content, x = three_heads_file(), three_heads().random_inputs(8, seed=4)
    learner, tuned = learnt(content, name)
    assert len(tuned) == len(content) and tuned != content
    before, after = (run_in_tflite(c, x) for c in (content, tuned))
    ours = [learner.forward(one) for one in x]
    assert np.array_equal(ours, after[NAMES.index(name)].reshape(8, -1))
    graph = read_tflite(content, name)
    changed, kept = changing(graph, [layer.operator for layer in learner.trained])
    assert set(changed) == SEEN[name] and kept == []
    for other in changed:
        assert not np.array_equal(before[NAMES.index(other)], after[NAMES.index(other)])


def test_outputs_that_share_no_trained_layer_stay():
    content, x = three_heads_file(), three_heads().random_inputs(8, seed=4)
    learner, tuned = learnt(content, "digits", ("last",))
    graph = read_tflite(content, "digits")
    changed, kept = changing(graph, [layer.operator for layer in learner.trained])
    assert changed == [] and set(kept) == SEEN["digits"]
    before, after = (run_in_tflite(c, x) for c in (content, tuned))
    for number, name in enumerate(NAMES):
        assert np.array_equal(before[number], after[number]) == (name != "digits")


def one_layer_twice(zeros=False):
    """Two heads of the same weights; or with zero biases in one buffer."""
    model = ModelBuilder((1, 6, 6, 2), seed=3).conv(4, 3)
    trunk = model.save()
    ends = [model.dense(3).current, model.back_to(trunk).dense(3).current]
    if zeros:
        model.zero_biases()
    else:
        first, second = (model.operators[i] for i in (1, 2))
        second.inputs[1:] = first.inputs[1:]
    return serialise(model.tensors, model.operators, ends)


@pytest.mark.parametrize("zeros", [False, True])
def test_a_constant_that_an_operator_left_out_reads_too_parts_from_it(zeros):
    content, x = one_layer_twice(zeros), three_heads().random_inputs(8, seed=4)
    learner, tuned = learnt(content, 1, ("last",))
    before, after = (run_in_tflite(c, x) for c in (content, tuned))
    assert np.array_equal(before[0], after[0])
    assert np.array_equal([learner.forward(one) for one in x], after[1].reshape(8, -1))
    assert not np.array_equal(before[1], after[1])


def test_another_operator_that_was_left_out_is_another_model():
    graph, other = (read_tflite(three_heads_file(), "inner") for _ in range(2))
    other.cut[0].options["stride_h"] = 3
    assert same_but_for(graph, graph, []) and not same_but_for(graph, other, [])
    fewer = replace(graph, other_outputs=graph.other_outputs[1:])
    assert not same_but_for(graph, fewer, [])
    assert not same_but_for(graph, read_tflite(three_heads_file(), "alive"), [])


def test_the_judge_looks_at_the_chosen_output():
    pytest.importorskip("tflite_runtime")
    content, x = three_heads_file(), three_heads().random_inputs(8, seed=4)
    learner, tuned = learnt(content, "digits")
    ours = np.array([learner.forward(one) for one in x])
    found = judge(tuned, content, x, ours, learner.forward, output="digits")
    assert found.agrees == 8 and not found.fault
    assert judge(content, content, x, ours, learner.forward, output="digits").fault


# ---- how it is chosen


def test_without_a_choice_all_are_listed():
    with pytest.raises(SeveralOutputs) as caught:
        read_tflite(three_heads_file())
    error = caught.value
    assert error.exit_code == 8 and "4 outputs" in error.message and "--output" in error.next_step
    assert error.cause.splitlines() == [
        "0: 'colour' [1, 3], 3 classes, softmax loss", "1: 'alive' [1, 1], 1 label, sigmoid loss",
        "2: 'digits' [1, 4], 4 classes, softmax loss",
        "3: 'inner' [1, 3, 3, 5], 45 classes, softmax loss",
    ]
    assert error.as_dict()["error"] == "ModelError" and error.ends[1].name == "alive"


ENDS = [End(("a;first", "t1")), End(("b", "t2")), End(("b", "2")), End(("", "t4"))]


@pytest.mark.parametrize("wanted, number", [
    ("a", 0), ("a;first", 0), ("t1", 0), ("t2", 1), ("2", 2), (2, 2), ("3", 3), (3, 3), ("t4", 3),
])
def test_names_go_before_numbers(wanted, number):
    assert pick(ENDS, wanted) == number


@pytest.mark.parametrize("wanted, said", [
    ("b", "2 outputs are called"), ("c", "no output 'c'"), ("4", "no output"), (-1, "no output"),
    ("", "no output"), ("first", "no output"),
])
def test_what_names_none_or_several_is_refused(wanted, said):
    with pytest.raises(UsageError, match=said) as caught:
        pick(ENDS, wanted)
    assert "0: 'a'; 1: 'b'" in caught.value.cause


def test_a_model_of_one_output_needs_no_choice_and_takes_its_own():
    content = ModelBuilder((1, 4)).dense(2).build()
    assert read_tflite(content, 0).choice is None and not read_tflite(content).cut
    with pytest.raises(UsageError):
        read_tflite(content, "other")


def with_signature():
    """Its second output has the name SIGNED in the signature alone."""
    graph = float_heads()
    graph.tensors[graph.outputs[1]].name = f"{SIGNED}:1"
    return encode(graph)


def test_names_of_signatures_count():
    content = with_signature()
    assert set(decode(content).output_names.values()) == {"colour", SIGNED}
    assert read_float(content, SIGNED).output.shape == (1, 1)


def same_values(how):
    """Two outputs of the same values."""
    model = ModelBuilder((1, 6), seed=1).dense(4)
    first = model.current
    if how == "view":
        model.reshape((1, 2, 2))
    elif how == "float":
        model.tensors.append(TensorSpec("real", (1, 4), "float32"))
        model.current = len(model.tensors) - 1
        model.operators.append(
            OperatorSpec("DEQUANTIZE", [first], model.current, "DequantizeOptions", {})
        )
    return serialise(model.tensors, model.operators, [first, model.current])


@pytest.mark.parametrize("how", ["twice", "view", "float"])
@pytest.mark.parametrize("choice", [None, 1])
def test_outputs_of_the_same_values_need_no_choice(how, choice):
    graph = read_tflite(same_values(how), choice)
    assert graph.output_number == (choice or 0) and len(graph.other_outputs) == 1
    assert Learner(lower(graph), Recipe()).forward(np.zeros(6, np.int8)).shape == (4,)


def test_a_softmax_of_the_other_output_is_a_choice():
    model = ModelBuilder((1, 6), seed=1).dense(4)
    ends = [model.current, model.softmax().current]
    with pytest.raises(SeveralOutputs):
        read_tflite(serialise(model.tensors, model.operators, ends))


def test_very_many_outputs_are_refused_at_once():
    model = ModelBuilder((1, 6), seed=1).dense(4)
    content = serialise(model.tensors, model.operators, [model.current] * 100)
    with pytest.raises(ModelError, match="too large"):
        read_tflite(content)


def test_broken_signatures_are_errors():
    content = with_signature()
    random, found = np.random.default_rng(3), set()
    for place in range(8, 800, 3):
        broken = bytearray(content)
        broken[place] ^= int(random.integers(1, 256))
        try:
            read_float(bytes(broken), SIGNED)
        except EdgetuneError as error:
            found.add(error.exit_code)
    assert found == {2, 8}


# ---- float models


@pytest.mark.parametrize("name, number", [("colour", 0), ("alive", 1)])
def test_a_float_model_is_converted_for_one_output(name, number):
    content, graph = float_heads_file(), read_float(float_heads_file(), name)
    x = np.random.default_rng(5).normal(0, 1, (30, 6, 6, 2)).astype(np.float32)
    if runtime := Runtime.of(content):
        theirs = runtime.run(x, number)
        np.testing.assert_allclose(FloatEngine(graph).run(x), theirs, atol=1e-5)
    made = convert(content, x, output=name)
    assert made.report.left_out == [{"colour": "alive", "alive": "colour"}[name]]
    assert f"'{made.report.left_out[0]}'" in made.report.outputs
    int8 = read_tflite(made.content)
    assert not int8.other_outputs and int8.output.size == (3, 1)[number]
    with pytest.raises(SeveralOutputs):
        convert(content, x)


def test_an_int8_file_is_converted_to_what_one_output_needs():
    content, x = three_heads_file(), three_heads().random_inputs(4, seed=2)
    made = convert(content, [], output="alive")
    assert not made.report.converted and len(made.report.left_out) == 3
    assert [op.kind for op in decode(made.content).operators] == [
        "CONV_2D", "MEAN", "FULLY_CONNECTED", "LOGISTIC",
    ]
    assert np.array_equal(run_in_tflite(made.content, x)[0], run_in_tflite(content, x)[1])


def test_a_quantised_file_judges_its_conversion_by_the_same_output():
    """A uint8 file: its int8 form predicts what its own chosen output does."""
    pytest.importorskip("tflite_runtime")
    content = as_uint8()
    x = np.random.default_rng(6).normal(0, 0.5, (60, 6, 6, 2)).astype(np.float32)
    assert convert(content, x, output="digits").report.agreement > 0.9


def as_uint8():
    """Two heads, computed in uint8."""
    model = ModelBuilder((1, 6, 6, 2), seed=3).conv(5, 3, stride=2, per_channel=False)
    trunk = model.save()
    ends = [model.mean().dense(7).current, model.back_to(trunk).dense(4).current]
    for index, name in zip(ends, ("colour", "digits")):
        model.tensors[index].name = name
    in_uint8(model)
    return serialise(model.tensors, model.operators, ends)
