"""What edgetune starts ends with it, whatever ends edgetune; else it ends as it would alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from echo_project import ended

from edgetune.device.process import Process
from edgetune.programs import Launched, run_program
from edgetune.workers import Worker

ROOT = Path(__file__).parents[2]
STUBBORN = "trap '' TERM HUP INT; sleep 600 & echo $! $$; wait"  # and so is its child

WAYS = {
    "a device": "from edgetune.device.process import Process; Process(WORDS, stdout=1)",
    "a tool": "from edgetune.programs import run_program; run_program([*WORDS], 600)",
    "a worker": """
from edgetune.workers import Worker
worker = Worker("worker_child")
print(worker.ask(b"pid").decode(), flush=True)
worker.ask(b"sleep")
""",
}


def _started(way: str, log: Path) -> tuple[subprocess.Popen, list[int]]:
    """A process that runs ``way``, and the processes that it started."""
    words = ["/bin/sh", "-c", f"exec >{log}; {STUBBORN}"]
    code = WAYS[way].replace("WORDS", repr(words)) + "\nimport time; time.sleep(600)"
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'support'}"}
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=open(log, "w"), env=environment)
    end = time.monotonic() + 60
    while not log.read_text().endswith("\n") and time.monotonic() < end:
        time.sleep(0.02)
    return parent, [int(word) for word in log.read_text().split()]


@pytest.mark.parametrize("way", WAYS)
def test_sigkill_of_edgetune_leaves_nothing_running(way, tmp_path):
    parent, pids = _started(way, tmp_path / "log")
    try:
        assert pids and not any(ended_now(pid) for pid in pids)
    finally:
        parent.kill()
        parent.wait()
    assert all(ended(pid) for pid in pids)


def ended_now(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("script, status", [
    ("exit 0", 0), ("exit 3", 3), ("exit 127", 127), ("exit 255", 255),
    ("kill -SEGV $$", -signal.SIGSEGV), ("kill -KILL $$", -signal.SIGKILL),
    ("kill -TERM $$", -signal.SIGTERM), ("kill -ABRT $$", -signal.SIGABRT),
])
def test_a_program_ends_as_it_does_alone(script, status, tmp_path):
    child = Launched(["/bin/sh", "-c", script], cwd=tmp_path)
    assert child.wait(60) == status and os.listdir(tmp_path) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(child.pid, 0)  # nothing is left of the group, nor waits to be reaped


def test_streams_are_the_program_s_own():
    code, said = run_program([sys.executable, "-c", "print(input.__name__); import sys; "
                              "print(repr(sys.stdin.read()), file=sys.stderr)"], 60)
    assert (code, sorted(said.split())) == (0, ["''", "input"])
    child = Launched(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.communicate(b"a\0b", 60) == (b"a\0b", None)


@pytest.mark.parametrize("word, error", [
    ("/no/such/program", FileNotFoundError), ("no-such-program", FileNotFoundError),
    (str(ROOT / "README.md"), PermissionError), (str(ROOT), PermissionError),
])
def test_what_cannot_be_started_is_an_error_at_once(word, error):
    with pytest.raises(error):
        Launched([word])


def test_a_script_without_its_interpreter_cannot_be_started(tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/nowhere/interpreter\n")
    script.chmod(0o755)
    with pytest.raises(FileNotFoundError):
        Launched([str(script)])


def test_a_stop_is_polite_first(tmp_path):
    """A program that tidies up on SIGTERM may do so; what it left running is ended."""
    script = f"sleep 600 & trap 'sleep 0.3; echo tidy >{tmp_path}/end; exit 0' TERM; echo; wait"
    process = Process(["/bin/sh", "-c", script])
    while not process.log() and not os.fstat(process._log.fileno()).st_size:
        time.sleep(0.01)
    process.stop()
    assert (tmp_path / "end").read_text() == "tidy\n"
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_no_other_file_starts_programs():
    """Else the next one would outlive edgetune."""
    for path in (ROOT / "edgetune").rglob("*.py"):
        if path.name != "programs.py":
            text = path.read_text()
            for way in ("subprocess.run", "subprocess.Popen", "subprocess.call", "os.system",
                        "subprocess.check_", "os.spawn", "os.popen"):
                assert way not in text, f"{path}: {way}"


def test_a_worker_ends_with_its_owner_s_wish():
    worker = Worker("worker_child")
    pid = int(worker.ask(b"pid"))
    worker.end()
    assert ended(pid)
