"""A Robot Framework suite that Renode's own `renode-test` runs: boot, answer, learn, bit for bit.

The keywords are Renode 1.16's (its src/Renode/RobotFrameworkEngine). Bytes go in while the
emulation stands still and it stops at the last byte of each reply, so that a run is repeatable to
the instruction.
"""

from __future__ import annotations

from pathlib import Path

from edgetune.boards import Board
from edgetune.device.renode import RenodeDevice
from edgetune.device.renode.scripts import write_scripts
from edgetune.errors import UsageError
from edgetune.files import save_atomically
from edgetune.session.conversation import Exchange, greeting, lesson
from edgetune.session.firmware import Firmware

STEPS, FORWARD = 8, 4
TIMEOUT = 60  # seconds of the emulation's time for one reply
PIECE = 32  # bytes in one command

HEAD = """\
*** Settings ***
Documentation    {title} in Renode: this firmware boots, runs and learns, and every bit is as
...    simulated. Written by edgetune with the firmware; run it with renode-test.

*** Variables ***
${{SCRIPT}}    ${{CURDIR}}/{script}
${{PLAIN}}    ${{CURDIR}}/{plain}
${{UART}}    sysbus.{uart}
${{TIMEOUT}}    {timeout}

*** Keywords ***
Create Machine
    [Documentation]    Without counters where this Renode, of another version, refuses them.
    TRY
        Execute Script    ${{SCRIPT}}
    EXCEPT    AS    ${{reason}}
        Log    ${{reason}}    WARN
        Reset Emulation
        Execute Script    ${{PLAIN}}
    END
    Create Terminal Tester    ${{UART}}    timeout=${{TIMEOUT}}    defaultPauseEmulation=true
    ...    binaryMode=true

Send
    [Documentation]    Bytes in hexadecimal, a blank between them.
    [Arguments]    @{{pieces}}
    FOR    ${{piece}}    IN    @{{pieces}}
        ${{rest}}=    Evaluate    $piece.replace(" ", "; " + $UART + " WriteChar 0x")
        Execute Command    ${{UART}} WriteChar 0x${{rest}}
    END

*** Test Cases ***"""


def check_renode_suite(board: Board, native: bool) -> None:
    """Before anything is built.

    Args:
        native: the build is for this computer.

    Raises:
        DeviceNotFoundError: Renode has no platform for the board.
        UsageError: Renode cannot run a program of this computer, or the board's own platform is
            missing.
    """
    RenodeDevice(board, Path())  # refuses a board that it does not know; starts nothing
    if native:
        raise UsageError(
            "Renode runs the board's image, not this computer's.",
            "--renode-suite was given together with --native or --device host.",
            "Leave one of them out.",
        )


def write_renode_suite(firmware: Firmware) -> Path:
    """Write BOARD.robot, and the scripts that it includes, next to the firmware's image.

    Raises:
        UsageError: the folder cannot be written.
    """
    board, elf = firmware.plan.board, firmware.build.elf
    scripts = [write_scripts(board, elf, plain).name for plain in (False, True)]
    suite = elf.with_name(f"{board.name}.robot")
    save_atomically(suite, suite_text(firmware, *scripts).encode())
    return suite


def suite_text(firmware: Firmware, script: str, plain: str) -> str:
    """The suite; ``script`` and ``plain``: the machine's scripts, in the suite's folder."""
    board = firmware.plan.board
    hello = greeting(firmware)
    head = HEAD.format(
        title=board.title, script=script, plain=plain,
        uart=board.emulators["renode"]["uart"], timeout=TIMEOUT,
    )
    tests = [
        _test("Should Boot", hello),
        _test("Should Run And Learn", hello + lesson(firmware, STEPS, FORWARD)),
        "    ${count}=    Execute Command    sysbus.cpu ExecutedInstructions",
        "    Log    ${count}",
    ]
    return head + "\n".join([*tests, ""])


def _test(name: str, exchanges: list[Exchange]) -> str:
    lines = ["", name, "    Create Machine"]
    for exchange in exchanges:
        lines += [f"    # It {exchange.name}.", *_send(exchange.request)]
        lines.append(f"    Wait For Bytes On Uart    {exchange.reply.hex(' ')}")
    return "\n".join(lines)


def _send(request: bytes) -> list[str]:
    pieces = [request[i : i + PIECE].hex(" ") for i in range(0, len(request), PIECE)]
    if not pieces:
        return []
    return [f"    Send    {pieces[0]}", *(f"    ...    {piece}" for piece in pieces[1:])]
