"""Every way to go wrong: an exit code, a message, a cause, a next step, and nothing left behind."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import serial
from cli_runner import BOARD, DATA, DIGITS, MODEL, ON_HOST, edgetune, refused, succeed
from thinned import thinned, thinned_rows
from tiny_tflite import ModelBuilder

from edgetune.resources import resource_path
from edgetune.session.interpreter import Judgement


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty current folder, which an error must leave as it was."""
    monkeypatch.chdir(tmp_path)
    for name in ("EDGETUNE_TOOLCHAIN", "EDGETUNE_CMSIS_NN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def nothing_written(folder):
    before = sorted(folder.rglob("*"))
    yield
    assert sorted(folder.rglob("*")) == before


# -- usage: 2 ---------------------------------------------------------------------------------

USAGE = [
    (("nonsense",), "nonsense"),
    (("plan",), "MODEL"),
    (("plan", MODEL), "--board"),
    (("plan", MODEL, "--board", BOARD, "--draw", "lots"), "lots"),
    (("plan", MODEL, "--board", BOARD, "--rate", "-1"), "rate"),
    (("plan", MODEL, "--board", BOARD, "--layers", "conv_9"), "conv_9"),
    (("plan", MODEL, "--board", "stm32f4-discvery"), "stm32f4-discvery"),
    (("boards", "show", "nothing-like-it"), "nothing-like-it"),
    (("packs", "install", DATA), "neither a .pack"),
    (("run", MODEL, "--board", BOARD, "--device", "toaster"), "toaster"),
    (("tune", MODEL, *ON_HOST), "--data"),
    (("tune", MODEL, *ON_HOST, "--data", DATA, "--split", "0.5"), "tuning and a test set"),
    (("tune", MODEL, *ON_HOST, "--data", DATA, "--scale", "0"), "scale"),
    (("monitor", *ON_HOST), "needs a model"),
    (("ci", "init", "--board", BOARD, f"--board={BOARD}"), "takes one board"),
]


@pytest.mark.parametrize(
    ("args", "words"), thinned_rows(USAGE, 3), ids=[words for _, words in USAGE]
)
def test_usage(args, words, nothing_written):
    error = refused(*args)
    assert error["exit_code"] == 2 and words in error["message"]


@pytest.mark.parametrize("group", [(), ("boards",), ("packs",)])
def test_without_a_verb_the_help_is_shown(group):
    done = edgetune(*group)
    assert done.code == 2 and not done.stdout
    assert done.stderr.startswith("Usage: ") and "Error" not in done.stderr


def test_unknown_board_names_a_near_one():
    error = refused("plan", MODEL, "--board", "stm32f4-discvery")
    assert BOARD in error["cause"] and "edgetune boards list" in error["next_step"]


def test_unknown_layer_lists_the_layers():
    assert "fully_connected_5" in refused(
        "plan", MODEL, "--board", BOARD, "--layers", "conv_9"
    )["cause"]


def test_unwritable_folder(folder):
    (folder / "taken").write_text("a file, not a folder")
    error = refused("build", MODEL, "--board", BOARD, "--out", "taken")
    assert error["exit_code"] == 2 and "taken" in error["message"]


def test_a_full_disk_is_named_by_what_was_written(monkeypatch):
    def full(*args, **options):
        raise OSError(errno.ENOSPC, "No space left on device", "source.c", None, "target.c")

    monkeypatch.setattr(shutil, "copyfile", full)
    error = refused("build", MODEL, "--board", BOARD)
    assert error["exit_code"] == 2 and "target.c" in error["message"]


# -- settings: 2 ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("bord = 'x'", "unknown keys: bord"),
        ("board = ", "cannot be read"),
        ("[board]\nname = 'x'", "board is neither"),
    ],
)
def test_settings(folder, text, words):
    (folder / "edgetune.toml").write_text(text)
    error = refused("plan", MODEL)
    assert error["exit_code"] == 2 and words in error["message"]


# -- too large: 5 ----------------------------------------------------------------------------


@pytest.mark.parametrize("verb", thinned(["plan", "tune", "inspect"], 3))
def test_does_not_fit(folder, verb):
    """On a board like the Discovery with 11 KB of RAM; the layers that it names do fit."""
    text = (resource_path("boards") / BOARD / "board.toml").read_text()
    assert text.count("length = 0x20000\n") == 1
    (folder / "small").mkdir()
    (folder / "small" / "board.toml").write_text(
        text.replace("length = 0x20000\n", "length = 0x2C00\n")
    )
    data = ("--data", DATA) if verb == "tune" else ()
    error = refused(verb, MODEL, "--board", "small", *data)
    assert error["exit_code"] == 5 and "RAM" in error["message"]
    assert "fully_connected_5" in error["cause"] and "--layers" in error["next_step"]
    assert not (folder / "runs").exists()
    assert error["next_step"].startswith("For edgetune plan") == (verb == "inspect")
    layers = error["next_step"].split("--layers ")[1].split()[0]
    assert succeed("plan", MODEL, "--board", "small", "--layers", layers)["ram_available"] == 0x2C00


