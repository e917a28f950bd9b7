"""Whether a board on a serial port runs the firmware of a model."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgetune.boards import Board, board_argument
from edgetune.device import open_device
from edgetune.errors import DeviceNotFoundError, LinkError
from edgetune.link.client import Client
from edgetune.link.messages import DeviceInfo
from edgetune.plan.plan import Plan
from edgetune.session.doctor.check import Check
from edgetune.session.firmware import generate

USE = "the board's firmware"
HELLO_SECONDS = 3.0


def examine_firmware(
    board: Board, port: str, model: Path | None = None, plan: Plan | None = None,
    options: Sequence[str] = (), cmsis_nn: Path | None = None,
) -> Check:
    """Asks the board behind ``port`` what it runs, and compares that with ``plan``.

    Args:
        model: the file that ``plan`` was made of.
        plan: what it should run; None accepts any firmware of edgetune for ``board``.
        options: of the command line that builds ``plan``, besides model and board.
        cmsis_nn: the folder of CMSIS-NN where the plan is made for it.
    """
    words = [str(model or "MODEL"), "--board", board_argument(board), *options]
    fix = shlex.join(["edgetune", "flash", *words])
    try:
        with open_device(port, board) as device:
            info = Client(device, line=device, hello_timeout=HELLO_SECONDS).hello()
    except DeviceNotFoundError as error:
        return _broken(f"{error.message} {error.cause}", error.next_step)
    except LinkError as error:
        return _broken(f"{port} does not answer as edgetune's firmware: {error.cause}", fix)
    if why := _difference(info, board, model, plan, cmsis_nn):
        return _broken(why, fix)
    found = f"{info.board}, build {info.build_id:08x}, model {info.model_hash:08x}"
    return Check("firmware", True, False, USE, found)


def _broken(found: str, fix: str) -> Check:
    return Check("firmware", False, False, USE, found, fix, broken=True)


def _difference(
    info: DeviceInfo, board: Board, model: Path | None, plan: Plan | None, cmsis_nn: Path | None
) -> str:
    """In words; "" where the board runs what it should."""
    if info.board != board.name:
        return f"its firmware was built for {info.board}, not for {board.name}"
    if model is None or plan is None:
        return ""
    expected = plan.program.graph.hash32
    if info.model_hash != expected:
        return f"it holds another model: {info.model_hash:08x}, not {expected:08x}"
    if info.build_id != (build := _build_id(plan, model.stem, cmsis_nn)):
        return f"it runs another build of the model: {info.build_id:08x}, not {build:08x}"
    return ""


def _build_id(plan: Plan, title: str, cmsis_nn: Path | None) -> int:
    """Of the firmware that ``plan`` would become; nothing is compiled."""
    with tempfile.TemporaryDirectory(prefix="edgetune-") as folder:
        return generate(plan, Path(folder), title, cmsis_nn=cmsis_nn).build_id
