"""Two libraries of small models in one image of the PC, and their desk."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from kept_files import kept
from tiny_tflite import ModelBuilder

from edgetune.boards.bare import bare_core
from edgetune.codegen.library import Wanted, write_library
from edgetune.learn.learner import Learner
from edgetune.learn.recipe import Recipe
from edgetune.model.read import read_tflite
from edgetune.plan.cost import estimate
from edgetune.plan.instructions import STEP
from edgetune.plan.plan import Plan, make_plan

DESK = Path(__file__).parents[1] / "library" / "desk.c"
WARNINGS = (
    "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wcast-align", "-Werror",
)
CHECKS = ("-fsanitize=undefined", "-fno-sanitize-recover=all")
CLASSES = 5
u32, pointer = ctypes.c_uint32, ctypes.c_void_p


def images() -> ModelBuilder:
    """A convolution, a pool and a dense layer behind a softmax."""
    b = ModelBuilder((1, 8, 8, 2), 1 / 40, -7, seed=8).conv(6, 3, activation="RELU")
    return b.max_pool().depthwise(3, activation="RELU").mean().dense(CLASSES).softmax()


def signals() -> ModelBuilder:
    return ModelBuilder((1, 12), 1 / 40, 3, seed=42).dense(9, "RELU").dense(CLASSES).softmax()


def planned(builder: ModelBuilder, core: str = "cortex-m4", **recipe) -> Plan:
    return make_plan(read_tflite(builder.build()), Recipe(**recipe), bare_core(core))


def costs_of(plan: Plan) -> list[float]:
    return [s.instructions for s in estimate(plan).stages if s.phase != STEP]


@dataclass
class Model:
    """A library's model in the image, beside the numpy learner of the same recipe."""

    desk: ctypes.CDLL
    plan: Plan
    second: int
    x: np.ndarray

    @property
    def at(self) -> pointer:
        return pointer(self.desk.desk_model(self.second))

    @property
    def plan_costs(self) -> list[int]:
        return [max(1, round(cost)) for cost in costs_of(self.plan)]

    def call(self, name: str, *arguments) -> int:
        return getattr(self.desk, f"desk_{name}")(self.at, *arguments)

    def start(self, seed: int = 3, total: int = 0) -> Learner:
        assert self.call("start", u32(seed), u32(total)) == 0
        return Learner(self.plan.program, self.plan.recipe, seed, total)

    def target(self, i: int):
        """Any, of sample i."""
        return self.plan.program.loss.any_target(i)

    def sample(self, i: int) -> tuple:
        """The addresses of input and target, which the arrays beside them keep."""
        encoded = self.plan.program.loss.encode(self.target(i))
        target = np.frombuffer(encoded, np.uint8).copy()
        x = self.x[i % len(self.x)]
        return x.ctypes.data_as(pointer), target.ctypes.data_as(pointer), x, target

    def digest(self, whole: int = 0) -> int:
        return self.call("digest", whole)

    def learn(self, i: int) -> None:
        sample = self.sample(i)
        assert self.call("learn", *sample[:2], None) == 0


def two_in_one_image(
    folder: Path, first: tuple[ModelBuilder, dict], second: tuple[ModelBuilder, dict],
) -> tuple[Model, Model]:
    """Each a network and its recipe; the first model predicts between the slices of a step."""
    builders = first[0], second[0]
    plans = planned(first[0], **first[1]), planned(second[0], **second[1])
    for name, plan in zip(("first", "second"), plans):
        wanted = Wanted("sources", name, between=name == "first")
        write_library(folder / name, plan, name, wanted, costs_of(plan))
    _compile(folder)
    desk = ctypes.CDLL(str(folder / "image.so"))
    desk.desk_digest.restype = desk.desk_next_cost.restype = u32
    desk.desk_model.restype = pointer
    samples = [np.ascontiguousarray(b.random_inputs(20, seed=3)[:, 0]) for b in builders]
    one, other = (Model(desk, plan, i, samples[i]) for i, plan in enumerate(plans))
    return one, other


def _compile(folder: Path) -> None:
    sources = [str(p.relative_to(folder)) for p in sorted(folder.glob("*/src/*.c"))]
    texts = [(folder / name).read_text() for name in sources]
    flags = ["-O1", "-g", "-fPIC", *WARNINGS, *CHECKS]
    includes = ["-Ifirst/include", "-Isecond/include"]
    with kept(folder / "image.so", texts, DESK.read_text()) as made:
        if made:
            return
        run = [shutil.which("gcc") or "cc", "-std=c99", *flags]
        for name in ("first", "second"):
            own = [s for s in sources if s.startswith(f"{name}/")]
            (folder / f"{name}.o").unlink(missing_ok=True)
            subprocess.run([*run, f"-I{name}/include", "-c", *own], check=True, cwd=folder)
            objects = [Path(s).with_suffix(".o").name for s in own]
            subprocess.run(["ld", "-r", "-o", f"{name}.o", *objects], check=True, cwd=folder)
        cpp = shutil.which("g++")
        desk = [cpp, "-x", "c++", "-std=c++11"] if cpp else run
        subprocess.run([*desk, *flags, *includes, "-c", str(DESK), "-o", "desk.o"], check=True,
                       cwd=folder)
        subprocess.run([cpp or run[0], *CHECKS, "-shared", "first.o", "second.o", "desk.o",
                        "-o", "image.so"], check=True, cwd=folder)