# -- models and data: 8 -----------------------------------------------------------------------


def test_missing_model(nothing_written):
    error = refused("plan", "nowhere.tflite", "--board", BOARD)
    assert error["exit_code"] == 8 and "nowhere.tflite" in error["message"]


def test_truncated_model(folder):
    (folder / "cut.tflite").write_bytes((DIGITS / "digits_int8.tflite").read_bytes()[:3000])
    assert refused("inspect", "cut.tflite")["exit_code"] == 8


def test_float_model_is_named_as_such(nothing_written):
    error = refused("plan", DIGITS / "digits_float.tflite", "--board", BOARD)
    assert error["exit_code"] == 8 and "float model" in error["message"]
    assert "edgetune convert" in error["next_step"]


def test_all_unsupported_operators_are_listed(folder):
    model = ModelBuilder((1, 8, 8, 3), seed=1)
    model.conv(4, 3, activation="RELU_N1_TO_1").conv(4, 3, activation="RELU_N1_TO_1")
    (folder / "odd.tflite").write_bytes(model.mean().dense(4).build())
    error = refused("inspect", "odd.tflite")
    assert error["exit_code"] == 8 and "2 times CONV_2D" in error["cause"]


def _save(path, **changes):
    x, y = np.zeros((20, 8, 8, 1), np.uint8), np.arange(20) % 10
    np.savez(path, **({"tune_x": x, "tune_y": y, "test_x": x, "test_y": y} | changes))


BAD_DATA = [
    ({"tune_x": np.zeros((20, 9, 9, 1), np.uint8)}, "(9, 9, 1)"),
    ({"tune_x": np.zeros((20, 8, 8, 1), np.int64)}, "int64"),
    ({"tune_y": np.arange(20)}, "labels from 0 to 19"),
    ({"tune_y": np.arange(19) % 10}, "19 labels"),
    (dict.fromkeys(("tune_x", "test_x"), np.full((20, 8, 8, 1), np.nan, np.float32)), "NaN"),
]


@pytest.mark.parametrize("bad", thinned(BAD_DATA, 3), ids=lambda bad: bad[1])
def test_bad_data(folder, bad):
    changes, words = bad
    _save(folder / "bad.npz", **changes)
    error = refused("tune", MODEL, *ON_HOST, "--data", "bad.npz")
    assert error["exit_code"] == 8 and words in error["message"]
    assert not (folder / "runs").exists()


def test_missing_and_damaged_data(folder):
    assert refused("tune", MODEL, *ON_HOST, "--data", "none.npz")["exit_code"] == 8
    (folder / "text.npz").write_text("not an archive")
    assert refused("eval", MODEL, *ON_HOST, "--data", "text.npz")["exit_code"] == 8


# -- tools: 9 ---------------------------------------------------------------------------------


@pytest.fixture
def tools(folder, monkeypatch):
    """Gives PATH only the named programs of this computer."""

    def keep(*names):
        there = folder / "bin"
        there.mkdir()
        for name in names:
            found = shutil.which(name) or pytest.skip(f"{name} is not installed")
            (there / name).symlink_to(found)
        monkeypatch.setenv("PATH", str(there))

    return keep


@pytest.mark.parametrize(
    ("device", "kept", "package"),
    thinned_rows([
        ("qemu", ("make", "qemu-system-arm"), "gcc-arm-none-eabi"),
        ("qemu", ("make", "arm-none-eabi-gcc"), "qemu-system-arm"),
        ("host", ("cc",), "make"),
        ("host", ("make",), "gcc"),
        ("renode", ("make", "arm-none-eabi-gcc"), "renode"),
    ], 3),
)
def test_missing_tool(folder, tools, device, kept, package):
    tools(*kept)
    error = refused("tune", MODEL, "--board", BOARD, "--device", device, "--data", DATA)
    assert error["exit_code"] == 9 and package in error["next_step"]
    assert not (folder / "runs").exists()


