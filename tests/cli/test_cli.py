"""What each verb prints, as text and as JSON, on the PC."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_runner import BOARD, DATA, MODEL, ON_HOST, edgetune, succeed
from shared_data import digits, reference_outputs
from tiny_tflite import ModelBuilder

import edgetune as api
from edgetune.cli.main import VERBS
from edgetune.model.read import read_tflite
from edgetune.session.tuning import tune


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EDGETUNE_CMSIS_NN", raising=False)
    return tmp_path


NESTED = {
    "boards": ("list", "show", "add"),
    "ci": ("init",),
    "packs": ("list", "update", "install", "path"),
    "runs": ("list", "show", "compare"),
    "weights": ("pull", "push", "diff"),
}
ALL = [(verb, *rest) for verb in VERBS for rest in ([n] for n in NESTED.get(verb, [None]))]
COMMANDS = [tuple(word for word in words if word) for words in ALL]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_verb_documents_itself(command):
    outcome = edgetune(*command, "--help")
    assert outcome.code == 0
    for option in ("--json", "--quiet", "--verbose"):
        assert option in outcome.stdout


def test_help_lists_verbs_and_exit_codes():
    text = edgetune("--help").stdout
    assert all(verb in text and summary in text for verb, summary in VERBS.items())
    assert "differs from the simulation" in text


def test_version():
    assert api.__version__ in edgetune("--version").stdout


def test_starting_imports_little():
    """Help and `import edgetune` must not load numpy or the model reader."""
    heavy = "[name for name in ('numpy', 'tflite') if name in sys.modules]"
    code = f"import sys, edgetune.cli.main; print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == "[]", done.stderr


def test_boards():
    boards = {board["name"]: board for board in succeed("boards", "list")["boards"]}
    assert boards[BOARD]["ram_bytes"] == 128 * 1024
    assert {board["evidence"] for board in boards.values()} == {"emulated", "built"}
    shown = succeed("boards", "show", BOARD)
    assert shown["claims"] and [m["name"] for m in shown["memory"] if not m["use"]] == ["ccm"]
    assert BOARD in edgetune("boards", "list").stdout


def test_inspect():
    result = succeed("inspect", MODEL)
    assert result["totals"]["weights"] == 5920
    assert [o["name"] for o in result["operators"]][0] == "conv_2d_0"
    assert "fully_connected_5" in edgetune("inspect", MODEL).stdout
    planned = succeed("plan", MODEL, "--board", BOARD)
    cost, passes = planned["cost"], 62 + 2 * 124
    assert planned["guard"] == {
        "ram_bytes": 0, "pass_instructions": cost["forward_instructions"], "steps": 1000,
        "held_out": None, "forward_passes": passes, "share_of_steps": pytest.approx(
            passes * cost["forward_instructions"] / cost["step_instructions"] / 1000, abs=1e-4
        ),
    }
    words = ("plan", MODEL, "--board", BOARD, "--steps", 400, "--held-out", 50)
    said = edgetune(*words).stdout  # before, and after 100, 200, 300 and 400
    assert "Guard: no RAM; in 400 steps up to 250 forward passes by 50 held-out samples" in said
    assert succeed("inspect", MODEL, "--board", BOARD)["plan"]["cost"] == planned["cost"]


def test_plan():
    every = succeed("plan", MODEL, "--board", BOARD)
    last = succeed("plan", MODEL, "--board", BOARD, "--layers", "last")
    assert last["trained"] == ["fully_connected_5"]
    assert last["cost"]["ram_bytes"] < every["cost"]["ram_bytes"] < every["ram_available"]
    assert last["cost"]["step_instructions"] < every["cost"]["step_instructions"]
    named = succeed("plan", MODEL, "--board", BOARD, "--layers", "conv_2d_0,conv_2d_3")
    assert named["trained"] == ["conv_2d_0", "conv_2d_3"]


def test_plan_names_the_gradients_that_are_kept(tmp_path):
    """On every core; of a large dense layer's none is formed."""
    layers = ["conv_2d_0", "depthwise_conv_2d_2", "conv_2d_3"]
    kept = succeed("plan", MODEL, "--board", BOARD)["gradients"]
    assert kept == {"kept_whole": layers, "formed_twice": []}
    said = edgetune("plan", MODEL, "--board", BOARD).stdout
    assert "\nGradients: 3 kept whole in RAM that is free\n" in said
    assert succeed("plan", MODEL, "--board", "nucleo-g071rb")["gradients"] == kept
    dense = tmp_path / "dense.tflite"
    dense.write_bytes(ModelBuilder((1, 30), seed=4).dense(20).dense(10).build())
    other = edgetune("plan", dense, "--board", BOARD).stdout
    assert "Learns" in other and "Gradients" not in other
    wide = tmp_path / "wide.tflite"
    b = ModelBuilder((1, 6, 6, 64), seed=3).conv(64, 3).conv(16, 1)
    wide.write_bytes(b.mean().dense(3).build())
    said = " ".join(edgetune("plan", wide, "--board", "nucleo-f401re").stdout.split())
    assert "1 kept whole in RAM that is free; for want of RAM formed twice: conv_2d_0" in said


