"""Conversion to int8: tflite-runtime runs the files, and they compute what they should."""

from dataclasses import replace

import numpy as np
import pytest
import tflite
from float_builder import FloatBuilder
from float_networks import NETWORKS
from tflite_runs import run_in_tflite
from thinned import counts, quick, thinned
from tiny_tflite import ModelBuilder

from edgetune.errors import DataError, ModelError, UsageError
from edgetune.floats.engine import FloatEngine
from edgetune.floats.read import read_float
from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.learn.recipe import Recipe
from edgetune.model.decode import decode
from edgetune.model.encode import ALIGNMENT, encode
from edgetune.model.read import read_tflite
from edgetune.model.rewrite import Rewriter
from edgetune.quantize import Options, convert
from edgetune.quantize.calibration import calibrate
from edgetune.quantize.canonical import canonical
from edgetune.quantize.equalisation import equalise
from edgetune.quantize.lowering import lower_to_int8, quantize_layers, to_int8
from edgetune.quantize.scales import choose_scales, separate_fixed_scales
from edgetune.quantize.simulation import Simulation


def network(name):
    builder, output = NETWORKS[name]()
    return builder, builder.graph(output)


def parts(builder, graph):
    """The int8 graph of a network, and its simulation."""
    graph = separate_fixed_scales(canonical(graph))
    seen = calibrate(graph, builder.samples(64), 64, 8)
    scales = choose_scales(graph, seen, "minmax", 100)
    layers = quantize_layers(graph, scales)
    return graph, lower_to_int8(graph, scales, layers), Simulation(graph, scales, layers)


def real(values, q):
    """The real values of int8 ones."""
    return ((values.astype(np.float64) - q.zero_point[0]) * q.scale[0]).astype(np.float32)


@pytest.mark.parametrize("name", thinned(NETWORKS, 4))
def test_every_layer_is_within_a_step_of_the_simulation(name):
    """Errors of a step grow through the layers, so each layer gets the runtime's own input."""
    builder, graph = network(name)
    graph, int8, simulation = parts(builder, graph)
    outputs = tuple(op.outputs[0] for op in int8.operators)
    samples = to_int8(builder.samples(4, seed=5), int8.input.quantization)
    expected = run_in_tflite(encode(replace(int8, outputs=outputs)), samples[:, None])
    by_name = {int8.tensors[i].name: v[:, 0] for i, v in zip(outputs, expected)}

    def check(index, value):
        tensor = graph.tensors[index]
        reference = by_name.get(tensor.name)
        if reference is None:
            return value
        q = simulation.scales[index]
        found = to_int8(value, q).astype(int)
        assert np.abs(found - reference).max() <= 1, tensor.name
        rounds_twice = tensor.name.startswith("mean")  # its last shift is by one or two bits
        assert (found != reference).mean() < (0.5 if rounds_twice else 0.1), tensor.name
        return real(reference, q)

    simulation.run(real(samples, int8.input.quantization), check)


