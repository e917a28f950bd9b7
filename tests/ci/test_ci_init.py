"""`edgetune ci init`: what it writes, and when it refuses."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from cli_runner import BOARD, DIGITS, edgetune, refused, succeed
from thinned import thinned_rows

import edgetune as package
from edgetune.boards import list_boards, load_board
from edgetune.ci.patience import seconds_of_test
from edgetune.ci.settings import job_of
from edgetune.ci.workflows import RENODE_SHA256, learning_test, settings_file, workflow
from edgetune.settings import project_settings

CHOICES = ("--board", BOARD, "--model", "digits_int8.tflite", "--data", "digits.npz")
SETTINGS = {"model": "digits_int8.tflite", "data": "digits.npz"}
GITHUB = ".github/workflows/edgetune.yml"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A project with model and data, and nothing else."""
    for name in ("digits_int8.tflite", "digits_float.tflite", "digits.npz"):
        shutil.copy(DIGITS / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def init(*options) -> dict[str, str]:
    """State of each file by path."""
    return {f["path"]: f["state"] for f in succeed("ci", "init", *CHOICES, *options)["files"]}


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*") if path.is_file()
    }


def written(folder: Path) -> set[str]:
    return {name for name in files(folder) if not name.startswith("digits")}


def test_all_of_it(folder):
    assert set(init("--github", "--gitlab").values()) == {"written"}
    assert written(folder) == {
        GITHUB, ".gitlab-ci.yml", "tests/test_learning.py", "edgetune.toml",
    }
    assert project_settings(folder) == {
        "board": BOARD, "model": "digits_int8.tflite", "data": "digits.npz",
    }
    compile((folder / "tests" / "test_learning.py").read_text(), "test_learning.py", "exec")


@pytest.mark.parametrize(
    ("present", "expected"),
    thinned_rows([
        ((), {GITHUB}),
        ((".github/dependabot.yml",), {GITHUB}),
        ((".gitlab/issue.md",), {".gitlab-ci.yml"}),
        ((".gitlab-ci.yml",), {".gitlab/edgetune.yml"}),
        ((".github/a.yml", ".gitlab/b"), {GITHUB, ".gitlab-ci.yml"}),
    ], 3),
)
def test_the_service_is_the_one_that_is_there(folder, present, expected):
    for name in present:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("build: {script: [make]}\n")
    before = files(folder)
    assert {path for path in init() if path.endswith("yml")} == expected
    assert before.items() <= files(folder).items()


def test_an_include_is_asked_for_beside_a_pipeline_of_the_projects_own(folder):
    (folder / ".gitlab-ci.yml").write_text("build: {script: [make]}\n")
    said = edgetune("ci", "init", *CHOICES)
    assert "include:\n  - local: .gitlab/edgetune.yml" in said.stdout


def test_again_changes_nothing(folder):
    init("--github", "--gitlab")
    before = files(folder)
    assert set(init("--github", "--gitlab").values()) == {"kept"}
    assert set(succeed("ci", "init")["files"][0].values()) == {GITHUB, "kept"}
    assert files(folder) == before


@pytest.mark.thorough
def test_an_edited_workflow_is_replaced_only_by_force(folder):
    init("--github")
    (folder / GITHUB).write_text("mine")
    (folder / "tests" / "test_learning.py").write_text("# mine\n")
    before = files(folder)
    error = refused("ci", "init", *CHOICES, "--github", "--gitlab")
    assert GITHUB in error["message"] and "--force" in error["next_step"]
    assert files(folder) == before
    states = init("--github", "--force")
    assert states[GITHUB] == "replaced" and states["tests/test_learning.py"] == "kept"
    assert (folder / "tests" / "test_learning.py").read_text() == "# mine\n"


def test_all_or_nothing(folder):
    """The second file cannot be written: the first is not there either."""
    (folder / "tests").write_text("a file where the folder would be")
    before = files(folder)
    assert refused("ci", "init", *CHOICES)["exit_code"] == 2
    assert files(folder) == before


@pytest.mark.thorough
def test_a_workflow_is_put_back_where_another_file_cannot_be_written(folder):
    init("--github")
    (folder / GITHUB).write_text("mine")
    shutil.rmtree(folder / "tests")
    (folder / "tests").write_text("a file where the folder would be")
    assert refused("ci", "init", *CHOICES, "--github", "--force")["exit_code"] == 2
    assert (folder / GITHUB).read_text() == "mine"


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"--board": "stm32f5"}, 2, "Unknown board"),
        ({"--model": "nowhere.tflite"}, 8, "nowhere.tflite"),
        ({"--data": "nowhere.npz"}, 8, "nowhere.npz"),
        ({"--model": DIGITS / "digits_int8.tflite"}, 2, "lies outside this folder"),
        ({"--data": DIGITS / "digits.npz"}, 2, "lies outside this folder"),
    ],
)
def test_what_a_pipeline_could_not_use_is_refused_here(folder, changes, code, words):
    choices = dict(zip(CHOICES[::2], CHOICES[1::2])) | changes
    error = refused("ci", "init", *(word for pair in choices.items() for word in pair))
    assert error["exit_code"] == code and words in error["message"]
    assert not written(folder)


def test_an_edgetune_toml_that_says_otherwise(folder):
    (folder / "edgetune.toml").write_text('board = "mps2-an386"\nsamples = 5\n')
    error = refused("ci", "init", *CHOICES)
    assert "board and model and data" in error["message"]
    assert f'board = "{BOARD}"' in error["next_step"]
    assert written(folder) == {"edgetune.toml"}