def test_doctor_without_tools(tools):
    tools()
    error = refused("doctor")
    assert error["exit_code"] == 9
    for package in ("gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "make", "qemu-system-arm"):
        assert package in error["next_step"]
    assert edgetune("doctor", "--json").json()["result"]["checks"]


def test_folder_without_cmsis_nn(nothing_written):
    error = refused("build", MODEL, "--board", BOARD, "--cmsis-nn", "nowhere")
    assert error["exit_code"] == 9 and "CMSIS-NN" in error["message"]


# -- devices and links: 3, 4 ------------------------------------------------------------------


def test_missing_port(nothing_written):
    args = ("monitor", "--board", BOARD, "--device", "/dev/tty-nowhere")
    error = refused(*args)
    assert error["exit_code"] == 3 and "/dev/tty-nowhere" in error["message"]


def test_emulator_that_lacks_the_board(nothing_written):
    error = refused("run", MODEL, "--board", "mps2-an386", "--device", "renode")
    assert error["exit_code"] == 3 and "qemu" in error["next_step"]


@pytest.fixture
def port():
    """A serial port on which nobody answers."""
    ours, theirs = os.openpty()
    yield os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def test_busy_port(port):
    with serial.Serial(port, exclusive=True):
        error = refused("monitor", "--board", BOARD, "--device", port)
    assert error["exit_code"] == 3 and port in error["next_step"]


@pytest.mark.thorough
def test_silent_device(port):
    outcome = edgetune("monitor", "--board", BOARD, "--device", port, "--json")
    error = outcome.json()["error"]
    assert outcome.code == error["exit_code"] == 4
    assert error["cause"] and error["next_step"]


# -- divergence, gate, defect: 6, 7, 1 --------------------------------------------------------


@pytest.mark.thorough
def test_device_that_differs(monkeypatch):
    """Firmware with one wrong weight is found at the first step, and its layer is named."""
    from edgetune.codegen import project

    def tampered(plan):
        weights = plan.trained[-1].weights
        weights.flat[0] ^= 1
        try:
            return honest(plan)
        finally:
            weights.flat[0] ^= 1

    honest = project.weights_source
    monkeypatch.setattr(project, "weights_source", tampered)
    error = refused("verify", MODEL, *ON_HOST, "--data", DATA, "--steps", "3", "--forward", "0")
    assert error["exit_code"] == 6 and "fully_connected_5" in error["cause"]


@pytest.mark.thorough
def test_accuracy_gate():
    args = ("eval", MODEL, *ON_HOST, "--data", DATA, "--min-accuracy", "1")
    assert refused(*args)["exit_code"] == 7
    assert edgetune(*args, "--json").json()["result"]["count"] == 397


TUNE = ("tune", MODEL, *ON_HOST, "--data", DATA, "--samples", "2", "--passes", "1")


@pytest.mark.thorough
def test_a_tuned_file_that_is_another_network(monkeypatch):
    """All that the run has brought is there beside the error."""
    fault = Judgement(12, "It makes 12 of 397 predictions.")
    monkeypatch.setattr("edgetune.session.tuning.judge", lambda *others, **options: fault)
    error = refused(*TUNE)
    assert error["exit_code"] == 6 and error["cause"] == fault.fault
    for name in ("tuned.tflite", "run.json", "metrics.jsonl"):
        assert Path("runs/0001-digits_int8", name).is_file()
    record = json.loads(Path("runs/0001-digits_int8/run.json").read_text())
    assert record["result"]["file_agrees"] == 12
    assert record["result"]["file_fault"] == fault.fault
    assert "tuned.tflite" in edgetune(*TUNE).stdout


@pytest.mark.thorough
def test_a_tuned_file_that_nothing_judges(folder):
    """A bias that is said to be quantised along an axis which it has not: tflite-runtime refuses
    the file, where it is installed."""
    model = ModelBuilder((1, 6, 6, 2), seed=1).conv(4, 3).mean().dense(3)
    model.tensors[model.operators[0].inputs[2]].axis = 3
    (folder / "axis.tflite").write_bytes(model.build())
    x = model.random_inputs(12)[:, 0]
    np.savez("axis.npz", tune_x=x, tune_y=np.arange(12) % 3, test_x=x, test_y=np.arange(12) % 3)
    outcome = edgetune("tune", "axis.tflite", *ON_HOST, "--data", "axis.npz", "--passes", "1")
    assert outcome.code == 0
    result = json.loads(Path("runs/0001-axis/run.json").read_text())["result"]
    assert result["no_judge"].startswith("tflite-runtime ") and result["file_agrees"] is None
    assert f"No judge of the tuned file is available: {result['no_judge']}." in outcome.stdout


def test_defect(monkeypatch):
    def broken(graph):
        raise RuntimeError("it broke")

    monkeypatch.setattr("edgetune.cli.inspect.describe", broken)
    error = refused("inspect", MODEL)
    assert error["exit_code"] == 1 and "it broke" in error["cause"]
    assert "Traceback" not in edgetune("inspect", MODEL).stderr
    assert "Traceback" in edgetune("inspect", MODEL, "-v").stderr
