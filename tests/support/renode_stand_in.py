"""A program that takes Renode's command line, for tests where Renode is not installed.

It knows the commands that edgetune's scripts use and no others, keeps what it says for the
first client of its monitor, as Renode does, and fails in the ways in which Renode fails. The
firmware runs in the command that $STAND_IN_FIRMWARE names (JSON; {elf} is the image).
$STAND_IN_FAULT names the fault.
"""

import argparse
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

FAULT = os.environ.get("STAND_IN_FAULT", "")
INSTRUCTIONS = 0x1234567
TELNET = bytes([255, 253, 0, 255, 251, 1, 255, 251, 3, 255, 252, 34])
ERROR = "There was an error executing command '{}'\nNo such file or directory"


class Failure(Exception):
    """A command failed; the rest of its script is left out."""


class Renode:
    def __init__(self, port: int):
        self.variables, self.prompt, self.started = {}, "monitor", False
        self.names, self.image, self.terminal, self.joined = {}, None, None, False
        self.server = socket.socket()
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.bind(("", port))
        self.server.listen(1)
        self.lock = threading.Lock()
        self.said = b"\r\n\x1b[0mRenode, version 1.16.1\r\n\r\n(monitor) "

    def say(self, text: str) -> None:
        with self.lock:
            self.said += text.replace("\n", "\r\n").encode()

    def line(self, text: str) -> None:
        """A typed line: its echo, what it says, and the prompt."""
        self.say(text + "\n")
        try:
            for command in text.split("; "):
                self.command(command)
        except Failure as error:
            self.say(f"{error}\n")
        self.say(f"({self.prompt}) ")

    def command(self, text: str) -> None:
        text = text.strip()
        if not text or text.startswith("#"):
            return
        if found := re.fullmatch(r'\$(\w+)(\??)="([^"]*)"', text):
            name, optional, value = found.groups()
            if not (optional and name in self.variables):
                self.variables[name] = value
            return
        origin = self.variables.get("ORIGIN", "")
        text = re.sub(r"\$(\w+)", lambda v: self.variables[v.group(1)], text)
        words = [word.removeprefix("@") for word in shlex.split(text)]
        action = ACTIONS.get(" ".join(words[:2])) or ACTIONS.get(words[0])
        if action is None:
            raise Failure(f"No such command or device: {words[0]}")
        try:
            action(self, *words)
        except (OSError, KeyError, TypeError) as error:
            raise Failure(ERROR.format(text) + f"\n{error}") from None
        self.variables["ORIGIN"] = origin

    def include(self, _, path: str) -> None:
        self.variables["ORIGIN"] = str(Path(path).parent)
        folder = self.variables["ORIGIN"]
        for line in Path(path).read_text().splitlines():
            self.variables["ORIGIN"] = shlex.quote(folder).strip("'")
            self.command(line)

    def create(self, _mach, _create, name: str) -> None:
        self.prompt = name

    def load_platform(self, _machine, _load, path: str) -> None:
        text = Path(path).read_text()
        stock = re.search(r'^using "(platforms/[\w/-]+\.repl)"$', text, re.MULTILINE)
        counting = "PerformanceInMips: 250" in text
        refused = FAULT == "script" or FAULT == "other version" and counting
        if stock is None or counting == path.endswith(".plain.repl") or refused:
            raise OSError("the platform cannot be loaded")
        if FAULT == "stock platform":
            self.say(ERROR.format("sysbus Tag <0x0, 0x3>") + "\n")

    def set_unhandled(self, _sysbus, _name, value: str) -> None:
        if value != "DoNotReport":
            raise OSError(value)

    def load_elf(self, _sysbus, _load, path: str) -> None:
        if not Path(path).read_bytes():
            raise OSError("no ELF file")
        self.image = os.path.realpath(path)

    def pty(self, _emulation, _create, name: str, path: str, _force: str) -> None:
        if FAULT == "no pty":
            return
        self.ours, theirs = os.openpty()
        self.names[name] = (self.ours, theirs)
        os.symlink(os.ttyname(theirs), path)

    def socket(self, _emulation, _create, port: str, name: str, telnet: str) -> None:
        if telnet != "false":
            raise OSError(telnet)
        server = socket.socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("", int(port)))
        server.listen(1)
        self.names[name] = server

    def connect(self, _connector, _connect, uart: str, name: str) -> None:
        if not re.fullmatch(r"sysbus\.u(s?)art\d", uart):
            raise KeyError(uart)
        self.terminal = self.names[name] if FAULT != "no pty" else None

    def start(self, _) -> None:
        if self.terminal is not None and FAULT != "not started":
            threading.Thread(target=self.run_firmware, daemon=True).start()
            self.started = True

    def run_firmware(self) -> None:
        words = json.loads(os.environ["STAND_IN_FIRMWARE"])
        if not isinstance(self.terminal, tuple):
            self.terminal = (self.terminal.accept()[0].detach(), -1)
        subprocess.run(
            [word.format(elf=self.image) for word in words],
            stdin=self.terminal[0], stdout=self.terminal[0],
        )

    def is_started(self, *_) -> None:
        self.say(f"{self.started}\n")

    def instructions(self, *_) -> None:
        self.say(f"0x{INSTRUCTIONS:016X}\n")

    def quit(self, _) -> None:
        self.say("Renode is quitting\n")
        if FAULT != "mute":
            os._exit(0)

    def serve(self) -> None:
        """One client after another, each from where the one before left."""
        while True:
            client, _ = self.server.accept()
            if FAULT == "mute":
                time.sleep(1000)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.sendall(TELNET)
            typed = b""
            client.settimeout(0.02)
            while True:
                with self.lock:
                    said, self.said = self.said, b""
                for byte in said:  # as Renode does, so that answers come in parts
                    client.sendall(bytes([byte]))
                    time.sleep(0.0005)
                try:
                    data = client.recv(100)
                except TimeoutError:
                    continue
                if not data:
                    break
                *lines, typed = (typed + data).split(b"\n")
                for line in lines:
                    self.line(line.decode())


