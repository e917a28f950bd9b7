"""What messages and pages advise can be done, and what a notebook shows fits on a line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from cli_runner import BOARD, DATA, DIGITS, MODEL, edgetune, refused
from data_sources import tensor

import edgetune as api
from edgetune import installation
from edgetune.ci.workflows import WHEEL_PATH
from edgetune.data import Targets, load_data, load_samples
from edgetune.errors import DataError, UsageError
from edgetune.link.errors import no_reply

ROOT = Path(__file__).parents[2]
TEXTS = (".py", ".md", ".in", ".yml", ".yaml", ".toml", ".sh", ".ipynb")
FOLDERS = ("boards", "docs", "edgetune", "examples", "firmware", "tools")
BY_NAME = re.compile(
    r"""pip3? +install +(?:[^\n`]*[ "'])?(edgetune)(?=[\[ =<>~!"'`]|$)""", re.MULTILINE
)


def test_an_index_is_asked_for_edgetune_nowhere():
    """The name is not ours there."""
    files = [f for folder in FOLDERS for f in (ROOT / folder).rglob("*") if f.suffix in TEXTS]
    files += [*ROOT.glob("*.md"), ROOT / "Makefile", *(ROOT / "examples/ci").glob(".*/**/*.yml")]
    files += [ROOT / "examples" / "ci" / ".gitlab-ci.yml"]
    found = [f"{f}: {m[0]}" for f in files for m in BY_NAME.finditer(f.read_text("utf-8"))]
    assert found == []


def test_comments_of_c_fit_on_a_line():
    """clang-format leaves them as they are."""
    files = [f for folder in ("firmware", "tests") for f in (ROOT / folder).rglob("*.[ch]")]
    lines = [(f.name, n) for f in files for n, line in enumerate(f.open(encoding="utf-8"), 1)
             if len(line.rstrip("\n")) > 100]
    assert len(files) > 100 and lines == []


@pytest.mark.parametrize("line", [
    "pip install edgetune", "pip install 'edgetune[onnx]'", "pip install edgetune==0.1.0 pytest",
    "pip install --force-reinstall edgetune",
])
def test_such_a_command_is_found(line):
    assert BY_NAME.search(line)


@pytest.mark.parametrize("record, expected", [
    ({"url": "file:///a%20b", "dir_info": {}}, "pip install '/a b[onnx]'"),
    ({"url": "file:///a", "dir_info": {"editable": True}}, "pip install -e '/a[onnx]'"),
    ({"url": "file:///d/e.whl", "archive_info": {}}, "pip install '/d/e.whl[onnx]'"),
    ({"url": "https://x/e.whl", "archive_info": {}},
     "pip install 'edgetune[onnx] @ https://x/e.whl'"),
    ({"url": "https://x/e", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
     "pip install 'edgetune[onnx] @ git+https://x/e@c0ffee'"),
    ({}, f"pip install '{ROOT}[onnx]'"),
])
def test_an_extra_comes_from_where_edgetune_came(record, expected, monkeypatch):
    monkeypatch.setattr(installation, "_record", lambda: record)
    assert installation.install_command("onnx") == expected


def test_a_wheel_is_made_of_where_edgetune_came_from(monkeypatch, tmp_path):
    wheel = tmp_path / installation.WHEEL
    wheel.write_bytes(b"wheel")
    record = {"url": wheel.as_uri(), "archive_info": {}}
    monkeypatch.setattr(installation, "_record", lambda: record)
    assert installation.wheel_file() == wheel
    assert installation.wheel_command("w") == f"pip wheel --no-deps -w w {wheel}"


# -- ci init ----------------------------------------------------------------------------------


def init(folder: Path, *options):
    for file in (MODEL, DATA):
        (folder / Path(file).name).write_bytes(Path(file).read_bytes())
    named = ("--model", Path(MODEL).name, "--data", Path(DATA).name, "--board", BOARD)
    return edgetune("ci", "init", *named, *options)


def installed(folder: Path) -> str:
    steps = yaml.safe_load((folder / ".github/workflows/edgetune.yml").read_text())["jobs"]
    return next(s["run"] for s in steps["learning"]["steps"] if "pip install" in s.get("run", ""))


def test_a_pipeline_installs_the_wheel_that_is_beside_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wheel = tmp_path / "elsewhere" / installation.WHEEL
    wheel.parent.mkdir()
    wheel.write_bytes(b"wheel")
    said = init(tmp_path)
    assert said.code == 0 and "pip wheel --no-deps -w wheels" in said.stdout
    assert installed(tmp_path).split()[2] == WHEEL_PATH
    record = {"url": wheel.as_uri(), "archive_info": {}}
    monkeypatch.setattr(installation, "_record", lambda: record)
    assert "pip wheel" not in init(tmp_path).stdout
    assert (tmp_path / WHEEL_PATH).read_bytes() == b"wheel"


def test_a_pipeline_installs_what_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert init(tmp_path, "--install", "git+https://example.org/edgetune@c0ffee").code == 0
    assert installed(tmp_path).split()[2] == "git+https://example.org/edgetune@c0ffee"
    assert not (tmp_path / "wheels").exists()
    bad = ("ci", "init", "--board", BOARD, "--model", Path(MODEL).name, "--data", Path(DATA).name)
    for install in ("a b", "x; rm", "-r x", ""):
        assert refused(*bad, "--install", install)["exit_code"] == 2


# -- advice -----------------------------------------------------------------------------------


def test_a_step_that_can_be_taken_follows_a_silence():
    """Of a timeout and a rate no verb has an option."""
    for bad_frames in (0, 3):
        said = no_reply("TRAIN", 60, bad_frames).next_step
        assert "timeout" not in said and "lower the baud" not in said
    assert "flow control" in no_reply("TRAIN", 60, 3).next_step


def test_values_as_class_numbers_are_sent_to_another_loss(tmp_path):
    random = np.random.default_rng(0)
    np.savez(tmp_path / "d.npz", x=random.random((8, 3)), y=random.random(8))
    with pytest.raises(DataError) as error:
        load_data(tmp_path / "d.npz", tensor(3), 0.5, Targets("class", 4))
    assert "--loss mse" in error.value.next_step and "argmax" not in error.value.next_step


@pytest.mark.parametrize("given", [np.zeros((400, 3)), (np.zeros((4, 3)), np.zeros(4)), [[1, 2]]])
def test_arrays_in_the_place_of_a_path_get_a_sentence(given):
    for load in (load_data, load_samples):
        with pytest.raises(UsageError, match="where the name of a file"):
            load(given, tensor(3))
    with pytest.raises(UsageError, match="test is "):
        load_data(DATA, tensor(3), test=given)


def test_what_a_notebook_shows_is_short():
    job = api.Job(MODEL, BOARD, data=DATA)
    for shown in (job.plan, job.graph, job.data):
        assert len(repr(shown)) < 120 and "\n" not in repr(shown)


def test_public_names_are_edgetunes_own():
    own = [name for name in dir(api) if not name.startswith("_")]
    assert own == [name for name in api.__all__ if not name.startswith("_")]
    assert "import_module" not in own


def test_an_order_kept_with_a_model_says_nothing_of_images(tmp_path):
    """Which have their channels last, wherever the model was made."""
    from PIL import Image

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(4):
            pixels = np.full((16, 16), 60 * i, np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    stored = api.Preprocessing(scale=1 / 255, order="chw")
    found = load_data(tmp_path, tensor(16, 16, 1), 0.5, Targets("class", 2), stored=stored)
    assert found.tune_x.shape == (4, 16, 16, 1)


def test_the_wheel_of_a_pipeline_is_this_version():
    assert json.dumps(api.__version__).strip('"') in WHEEL_PATH and DIGITS.is_dir()
