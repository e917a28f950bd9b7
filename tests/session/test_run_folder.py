"""A run has a folder of its own: nobody else writes there, and what is in it is of one run."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgetune.errors import EdgetuneError, LinkError, UsageError
from edgetune.session.run_folder import DONE, RUNNING, RunFolder, folder_name, is_live, status_of

ROOT = Path(__file__).parents[2]
IN_TURN = """
import sys
from pathlib import Path
from edgetune.session.run_folder import RunFolder
sys.stdin.readline()
for _ in range(20):
    folder = RunFolder.fresh(Path("runs"), sys.argv[1])
    folder.metric(who=sys.argv[2])
    print(folder.path, flush=True)
"""


def started(code: str, *words: str, cwd: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", code, *words], cwd=cwd, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def record(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text())


@pytest.mark.parametrize("names", [("a", "a"), ("a", "b")])
def test_processes_that_begin_at_once_have_folders_of_their_own(tmp_path, names):
    both = [started(IN_TURN, name, str(i), cwd=tmp_path) for i, name in enumerate(names)]
    said = [child.communicate("go\n", 60)[0].split() for child in both]
    for i, folders in enumerate(said):
        assert len(folders) == 20
        assert all(f'"who": "{i}"' in (tmp_path / f / "metrics.jsonl").read_text()
                   for f in folders)
    numbers = [Path(folder).name[:4] for folder in sum(said, [])]
    assert sorted(numbers) == [f"{n:04d}" for n in range(1, 41)]


def test_one_process_at_a_time_chooses_a_number(tmp_path):
    (tmp_path / "runs").mkdir()
    descriptor = os.open(tmp_path / "runs", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    child = started(IN_TURN, "a", "0", cwd=tmp_path)
    child.stdin.write("go\n")
    child.stdin.flush()
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(1)
    assert not list((tmp_path / "runs").iterdir())
    os.close(descriptor)
    assert len(child.communicate(timeout=60)[0].split()) == 20


def test_numbers_go_on_beyond_9999(tmp_path):
    for name in ("9999-x", "0003-x", "12345678-y", "123-z", "notes", "0001"):
        (tmp_path / name).mkdir()
    (tmp_path / "12345678-y").rmdir()
    paths = []
    for _ in range(3):
        with RunFolder.fresh(tmp_path, "x") as folder:
            folder.state.write_bytes(b"state")
        paths.append(folder.path.name)
    assert paths == ["10000-x", "10001-x", "10002-x"]
    assert RunFolder.latest(tmp_path, "x").name == "10002-x"
    for path in paths[:2]:
        assert (tmp_path / path / "state.bin").is_file()


def test_the_last_run_is_none_that_lives(tmp_path):
    with RunFolder.fresh(tmp_path, "x") as first:
        first.state.write_bytes(b"state")
    with RunFolder.fresh(tmp_path, "x") as second:
        second.state.write_bytes(b"half")
        assert is_live(second.path) and not is_live(first.path)
        assert RunFolder.latest(tmp_path, "x") == first.path
    assert RunFolder.latest(tmp_path, "x") == second.path


def test_a_folder_in_which_a_run_lives_is_refused(tmp_path):
    with RunFolder(tmp_path / "run") as folder:
        folder.metric(step=0)
        for resumed in (False, True):
            with pytest.raises(UsageError, match="A run lives in"):
                RunFolder(tmp_path / "run", resumed)
        assert (tmp_path / "run" / "metrics.jsonl").read_text() == '{"step": 0}\n'
        assert record(tmp_path / "run")["status"] == RUNNING


def test_the_lock_goes_with_its_process(tmp_path):
    code = (
        "import os, sys; from pathlib import Path\n"
        "from edgetune.session.run_folder import RunFolder\n"
        "folder = RunFolder(Path('run'))\nprint('open', flush=True)\nsys.stdin.readline()\n"
    )
    child = started(code, cwd=tmp_path)
    assert child.stdout.readline() == "open\n" and is_live(tmp_path / "run")
    child.kill()
    child.communicate()
    assert not is_live(tmp_path / "run") and status_of(tmp_path / "run") == "running"
    with RunFolder(tmp_path / "run"):
        assert is_live(tmp_path / "run")


@pytest.mark.parametrize("left", ["state.bin", "tuned.tflite", "best.tflite", "last.tflite",
                                  "checkpoint.npz"])
def test_what_a_run_left_is_never_mixed_with_another(tmp_path, left):
    with RunFolder(tmp_path) as folder:
        folder.metric(step=0)
        (tmp_path / left).write_bytes(b"old")
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UsageError, match="holds a run already") as caught:
        RunFolder(tmp_path)
    assert left in caught.value.cause
    assert ("--resume" in caught.value.next_step) == (left == "checkpoint.npz")
    assert kept == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_a_run_that_left_nothing_does_not_keep_its_folder(tmp_path):
    """As where the compiler was missing: its log and its conversion are gone then."""
    with pytest.raises(LinkError), RunFolder(tmp_path) as folder:
        folder.metric(step=0)
        folder.converted.write_bytes(b"old")
        raise LinkError("a", "b", "c")
    with RunFolder(tmp_path):
        assert {path.name for path in tmp_path.iterdir()} == {"run.json", "metrics.jsonl"}
        assert (tmp_path / "metrics.jsonl").read_text() == ""
        assert "error" not in record(tmp_path)


def test_a_run_that_was_done_keeps_its_folder(tmp_path):
    with RunFolder(tmp_path) as folder:
        folder.write_record({"result": {}}, DONE)
    assert record(tmp_path)["status"] == DONE
    with pytest.raises(UsageError, match="holds a run already"):
        RunFolder(tmp_path)


@pytest.mark.parametrize(("error", "code", "said"), [
    (LinkError("a", "b", "c"), 4, "a"), (KeyboardInterrupt(), 130, "Interrupted."),
    (RuntimeError("it broke"), 1, "A defect."),
])
def test_run_json_says_how_the_run_ended(tmp_path, error, code, said):
    folder = RunFolder(tmp_path)
    begun = record(tmp_path).pop("begun")
    assert record(tmp_path) == {"format": 1, "status": "running", "begun": begun}
    folder.write_record({"board": "x"}, RUNNING)
    with pytest.raises(type(error)), folder:
        raise error
    found = record(tmp_path)
    assert (found["status"], found["board"]) == ("failed", "x")
    assert (found["error"]["exit_code"], found["error"]["message"]) == (code, said)
    assert found["begun"] == begun <= found["ended"]


def test_a_run_without_an_end_has_failed(tmp_path):
    RunFolder(tmp_path).close()
    assert record(tmp_path)["status"] == "failed"


def test_a_record_of_an_older_release_is_done(tmp_path):
    (tmp_path / "run.json").write_text('{"format": 1, "result": {}}')
    assert status_of(tmp_path) == DONE
    for text in ("", "[]", "{", "null"):
        (tmp_path / "run.json").write_text(text)
        assert status_of(tmp_path) == ""


@pytest.mark.parametrize(("title", "name"), [
    ("digits", "digits"), ("a\nb\x1b[2J", "a_b_[2J"), ("a/../b\\c", "a_.._b_c"),
    ("Größe 层", "Größe 层"), ("x" * 400, "x" * 80), ("\udcff", "_"),
])
def test_names_of_folders(tmp_path, title, name):
    assert folder_name(title) == name
    with RunFolder.fresh(tmp_path, title) as folder:
        assert folder.path == tmp_path / f"0001-{name}"


def test_a_place_that_takes_no_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    for begin in (lambda: RunFolder(tmp_path / "file"), lambda: RunFolder(tmp_path / "file" / "a"),
                  lambda: RunFolder.fresh(tmp_path / "file", "a")):
        with pytest.raises(EdgetuneError, match="cannot be used"):
            begin()