def test_less_ram_has_its_price():
    every = succeed("plan", MODEL, "--board", BOARD)
    fewer = succeed("plan", MODEL, "--board", BOARD, "--ram", "13700")
    assert every["savings"] == [] and fewer["ram_available"] == 13700 // 32 * 32
    assert fewer["cost"]["ram_bytes"] <= 13700 < every["cost"]["ram_bytes"]
    what = "conv_2d_0 update by kernels without scratch"
    assert {price["what"] for price in fewer["savings"]} > {what}
    saved = sum(price["bytes"] for price in fewer["savings"])
    costs = sum(price["instructions"] for price in fewer["savings"])
    assert saved == every["cost"]["ram_bytes"] - fewer["cost"]["ram_bytes"]
    assert costs == fewer["cost"]["step_instructions"] - every["cost"]["step_instructions"] > 0
    said = edgetune("plan", MODEL, "--board", BOARD, "--ram", "13700").stdout
    assert what in said
    for word, text in (("12Q", "is no number of bytes"), ("1M", "has no 1,048,576 bytes of RAM")):
        outcome = edgetune("plan", MODEL, "--board", BOARD, "--ram", word)
        assert outcome.code == 2 and text in outcome.stderr


def test_plan_of_biases():
    every = succeed("plan", MODEL, "--board", BOARD)
    biases = succeed("plan", MODEL, "--board", BOARD, "--train", "biases")
    assert biases["trained"] == every["trained"] and biases["recipe"]["layers"] == ["biases"]
    for name in ("ram_bytes", "step_instructions", "state_bytes"):
        assert biases["cost"][name] < every["cost"][name]
    learnt = [layer["learnt"] for layer in biases["cost"]["layers"] if layer["trained"]]
    assert biases["cost"]["state_bytes"] == 16 + 48 + sum(24 + size for size in learnt)
    text = edgetune("plan", MODEL, "--board", BOARD, "--train", "biases").stdout
    assert "Learns: biases of 4 of" in text


def test_build(folder):
    result = succeed("build", MODEL, "--board", BOARD, "--native", "--out", "project")
    assert Path(result["image"]).is_file() and (folder / "project" / "model.c").is_file()


@pytest.mark.thorough
def test_run():
    hello = succeed("run", MODEL, *ON_HOST)["hello"]
    assert hello["board"] == BOARD and hello["classes"] == 10
    assert hello["model_hash"] == f"{read_tflite(MODEL).hash32:08x}"


@pytest.mark.thorough
def test_tune_biases(folder):
    result = succeed("tune", MODEL, *ON_HOST, "--data", DATA, "--train", "biases",
                     "--passes", "1", "--out", "run")
    assert result["accuracy_after"] > result["accuracy_before"] and result["verified"]
    rows = succeed("weights", "diff", MODEL, "run/tuned.tflite")["layers"]
    assert all(row["changed_biases"] and not row["changed_weights"] for row in rows)


@pytest.mark.thorough
def test_tune(folder):
    result = succeed("tune", MODEL, *ON_HOST, "--data", DATA, "--min-accuracy", "0.8",
                     "--passes", "1", "--out", "run")
    assert result["accuracy_before"] <= 0.45 < 0.8 <= result["accuracy_after"]
    assert result["steps"] == 500 and result["verified"]
    record = json.loads((folder / "run" / "run.json").read_text())
    assert record["result"]["digest"] == result["digest"]
    assert len((folder / "run" / "metrics.jsonl").read_text().splitlines()) == 500
    _check_tuned(folder / "run" / "tuned.tflite", result["accuracy_after"])


def _check_tuned(path: Path, share: float):
    """eval, diff and TFLite's own reference kernels agree on the tuned file."""
    changed = {row["layer"]: row for row in succeed("weights", "diff", MODEL, path)["layers"]}
    assert all(row["changed_weights"] > 0 for row in changed.values())
    result = succeed("eval", path, *ON_HOST, "--data", DATA)
    assert result["accuracy"] == share
    outputs = reference_outputs(read_tflite(path), digits().data.test_x)
    assert np.array_equal(outputs.argmax(1), result["predictions"])


