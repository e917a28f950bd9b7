"""Reading .tflite files: what is accepted, what is refused by name, and that nothing else
than a ModelError comes out of a broken file."""

from pathlib import Path

import numpy as np
import pytest
import tflite
from branching import dense_net, inverted_residual
from tflite_runs import run_in_tflite
from thinned import thinned
from tiny_tflite import ModelBuilder

from edgetune.errors import ModelError
from edgetune.learn.lower import lower
from edgetune.model import read, size
from edgetune.model.decode import MAX_TABLES
from edgetune.model.graph import Graph
from edgetune.model.inspect import describe
from edgetune.model.read import read_tflite

DATA = Path(__file__).parents[3] / "shared" / "data"


def data_file(name: str) -> Path:
    if not (DATA / name).exists():
        pytest.skip(f"{name} is not in ../shared/data")
    return DATA / name


def classifier(**options) -> ModelBuilder:
    model = ModelBuilder((1, 8, 8, 2), seed=5)
    model.pad(1, 1, 1, 1).conv(4, 3, padding="VALID", activation="RELU", **options)
    return model.depthwise(3, multiplier=2).max_pool(2).mean().dense(3).softmax()


def refused(content) -> ModelError:
    with pytest.raises(ModelError) as caught:
        read_tflite(content)
    error = caught.value
    assert error.message and error.cause and error.next_step
    return error


# ---- what is accepted


def test_a_graph_holds_what_was_built():
    model = classifier()
    graph = read_tflite(model.build())
    assert [o.kind for o in graph.operators] == [o.kind for o in model.operators]
    for tensor, spec in zip(graph.tensors, model.tensors, strict=True):
        assert (tensor.name, tensor.shape, tensor.dtype) == (spec.name, spec.shape, spec.dtype)
        if spec.scale is not None:
            assert np.array_equal(tensor.quantization.scale, spec.scale)
            assert np.array_equal(tensor.quantization.zero_point, spec.zero_point)
        if spec.data is not None:
            assert np.array_equal(tensor.data, spec.data)
            held = graph.content[tensor.offset : tensor.offset + spec.data.nbytes]
            assert held == spec.data.tobytes()
    assert graph.input.shape == (1, 8, 8, 2) and graph.output.shape == (1, 3)
    assert graph.operators[1].options["padding"] == "VALID"
    assert graph.operators[1].options["fused_activation_function"] == "RELU"
    assert graph.operators[2].options["depth_multiplier"] == 2


def test_old_files_keep_the_operator_in_the_deprecated_code():
    new, old = (read_tflite(classifier().build(old_codes=o)) for o in (False, True))
    assert [o.kind for o in new.operators] == [o.kind for o in old.operators]


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_scales_and_biases_of_both_sorts(per_channel, bias):
    model = ModelBuilder((1, 6, 5, 3)).conv(4, (3, 2), stride=(2, 1), per_channel=per_channel)
    model.depthwise(2, per_channel=per_channel, bias=bias).average_pool(2, padding="SAME")
    model.reshape((1, -1)).dense(4, per_channel=per_channel, bias=bias, activation="RELU6")
    graph = read_tflite(model.build())
    assert graph.tensors[graph.operators[0].inputs[1]].quantization.per_channel == per_channel
    assert len(graph.operators[-1].inputs) == 2 + bias


@pytest.mark.parametrize(
    "name, kinds, weights",
    [
        ("har_int8", {"PAD", "CONV_2D", "AVERAGE_POOL_2D", "RESHAPE", "FULLY_CONNECTED"}, 8592),
        ("mnist_int8", {"CONV_2D", "MAX_POOL_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX"}, 26632),
        ("kws_int8", {"CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "RESHAPE",
                      "FULLY_CONNECTED", "SOFTMAX"}, 22016),
    ],
)
def test_real_models(name, kinds, weights):
    graph = read_tflite(data_file(f"{name}.tflite"))
    description = describe(graph)
    assert {o.kind for o in graph.operators} == kinds
    assert description["totals"]["weights"] == weights
    assert description["sha256"] == graph.sha256
    assert graph.hash32 == int.from_bytes(bytes.fromhex(graph.sha256[:8]), "little")


