"""Transports for the link's tests: the compiled echo learner, and a line that does damage."""

import ctypes
import os
import random
import select
import shutil
import subprocess
from collections import deque
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "tests" / "link_server"
FLAGS = ["-std=gnu99", "-O1", "-g", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
INCLUDES = [f"-I{ROOT / 'firmware' / part}" for part in ("link", "engine", "ports")]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def compiler() -> str:
    found = shutil.which("gcc") or shutil.which("clang")
    if found is None:
        pytest.skip("no C compiler for the PC (gcc or clang) on PATH")
    return found


def has_sanitizers(folder: Path) -> bool:
    source = folder / "empty.c"
    source.write_text("int main(void) { return 0; }\n")
    command = [compiler(), *SANITIZE, str(source), "-o", str(folder / "empty")]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def build_server(folder: Path, *defines: str) -> Path:
    """The whole learning server with the echo learner behind it, as a program for the PC."""
    sources = sorted((ROOT / "firmware" / "link").glob("*.c")) + sorted(SERVER.glob("*.c"))
    sources.append(ROOT / "firmware" / "app" / "main.c")
    program = folder / "echo"
    sanitize = SANITIZE if has_sanitizers(folder) else []
    subprocess.run(
        [compiler(), *FLAGS, *sanitize, *defines, *INCLUDES, f"-I{SERVER}"]
        + [*map(str, sources), "-o", str(program), "-lpthread"],
        check=True,
    )
    return program


def build_server_library(folder: Path, *defines: str) -> ctypes.CDLL:
    """The same server as a library: it has answered when a call returns."""
    sources = sorted((ROOT / "firmware" / "link").glob("*.c"))
    sources += [SERVER / "echo.c", SERVER / "in_process" / "port.c"]
    library = folder / "echo.so"
    subprocess.run(
        [compiler(), *FLAGS, *defines, *INCLUDES, f"-I{SERVER}", "-shared", "-fPIC"]
        + [*map(str, sources), "-o", str(library)],
        check=True,
    )
    return ctypes.CDLL(str(library))


class ModelledLine:
    """A line of ``BAUD`` to a server in a library, in a time of its own: `now`, in seconds.

    Reading moves the time on, to when bytes come or the wait is over; nothing else takes time.
    """

    BAUD = 1_000_000

    def __init__(self, library: ctypes.CDLL):
        self.name, self.now, self._server = "modelled", 0.0, library
        self._coming: deque[tuple[float, bytes]] = deque()
        self._free = [0.0, 0.0]  # when the line is free again, to the device and back

    def clock(self) -> float:
        return self.now

    def write(self, data: bytes) -> None:
        heard = self._travelled(0, self.now, len(data))
        if count := self._server.port_hear(data, len(data)):
            answer = ctypes.create_string_buffer(count)
            self._server.port_take(answer)
            self._coming.append((self._travelled(1, heard, count), answer.raw))

    def read(self, timeout: float) -> bytes:
        end = self.now + timeout
        if not self._coming or self._coming[0][0] > end:
            self.now = end
            return b""
        due, data = self._coming.popleft()
        self.now = max(self.now, due)
        return data

    def alive(self) -> bool:
        return True

    def _travelled(self, way: int, begun: float, count: int) -> float:
        self._free[way] = max(begun, self._free[way]) + 10 * count / self.BAUD
        return self._free[way]


class Pipe:
    """A program's stdin and stdout as a transport."""

    def __init__(self, program: Path):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [str(program)], stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0
        )

    def read(self, timeout: float) -> bytes:
        ready, _, _ = select.select([self.process.stdout], [], [], timeout)
        return os.read(self.process.stdout.fileno(), 4096) if ready else b""

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self.process.stdin.write(view) :]

    def alive(self) -> bool:
        return self.process.poll() is None

    def close(self) -> str:
        """Ends the program; what it wrote to stderr."""
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        complaints = self.process.stderr.read().decode()
        self.process.stdout.close()
        self.process.stderr.close()
        return complaints


class BadLine:
    """Drops, flips and inserts bytes and repeats whole writes, at seeded rates in both directions.

    ``only``: the direction that suffers, "read", "write" or "both".
    """

    def __init__(self, inner, seed: int, rate: float, repeat: float = 0.0, only: str = "both"):
        self.inner, self.rate, self.repeat, self.only = inner, rate, repeat, only
        self.random = random.Random(seed)
        self.damage = 0

    def _spoil(self, data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            if self.random.random() >= self.rate:
                out.append(byte)
                continue
            self.damage += 1
            kind = self.random.randrange(3)
            if kind == 0:
                out.append(byte ^ 1 << self.random.randrange(8))
            elif kind == 1:
                out += bytes([byte, self.random.randrange(256)])
        if self.random.random() < self.repeat:
            out *= 2
        return bytes(out)

    def read(self, timeout: float) -> bytes:
        data = self.inner.read(timeout)
        return data if self.only == "write" else self._spoil(data)

    def write(self, data: bytes) -> None:
        self.inner.write(data if self.only == "read" else self._spoil(data))

    def alive(self) -> bool:
        return self.inner.alive()


class Script:
    """A device made of prepared bytes: each read gives the next piece, then silence."""

    def __init__(self, *pieces: bytes, alive: bool = True):
        self.pieces = list(pieces)
        self.sent: list[bytes] = []
        self._alive = alive

    def read(self, timeout: float) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def alive(self) -> bool:
        return self._alive or bool(self.pieces)
