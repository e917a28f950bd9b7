"""The example project's pipeline, run as its workflow says; and the ways in which it must fail."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest
import yaml

from edgetune.ci.init import pipeline_files
from edgetune.settings import project_settings

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "ci"
WORKFLOW = ".github/workflows/edgetune.yml"
INSTALL, LEARN = "Install edgetune", "Learn on every device"
# What prepares the machine: `make` has done it here, as far as it can be had.
MACHINE = ("Install the compilers and QEMU", "Download Renode", "Put Renode on the path")
OFFLINE = ("Temporary failure in name resolution", "Network is unreachable", "Connection refused")
BOUND = 600  # seconds, of one step: it is ended then, as the service would


def command(step: str) -> str:
    steps = yaml.safe_load((EXAMPLE / WORKFLOW).read_text())["jobs"]["learning"]["steps"]
    return next(s["run"] for s in steps if s.get("name") == step)


def on(devices: str) -> str:
    """The workflow's pytest command on these devices."""
    text = command(LEARN)
    assert text.count("host,qemu,renode") == 1
    return text.replace("host,qemu,renode", devices)


def run(text: str, folder: Path, **environment) -> subprocess.CompletedProcess:
    """A step as the service runs it: `bash -e`, in the project's folder."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "PYTHONPATH"))}
    return subprocess.run(
        ["bash", "-e", "-c", text], cwd=folder, env=inherited | environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=BOUND,
    )


@pytest.fixture
def project(tmp_path):
    """The example as somebody copies it."""
    folder = tmp_path / "project"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", ".pytest*"))
    return folder


@pytest.fixture
def tools(tmp_path):
    """A folder for PATH in which `pytest` is this Python's, with the plugin."""
    folder = tmp_path / "tools"
    folder.mkdir()
    known = any(point.value == "edgetune.ci.plugin" for point in entry_points(group="pytest11"))
    plugin = "" if known else "-p edgetune.ci.plugin"
    script = folder / "pytest"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pytest {plugin} "$@"\n')
    script.chmod(0o755)
    return folder


def learn(project: Path, tools: Path, devices: str, tree: Path = ROOT) -> tuple[int, str, dict]:
    """Exit code, output and JSON report of the workflow's pytest step, by the edgetune in ``tree``.
    """
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    done = run(on(devices), project, PATH=path, PYTHONPATH=str(tree))
    report = json.loads((project / "reports" / "learning.json").read_text())
    return done.returncode, done.stdout, report


def needs(*programs: str):
    if missing := [name for name in programs if shutil.which(name) is None]:
        pytest.skip(f"not installed: {', '.join(missing)}")


def broken(tmp_path: Path, file: str, old: str, new: str) -> Path:
    """A copy of edgetune with one place of its firmware changed."""
    tree = tmp_path / "tree"
    for name in ("edgetune", "firmware", "host", "boards"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    text = (tree / file).read_text()
    assert text.count(old) == 1
    (tree / file).write_text(text.replace(old, new))
    return tree


STEPS_TOO_FAR = (
    "firmware/engine/step.h", "moved = value - steps;", "moved = value - 2 * steps;"
)
DIFFERS = r"\(stm32f4-discovery\): The device differs from the simulation at step \d+\."
HANGS_AT_STEP_20 = (
    "firmware/link/requests.c",
    "    et_train_result result = et_model_train(",
    "    static volatile uint32_t taken;\n    while (taken == 20) {\n    }\n    taken++;\n"
    "    et_train_result result = et_model_train(",
)


# -- the files ----------------------------------------------------------------------------------


def test_the_workflows_are_what_init_writes():
    said = project_settings(EXAMPLE)
    texts = pipeline_files(
        EXAMPLE, said["board"], said["model"], said["data"], ["github", "gitlab"]
    )
    for path in (WORKFLOW, ".gitlab-ci.yml", "edgetune.toml"):
        assert (EXAMPLE / path).read_text() == texts[path], f"{path}: run edgetune ci init --force"


@pytest.mark.parametrize("name", ["digits_int8.tflite", "digits.npz"])
def test_model_and_data_are_the_demos(name):
    assert (EXAMPLE / name).read_bytes() == (ROOT / "examples" / "digits" / name).read_bytes()


def test_every_step_is_known_here():
    steps = yaml.safe_load((EXAMPLE / WORKFLOW).read_text())["jobs"]["learning"]["steps"]
    assert {step["name"] for step in steps if "run" in step} == {INSTALL, LEARN, *MACHINE}


# -- the pipeline -------------------------------------------------------------------------------


def _install(tmp_path: Path, project: Path) -> dict:
    """The workflow's own pip command in an empty environment, edgetune built from this tree."""
    wheels = project / "wheels"
    _well(run(f'"{sys.executable}" -m pip wheel -q --no-deps -w "{wheels}" "{ROOT}"', tmp_path))
    _well(run(f'"{sys.executable}" -m venv env', tmp_path))
    path = f"{tmp_path / 'env' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    _well(run(
        command(INSTALL), project, PATH=path,
        PIP_DISABLE_PIP_VERSION_CHECK="1",
    ))
    return {"PATH": path}


def _well(done: subprocess.CompletedProcess) -> None:
    if done.returncode and any(words in done.stdout for words in OFFLINE):
        pytest.skip("no network: the packages that edgetune needs cannot be installed")
    assert done.returncode == 0, done.stdout