@pytest.mark.thorough
@pytest.mark.parametrize("rule", ["minmax", "percentile", "mse"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_file_computes_what_the_float_model_does(name, rule):
    builder, graph = network(name)
    conversion = convert(encode(graph), builder.samples(200), Options(range_rule=rule))
    int8 = decode(conversion.content)
    samples = builder.samples(50, seed=9)
    expected = FloatEngine(graph).run(samples)
    inputs = to_int8(samples, int8.input.quantization)
    (found,) = run_in_tflite(conversion.content, inputs[:, None])
    found = real(found.reshape(expected.shape), int8.output.quantization)
    assert np.square(found - expected).mean() < 0.01 * np.square(expected).mean()


def test_names_shapes_and_ends_are_kept():
    builder, graph = network("one_dimensional")
    int8 = decode(convert(encode(graph), builder.samples(30)).content)
    for end in ("input", "output"):
        old, new = getattr(graph, end), getattr(int8, end)
        assert (old.name, old.shape, new.dtype) == (new.name, new.shape, "int8")
    builder, graph = network("autoencoder")
    names = {t.name for t in decode(convert(encode(graph), builder.samples(30)).content).tensors}
    assert {t.name for t in graph.tensors if t.data is not None and t.data.ndim == 2} <= names


def test_scales_are_shared_where_the_operators_demand_it():
    builder, graph = network("branches")
    int8 = decode(convert(encode(graph), builder.samples(50)).content)
    shared = ("PAD", "AVERAGE_POOL_2D", "MAX_POOL_2D", "RESHAPE", "STRIDED_SLICE")
    seen = set()
    for op in int8.operators:
        seen.add(op.kind)
        inputs = op.inputs if op.kind == "CONCATENATION" else op.inputs[:1]
        if op.kind in (*shared, "CONCATENATION"):
            output = int8.tensors[op.outputs[0]].quantization
            for index in inputs:
                q = int8.tensors[index].quantization
                assert (q.scale, q.zero_point) == (output.scale, output.zero_point)
    assert {"QUANTIZE", "CONCATENATION", "STRIDED_SLICE"} <= seen
    fixed = {"SOFTMAX": (1 / 256, -128), "LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
    for op in int8.operators:
        if op.kind in fixed:
            q = int8.tensors[op.outputs[0]].quantization
            assert (q.scale[0], q.zero_point[0]) == fixed[op.kind]


def test_weights_and_biases_follow_the_specification():
    builder, graph = network("inverted_residual")
    int8 = decode(convert(encode(graph), builder.samples(50)).content)
    axes = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3}
    for op in int8.operators:
        if op.kind not in (*axes, "FULLY_CONNECTED"):
            continue
        data, weights, bias = (int8.tensors[i] for i in op.inputs)
        channels = weights.shape[axes[op.kind]] if op.kind in axes else 1
        assert len(weights.quantization.scale) == channels
        assert weights.data.min() >= -127 and not weights.quantization.zero_point.any()
        expected = data.quantization.scale * weights.quantization.scale
        np.testing.assert_allclose(bias.quantization.scale, expected, rtol=1e-6)
        assert bias.dtype == "int32"


def test_a_bias_too_large_for_its_scale_enlarges_the_weight_scale():
    b = FloatBuilder((1, 4, 4, 2))
    x = b.conv(b.input, 3, 3)
    weights, bias = (b.tensors[i].data for i in b.operators[0].inputs[1:])
    weights[1] *= 1e-9
    bias[1] = 40
    weights[2] = 0
    graph = b.graph(b.dense(x, 2))
    conversion = convert(graph, b.samples(40))
    stored = decode(conversion.content)
    found = stored.tensors[stored.operators[0].inputs[2]]
    values = found.data * found.quantization.scale
    assert abs(found.data).max() <= 2**30 + 1
    np.testing.assert_allclose(values[1:], bias[1:], rtol=1e-2, atol=1e-2)
    assert np.isfinite(found.quantization.scale).all()


def test_constants_start_at_multiples_of_sixteen_and_equal_ones_are_stored_once():
    builder, graph = network("residual")
    int8 = decode(convert(encode(graph), builder.samples(30)).content)
    offsets = [t.offset for t in int8.tensors if t.data is not None]
    assert offsets and all(offset % ALIGNMENT == 0 for offset in offsets)


def test_the_signature_and_the_operator_codes_serve_old_and_new_readers():
    builder, graph = network("inverted_residual")
    content = convert(encode(graph), builder.samples(30)).content
    model = tflite.Model.GetRootAs(content, 0)
    assert model.Version() == 3
    signature = model.SignatureDefs(0)
    assert signature.SignatureKey() == b"serving_default"
    assert signature.Inputs(0).TensorIndex() == decode(content).inputs[0]
    codes = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
    assert all(c.DeprecatedBuiltinCode() == min(c.BuiltinCode(), 127) for c in codes)
    interpreter = pytest.importorskip("tflite_runtime.interpreter").Interpreter
    runner = interpreter(model_content=content).get_signature_runner("serving_default")
    result = runner(input=np.zeros(graph.input.shape, np.int8))
    assert list(result) == [graph.output.name]


def test_the_same_input_gives_the_same_file():
    builder, graph = network("residual")
    assert convert(graph, builder.samples(30)).content == convert(
        graph, builder.samples(30)
    ).content


def test_an_int8_file_passes_through_untouched():
    content = ModelBuilder((1, 8, 8, 3)).conv(4, 3).mean().dense(3).softmax().build()
    conversion = convert(content, [])
    assert conversion.content == content
    assert not conversion.report.converted


def test_samples_may_come_one_by_one_and_only_once():
    builder, graph = network("residual")
    samples = builder.samples(25)
    taken = []

    def stream():
        for sample in samples:
            taken.append(1)
            yield sample

    one_by_one = convert(graph, stream(), Options(samples=10))
    assert len(taken) == 11 and one_by_one.report.samples == 10
    assert one_by_one.content == convert(graph, samples[:10]).content


@pytest.mark.thorough
def test_the_report_says_where_it_was_lost():
    builder, graph = network("residual")
    samples = builder.samples(60)
    labels = FloatEngine(graph).run(samples).argmax(axis=1)
    report = convert(graph, samples, Options("minmax"), labelled=(samples, labels)).report
    rows = report.as_dict()["layers"]
    assert [row["kind"] for row in rows[:2]] == ["INPUT", "CONV_2D"]
    for row in rows:
        assert row["low"] <= row["high"] and row["range_low"] <= 0 <= row["range_high"]
        assert row["clipped"] == 0
        assert row["sqnr_db"] > 20
    assert report.accuracy.float_accuracy == 1
    assert report.accuracy.int8_accuracy == report.accuracy.agreement > 0.9
    assert report.accuracy.samples == 60


def test_a_rule_that_clips_says_how_much():
    builder, graph = network("autoencoder")
    report = convert(graph, builder.samples(100), Options("percentile", percentile=99)).report
    clipped = [row.clipped for row in report.layers if row.kind == "INPUT"]
    assert 0.005 < clipped[0] < 0.03


@pytest.mark.parametrize("name", thinned(NETWORKS, 4))
def test_equalisation_changes_nothing_in_float(name):
    builder, graph = network(name)
    graph = canonical(graph)
    samples = builder.samples(4)
    expected = FloatEngine(graph).run(samples)
    found = FloatEngine(equalise(graph)).run(samples)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_equalisation_ends_where_padding_adds_channels():
    b = FloatBuilder((1, 6, 6, 3))
    x = b.pad(b.conv(b.input, 4, 3), [(0, 0), (0, 0), (1, 1), (2, 2)])
    graph = b.graph(b.conv(x, 5, 3))
    found, kept = (FloatEngine(g).run(b.samples(3)) for g in (equalise(graph), graph))
    np.testing.assert_array_equal(found, kept)


def test_equalisation_rescues_dense_layers_with_uneven_channels():
    b = FloatBuilder((1, 32))
    graph = b.graph(b.dense(b.dense(b.input, 32, fused="RELU"), 8))
    one, bias = (b.tensors[i].data for i in b.operators[0].inputs[1:])
    two = b.tensors[b.operators[1].inputs[1]].data
    uneven = np.geomspace(0.01, 100, 32).astype(np.float32)
    one *= uneven[:, None]
    bias *= uneven
    two /= uneven
    plain, evened = (
        convert(graph, b.samples(200), Options(equalisation=on)).report.layers[-1].sqnr_db
        for on in (False, True)
    )
    assert plain < 15 and evened > 30


# ---- refusals


def test_samples_that_do_not_suit_are_refused():
    builder, graph = network("residual")
    good = builder.samples(3)
    bad = good.copy()
    bad[1, 2, 3, 0] = np.nan
    for samples, word in (
        ([], "no calibration samples"),
        (bad, "NaN"),
        (good.transpose(0, 3, 1, 2), "shape"),
        (np.array([["a"]]), "type"),
    ):
        with pytest.raises(DataError, match=word):
            convert(graph, samples)
    with pytest.raises(DataError, match="labels"):
        convert(graph, good, labelled=(good, [0, 1]))
    with pytest.raises(UsageError):
        Options(range_rule="entropy")


def test_what_cannot_be_converted_is_named_before_a_sample_is_read():
    b = FloatBuilder((1, 8, 8, 2))
    x = b.add("COS", b.add("SIN", b.input))

    def never():
        raise AssertionError("a sample was read")
        yield

    with pytest.raises(ModelError) as caught:
        convert(encode(b.graph(b.dense(x, 2))), never())
    assert "COS" in caught.value.cause and "SIN" in caught.value.cause


@pytest.mark.parametrize("count", counts(40, 400))
@pytest.mark.parametrize("name", quick(["residual", "branches"], ["branches"]))
def test_corrupt_files_give_errors_and_nothing_else(name, count):
    builder, graph = network(name)
    content = bytearray(encode(graph))
    generator = np.random.default_rng(0)
    refused = 0
    for trial in range(count):
        broken = bytearray(content)
        if trial % 4 == 0:
            broken = broken[: generator.integers(0, len(broken))]
        else:
            for place in generator.integers(0, len(broken), 4):
                broken[place] = generator.integers(0, 256)
        try:
            canonical(read_float(bytes(broken)))
        except ModelError:
            refused += 1
    assert refused > count / 8


@pytest.mark.parametrize("name", thinned(NETWORKS, 3))
def test_the_engine_computes_the_file_as_tflite_does(name):
    builder, graph = network(name)
    conversion = convert(graph, builder.samples(50))
    int8 = read_tflite(conversion.content)
    inputs = to_int8(builder.samples(4, seed=7), int8.input.quantization)
    learner = Learner(lower(int8), Recipe(layers=("none",)))
    found = np.stack([learner.forward(x) for x in inputs])
    (expected,) = run_in_tflite(conversion.content, inputs[:, None])
    np.testing.assert_array_equal(found.reshape(4, -1), expected.reshape(4, -1))


@pytest.mark.parametrize("in_float", [(), ("NEG",)], ids=["plain", "a function in float"])
def test_float_ends_around_an_int8_model_are_left_out(in_float):
    """QUANTIZE behind the input, DEQUANTIZE before the output; the scales inside are kept."""
    builder = ModelBuilder((1, 8, 8, 3)).conv(4, 3)
    builder = builder.in_float(*in_float) if in_float else builder
    inner = decode(builder.mean().dense(3).build())
    assert convert(inner.content, []).content == inner.content
    rewriter = Rewriter(inner)
    (source,), (sink,) = rewriter.inputs, rewriter.outputs
    outer = rewriter.activation("image", rewriter.shape(source))
    result = rewriter.activation("scores", rewriter.shape(sink))
    rewriter.insert(rewriter.operators[0], "QUANTIZE", (outer,), (source,))
    rewriter.insert(None, "DEQUANTIZE", (sink,), (result,))
    rewriter.inputs, rewriter.outputs = (outer,), (result,)
    conversion = convert(encode(rewriter.graph()), [])
    found = decode(conversion.content)
    assert not conversion.report.converted
    assert [op.kind for op in found.operators] == [op.kind for op in inner.operators]
    x = np.random.default_rng(0).integers(-128, 128, (5, 1, 8, 8, 3)).astype(np.int8)
    np.testing.assert_array_equal(
        run_in_tflite(conversion.content, x)[0], run_in_tflite(inner.content, x)[0]
    )
