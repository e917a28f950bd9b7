"""Keras files: what is refused before Keras sees it, and that Graphs compute the same."""

import io
import json
import os
import zipfile
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
from shared_data import SHARED

from edgetune.errors import ModelError, ToolchainError
from edgetune.floats.engine import FloatEngine
from edgetune.importers.extras import need
from edgetune.importers.keras.convert import _output_names
from edgetune.importers.keras.description import description
from edgetune.importers.keras.layers import check_layers
from edgetune.importers.keras.old_files import modern, modern_file
from edgetune.importers.kind import kind_of
from edgetune.importers.load import load_model
from edgetune.importers.other_files import refuse_other
from edgetune.installation import install_command
from edgetune.model.outputs import SeveralOutputs


def archive(**members) -> bytes:
    """A zip file; underscores in names stand for dots."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in members.items():
            file.writestr(name.replace("_", "."), text)
    return content.getvalue()


def sequential(*layers) -> dict:
    return {"module": "keras", "class_name": "Sequential", "config": {"layers": list(layers)}}


def layer(kind, module="keras.layers", **config) -> dict:
    config = {"name": f"my_{kind.lower()}", **config}
    return {"module": module, "class_name": kind, "config": config}


GLOROT = {"module": "keras.initializers", "class_name": "GlorotUniform", "config": {}}


def test_layers_of_the_list_pass():
    inner = sequential(layer("Conv2D", kernel_initializer=GLOROT), layer("BatchNormalization"))
    leaky = {"module": "keras.layers", "class_name": "LeakyReLU", "config": {}}
    check_layers(sequential(layer("InputLayer"), inner, layer("Dense", activation=leaky)))


SCHEDULE = {"module": "keras.optimizers.schedules", "class_name": "CosineDecay", "config": {}}
COMPILED = {"compile_config": {"optimizer": {"config": {"learning_rate": SCHEDULE}}}}


def test_how_a_model_was_trained_does_not_matter():
    """Only outermost: Keras would build what a model inside brings."""
    check_layers({**sequential(layer("Dense")), **COMPILED})
    with pytest.raises(ModelError, match="cannot convert 1 part"):
        check_layers(sequential({**sequential(layer("Dense")), **COMPILED}))


def test_all_other_layers_are_named_at_once():
    inner = sequential(layer("ConvLSTM1D"), layer("Dense"))
    with pytest.raises(ModelError) as error:
        check_layers(sequential(inner, layer("Lambda"), layer("Mine", module="package")))
    assert error.value.message == "edgetune cannot convert 3 parts of this model."
    for name in ("my_convlstm1d", "my_lambda", "my_mine"):
        assert name in error.value.cause


SHELL = {"module": "os", "class_name": "function", "config": "system"}


@pytest.mark.parametrize("model", [
    sequential(layer("Dense", kernel_initializer=SHELL)),
    sequential(layer("Dense", activation={**SHELL, "module": "keras.activations"})),
    sequential(layer("Dense", module="evil.layers")),
    sequential(layer("Dense", deep=[{"deeper": {"x": SHELL}}])),
    sequential({**layer("Dense"), "inbound_nodes": [{"args": [SHELL]}]}),
    sequential({**layer("Dense"), "build_config": SHELL}),
    sequential(layer("TFOpLambda", function="io.read_file")),
    {**sequential(layer("Dense")), "module": "evil"},
    {**sequential(layer("Dense")), "build_config": SHELL},
    sequential(layer("Dense", x={"module": "keras.layers", "class_name": "TorchModuleWrapper"})),
])
def test_code_in_a_description_is_refused(model):
    with pytest.raises(ModelError, match="cannot convert"):
        check_layers(model)


@pytest.mark.parametrize("model", [
    [], None, {"class_name": "Dense"}, {"class_name": "Sequential", "config": 3},
    {"class_name": "Sequential", "config": {"layers": [3]}},
])
def test_descriptions_of_nothing_are_refused(model):
    with pytest.raises(ModelError, match="corrupt"):
        check_layers(model)


def test_a_description_nested_without_end_is_refused():
    model = sequential()
    for _ in range(100):
        model = sequential(model)
    with pytest.raises(ModelError, match="corrupt"):
        check_layers(model)


@pytest.mark.thorough
def test_archives_that_are_no_models():
    with pytest.raises(ModelError, match="not a Keras model"):
        description(archive(readme_txt="hello"))
    with pytest.raises(ModelError, match="PyTorch file") as error:
        refuse_other(archive(data_pkl="x"))
    assert "pytorch.md" in error.value.next_step
    with pytest.raises(ModelError, match="corrupt"):
        description(archive(config_json="{"))
    with pytest.raises(ModelError, match="corrupt"):
        description(archive(config_json="{}", zeros=bytes(300 << 20)))


def test_every_truncation_of_an_archive_is_refused():
    content = archive(config_json=json.dumps(sequential(layer("Dense"))))
    for length in range(2, len(content)):
        with pytest.raises(ModelError):
            description(content[:length])


def test_files_are_told_apart_by_their_content(tmp_path):
    assert kind_of(archive(a="b")) == "keras" and kind_of(b"\x89HDF\r\n\x1a\n") == "keras"
    assert kind_of(b"\x08\x0a") == "onnx" and kind_of(b"1234TFL3") == "tflite"
    (tmp_path / "note.onnx").write_text("not a model")
    with pytest.raises(ModelError, match="note.onnx: This is no model that edgetune reads"):
        load_model(tmp_path / "note.onnx")
    with pytest.raises(ModelError, match="is a folder"):
        load_model(tmp_path)
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(tmp_path / "absent.keras")


def test_a_missing_extra_is_named_with_the_command_that_installs_it():
    with pytest.raises(ToolchainError, match="ONNX files cannot be read") as error:
        need("no_such_package", "onnx", "ONNX files")
    assert error.value.next_step == install_command("onnx")


def test_layers_that_do_nothing_at_inference_pass():
    names = ("RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast",
             "GaussianNoise", "GaussianDropout", "SpatialDropout2D", "RandomHue", "CutMix")
    check_layers(sequential(*map(layer, names), layer("Normalization"), layer("Rescaling")))
    check_layers(sequential(layer("AlphaDropout", module="keras._legacy.layers")))


def test_operations_of_keras_pass_and_other_functions_of_its_modules_do_not():
    check_layers(sequential(layer("Add", module="keras.src.ops.numpy"),
                            layer("Relu", module="keras.src.ops.nn")))
    for kind, module in (("Relu", "keras.src.ops.numpy"), ("Map", "keras.src.ops.core")):
        with pytest.raises(ModelError, match="cannot convert 1 part"):
            check_layers(sequential(layer(kind, module=module)))


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
def test_a_recurrent_layer_passes_where_each_sample_begins_anew(kind):
    for config, known in (({}, True), ({"unroll": True}, True), ({"stateful": True}, False)):
        inner = layer(kind, **config)
        for model in (inner, layer("Bidirectional", layer=inner),
                      layer("Bidirectional", layer=layer(kind), backward_layer=inner)):
            with nullcontext() if known else pytest.raises(ModelError, match="1 part") as error:
                check_layers(sequential(model))
            assert known or "not its streaming form" in error.value.next_step


def test_a_layer_at_every_step_is_judged_by_what_is_inside():
    check_layers(sequential(layer("TimeDistributed", layer=layer("Dense"))))
    with pytest.raises(ModelError, match="cannot convert 1 part"):
        check_layers(sequential(layer("TimeDistributed", layer=layer("Lambda"))))


OLD = {"class_name": "Model", "config": {
    "name": "net", "layers": [
        {"class_name": "DepthwiseConv2D", "name": "a/b", "config": {"name": "a/b", "groups": 1}},
        {"class_name": "Conv2D", "name": "c", "config": {"name": "c", "groups": 2},
         "inbound_nodes": [[["a/b", 0, 0, {}]]]},
    ], "output_layers": [["c", 0, 0]],
}}


def test_what_keras_2_wrote_and_keras_3_rejects_is_rewritten():
    first, second = modern(OLD)["config"]["layers"]
    assert first == {"class_name": "DepthwiseConv2D", "name": "a_b", "config": {"name": "a_b"}}
    assert second["inbound_nodes"] == [[["a_b", 0, 0, {}]]] and second["config"]["groups"] == 2
    assert modern(modern(OLD)) == modern(OLD)


def test_number_types_of_initialisers_are_left_out():
    zeros = {"class_name": "Zeros", "config": {"dtype": "float32", "seed": 1}}
    old = {"class_name": "Dense", "config": {"dtype": "float32", "bias_initializer": zeros}}
    new = modern(old)["config"]
    assert new["dtype"] == "float32" and new["bias_initializer"]["config"] == {"seed": 1}


def test_a_first_layer_that_states_the_input_gets_an_input_layer():
    def old(*layers):
        return {"class_name": "Sequential", "config": {"layers": list(layers)}}

    dense = {"class_name": "Dense", "config": {"name": "d", "batch_input_shape": [None, 3]}}
    source, layer = modern(old(dense))["config"]["layers"]
    assert source["class_name"] == "InputLayer"
    assert source["config"]["batch_shape"] == [None, 3] and layer["config"] == {"name": "d"}
    assert modern(old(source, layer)) == old(source, layer)


@pytest.mark.parametrize("calls, found", [([1], [0]), ([1, 2], [0, 1]), ([0], [0])])
def test_calls_of_a_nested_sequential_model_are_counted_from_zero(calls, found):
    """Keras 2 counted the model itself as its first."""
    def graph(kind):
        inner = {"class_name": kind, "name": "s", "config": {"layers": []},
                 "inbound_nodes": [[["x", 0, 0, {}]]] * len(calls)}
        add = {"class_name": "Add", "name": "a", "config": {"name": "a"},
               "inbound_nodes": [[["s", call, 0, {}] for call in calls]]}
        return {"class_name": "Functional", "config": {
            "layers": [inner, add], "input_layers": [["x", 0, 0]], "output_layers": [["a", 0, 0]],
        }}

    new = modern(graph("Sequential"))["config"]
    assert [at[1] for at in new["layers"][1]["inbound_nodes"][0]] == found
    assert (new["input_layers"], new["output_layers"]) == (["x", 0, 0], ["a", 0, 0])
    same = modern(graph("Functional"))["config"]  # of which Keras 3 knows it
    assert [at[1] for at in same["layers"][1]["inbound_nodes"][0]] == calls


@pytest.mark.parametrize("version, old", [("2.15.0", True), ("3.2.0", False)])
def test_an_archive_of_keras_2_is_rewritten_and_one_of_keras_3_is_not(version, old):
    model = {"module": "keras.src.engine.functional", "class_name": "Functional",
             "config": {"layers": [{"class_name": "InputLayer", "module": "keras.layers",
                                    "config": {"batch_input_shape": [None, 3]}},
                                   layer("BatchNormalization", axis=[3])]}}
    content = archive(config_json=json.dumps(model),
                      metadata_json=json.dumps({"keras_version": version}))
    assert (modern_file(content) != content) == old
    if old:
        new = description(modern_file(content))
        assert new["module"] == "keras.src.models.functional"
        source, scaled = new["config"]["layers"]
        assert source["config"] == {"batch_shape": [None, 3]} and scaled["config"]["axis"] == 3


# ---- with TensorFlow


@pytest.fixture(scope="module")
def tf():
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    return pytest.importorskip(
        "tensorflow", reason="TensorFlow is not installed (edgetune[keras])"
    )


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["har", "mnist"])
def test_keras_and_float_tflite_files_of_a_model_agree(tf, name):
    if not (SHARED / f"{name}.keras").is_file():
        pytest.skip(f"../shared/data/{name}.keras is not there")
    theirs, ours = (load_model(SHARED / f"{name}{e}") for e in ("_float.tflite", ".keras"))
    x = np.random.default_rng(0).standard_normal((8, *ours.input.shape[1:])).astype(np.float32)
    expected = FloatEngine(theirs).run(x.reshape(8, *theirs.input.shape[1:]))
    np.testing.assert_allclose(FloatEngine(ours).run(x), expected, rtol=1e-4, atol=1e-5)


def branching(keras):
    k = keras.layers
    image = keras.Input((12, 12, 3))
    x = k.Conv2D(8, 3, padding="same", use_bias=False)(image)
    x = k.ReLU(6.0)(k.BatchNormalization()(x))
    y = k.SeparableConv2D(8, 3, padding="same", activation="relu")(k.DepthwiseConv2D(3)(x))
    x = k.Concatenate()([k.Add()([k.Cropping2D(1)(x), y]), y])
    x = k.MaxPooling2D(2)(k.LeakyReLU()(k.ZeroPadding2D(1)(x)))
    inner = keras.Sequential([keras.Input((6, 6, 16)), k.Conv2D(4, 3), k.Activation("tanh")])
    x = k.GlobalAveragePooling2D()(k.AveragePooling2D(2)(inner(x)))
    return keras.Model(image, k.Softmax()(k.Dense(5)(k.Dropout(0.5)(x))))


def one_dimensional(keras):
    k = keras.layers
    return keras.Sequential([
        keras.Input((40, 6)), k.Conv1D(8, 5, strides=2, padding="same", activation="relu"),
        k.Conv1D(8, 3, dilation_rate=2), k.BatchNormalization(), k.MaxPooling1D(2),
        k.SeparableConv1D(4, 3), k.Flatten(), k.Dense(3),
    ])


def habits(keras):
    """Layers that do nothing at inference, and one at every step."""
    k = keras.layers
    return keras.Sequential([
        keras.Input((8, 3)), k.GaussianNoise(0.1), k.Normalization(mean=0.5, variance=2.0),
        k.TimeDistributed(k.Dense(4, "relu")), k.Dense(5), k.SpatialDropout1D(0.1),
        k.Conv1D(4, 3, padding="causal", dilation_rate=2), k.Flatten(), k.Dense(3),
    ])


@pytest.mark.thorough
@pytest.mark.parametrize("make", [branching, one_dimensional, habits])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_saved_models_compute_the_same(tf, tmp_path, make, suffix):
    tf.keras.utils.set_random_seed(1)
    model = make(tf.keras)
    model.save(tmp_path / f"m{suffix}")
    graph = load_model(tmp_path / f"m{suffix}")
    x = np.random.default_rng(0).standard_normal((4, *graph.input.shape[1:])).astype(np.float32)
    expected = model(x, training=False).numpy()
    np.testing.assert_allclose(FloatEngine(graph).run(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.thorough
@pytest.mark.parametrize("by_name", [False, True], ids=["list", "by name"])
def test_a_model_of_several_inputs(tf, tmp_path, by_name):
    keras, k = tf.keras, tf.keras.layers
    keras.utils.set_random_seed(1)
    shapes = {"vector": (5,), "image": (8, 8, 2)}
    inputs = {name: keras.Input(shape, name=name) for name, shape in shapes.items()}
    x = k.GlobalAveragePooling2D()(k.Conv2D(4, 3, activation="relu")(inputs["image"]))
    x = k.Concatenate()([x, k.Dense(6, activation="relu")(inputs["vector"])])
    model = keras.Model(inputs if by_name else list(inputs.values()), k.Dense(3)(x))
    model.save(tmp_path / "m.keras")
    graph = load_model(tmp_path / "m.keras")
    assert sorted(graph.input_names) == ["image", "vector"]
    random = np.random.default_rng(0)
    given = {n: random.standard_normal((4, *i.shape[1:])).astype("f4") for n, i in inputs.items()}
    given["vector"][:] = 0.5
    expected = model(given if by_name else list(given.values()), training=False).numpy()
    x = np.concatenate([given[name].reshape(4, -1) for name in graph.input_names], axis=1)
    np.testing.assert_allclose(FloatEngine(graph).run(x), expected, rtol=1e-4, atol=1e-5)
    alone = load_model(tmp_path / "m.keras", inputs={"vector": 0.5})
    found = FloatEngine(alone).run(given["image"])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.thorough
def test_operators_that_only_the_converter_sees_are_named_at_once(tf, tmp_path):
    k = tf.keras.layers
    model = tf.keras.Sequential([
        tf.keras.Input((8,)), k.Dense(3, "gelu", name="odd"), k.Dense(3, "elu", name="odder"),
    ])
    model.save(tmp_path / "m.keras")
    with pytest.raises(ModelError, match="2 parts") as error:
        load_model(tmp_path / "m.keras")
    assert "GELU" in error.value.cause and "ELU" in error.value.cause


@pytest.mark.thorough
@pytest.mark.parametrize("named", [False, True])
def test_one_of_several_outputs_is_chosen_by_its_layers_name(tf, tmp_path, named):
    """Outputs in a list are called after their layers, others by their keys."""
    k = tf.keras.layers
    x = tf.keras.Input((6, 6, 2))
    trunk = k.Flatten()(k.Conv2D(4, 3)(x))
    ends = {"zebra": k.Dense(3, "softmax", name="zebra")(trunk),
            "ape": k.Dense(1, "sigmoid", name="ape")(trunk)}
    model = tf.keras.Model(x, ends if named else list(ends.values()))
    model.save(tmp_path / "m.keras")
    samples = np.random.default_rng(0).standard_normal((3, 6, 6, 2)).astype(np.float32)
    expected = model(samples, training=False)
    expected = expected if named else dict(zip(ends, expected))
    with pytest.raises(SeveralOutputs, match="m.keras: The model has 2 outputs"):
        load_model(tmp_path / "m.keras")
    for name, other in (("zebra", "ape"), ("ape", "zebra")):
        graph = load_model(tmp_path / "m.keras", name)
        assert [left.name for left in graph.other_outputs] == [other]
        np.testing.assert_allclose(
            FloatEngine(graph).run(samples), expected[name].numpy(), rtol=1e-4, atol=1e-5
        )


@pytest.mark.thorough
def test_a_file_of_keras_2_is_read(tf, tmp_path):
    h5py = pytest.importorskip("h5py")
    k = tf.keras.layers
    tf.keras.Sequential([
        tf.keras.Input((6, 6, 2)), k.DepthwiseConv2D(3, name="slash"), k.Flatten(), k.Dense(3),
    ]).save(tmp_path / "m.h5")
    expected = load_model(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        model = file.attrs["model_config"].replace('"slash"', '"a/slash"')
        file.attrs["model_config"] = model.replace(
            '"depth_multiplier"', '"groups": 1, "depth_multiplier"'
        )
    x = np.ones((1, 6, 6, 2), np.float32)
    outputs = [FloatEngine(graph).run(x) for graph in (expected, load_model(tmp_path / "m.h5"))]
    np.testing.assert_array_equal(*outputs)


@pytest.mark.thorough
def test_an_archive_that_keras_2_wrote_under_windows_is_read(tf, tmp_path):
    h5py = pytest.importorskip("h5py")
    image = tf.keras.Input((6, 6, 2))
    tf.keras.Model(image, tf.keras.layers.Conv2D(4, 3)(image)).save(tmp_path / "m.keras")
    expected = load_model(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as file:
        members = {name: file.read(name) for name in file.namelist()}
    text = members["config.json"].decode().replace('"batch_shape"', '"batch_input_shape"')
    text = text.replace("keras.src.models.functional", "keras.src.engine.functional")
    weights = io.BytesIO(members["model.weights.h5"])
    with h5py.File(weights, "r+") as file:
        for name in list(file["layers"]):
            file.move(f"layers/{name}", f"layers\\{name}")
        del file["layers"]
    members |= {"config.json": text, "model.weights.h5": weights.getvalue(),
                "metadata.json": json.dumps({"keras_version": "2.15.0"})}
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as file:
        for name, member in members.items():
            file.writestr(name, member)
    x = np.ones((1, 6, 6, 2), np.float32)
    outputs = [FloatEngine(graph).run(x) for graph in (expected, load_model(tmp_path / "m.keras"))]
    np.testing.assert_array_equal(*outputs)


@pytest.mark.thorough
def test_models_in_models_of_keras_2_are_read(tf, tmp_path):
    """A model in a Sequential one in a model."""
    h5py = pytest.importorskip("h5py")
    k = tf.keras.layers
    image, source = tf.keras.Input((6, 6, 2)), tf.keras.Input((6, 6, 2))
    inner = tf.keras.Model(source, k.ReLU()(k.Conv2D(4, 3)(source)))
    middle = tf.keras.Sequential(
        [tf.keras.Input((6, 6, 2)), inner, k.GlobalAveragePooling2D()], name="middle",
    )
    tf.keras.Model(image, k.Dense(3)(middle(image))).save(tmp_path / "m.h5")
    expected = load_model(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        model = json.loads(file.attrs["model_config"])
        _, nested, dense = model["config"]["layers"]
        dense["inbound_nodes"] = [[["middle", 1, 0, {}]]]
        ends = nested["config"]["layers"][1]["config"]
        ends.update({key: [ends[key]] for key in ("input_layers", "output_layers")})
        file.attrs["model_config"] = json.dumps(model)
    x = np.ones((1, 6, 6, 2), np.float32)
    outputs = [FloatEngine(graph).run(x) for graph in (expected, load_model(tmp_path / "m.h5"))]
    np.testing.assert_array_equal(*outputs)


@pytest.mark.thorough
def test_a_file_that_keras_cannot_load_is_refused(tf, tmp_path):
    dense = layer("Dense", units=3)
    (tmp_path / "m.keras").write_bytes(archive(
        config_json=json.dumps(sequential(dense)), metadata_json="{}",
    ))
    with pytest.raises(ModelError, match="m.keras: Keras cannot load this model"):
        load_model(tmp_path / "m.keras")


def test_outputs_of_a_sequential_model_are_named_by_the_functional_one_inside():
    functional = SimpleNamespace(output_names=["scores"])
    for model in (functional, SimpleNamespace(_functional=functional)):
        assert _output_names(model) == ["scores"]
    assert _output_names(SimpleNamespace()) == []