ACTIONS = {
    "include": Renode.include, "mach create": Renode.create,
    "machine LoadPlatformDescription": Renode.load_platform,
    "sysbus UnhandledAccessBehaviour": Renode.set_unhandled, "sysbus LoadELF": Renode.load_elf,
    "emulation CreateUartPtyTerminal": Renode.pty,
    "emulation CreateServerSocketTerminal": Renode.socket,
    "connector Connect": Renode.connect, "start": Renode.start,
    "emulation IsStarted": Renode.is_started,
    "sysbus.cpu ExecutedInstructions": Renode.instructions, "quit": Renode.quit,
}


def main() -> None:
    options = argparse.ArgumentParser(allow_abbrev=False)
    for flag in ("--disable-xwt", "--plain", "--hide-log", "--version"):
        options.add_argument(flag, action="store_true")
    options.add_argument("-P", type=int)
    options.add_argument("-e")
    given = options.parse_args()
    if given.version:
        print("Renode v1.16.1.31415\n  build: d66b0c2a-202602160810\n  runtime: .NET 8.0.1")
        return
    assert given.disable_xwt and given.plain and given.hide_log
    assert os.environ["https_proxy"].startswith("http://127.0.0.1:")
    if FAULT == "dies":
        sys.exit("Could not load file or assembly")
    if FAULT == "never starts":
        time.sleep(1000)
    marker = Path(os.environ["STAND_IN_FOLDER"]) / "port"
    if FAULT == "port taken" and not marker.exists():
        marker.write_text(str(given.P))
        sys.exit("Fatal error:\nSystem.Net.Sockets.SocketException (98): Address already in use")
    renode = Renode(given.P)
    threading.Thread(target=renode.serve, daemon=True).start()
    renode.line(given.e)
    while True:
        time.sleep(1000)


if __name__ == "__main__":
    main()
