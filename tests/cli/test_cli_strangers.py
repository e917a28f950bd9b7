"""What is typed by strangers, in files, folders and names: refused in words, or bounded work."""

import io
import json
import os
import shutil
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from cli_runner import BOARD, DATA, MODEL, ON_HOST, edgetune, refused, succeed

from edgetune.boards import load_board
from edgetune.ci.failures import as_text
from edgetune.codegen.c_text import comment
from edgetune.errors import EdgetuneError, ModelError, UsageError
from edgetune.resources import resource_path
from edgetune.session.order import MOST_STEPS, sample_order

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


# -- board folders -------------------------------------------------------------------------------

HOSTILE = [
    ('"stm32/usart_v1.c"', r'"board/x$(touch${IFS}PWNED).c"'),
    ('"stm32/usart_v1.c"', '"board/../../../../X.c"'),
    ('"stm32/usart_v1.c"', '"../../../../etc/X.c"'),
    ('"stm32/usart_v1.c"', '"/etc/X.c"'),
    ('"stm32/usart_v1.c"', '"board/-x.c"'),
    ('"stm32/usart_v1.c"', '"board/a b.c"'),
    ('"stm32/usart_v1.c"', r'"board/a\n.c"'),
    ('"stm32/usart_v1.c"', '"board/`id`.c"'),
    ('"stm32/usart_v1.c"', "7"),
    ('"stm32/flash_f4.c"', '"board/../X.c"'),
    ('uart = "usart2"', r'uart = "usart2\nsystem touch PWNED"'),
    ('uart = "usart2"', 'uart = "usart2; quit"'),
    ('machine = "netduinoplus2"', 'machine = "netduinoplus2,dumpdtb=X"'),
    ('machine = "netduinoplus2"', 'machine = "-bios"'),
    ("serial = 1", "serial = 1000000000"),
    ('platform = "', 'platform = "board/../'),
    ('platform = "', r'platform = "x\"\ninclude @evil'),
    ('title = "', r'title = "\nsystem "touch PWNED"\n'),
    ('title = "', r'title = "\u001b]0;owned\u0007'),
    ('title = "', 'title = "' + "x" * 600),
    ("[uart]", '[uart]\n"base 1\\n#include </etc/passwd>" = 1'),
    ("[uart]", '[uart]\n"a(b)" = 1'),
]