def test_description_counts_multiply_accumulates():
    operators = describe(read_tflite(classifier().build()))["operators"]
    found = {o["kind"]: o["macs"] for o in operators if o["trainable"]}
    assert found == {
        "CONV_2D": 8 * 8 * 4 * 3 * 3 * 2,
        "DEPTHWISE_CONV_2D": 8 * 8 * 8 * 3 * 3,
        "FULLY_CONNECTED": 8 * 3,
    }


# ---- what is refused by name


@pytest.mark.parametrize("name", ["har_float", "mnist_float"])
def test_float_models_are_named(name):
    error = refused(data_file(f"{name}.tflite"))
    assert "float model" in error.message and "float32 weights" in error.message
    assert name in error.message
    assert "edgetune convert" in error.next_step


def test_a_hybrid_model_is_named():
    error = refused(data_file("kws_hybrid.tflite"))
    assert "hybrid" in error.message and "int8 weights" in error.message


def as_float(model: ModelBuilder, keep_weights: bool) -> bytes:
    for tensor in model.tensors:
        if tensor.dtype == "int8" and not (keep_weights and tensor.data is not None):
            tensor.dtype, tensor.scale, tensor.zero_point = "float32", None, None
            tensor.data = None if tensor.data is None else tensor.data.astype(np.float32)
    return model.build()


def test_built_float_and_hybrid_models_are_named():
    def dense():
        return ModelBuilder((1, 6)).dense(4, bias=False).dense(2, bias=False)

    assert "float model" in refused(as_float(dense(), keep_weights=False)).message
    assert "hybrid" in refused(as_float(dense(), keep_weights=True)).message


def test_all_unsupported_operators_are_listed_at_once():
    model = ModelBuilder((1, 7, 9, 3)).unary("COS").unary("SIN").conv(3, 3)
    model.conv(4, 3, activation="SIGN_BIT").reshape((1, -1))
    lines = refused(model.build()).cause.splitlines()
    assert [line.split(" (")[0] for line in lines] == [
        "operator 0 COS", "operator 1 SIN", "operator 3 CONV_2D",
    ]
    assert "cos0" in lines[0] and "not supported" in lines[0]
    assert "not supported" in lines[1]
    assert "SIGN_BIT" in lines[2]


def test_int16_activations_and_int64_biases_are_named():
    model = ModelBuilder((1, 6)).dense(4)
    for tensor in model.tensors:
        if tensor.data is None:
            tensor.dtype = "int16"
        elif tensor.dtype == "int32":
            tensor.dtype, tensor.data = "int64", tensor.data.astype(np.int64)
    error = refused(model.build())
    assert "16x8" in error.message and "1 FULLY_CONNECTED" in error.cause
    assert "from the float model" in error.next_step


def test_sparse_weights_are_unsupported():
    model = ModelBuilder((1, 6)).dense(4)
    model.tensors[1].sparse = True
    assert "sparse int8 weights" in refused(model.build()).cause


def test_dynamic_shapes_are_unsupported():
    model = ModelBuilder((1, 6, 6, 2)).conv(3, 3)
    model.tensors[0].shape = (1, -1, 6, 2)
    assert "dynamic" in refused(model.build()).cause


def test_float_within_an_int8_model_is_unsupported():
    model = ModelBuilder((1, 6)).dense(4).in_float("SIN")
    cause = refused(model.dense(3).build()).cause
    assert cause.count("float in the midst of an int8 model") == 2


def test_padding_of_the_batch_is_unsupported():
    model = ModelBuilder((1, 4, 4, 2)).pad(1, 1, 1, 1)
    model.tensors[1].data = np.array([[0, 1], [0, 0], [0, 0], [0, 0]], np.int32)
    assert "padding of the batch" in refused(model.build()).cause


# ---- what is corrupt


def change(what):
    """A small model, changed before it is written."""
    model = ModelBuilder((1, 6, 6, 2), seed=2).conv(4, 3, activation="RELU").mean().dense(3)
    what(model, {t.name: t for t in model.tensors})
    return model.build()


