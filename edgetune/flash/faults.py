"""What goes wrong between a computer and a chip, each as the error that names its remedy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgetune.boards import Board
from edgetune.errors import DeviceNotFoundError, EdgetuneError, ToolchainError

INSTALL_RULES = (
    "edgetune doctor --udev | sudo tee /etc/udev/rules.d/60-edgetune.rules "
    "&& sudo udevadm control --reload && sudo udevadm trigger"
)

Fault = Callable[[str, Board, str], EdgetuneError]  # tool, board, what the tool said


def no_probe(tool: str, board: Board, said: str) -> EdgetuneError:
    return DeviceNotFoundError(
        f"{tool} found no debug probe.",
        said,
        "Connect the board's debug port by a USB cable that carries data. lsusb shows whether "
        "the computer sees it; edgetune doctor checks its permissions.",
    )


def several_probes(tool: str, probes: Sequence[str]) -> EdgetuneError:
    """``probes``: one line for each, its id first."""
    return DeviceNotFoundError(
        "There are several debug probes.",
        "Any of them could be meant:\n" + "\n".join(probes),
        f"Name one: --probe {probes[0].split()[0]}" if probes else "Name one: --probe ID",
    )


def ambiguous(tool: str, board: Board, said: str) -> EdgetuneError:
    return DeviceNotFoundError(
        f"{tool} found several devices.", said, "Name one by its serial number: --probe ID"
    )


def no_permission(tool: str, board: Board, said: str) -> EdgetuneError:
    return DeviceNotFoundError(
        "The debug probe is there, but this user may not open it.",
        said,
        f"Install the udev rules, then plug the board in again: {INSTALL_RULES}",
    )


def busy(tool: str, board: Board, said: str) -> EdgetuneError:
    return DeviceNotFoundError(
        "The debug probe is in use.",
        said,
        "End the other program that uses it: a debugger, a GDB server, an IDE.",
    )


def no_chip(tool: str, board: Board, said: str) -> EdgetuneError:
    return DeviceNotFoundError(
        f"The debug probe is there, but no {board.chip} answers it.",
        said,
        "Check that the board has power and that the debug wires are connected. Firmware that "
        "sleeps deeply or reuses the debug pins hides the chip: hold its reset button meanwhile.",
    )


def no_bootsel(tool: str, board: Board, said: str) -> EdgetuneError:
    return DeviceNotFoundError(
        "No board in BOOTSEL mode was found.",
        said,
        f"Hold the BOOTSEL button of the {board.title} while plugging in its USB cable, then try "
        "again.",
    )


def no_server(tool: str, board: Board, said: str) -> EdgetuneError:
    return DeviceNotFoundError(
        "No GDB server answers.",
        said,
        "Start one, and check its host and port. For QEMU: -gdb tcp:127.0.0.1:PORT",
    )


def locked(tool: str, board: Board, said: str) -> EdgetuneError:
    return ToolchainError(
        f"The {board.chip} is locked against reading or writing.",
        said,
        "Unlocking erases all that the chip holds, so edgetune leaves it to you: "
        + _UNLOCK.get(board.maker, "the maker's programmer does it."),
    )


def wrong_chip(tool: str, board: Board, said: str) -> EdgetuneError:
    return ToolchainError(
        f"The chip behind the probe is not a {board.chip}.",
        said,
        "Name the board that is connected: --board NAME, or another probe: --probe ID",
    )


def not_verified(tool: str, board: Board, said: str) -> EdgetuneError:
    return ToolchainError(
        f"The {board.chip} does not hold what was written.",
        said,
        "Try again. If it stays so, use a shorter cable, or check the chip's write protection.",
    )


def failed(tool: str, board: Board, said: str) -> EdgetuneError:
    return ToolchainError(
        f"{tool} did not write the firmware.",
        said or "It gave no reason.",
        f"Reset the board and try again, or use another tool: {_others(tool, board)}",
    )


def timed_out(tool: str, board: Board, seconds: float, said: str) -> EdgetuneError:
    return ToolchainError(
        f"{tool} was ended.",
        f"It did not finish within {seconds:g} seconds." + (f"\n{said}" if said else ""),
        "Reset the board, plug the probe in again, and try once more.",
    )


def missing(tool: str, how: str) -> EdgetuneError:
    """The tool is not installed; ``how``: a sentence on how to get it."""
    return ToolchainError(f"{tool} was not found.", "It is not on PATH.", how)


def _others(tool: str, board: Board) -> str:
    names = [name for name in board.flasher["tools"] if name != tool]
    return ", ".join(f"--tool {name}" for name in names) or "--gdb HOST:PORT"


_UNLOCK = {
    "STMicroelectronics": "STM32CubeProgrammer, option bytes, RDP level 0.",
    "Nordic Semiconductor": "nrfjprog --recover, or pyocd erase --mass --target nrf52840.",
}