def test_a_path_inside_the_folder_is_written_from_its_top(folder):
    absolute = ("--board", BOARD, "--model", folder / "digits_int8.tflite", "--data", "digits.npz")
    succeed("ci", "init", *absolute)
    assert project_settings(folder)["model"] == "digits_int8.tflite"


def test_budgets_leave_room_for_another_compiler(folder):
    init()
    text = (folder / "tests" / "test_learning.py").read_text()
    ram, instructions = (int(found) for found in re.findall(r"budget=([\d_]+)", text))
    cost = job_of(load_board(BOARD), SETTINGS).estimate
    for budget, planned in ((ram, cost.ram_bytes), (instructions, cost.step_instructions)):
        assert 1.1 <= budget / planned < 1.12


@pytest.mark.thorough
def test_a_float_model_has_no_budgets_yet(folder):
    init_float = [word.replace("int8", "float") for word in CHOICES]
    succeed("ci", "init", *init_float)
    assert "budget=" not in (folder / "tests" / "test_learning.py").read_text()


# -- the workflows themselves -------------------------------------------------------------------


def steps(text: str) -> list[dict]:
    return yaml.safe_load(text)["jobs"]["learning"]["steps"]


def test_github():
    text = workflow("github", load_board(BOARD))
    document = yaml.safe_load(text)
    assert document["on"] == ["push", "pull_request"]  # not YAML's true
    assert document["permissions"] == {"contents": "read"}
    assert document["jobs"]["learning"]["timeout-minutes"] == 20
    for step in steps(text):
        assert ("uses" in step) != ("run" in step)
        if "uses" in step:
            assert step["uses"].partition("@")[2], step
    commands = "\n".join(step.get("run", "") for step in steps(text))
    assert f"edgetune-{package.__version__}-py3" in commands
    assert "--edgetune-devices host,qemu,renode --junitxml" in commands
    assert "releases/download/v1.16.1/renode-1.16.1.linux-portable-dotnet.tar.gz" in commands
    assert f'echo "{RENODE_SHA256}  renode.tar.gz" | sha256sum -c -' in commands
    upload = steps(text)[-1]
    assert upload["if"] == "always()" and upload["with"]["path"] == "reports/"
    cached = [step["with"] for step in steps(text) if "cache" in str(step.get("uses"))]
    assert cached == [{"path": "~/renode", "key": "renode-1.16.1-linux-portable-dotnet"}]


def test_gitlab():
    job = yaml.safe_load(workflow("gitlab", load_board(BOARD)))["edgetune"]
    assert all(isinstance(line, str) for line in job["before_script"] + job["script"])
    assert "--edgetune-devices host,qemu,renode --junitxml" in job["script"][0]
    assert job["artifacts"]["reports"]["junit"] == "reports/learning.xml"
    assert job["artifacts"]["when"] == "always"
    assert set(job["cache"]["paths"]) == {".cache/pip", ".cache/renode"}
    assert "$CI_PROJECT_DIR/.cache/renode" in job["before_script"][-1]


@pytest.mark.thorough
@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_every_board_has_its_devices_and_no_placeholder_is_left(service):
    for board in map(load_board, list_boards()):
        text = workflow(service, board)
        assert yaml.safe_load(text)
        assert "@" not in text.replace("uses: actions/", "").replace("@v", "")
        assert ("renode.tar.gz" in text) == ("renode" in board.emulators), board.name
        assert f"--edgetune-devices {','.join(['host', *board.emulators])}\n" in text


@pytest.mark.thorough
def test_shell_of_the_workflows(folder):
    """Every command is shell that parses."""
    for board in (BOARD, "mps2-an386"):
        github = [step["run"] for step in steps(workflow("github", load_board(board)))
                  if "run" in step]
        job = yaml.safe_load(workflow("gitlab", load_board(board)))["edgetune"]
        for number, text in enumerate([*github, *job["before_script"], *job["script"]]):
            script = folder / f"{number}.sh"
            script.write_text(text)
            assert os.spawnvp(os.P_WAIT, "sh", ["sh", "-n", str(script)]) == 0, text


@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_more_data_has_more_time(service):
    text = workflow(service, load_board(BOARD), seconds=600)
    assert "--edgetune-devices host,qemu,renode -o edgetune_timeout=600\n" in text
    assert re.search(r"timeout(-minutes)?: 35\b", text)


@pytest.mark.thorough
def test_what_a_test_may_take_grows_with_its_data(folder):
    assert seconds_of_test(job_of(load_board(BOARD), SETTINGS)) == 300
    with np.load("digits.npz") as data:
        arrays = dict(data)
    for name in ("test_x", "test_y"):
        arrays[name] = np.concatenate([arrays[name]] * 40)
    np.savez("digits.npz", **arrays)
    assert seconds_of_test(job_of(load_board(BOARD), SETTINGS)) > 600


def test_names_are_quoted_for_toml(folder):
    (folder / "edgetune.toml").write_text(settings_file({"model": 'a "b" \\ c.tflite'}))
    assert project_settings(folder) == {"model": 'a "b" \\ c.tflite'}


def test_budgets_are_numbers_that_python_reads():
    assert "assert_ram(budget=14_000)" in learning_test((14000, 1400000))
