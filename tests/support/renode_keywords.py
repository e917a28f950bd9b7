"""Renode's keywords for Robot Framework, played by a device of edgetune, for tests without Renode.

They take what Renode 1.16's take (src/Renode/RobotFrameworkEngine/*Keywords.cs) and read named
arguments as it does; the firmware runs on the device that the import names.
"""

import re
import time
from pathlib import Path

from renode_machine import ModelDevice

from edgetune.boards import load_board
from edgetune.device import open_device

PATIENCE = 20.0  # seconds; a bound, not an expectation
NAMED = re.compile(r"([a-zA-Z0-9_]+)=(.+)")
TESTER = dict(
    uart=str, timeout=float, machine=str, endLineOption=str, defaultPauseEmulation=bool,
    defaultWaitForEcho=bool, defaultMatchNextLine=bool, binaryMode=bool,
)
WAIT = dict(
    content=str, timeout=float, testerId=int, treatAsRegex=bool, pauseEmulation=bool,
    matchStart=bool,
)


def parse(signature: dict, arguments: tuple) -> dict:
    """The arguments by name; ValueError where Renode finds no keyword that takes them."""
    found, names = {}, list(signature)
    for place, text in enumerate(arguments):
        named = NAMED.match(text)
        name, value = named.groups() if named else (names[place], text)
        kind = signature[name]
        found[name] = value.lower() == "true" if kind is bool else kind(value)
    return found


class renode_keywords:  # Robot Framework looks for a class of the module's name
    """``device``: host, qemu or models (see renode_machine.py); ``image``: what it runs."""

    ROBOT_LIBRARY_SCOPE = "SUITE"

    def __init__(self, board: str, device: str, image: str):
        self._board, self._kind, self._image = load_board(board), device, Path(image)
        self._device, self._heard, self._uart = None, b"", ""

    def execute_script(self, path: str) -> None:
        folder = Path(path).parent
        for name in re.findall(r"\$ORIGIN/(.+)", Path(path).read_text()):
            assert (folder / name.replace("\\ ", " ")).is_file(), name
        assert self._device is None, "there is a machine already"
        if self._kind == "models":
            self._device = ModelDevice(self._board, self._image)
            self._device.open()
        else:
            self._device = open_device(self._kind, self._board, self._image)

    def create_terminal_tester(self, *arguments: str) -> int:
        given = parse(TESTER, arguments)
        assert given["binaryMode"] and given["defaultPauseEmulation"] and given["timeout"] > 0
        self._uart = given["uart"]
        return 0

    def execute_command(self, command: str) -> str:
        if command == "sysbus.cpu ExecutedInstructions":
            return "0x0000000000000001\n"
        data = bytearray()
        for part in command.split(";"):
            written = re.fullmatch(rf"\s*{self._uart} WriteChar 0x([0-9a-f]+)", part)
            assert written, part
            data.append(int(written.group(1), 16))
        self._device.write(bytes(data))
        return ""

    def wait_for_bytes_on_uart(self, *arguments: str) -> None:
        wanted = bytes.fromhex(parse(WAIT, arguments)["content"])
        end = time.monotonic() + PATIENCE
        while wanted not in self._heard:
            if time.monotonic() > end or not self._device.alive():
                raise AssertionError(f"Terminal tester failed! It has {self._heard.hex(' ')}")
            self._heard += self._device.read(0.1)
        self._heard = self._heard[self._heard.index(wanted) + len(wanted) :]

    def reset_emulation(self) -> None:
        if self._device is not None:
            self._device.close()
        self._device, self._heard = None, b""