def small_data(test: int = 30) -> str:
    """The digits' data, with the first ``test`` samples of the test set."""
    arrays = dict(np.load(DATA))
    arrays |= {name: arrays[name][:test] for name in arrays if name.startswith("test_")}
    np.savez("few.npz", **arrays)
    return "few.npz"


def test_tune_prints_its_promises():
    few = small_data()
    outcome = edgetune("tune", MODEL, *ON_HOST, "--data", few, "--samples", "10")
    assert outcome.code == 0
    assert "bit for bit in all 20 steps" in outcome.stdout
    assert "% before" in outcome.stdout and "tuned.tflite" in outcome.stdout
    learning = [line for line in outcome.stderr.splitlines() if line.startswith("learning")]
    assert learning == ["learning: 20 of 20, 15.0 % of last 20"]  # a line in ten seconds


@pytest.mark.thorough
def test_each_run_has_a_folder_and_quiet_says_nothing():
    few = small_data()
    for _ in range(2):
        outcome = edgetune("tune", MODEL, *ON_HOST, "--data", few, "--samples", "4", "-q")
        assert outcome.code == 0 and outcome.stderr == ""
    assert sorted(p.name for p in Path("runs").iterdir()) == [
        "0001-digits_int8", "0002-digits_int8"
    ]


@pytest.mark.thorough
def test_verify():
    result = succeed("verify", MODEL, *ON_HOST, "--data", DATA, "--steps", "6", "--seed", "3")
    assert result["steps"] == len(result["digests"]) == 6 and result["forward"] == 50
    assert result["digests"][-1] == result["digest"]


@pytest.mark.thorough
def test_weights_pull_gives_the_model_back(folder):
    succeed("weights", "pull", MODEL, "out.tflite", *ON_HOST)
    assert (folder / "out.tflite").read_bytes() == Path(MODEL).read_bytes()
    pushed = edgetune("weights", "push", MODEL, "out.tflite", *ON_HOST)
    assert pushed.code == 0 and "only a board keeps" in pushed.stdout


@pytest.mark.thorough
def test_monitor():
    result = succeed("monitor", MODEL, *ON_HOST, "--seconds", "0.1")
    assert result["log"] == ["ready"] and result["stats"]["bad_frames"] == 0


def test_settings_are_defaults_and_the_command_line_wins(folder):
    lines = [f"model = {MODEL!r}", f"board = {BOARD!r}", "layers = ['conv_2d_0', 'conv_2d_3']"]
    (folder / "edgetune.toml").write_text("\n".join(lines))
    assert succeed("plan")["trained"] == ["conv_2d_0", "conv_2d_3"]
    assert succeed("plan", "--layers", "last")["trained"] == ["fully_connected_5"]
    assert succeed("plan", "--board", "mps2-an386")["board"] == "mps2-an386"
    assert succeed("boards", "show")["name"] == BOARD


def test_doctor():
    outcome = edgetune("doctor", "--json")
    assert outcome.code in (0, 9)
    names = [check["name"] for check in outcome.json()["result"]["checks"]]
    assert {"Arm compiler", "QEMU", "TFLite runtime", "CMSIS-NN"} <= set(names)


@pytest.mark.thorough
def test_python_api(folder):
    assert all(getattr(api, name) is not None for name in api.__all__)
    graph = api.read_tflite(MODEL)
    data = api.load_data(DATA, graph.input)
    plan = api.make_plan(graph, api.Recipe(layers=("last",)), api.load_board(BOARD))
    firmware = api.build_firmware(plan, folder / "firmware", "digits", native=True)
    result = tune(
        firmware, "host", data, api.TuneSettings(samples=50), api.RunFolder(folder / "run")
    )
    assert result.verified and result.steps == 100


@pytest.mark.parametrize(("arguments", "most", "absent"), [
    (["--help"], 170, ("numpy", "rich", "tomllib", "edgetune.session")),
    (["plan", str(MODEL), "--board", "stm32f4-discovery"], 600,
     ("elftools", "serial", "cmsis_pack_manager", "edgetune.quantize.convert", "edgetune.flash",
      "edgetune.codegen", "edgetune.link", "edgetune.measures",
      "edgetune.data.dataset", "tflite", "importlib.metadata", "email")),
])  # fmt: skip
def test_a_command_imports_what_it_needs(arguments, most, absent):
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "from edgetune.cli.main import main\nmain(sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True
    )
    modules = done.stderr.splitlines()[-1].split()
    assert done.returncode == 0 and len(modules) < most
    assert not set(absent) & set(modules)