@pytest.mark.parametrize(("old", "new"), HOSTILE)
def test_a_word_of_a_board_that_is_more_than_a_name_is_refused(folder, old, new):
    board = folder / "evil"
    shutil.copytree(resource_path("boards") / BOARD, board)
    text = (board / "board.toml").read_text()
    assert old in text
    (board / "board.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(UsageError, match="does not describe a board") as caught:
        load_board(board)
    assert caught.value.cause.isprintable()
    assert not list(folder.rglob("PWNED"))


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a" + ".a" * 20 + " = 1"])
def test_a_board_file_of_endless_depth_is_refused(folder, text):
    (folder / "evil").mkdir()
    (folder / "evil" / "board.toml").write_text(text)
    with pytest.raises(UsageError, match="does not describe a board"):
        load_board(folder / "evil")


def test_project_settings_of_endless_depth_are_refused(folder):
    (folder / "edgetune.toml").write_text("a = " + "[" * 100_000)
    assert refused("boards", "list")["exit_code"] == 2


# -- files that are none -------------------------------------------------------------------------


def _tune(**changed) -> tuple:
    words = {"model": MODEL, "--board": BOARD, "--data": DATA} | changed
    return ("tune", words.pop("model"), "--device", "host", *sum(words.items(), ()))


@pytest.mark.parametrize(("name", "words"), [
    ("p.tflite", {"model": "p.tflite"}), ("p.npz", {"--data": "p.npz"}),
    ("p.npy", {"--data": "p.npy", "--labels": "p.npy"}), ("p.csv", {"--data": "p.csv"}),
    ("p/board.toml", {"--board": "p"}), ("p/state.bin", {"--continue": "p"}),
    ("p/checkpoint.npz", {"--resume": "p"}), ("p.npz", {"--guard": "p.npz"}),
])
def test_a_pipe_is_not_waited_for(folder, name, words):
    (folder / name).parent.mkdir(exist_ok=True)
    os.mkfifo(folder / name)
    error = refused(*_tune(**words))
    assert error["exit_code"] in (2, 8)
    assert not (folder / "runs").exists()


@pytest.mark.parametrize("name", ["m.tflite", "d.npy"])
def test_a_device_is_not_read_for_ever(folder, name):
    (folder / name).symlink_to("/dev/zero")
    words = {"model": name} if name == "m.tflite" else {"--data": name, "--labels": name}
    error = refused(*_tune(**words))
    assert error["exit_code"] == 8 and "pipe or a device" in error["cause"]


# -- bombs ---------------------------------------------------------------------------------------


def _bomb(path: Path, members: dict[str, bytes]) -> None:
    """The digits' data with other members, compressed."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with zipfile.ZipFile(DATA) as data:
            for name in set(data.namelist()) - members.keys():
                archive.writestr(name, data.read(name))
        for name, content in members.items():
            archive.writestr(name, content)


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(("name", "content", "said"), [
    ("scale.npy", lambda: _npy(np.ones(10**7, np.float32)), "10,000,000 numbers"),
    ("offset.npy", lambda: _npy(np.zeros((3000, 3000), np.int8)), "9,000,000 numbers"),
    ("tune_x.npy", lambda: b"\x93NUMPY\x02\x00" + (10**8).to_bytes(4, "little") + bytes(10**8),
     "a header of 100,000,000 bytes"),
])
def test_an_archive_that_swells_is_refused_at_once(folder, name, content, said):
    _bomb(folder / "bomb.npz", {name: content()})
    assert (folder / "bomb.npz").stat().st_size < 500_000
    tracemalloc.start()
    try:
        error = refused(*_tune(**{"--data": "bomb.npz"}))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert error["exit_code"] == 8 and said in error["message"] + error["cause"]
    assert peak < 90e6


def test_a_run_has_a_bounded_length(folder):
    error = refused(*_tune(**{"--passes": "10000000"}))
    assert error["exit_code"] == 2 and "5,000,000,000 steps" in error["message"]
    assert not (folder / "runs").exists()
    assert len(sample_order(10, 3, 4, 0)) == 12
    for count, samples, passes in ((2, None, MOST_STEPS), (MOST_STEPS + 1, None, 1)):
        with pytest.raises(UsageError):
            sample_order(count, samples, passes, 0)


# -- names ---------------------------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.parametrize("name", [
    "a\nb; int x\n#error \x1b[2J", "$(touch PWNED)", "-rf", "a b'\"", "x" * 200,
])
def test_a_model_of_any_name_builds_and_learns(folder, name):
    (folder / f"{name}.tflite").write_bytes(Path(MODEL).read_bytes())
    words = ("--board", BOARD, "--device", "host", "--data", DATA, "--samples", 5, "--passes", 1)
    outcome = edgetune("tune", *words, "--", f"{name}.tflite")
    assert outcome.code == 0, outcome.stderr
    assert all(c.isprintable() or c == "\n" for c in outcome.stdout + outcome.stderr)
    (run,) = (folder / "runs").iterdir()
    assert json.loads((run / "run.json").read_text())["status"] == "done"
    assert not list(folder.rglob("PWNED"))


def test_a_comment_stays_one():
    assert comment("a*/b\nc\\\n\x1b") == r"a* /b\nc\\n\x1b"


def test_errors_are_text_at_every_door():
    error = ModelError("a\x1b[2J", "b\x07", "c\x9b")
    assert str(error) == r"a\x1b[2J"
    assert all(c.isprintable() or c == "\n" for c in as_text(error))


# -- where output goes ---------------------------------------------------------------------------

PROGRAM = "from edgetune.cli.main import main; main()"


def _process(*words, **options) -> subprocess.CompletedProcess:
    command = [os.fsencode(word) if isinstance(word, str) else word
               for word in (sys.executable, "-c", PROGRAM, *words)]
    return subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, **options
    )


@pytest.mark.parametrize("words", [("boards", "list"), ("boards", "list", "--json")])
def test_a_reader_that_goes_away_is_no_error(words):
    reading, writing = os.pipe()
    os.close(reading)
    done = _process(*words, stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("words", [("boards", "list"), ("boards", "list", "--json")])
def test_a_full_disk_behind_stdout_is_named(words):
    with open("/dev/full", "w") as full:
        done = _process(*words, stdout=full)
    assert done.returncode == 2 and b"cannot be written" in done.stderr
    assert b"No space left" in done.stderr and b"defect" not in done.stderr


@pytest.mark.thorough
def test_notes_that_nobody_takes_cost_no_run(folder):
    words = ("tune", MODEL, *ON_HOST, "--data", DATA, "--samples", "20", "--passes", "1")
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-c", PROGRAM, *words, "--out", "run"]
        done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)},
                              stderr=full, stdout=subprocess.PIPE)
    assert done.returncode == 0 and b"Tuned model: run/tuned.tflite" in done.stdout


@pytest.mark.thorough
def test_a_name_that_is_no_utf_8_is_named(folder):
    for as_json in ((), ("--json",)):
        done = _process("inspect", b"caf\xe9.tflite", *as_json, stdout=subprocess.PIPE)
        assert done.returncode == 8 and b"defect" not in done.stdout + done.stderr
    named = folder / os.fsdecode(b"caf\xe9.tflite")
    named.write_bytes(Path(MODEL).read_bytes())
    for as_json in ((), ("--json",)):
        done = _process("inspect", os.fsencode(named), *as_json, stdout=subprocess.PIPE)
        assert done.returncode == 0, done.stderr


def test_an_error_has_all_its_parts():
    with pytest.raises(EdgetuneError) as caught:
        load_board("nowhere\x1b[2J")
    assert "\x1b" not in str(caught.value)
    assert succeed("boards", "show", BOARD)["name"] == BOARD
