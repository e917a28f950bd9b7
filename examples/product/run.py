"""The world around the product: its sensor, and somebody at its console.

    python run.py build/product.elf

QEMU runs the product; its two UARTs are sockets here.  What it does is compared with the simulation
that was fed the same samples.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgetune import Recipe
from edgetune.learn.learner import Learner
from edgetune.learn.lower import lower
from edgetune.model.read import read_tflite

DIGITS = Path(__file__).parents[1] / "digits"
SECONDS = 20  # after which a silent product has failed
TICKS_PER_MS = 25_000


@dataclass(frozen=True)
class Status:
    """``late``: how often the control task started too late; ``worst``: its lateness, ticks."""

    steps: int
    digest: int
    runs: int
    late: int
    worst: int


class Product:
    """The product from outside."""

    def __init__(self, console: socket.socket, sensor: socket.socket):
        self.console, self.sensor = console, sensor
        self.lines = console.makefile("r", encoding="ascii", newline="\n")

    def hear(self, word: str) -> list[int]:
        """The numbers of the next line, which has to begin with ``word``."""
        line = self.lines.readline().strip()
        if not line.startswith(word):
            raise RuntimeError(f"the product said {line!r}, not {word!r}")
        return [int(number) for number in line.removeprefix(word).split()]

    def press(self, keys: str) -> None:
        self.console.sendall(keys.encode())

    def show(self, picture: np.ndarray) -> None:
        """The sensor sees ``picture``, counts from 0 to 16."""
        self.sensor.sendall(picture.astype(np.uint8).tobytes())
        self.hear("seen")

    def learn(self, picture: np.ndarray, label: int) -> int:
        """What the product took the picture for, before it learnt it."""
        self.show(picture)
        self.press(str(int(label)))
        return self.hear("learnt")[0]

    def ask(self, picture: np.ndarray) -> int:
        self.show(picture)
        self.press("?")
        return self.hear("looks like")[0]

    def keep(self) -> None:
        self.press("k")
        self.hear("kept")

    def status(self) -> Status:
        self.press("s")
        return Status(*self.hear("status"))

    def reset_amid_a_step(self, picture: np.ndarray, label: int) -> None:
        self.show(picture)
        self.press(f"{int(label)}r")
        self.hear("ready")


@contextmanager
def running(image: Path) -> Iterator[Product]:
    """``image`` in QEMU: 62.5 million instructions a second of its own time."""
    with socket.create_server(("127.0.0.1", 0)) as console, socket.create_server(
        ("127.0.0.1", 0)
    ) as sensor:
        ports = [s.getsockname()[1] for s in (console, sensor)]
        serial = [w for p in ports for w in ("-serial", f"tcp:127.0.0.1:{p},nodelay=on")]
        process = subprocess.Popen([
            "qemu-system-arm", "-M", "mps2-an386", "-kernel", str(image), "-display", "none",
            "-monitor", "none", "-icount", "shift=4,align=off,sleep=off", *serial,
        ])
        try:
            ends = []
            for server in (console, sensor):
                server.settimeout(SECONDS)
                ends.append(server.accept()[0])
                ends[-1].settimeout(SECONDS)
            product = Product(*ends)
            product.hear("ready")
            yield product
        finally:
            process.kill()
            process.wait()


def pictures() -> dict[str, np.ndarray]:
    with np.load(DIGITS / "digits.npz") as stored:
        return {name: stored[name] for name in ("tune_x", "tune_y", "test_x", "test_y")}


def simulated() -> Learner:
    """The simulation of the product's model."""
    recipe = Recipe()
    graph = read_tflite((DIGITS / "digits_int8.tflite").read_bytes())
    return Learner(lower(graph, recipe.loss_choice), recipe, seed=1, total_steps=0)


def quantised(picture: np.ndarray, learner: Learner) -> np.ndarray:
    """As the product's edgetune_quantize does it, in integers."""
    grid = learner.program.graph.input.grid
    step = int(1 / 16 / float(grid.scale[0]) * 65536 + 0.5)
    values = (picture.astype(np.int64) * step + 32768) // 65536 + int(grid.zero_point[0])
    return np.clip(values, -128, 127).astype(np.int8)


def accuracy(product: Product, data: dict, count: int) -> float:
    found = [product.ask(x) for x in data["test_x"][:count]]
    return float(np.mean(np.array(found) == data["test_y"][:count]))


def live(product: Product, steps: int, tests: int) -> dict:
    """Learns half of the samples, keeps them, is reset amid a further step, and learns the rest;
    the figures of its life."""
    data, learner = pictures(), simulated()
    told = {"before": accuracy(product, data, tests)}

    def learn(first: int, last: int) -> None:
        for x, label in zip(data["tune_x"][first:last], data["tune_y"][first:last]):
            found = product.learn(x, label)
            assert found == learner.train(quantised(x, learner), int(label)).prediction

    learn(0, steps // 2)
    product.keep()
    told["kept"] = product.status()
    assert told["kept"].digest == learner.digest()
    product.reset_amid_a_step(data["tune_x"][0], data["tune_y"][0])
    told["after reset"] = product.status()
    assert told["after reset"].digest == learner.digest()
    learn(steps // 2, steps)
    told["after"] = accuracy(product, data, tests)
    told["end"] = product.status()
    assert told["end"].digest == learner.digest()
    return told


def main() -> None:
    with running(Path(sys.argv[1])) as product:
        told = live(product, steps=500, tests=397)
    end = told["end"]
    print(f"Accuracy: {told['before']:.1%} before, {told['after']:.1%} after {end.steps} steps.")
    print(f"After the reset it went on from step {told['after reset'].steps}.")
    late = told["kept"].late + end.late
    worst = max(told["kept"].worst, end.worst) / TICKS_PER_MS
    runs = told["kept"].runs + end.runs
    print(f"The control task ran {runs} times, {late} of them late; at most {worst:.2f} ms after "
          "it was due.")
    print(f"Digest {end.digest:08x}, as simulated.")


if __name__ == "__main__":
    main()