def set_field(name, field, value):
    def what(model, tensors):
        setattr(tensors[name], field, value)

    return what


def set_option(index, field, value):
    def what(model, tensors):
        model.operators[index].options[field] = value

    return what


def swap_operators(model, tensors):
    model.operators.reverse()


def read_itself(model, tensors):
    model.operators[1].inputs[0] = model.operators[1].output


def write_twice(model, tensors):
    model.operators[1].output = model.operators[0].output


BROKEN = {
    "operators out of order": (swap_operators, "before any operator produces it"),
    "a cycle": (read_itself, "before any operator produces it"),
    "an output written twice": (write_twice, "there already"),
    "a scale of zero": (set_field("input", "scale", np.float32([0])), "not a positive number"),
    "a scale of NaN": (set_field("input", "scale", np.float32([np.nan])), "not a positive number"),
    "an infinite scale": (set_field("input", "scale", np.float32([np.inf])), "not a positive"),
    "no scale": (set_field("input", "scale", None), "no scale"),
    "two scales of an activation": (set_field("input", "scale", np.float32([1, 1])), "2 scales"),
    "a zero point outside int8": (
        set_field("input", "zero_point", np.array([200])), "outside int8",
    ),
    "a zero point of weights": (
        set_field("weights0", "zero_point", np.ones(4)), "zero point other than 0",
    ),
    "too few weight scales": (set_field("weights0", "scale", np.ones(3)), "3 scales"),
    "the wrong axis": (set_field("weights0", "axis", 3), "along axis 3"),
    "a bias length": (set_field("bias0", "data", np.zeros(5, np.int32)), "elements of data"),
    "a huge dimension": (set_field("input", "shape", (1, 2**31 - 1, 2**31 - 1, 2)), "values"),
    "a wrong output shape": (set_field("conv_2d0", "shape", (1, 6, 5, 4)), "computed (1, 6, 6, 4)"),
    "a stride of zero": (set_option(0, "StrideH", 0), "stride_h is 0"),
    "a negative stride": (set_option(0, "StrideW", -1), "stride_w is -1"),
    "an unknown padding": (set_option(0, "Padding", 7), "Padding 7"),
}


@pytest.mark.parametrize("name", thinned(BROKEN, 6))
def test_a_model_that_contradicts_itself(name):
    what, cause = BROKEN[name]
    assert cause in refused(change(what)).cause


@pytest.mark.parametrize("share, taken", [(0.019, True), (0.021, False)])
def test_the_bias_of_a_dense_layer_has_its_scale_as_tflite_demands_it(share, taken):
    """In units of the output scale."""
    model = ModelBuilder((1, 6)).dense(4, per_channel=False)
    bias, output = (next(t for t in model.tensors if t.name.startswith(n)) for n in ("bias", "ful"))
    bias.scale = np.float32(bias.scale) + np.float32(share) * np.float32(output.scale)
    content = model.build()
    if taken:
        run_in_tflite(content, model.random_inputs(1))
        read_tflite(content)
    else:
        with pytest.raises((RuntimeError, ValueError)):
            run_in_tflite(content, model.random_inputs(1))
        assert "bias scale" in refused(content).cause


def test_what_no_microcontroller_would_run_is_too_large(monkeypatch):
    content = ModelBuilder((1, 6, 6, 2)).depthwise(3).build()
    monkeypatch.setattr(size, "MAX_READ", 6 * 6 * 2 * 9)
    read_tflite(content)
    monkeypatch.setattr(size, "MAX_READ", 6 * 6 * 2 * 9 - 1)
    error = refused(content)
    assert "too large" in error.message and "reads" in error.cause


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\0" * 100, b"GIF89a" * 20])
def test_not_a_tflite_file(content):
    assert "not a TFLite model" in refused(content).message


def test_a_file_that_cannot_be_read(tmp_path):
    assert "cannot be read" in refused(tmp_path / "absent.tflite").message
    assert "cannot be read" in refused(tmp_path).message