@pytest.mark.thorough
def test_the_pipeline_as_its_workflow_runs_it(project, tmp_path):
    """Renode is optional here where it is not installed; the workflow downloads it."""
    needs("qemu-system-arm", "arm-none-eabi-gcc", "cc")
    environment = _install(tmp_path, project)
    there = shutil.which("renode") or os.environ.get("EDGETUNE_RENODE")
    done = run(on("host,qemu,renode" if there else "host,qemu,renode?"), project, **environment)
    assert done.returncode == 0, done.stdout
    report = json.loads((project / "reports" / "learning.json").read_text())
    outcomes = {(t["test"].partition("::")[2], t["outcome"]) for t in report["tests"]}
    tests = ("test_learns", "test_its_last_layer_learns_alone", "test_budgets")
    for device in ("host", "qemu"):
        assert {(f"{name}[{device}]", "passed") for name in tests} <= outcomes
    assert (project / "reports" / "learning.xml").is_file()


@pytest.mark.thorough
def test_a_broken_kernel_fails_it(project, tools, tmp_path):
    """Every step is compared with the simulation."""
    needs("cc")
    tree = broken(tmp_path, *STEPS_TOO_FAR)
    code, said, report = learn(project, tools, "host", tree)
    assert code == 1 and report["counts"] == {"failed": 2, "passed": 1}
    assert re.search(rf"host {DIFFERS}", said) and "edgetune verify" in said


@pytest.mark.thorough
def test_a_broken_kernel_fails_it_on_the_emulated_board(project, tools, tmp_path):
    needs("qemu-system-arm", "arm-none-eabi-gcc")
    code, said, _ = learn(project, tools, "qemu", broken(tmp_path, *STEPS_TOO_FAR))
    assert code == 1
    assert re.search(rf"qemu {DIFFERS}", said)


@pytest.mark.thorough
def test_other_bits_than_written_down_fail_it(project, tools, tmp_path):
    """Without the simulation beside it, the digest tells."""
    needs("cc")
    with (project / "edgetune.toml").open("a") as file:
        file.write("no-verify = true\n")
    code, said, _ = learn(project, tools, "host", broken(tmp_path, *STEPS_TOO_FAR))
    assert code == 1
    assert "The digest on host (stm32f4-discovery) is another" in said
    assert "Wanted: 03429906" in said


@pytest.mark.thorough
def test_a_lower_accuracy_fails_it(project, tools):
    """Somebody mixed up the labels."""
    needs("cc")
    with np.load(project / "digits.npz") as stored:
        arrays = dict(stored)
    arrays["tune_y"] = np.random.default_rng(0).permutation(arrays["tune_y"])
    np.savez_compressed(project / "digits.npz", **arrays)
    code, said, report = learn(project, tools, "host")
    assert code == 1 and report["counts"]["failed"] == 2
    assert "The accuracy on host (stm32f4-discovery) is too low after 400 steps." in said
    assert "Wanted: at least 85.0 %" in said and "gained too little" in said


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("15_000", "14_000", "RAM on host (stm32f4-discovery) is over its budget."),
        ("440_000", "340_000", "A training step on host (stm32f4-discovery) is over its"),
    ],
)
def test_an_exceeded_budget_fails_it(project, tools, old, new, words):
    needs("cc")
    test = project / "tests" / "test_learning.py"
    assert test.read_text().count(old) == 1
    test.write_text(test.read_text().replace(old, new))
    code, said, report = learn(project, tools, "host")
    assert code == 1 and report["counts"] == {"failed": 1, "passed": 2}
    assert words in said and f"Wanted: at most {int(new):,}" in said


@pytest.mark.thorough
def test_a_device_that_never_speaks_fails_it(project, tools):
    needs("arm-none-eabi-gcc")
    stand_in = tools / "qemu-system-arm"
    stand_in.write_text(f"#!/bin/sh\necho $$ >> {tools}/pids\nexec sleep 1000\n")
    stand_in.chmod(0o755)
    (project / "pytest.ini").write_text("[pytest]\naddopts = -k test_learns\n")
    code, said, report = learn(project, tools, "qemu")
    assert code == 1 and report["counts"] == {"failed": 1}
    assert "the device does not answer" in said and "not one byte came in 10 s" in said
    for pid in (tools / "pids").read_text().split():
        assert not Path(f"/proc/{pid}").exists()


@pytest.mark.thorough
def test_firmware_that_hangs_fails_it(project, tools, tmp_path):
    """In the middle of learning; nothing that ran it is left."""
    needs("qemu-system-arm", "arm-none-eabi-gcc")
    (project / "pytest.ini").write_text(
        "[pytest]\nedgetune_timeout = 40\n"
        f"addopts = -k test_learns --basetemp={tmp_path / 'temporary'}\n"
    )
    code, said, report = learn(project, tools, "qemu", broken(tmp_path, *HANGS_AT_STEP_20))
    assert code == 1 and report["counts"] == {"failed": 1}
    assert "qemu (stm32f4-discovery) was too slow or hung" in said
    assert "did not end within 40 seconds" in said
    assert "It had done 20 of 400 samples of the phase «learning»" in said
    assert not _running(str(tmp_path / "temporary"))


def _running(words: str) -> list[str]:
    """Command lines of living processes that name ``words``."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        found += [line] if words in line else []
    return found
