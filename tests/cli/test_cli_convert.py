"""``edgetune convert``, and the other verbs on float models."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from cli_runner import BOARD, DATA, DIGITS, MODEL, ON_HOST, edgetune, refused, succeed
from float_builder import FloatBuilder
from model_ends import with_ends
from shared_data import SHARED

import edgetune as api
from edgetune.data import Preprocessing, preprocessing_note, stored_preprocessing
from edgetune.model.encode import encode
from edgetune.model.read import read_tflite
from edgetune.model.runtime import Runtime
from edgetune.quantize import Options, Report
from edgetune.session.conversion import convert_by
from edgetune.session.report_page import report_page

FLOAT_DIGITS = str(DIGITS / "digits_float.tflite")
SCALE = 1 / 4


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EDGETUNE_CMSIS_NN", raising=False)
    return tmp_path


@pytest.fixture
def tiny(folder):
    """A float model of three classes, and uint8 data that stands for real = raw / 4 - 2."""
    build = FloatBuilder((1, 6, 6, 2), seed=3)
    x = build.conv(build.input, 4, 3, stride=2, fused="RELU")
    graph = build.graph(build.dense(x, 3))
    (folder / "tiny.tflite").write_bytes(encode(graph))
    x = np.clip(build.samples(60) * 4 + 8, 0, 16).astype(np.uint8)
    y = np.arange(60) % 3
    np.savez(folder / "d.npz", tune_x=x[:40], tune_y=y[:40], test_x=x[40:], test_y=y[40:])
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    return folder


DECLARED = ("--scale", SCALE, "--mean", 8)
CONVERT = ("convert", "tiny.tflite", "-o", "out.tflite")


# -- what comes out ---------------------------------------------------------------------------


def test_report_and_file(tiny):
    result = succeed(*CONVERT, "--data", "d.npz", *DECLARED)
    report = result["report"]
    assert result.keys() == {"model", "output", "bytes", "sha256", "report"}
    keys = {"converted", "samples", "options", "layers", "accuracy", "agreement", "warnings",
            "left_out", "decoding"}
    assert report.keys() == keys
    assert report["converted"] and report["samples"] == 40
    assert [row["kind"] for row in report["layers"]] == ["INPUT", "CONV_2D", "FULLY_CONNECTED"]
    assert all(row["sqnr_db"] > 15 and 0 <= row["clipped"] < 0.01 for row in report["layers"])
    assert report["accuracy"]["samples"] == 20 and report["accuracy"]["agreement"] >= 0.9
    graph = read_tflite(tiny / "out.tflite")
    assert graph.sha256 == result["sha256"] and len(graph.content) == result["bytes"]


def test_text(tiny):
    outcome = edgetune(*CONVERT, "--data", "d.npz", *DECLARED)
    assert outcome.code == 0
    for words in ("SQNR dB", "clipped %", "FULLY_CONNECTED", "% in float", "out.tflite"):
        assert words in outcome.stdout


def test_labels_are_not_needed(tiny):
    assert succeed(*CONVERT, "--data", "x.npy", *DECLARED)["report"]["accuracy"] is None
    labelled = ("--test-data", "x.npy", "--test-labels", "y.npy")
    report = succeed(*CONVERT, "--data", "x.npy", *labelled, *DECLARED)["report"]
    assert report["accuracy"]["samples"] == 60


def test_choices_reach_the_report(tiny):
    choices = ("--range", "mse", "--samples", "10", "--no-bias-correction", "--equalise")
    report = succeed(*CONVERT, "--data", "d.npz", *DECLARED, *choices)["report"]
    assert report["samples"] == 10
    assert report["options"] == Options("mse", 99.99, 10, False, True).as_dict()
    assert any("Only 10 calibration samples" in warning for warning in report["warnings"])


def test_settings_serve_convert(tiny):
    (tiny / "edgetune.toml").write_text(f"data = 'd.npz'\nscale = {SCALE}\nmean = 8\nsamples = 4")
    assert succeed(*CONVERT)["report"]["samples"] == 40  # samples are those to tune on


def test_int8_passes_through_untouched(folder):
    result = succeed("convert", MODEL, "-o", "same.tflite")
    assert (folder / "same.tflite").read_bytes() == Path(MODEL).read_bytes()
    assert not result["report"]["converted"] and result["report"]["layers"] == []
    assert "int8 already" in edgetune("convert", MODEL, "-o", "same.tflite").stdout


def test_float_ends_of_an_int8_model_are_left_out(folder):
    (folder / "ends.tflite").write_bytes(with_ends("float32"))
    outcome = edgetune("convert", "ends.tflite", "-o", "out.tflite")
    assert outcome.code == 0 and "without its float" in outcome.stdout
    graph = read_tflite("out.tflite")
    assert graph.file_inputs == graph.inputs and graph.input.dtype == "int8"


def test_warnings_are_in_the_report(tiny):
    np.save("wide.npy", np.load("x.npy")[:5])
    report = succeed(*CONVERT, "--data", "wide.npy", *DECLARED)["report"]
    assert len(report["warnings"]) == 1 and "Only 5" in report["warnings"][0]


# -- the page ---------------------------------------------------------------------------------


class Page(HTMLParser):
    """Counts tags, and checks that each is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.count, self.links = [], {}, []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.count[tag] = self.count.get(tag, 0) + 1
        self.links += [v for k, v in attributes if k in ("src", "href")]
        if tag not in ("link", "meta", "rect", "line"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.count[tag] = self.count.get(tag, 0) + 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_page(tiny):
    report = succeed(*CONVERT, "--data", "d.npz", *DECLARED, "--report", "page.html")["report"]
    text = (tiny / "page.html").read_text()
    page = Page(text)
    assert page.count["svg"] == 2 and page.links == ["data:,"]  # the icon, of nothing
    assert "http:" not in text and "https:" not in text and "default-src 'none'" in text
    assert page.count["tr"] == 2 * (1 + len(report["layers"]))  # the first picture is a table too
    assert page.count["rect"] == 2 * len(report["layers"])
    for row in report["layers"]:
        assert row["kind"] in text and f"{row['sqnr_db']:.1f}" in text
    assert f"{100 * report['accuracy']['int8_accuracy']:.2f} % in int8" in text


def test_page_of_hostile_names():
    page = Page(report_page("<script>", Report(True, 3, {}, [], None, ["<b>"])))
    assert "script" not in page.count and "b" not in page.count
    assert "int8 already" in report_page("m", Report(False))


# -- preprocessing is kept --------------------------------------------------------------------


@pytest.mark.thorough
def test_preprocessing_is_kept_with_the_model(tiny):
    succeed(*CONVERT, "--data", "d.npz", *DECLARED)
    graph = read_tflite(tiny / "out.tflite")
    assert stored_preprocessing(graph) == Preprocessing(scale=SCALE, offset=-2.0)
    record = _tune("out.tflite", "d.npz")  # --scale is not said again
    assert record["data"]["preprocessing"]["scale"] == SCALE
    tuned = read_tflite(tiny / "run" / "tuned.tflite")
    assert tuned.metadata == graph.metadata and tuned.content != graph.content


def test_a_note_changes_nothing_that_runs(tiny):
    pytest.importorskip("tflite_runtime", reason="tflite-runtime is not installed")
    graph = api.read_tflite(MODEL)
    noted = encode(_with_note(graph, preprocessing_note(Preprocessing(scale=0.5))))
    x = np.random.default_rng(0).integers(-128, 128, (5, *graph.input.shape[1:])).astype(np.int8)
    ours, theirs = Runtime.of(noted).run(x), Runtime.of(graph.content).run(x)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("note", [
    b"", b"{", b"[]", b"null", b'{"scale": "x"}', b'{"scale": 0}', b'{"colour": 1}',
    b'{"order": "cwh"}', b'{"frame": [1]}', b"[" * 9999, b'{"scale": NaN}', b"\xff",
])  # fmt: skip
def test_malformed_notes_are_named(note):
    graph = _with_note(read_tflite(MODEL), {"edgetune.preprocessing": note})
    with pytest.raises(api.ModelError, match="corrupt"):
        stored_preprocessing(graph)


def _with_note(graph, metadata):
    graph.metadata = metadata
    return graph


# -- what is refused --------------------------------------------------------------------------


def _unsupported(folder):
    build = FloatBuilder((1, 6, 6, 2))
    x = build.conv(build.input, 4, 3, fused="SIGN_BIT")
    x = build.conv(x, 4, 3, fused="SIGN_BIT")
    (folder / "odd.tflite").write_bytes(encode(build.graph(build.dense(x, 3))))


@pytest.mark.parametrize("verb", ["convert", "inspect", "tune"])
def test_all_that_is_unsupported_is_named_and_nothing_written(tiny, verb):
    _unsupported(tiny)
    before = sorted(tiny.rglob("*"))
    rest = {
        "convert": ("-o", "out.tflite", "--data", "d.npz", *DECLARED, "--report", "r.html"),
        "inspect": (), "tune": (*ON_HOST, "--data", "d.npz", *DECLARED),
    }[verb]
    error = refused(verb, "odd.tflite", *rest)
    assert error["exit_code"] == 8 and "2 times CONV_2D" in error["cause"]
    assert "odd.tflite" in error["message"]
    assert sorted(tiny.rglob("*")) == before


REFUSED = [
    ((), 2, "samples are needed"),
    (("--data", "none.npz"), 8, "none.npz"),
    (("--data", "x.npy"), 8, "need a declaration"),
    (("--data", "x.npy", *DECLARED, "--order", "chw"), 8, "samples of shape"),
    (("--data", "x.npy", *DECLARED, "--percentile", "40"), 2, "percentile"),
    (("--data", "x.npy", *DECLARED, "--samples", "0"), 2, "No calibration samples"),
    (("--data", "x.npy", *DECLARED, "--range", "best"), 2, "best"),
    (("--data", "x.npy", *DECLARED, "--test-data", "x.npy"), 2, "label"),
    (("--data", "nan.npy"), 8, "NaN"),
    (("--data", "d.npz", *DECLARED, "--report", "no/page.html"), 2, "page.html"),
    (("--data", "d.npz", *DECLARED, "-o", "no/out.tflite"), 2, "out.tflite"),
    (("--data", "d.npz", *DECLARED, "-o", "tiny.tflite"), 2, "the model itself"),
]


@pytest.mark.parametrize(("args", "code", "words"), REFUSED, ids=[words for *_, words in REFUSED])
def test_refused_and_nothing_written(tiny, args, code, words):
    np.save(tiny / "nan.npy", np.full((4, 6, 6, 2), np.nan, np.float32))
    before = {path: path.read_bytes() for path in tiny.rglob("*")}
    error = refused(*CONVERT, *args)
    assert error["exit_code"] == code and words in error["message"]
    assert {path: path.read_bytes() for path in tiny.rglob("*")} == before


@pytest.mark.parametrize("verb", ["plan", "build", "run"])
def test_verbs_without_data_name_the_command(tiny, verb):
    error = refused(verb, "tiny.tflite", *ON_HOST)
    assert error["exit_code"] == 8 and "edgetune convert" in error["next_step"]
    assert not (tiny / "build").exists()


def test_a_keras_or_onnx_file_is_named_as_such(folder):
    (folder / "m.keras").write_bytes(b"PK\x03\x04")
    error = refused("plan", "m.keras", "--board", BOARD)
    assert "Keras" in error["message"] and "edgetune convert" in error["next_step"]


@pytest.mark.thorough
def test_inspect_a_float_model(tiny):
    result = succeed("inspect", "tiny.tflite")
    assert not result["int8"] and result["input"]["scale"] is None
    assert [o["kind"] for o in result["operators"]] == ["CONV_2D", "FULLY_CONNECTED"]
    assert result["file_bytes"] == (tiny / "tiny.tflite").stat().st_size
    assert [o["name"] for o in result["operators"]] == ["conv_2d_0", "fully_connected_1"]
    assert all(o["trainable"] for o in result["operators"]) and result["loss"]
    assert all(o["output_scale"] is None for o in result["operators"])
    assert min(c["ram_bytes"] for c in result["cores"].values()) > 0
    assert "edgetune convert tiny.tflite" in edgetune("inspect", "tiny.tflite").stdout


# -- from a float model to a device that learns -----------------------------------------------


def _tune(model, data, *more) -> dict:
    succeed("tune", model, *ON_HOST, "--data", data, "--samples", "20", "--passes", "1",
            "--out", "run", *more)
    return json.loads(Path("run/run.json").read_text())


@pytest.mark.thorough
def test_tune_from_a_float_model(tiny):
    record = _tune("tiny.tflite", "d.npz", *DECLARED)
    assert record["result"]["verified"]
    assert record["result"]["file_agrees"] in (None, 20)
    assert record["conversion"]["samples"] == 40
    assert record["data"]["preprocessing"]["offset"] == -2.0
    converted = read_tflite("run/converted.tflite")
    assert record["model"] == {"file": "tiny.tflite", "sha256": converted.sha256}
    succeed(*CONVERT, "--data", "d.npz", *DECLARED)
    assert converted.content == Path("out.tflite").read_bytes()


def test_data_that_is_streamed_gives_the_same_file(tiny):
    graph = api.load_model("tiny.tflite")
    loaded, streamed = (
        api.load_data("d.npz", graph.input, scale=SCALE, mean=8, memory=memory)
        for memory in (1 << 20, 1)
    )
    assert isinstance(loaded.tune_x, np.ndarray) and not isinstance(streamed.tune_x, np.ndarray)
    assert convert_by(graph, loaded).content == convert_by(graph, streamed).content


@pytest.mark.thorough
def test_eval_and_verify_from_a_float_model(tiny):
    data = ("--data", "d.npz", *DECLARED)
    assert succeed("eval", "tiny.tflite", *ON_HOST, *data)["count"] == 20
    assert succeed("verify", "tiny.tflite", *ON_HOST, *data, "--steps", "5")["steps"] == 5


@pytest.mark.thorough
def test_the_demo_from_its_float_model(folder):
    """The same task as with TensorFlow's int8 file, by one command."""
    outcome = edgetune("tune", FLOAT_DIGITS, *ON_HOST, "--data", DATA, "--out", "run",
                       "--min-accuracy", "0.9")
    assert outcome.code == 0, outcome.stderr
    shares = re.search(r"([\d.]+) % in float, ([\d.]+) % in int8", outcome.stdout)
    assert abs(float(shares[1]) - float(shares[2])) <= 1


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("model", "data", "declared"),
    [("har_float", "har.npz", ()), ("mnist_float", "mnist_rot40.npz", ("--scale", 1 / 255))],
)
def test_real_models(folder, model, data, declared):
    if not (SHARED / f"{model}.tflite").is_file():
        pytest.skip(f"../shared/data/{model}.tflite is not there")
    report = succeed(
        "convert", SHARED / f"{model}.tflite", "-o", "out.tflite", "--data", SHARED / data,
        "--part", "source", "--test-part", "source_test", *declared,
    )["report"]
    accuracy = report["accuracy"]
    assert accuracy["int8_accuracy"] >= accuracy["float_accuracy"] - 0.005
    assert accuracy["agreement"] >= 0.985


def test_python_api(tiny):
    x = np.load("x.npy") * np.float32(SCALE) - 2
    assert api.load_model("tiny.tflite").input.shape == (1, 6, 6, 2)
    conversion = api.convert("tiny.tflite", x)
    assert api.read_tflite(conversion.content).input.dtype == "int8"