def test_a_file_of_any_length_is_read_up_to_a_bound(tmp_path, monkeypatch):
    content = classifier().build()
    (tmp_path / "model.tflite").write_bytes(content)
    monkeypatch.setattr(read, "MAX_FILE_BYTES", len(content))
    assert read_tflite(tmp_path / "model.tflite").content == content
    monkeypatch.setattr(read, "MAX_FILE_BYTES", len(content) - 1)
    assert "too large" in refused(tmp_path / "model.tflite").message


def position_of_vector(table, slot) -> int:
    """Where the length of the vector in a field lies; ``slot`` is 4 + 2 * the field's number."""
    return table._tab.Vector(table._tab.Offset(slot)) - 4


@pytest.mark.parametrize("length", [2**32 - 1, 2**31, 2**28, MAX_TABLES + 1])
def test_vector_lengths_are_bounded(length):
    content = bytearray(classifier().build())
    model = tflite.Model.GetRootAs(content, 0)
    subgraph = model.Subgraphs(0)
    for table, slot in [(model, 12), (subgraph, 4), (subgraph, 6), (subgraph.Tensors(0), 4)]:
        position = position_of_vector(table, slot)
        broken = bytearray(content)
        broken[position : position + 4] = length.to_bytes(4, "little")
        refused(bytes(broken))


def test_tables_that_share_one_long_vector_do_not_multiply_the_work():
    model = ModelBuilder((1, 4)).dense(2)
    model.operators *= 2000
    model.tensors[1].scale = np.ones(20000, np.float32)
    content = bytearray(model.build())
    subgraph = tflite.Model.GetRootAs(content, 0).Subgraphs(0)
    vector = subgraph.Tensors(1).Quantization()._tab
    start = vector.Vector(vector.Offset(8)) - 4  # the long vector of scales
    for index in range(2000):  # every operator's inputs now point there
        table = subgraph.Operators(index)._tab
        slot = table.Pos + table.Offset(6)
        if start > slot:
            content[slot : slot + 4] = (start - slot).to_bytes(4, "little")
    moved = tflite.Model.GetRootAs(content, 0).Subgraphs(0).Operators(0).InputsLength()
    assert moved == 20000
    assert "share vectors" in refused(bytes(content)).cause


# ---- broken at random


def graph_or_error(content: bytes) -> None:
    """Any exception but ModelError fails the test; what is read can be lowered."""
    try:
        graph = read_tflite(content)
        assert isinstance(graph, Graph) and lower(graph).layers
    except ModelError as error:
        assert error.message and error.cause and error.next_step


def mutate(content: bytes, random) -> bytes:
    """One to three changes: a byte, a bit, a striking 32-bit word, or a word from elsewhere."""
    broken = bytearray(content)
    words = [b"\xff" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\0" * 4]
    for _ in range(random.integers(1, 4)):
        place, source = random.integers(len(content) - 4, size=2)
        choice = random.integers(4)
        if choice == 0:
            broken[place] = random.integers(256)
        elif choice == 1:
            broken[place] ^= 1 << random.integers(8)
        elif choice == 2:
            broken[place : place + 4] = words[random.integers(4)]
        else:
            broken[place : place + 4] = content[source : source + 4]
    return bytes(broken)


@pytest.mark.thorough
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("model", [classifier, dense_net, inverted_residual])
def test_mutations_of_a_small_model(model):
    content = model().build()
    random = np.random.default_rng(1)
    for _ in range(1000):
        graph_or_error(mutate(content, random))


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["har_int8", "kws_int8"])
def test_mutations_of_a_real_model(name):
    content = data_file(f"{name}.tflite").read_bytes()
    random = np.random.default_rng(2)
    for _ in range(5000):
        graph_or_error(mutate(content, random))


def test_truncations_of_a_small_model():
    content = classifier().build()
    for length in range(0, len(content), 7):
        refused(content[:length])


@pytest.mark.slow
def test_every_truncation_of_a_real_model():
    content = data_file("har_int8.tflite").read_bytes()
    for length in range(len(content)):
        refused(content[:length])
