"""The compiled engine in this process: what `tune` runs on a device, without link and simulation.

The C project of a plan becomes a shared library, and the functions of ``firmware/engine/model.h``
are called in it.  Its bits are those of every device; a step takes microseconds.
"""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgetune.boards import load_board
from edgetune.build.toolchain import find_host_cc
from edgetune.codegen.project import Project, write_project
from edgetune.errors import ToolchainError
from edgetune.learn.recipe import Recipe
from edgetune.learn.state import state_type
from edgetune.model.graph import Graph
from edgetune.plan.plan import Plan, make_plan
from edgetune.programs import run_program

BOARD = "stm32f4-discovery"  # whose kernels are taken
OPTIONS = "-std=gnu99", "-O3", "-shared", "-fPIC"
LEFT_OUT = "firmware/link/", "firmware/app/"
BUILD_SECONDS = 600
u32, address = ctypes.c_uint32, ctypes.c_void_p


class TrainResult(ctypes.Structure):
    """et_train_result."""

    _fields_ = [("prediction", ctypes.c_uint16), ("draws", ctypes.c_uint16), ("measure", u32)]


# by name: what it returns, what it takes
FUNCTIONS = {
    "start": (None, (u32, u32)),
    "forward": (None, (address,)),
    "output": (address, ()),
    "train": (TrainResult, (address, address)),
    "state": (address, ()),
    "state_written": (None, ()),
    "digest": (u32, ()),
}


class Compiled:
    """A model that learns, with a state of its own.

    Args:
        graph: the model; of classes.
        recipe: what is trained, and how.

    Raises:
        ToolchainError: there is no C compiler, or it fails.
        UsageError: the recipe does not suit the model.
    """

    def __init__(self, graph: Graph, recipe: Recipe):
        self.plan = make_plan(graph, recipe, load_board(BOARD))
        library = _built(self.plan)
        for name, (result, arguments) in FUNCTIONS.items():
            function = getattr(library, f"et_model_{name}")
            function.restype, function.argtypes = result, arguments
            setattr(self, f"_{name}", function)
        block = state_type(
            self.plan.trained, type(self.plan.rule), self.plan.recipe.learns_weights
        )
        self._weights_at = block.fields["parameters"][1]
        self.start()

    def start(self, seed: int = 0, total_steps: int = 0, weights: bytes | None = None) -> None:
        """A fresh generator, rule state and step counter.

        Args:
            seed: 0 .. 2**32 - 1.
            total_steps: over which the steps anneal; 0 for no end.
            weights: to begin with, as `weights` gave them; the model's own where None.
        """
        self._start(seed, total_steps)
        if weights is not None:
            ctypes.memmove(self._state() + self._weights_at, weights, len(weights))
            self._state_written()

    def weights(self) -> bytes:
        """All that is trained, as the state block has it."""
        size = self.plan.state_bytes - self._weights_at
        return ctypes.string_at(self._state() + self._weights_at, size)

    def train(self, x: np.ndarray, targets: Sequence, order: np.ndarray) -> None:
        """A step on each sample that ``order`` names, in this order.

        Args:
            x: int8 [n, ...].
            targets: [n], as the model's loss takes them.
            order: their numbers, [steps].
        """
        x, targets = _aligned(x), self._encoded(targets)
        for i in order:
            self._train(x.ctypes.data + int(i) * x.strides[0],
                        targets.ctypes.data + int(i) * targets.strides[0])

    def _encoded(self, targets: Sequence) -> np.ndarray:
        """uint8 [n, bytes of a target]."""
        loss = self.plan.program.loss
        content = b"".join(loss.encode(target) for target in targets)
        return _aligned(np.frombuffer(content, np.uint8).reshape(-1, loss.target_bytes))

    def accuracy(self, x: np.ndarray, y: np.ndarray) -> float:
        """Share of ``x``, int8 [n, ...], whose largest output (the first of equals) is the class
        ``y``, [n]; 0..1."""
        x, right = _aligned(x), 0
        for row, label in zip(x, y, strict=True):
            self._forward(row.ctypes.data)
            output = ctypes.string_at(self._output(), self.plan.output_bytes)
            right += int(np.frombuffer(output, np.int8).argmax()) == label
        return right / len(y)

    def digest(self) -> int:
        """32 bits over all that learning changes."""
        return self._digest()


def _aligned(rows: np.ndarray) -> np.ndarray:
    """[n, bytes], each row at a multiple of 4 bytes as the engine wants it."""
    rows = rows.reshape(len(rows), -1)
    wide = np.zeros((len(rows), -(-rows.shape[1] // 4) * 4), rows.dtype)
    wide[:, : rows.shape[1]] = rows
    return wide


def _built(plan: Plan) -> ctypes.CDLL:
    """The project's engine, compiled and loaded; its folder is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="compiled-", ignore_cleanup_errors=True) as folder:
        project = write_project(Path(folder), plan, "compiled")
        code, output = run_program(_command(project), BUILD_SECONDS, project.folder)
        if code:
            raise ToolchainError(
                "The engine does not compile as a shared library.", output.strip()[-2000:],
                "Name another C compiler first on PATH: cc, gcc or clang.",
            )
        return ctypes.CDLL(str(project.folder / "engine.so"))


def _command(project: Project) -> list[str]:
    sources = [name for name in project.sources if not name.startswith(LEFT_OUT)]
    includes = [f"-I{name}" for name in (".", *project.includes)]
    defines = [f"-D{name}={value}" for name, value in project.defines.items()]
    return [str(find_host_cc()), *OPTIONS, *includes, *defines, *sources, "-o", "engine.so"]
