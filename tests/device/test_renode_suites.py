"""The Robot Framework suites: one for each board that Renode knows.

Where `renode-test` is installed it runs them. Robot Framework itself runs them everywhere with
keywords of the tests (tests/support/renode_keywords.py): against the host build of the same
firmware, in QEMU, and against the very image with models made after Renode's
(tests/support/renode_platforms.py).
"""

import io
import shutil
from pathlib import Path

import pytest
from cli_runner import MODEL, refused, succeed
from robot import running
from tiny_tflite import ModelBuilder

from edgetune.boards import list_boards, load_board
from edgetune.device.process import Process
from edgetune.device.renode import find_renode_test
from edgetune.errors import DeviceNotFoundError, UsageError
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.plan.plan import make_plan
from edgetune.session.conversation import lesson
from edgetune.session.firmware import build_firmware
from edgetune.session.renode_suite import (
    FORWARD,
    STEPS,
    check_renode_suite,
    write_renode_suite,
)

pytestmark = pytest.mark.thorough
BOARDS = [name for name in list_boards() if "renode" in load_board(name).emulators]
BOTH = [name for name in BOARDS if "qemu" in load_board(name).emulators]
SUITE_SECONDS = 600.0
needs_gcc = pytest.mark.skipif(
    not shutil.which("arm-none-eabi-gcc"), reason="arm-none-eabi-gcc is not installed"
)


def small_plan(board: str):
    builder = ModelBuilder((1, 12, 12, 3), 1 / 40, -7, seed=5)
    builder.conv(6, 3, 2, activation="RELU").depthwise(3, activation="RELU6").max_pool(2)
    builder.mean().dense(8, "RELU").dense(4).softmax()
    return make_plan(read_tflite(builder.build()), Recipe(), load_board(board))


def run_suite(path: Path, board: str, device: str, image: Path):
    """What Robot Framework says after running the suite with the keywords of the tests."""
    suite = running.TestSuite.from_file_system(str(path))
    keywords = Path(__file__).parents[1] / "support" / "renode_keywords.py"
    suite.resource.imports.library(str(keywords), args=(board, device, str(image)))
    for test in suite.tests:
        test.teardown.config(name="Reset Emulation")
    return suite.run(output=None, stdout=io.StringIO(), stderr=io.StringIO())


def failures(result) -> list[str]:
    return [f"{test.name}: {test.message}" for test in result.suite.tests if not test.passed]


@pytest.mark.parametrize("board", ["stm32f4-discovery", "nrf52840-dk"])
def test_the_host_build_says_what_the_suite_expects(board, tmp_path):
    firmware = build_firmware(small_plan(board), tmp_path, "small", native=True)
    suite = write_renode_suite(firmware)
    assert suite.name == f"{board}.robot"
    result = run_suite(suite, board, "host", firmware.build.elf)
    assert failures(result) == [] and len(result.suite.tests) == 2


@needs_gcc
@pytest.mark.parametrize("board", BOTH)
def test_the_image_says_so_too(board, tmp_path):
    if not shutil.which("qemu-system-arm"):
        pytest.skip("qemu-system-arm is not installed")
    firmware = build_firmware(small_plan(board), tmp_path, "small")
    result = run_suite(write_renode_suite(firmware), board, "qemu", firmware.build.elf)
    assert failures(result) == []


@needs_gcc
@pytest.mark.parametrize("board", BOARDS)
def test_every_image_gets_along_with_what_renode_models(board, tmp_path):
    firmware = build_firmware(small_plan(board), tmp_path, "small")
    result = run_suite(write_renode_suite(firmware), board, "models", firmware.build.elf)
    assert failures(result) == []


@needs_gcc
@pytest.mark.parametrize("board", BOARDS)
def test_in_renode(board, tmp_path):
    renode_test = find_renode_test()
    if renode_test is None:
        pytest.skip("renode-test is neither beside EDGETUNE_RENODE nor on PATH")
    firmware = build_firmware(small_plan(board), tmp_path / "firmware", "small")
    suite = write_renode_suite(firmware)
    process = Process([renode_test, "-r", str(tmp_path / "results"), str(suite)])
    try:
        assert process.wait(SUITE_SECONDS), process.log()
        assert process.ended() == "ended with exit code 0", process.log()
    finally:
        process.stop()


def test_a_wrong_bit_fails_the_suite(tmp_path):
    firmware = build_firmware(small_plan("stm32f4-discovery"), tmp_path, "small", native=True)
    suite = write_renode_suite(firmware)
    last = lesson(firmware, STEPS, FORWARD)[-1].reply.hex(" ")
    text = suite.read_text()
    assert text.count(last) == 1
    wrong = last[:-4] + ("1" if last[-4] != "1" else "2") + last[-3:]
    suite.write_text(text.replace(last, wrong))
    keywords = run_suite(suite, "stm32f4-discovery", "host", firmware.build.elf)
    assert [line.split(":")[0] for line in failures(keywords)] == ["Should Run And Learn"]


def test_a_renode_that_refuses_the_counters_runs_without_them(tmp_path):
    firmware = build_firmware(small_plan("stm32f4-discovery"), tmp_path, "small", native=True)
    suite = write_renode_suite(firmware)
    suite.with_name("firmware.resc").unlink()
    assert failures(run_suite(suite, "stm32f4-discovery", "host", firmware.build.elf)) == []
    suite.with_name("firmware.plain.resc").unlink()
    assert len(failures(run_suite(suite, "stm32f4-discovery", "host", firmware.build.elf))) == 2


def test_the_seed_decides_the_lesson(tmp_path):
    firmware = build_firmware(small_plan("stm32f4-discovery"), tmp_path, "small", native=True)
    assert lesson(firmware, 3, 1) == lesson(firmware, 3, 1) != lesson(firmware, 3, 1, seed=1)


def test_build_writes_the_suite(tmp_path):
    if not shutil.which("arm-none-eabi-gcc"):
        pytest.skip("arm-none-eabi-gcc is not installed")
    out = ("--board", "nucleo-f446re", "--out", tmp_path / "project", "--renode-suite")
    suite = Path(succeed("build", MODEL, *out)["renode_suite"])
    assert suite.is_file() and suite.with_name("firmware.resc").is_file()
    assert succeed("build", MODEL, *out[:4]).get("renode_suite") is None
    assert refused("build", MODEL, *out, "--native")["exit_code"] == 2


def test_what_no_suite_is_written_for():
    check_renode_suite(load_board("stm32f4-discovery"), native=False)
    with pytest.raises(DeviceNotFoundError):
        check_renode_suite(load_board("mps2-an385"), native=False)
    with pytest.raises(UsageError):
        check_renode_suite(load_board("stm32f4-discovery"), native=True)
