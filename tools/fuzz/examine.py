"""What a file comes to: refused by a typed error, or a model that runs all the way."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np

from edgetune.boards import load_board
from edgetune.errors import EdgetuneError, ModelError
from edgetune.floats.read import as_float
from edgetune.learn.learner import Learner
from edgetune.learn.recipe import Recipe
from edgetune.model.decode import decode
from edgetune.model.graph import Graph
from edgetune.model.inspect import describe
from edgetune.model.read import read_tflite
from edgetune.plan.plan import Plan, make_plan
from edgetune.quantize.convert import convert
from edgetune.quantize.options import Options
from tools.fuzz.reference import Defect, beside_runtime, random_inputs

BOARD = load_board("stm32f4-discovery")
ONE_IN = 8  # files whose conversion is tried, and that tflite-runtime sees, where they are read
CALIBRATION_ELEMENTS = 1 << 16


def examine(content: bytes, always: bool = False) -> str:
    """Reads ``content`` as an int8 and as a float model, and runs what comes out.

    Args:
        always: convert every float model and give every int8 one to tflite-runtime, not one in
            ``ONE_IN``.

    Returns:
        "refused" where neither reader took it; else "int8" or "float", and in their words what
        became of it: "cannot run" or "cannot convert" where a later step refused it, "converted",
        what tflite-runtime said (``beside_runtime``).

    Raises:
        Defect: a typed error without its three sentences, a conversion that cannot be read, or
            other outputs than tflite-runtime's.
        Exception: anything else than a typed error is a failure too.
    """
    decoded = _read(decode, content)
    if decoded is None:
        return "refused"
    graph, floating = _read(read_tflite, content), _read(as_float, decoded)
    chosen = always or zlib.crc32(content) % ONE_IN == 0
    if graph is not None:
        return ", ".join(["int8", *_run(graph, chosen)])
    if floating is None:
        return "refused"
    return ", ".join(["float", *(_converted(content, floating) if chosen else ())])


def _read(read, source: bytes | Graph) -> Graph | None:
    try:
        return read(source)
    except ModelError as error:
        _check(error)
        return None


def _check(error: EdgetuneError) -> None:
    if not (error.message and error.cause and error.next_step):
        raise Defect(f"an error that says too little: {error.as_dict()}")


def _run(graph: Graph, judged: bool) -> Iterator[str]:
    """Plans, runs and, where it can learn, trains the model by one step; what there is to say."""
    try:
        describe(graph)
        plan = make_plan(graph, Recipe(("none",)), BOARD)
        yield from _forward(graph, plan, judged)
        plan = make_plan(graph, Recipe(), BOARD)
        x = random_inputs(graph)[0]
        Learner(plan.program, plan.recipe).train(x, plan.program.loss.any_target(0))
    except EdgetuneError as error:
        _check(error)
        yield "cannot run"


def _forward(graph: Graph, plan: Plan, judged: bool) -> Iterator[str]:
    learner, inputs = Learner(plan.program, plan.recipe), random_inputs(graph)
    outputs = np.array([learner.forward(x) for x in inputs])
    if outputs[0].size != graph.output.size:
        raise Defect(f"{outputs[0].size} outputs instead of {graph.output.size}")
    if judged:
        yield beside_runtime(graph, inputs, outputs)


def _converted(content: bytes, floating: Graph) -> Iterator[str]:
    """Converts the model and, where that can be done, runs the int8 one."""
    if floating.input.size > CALIBRATION_ELEMENTS:
        return
    shape = (2, *floating.input.shape[1:])
    samples = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    try:
        result = convert(content, samples, Options()).content
    except EdgetuneError as error:
        _check(error)
        yield "cannot convert"
        return
    yield "converted"
    yield from _run(_read_again(result), True)


def _read_again(result: bytes) -> Graph:
    try:
        return read_tflite(result)
    except ModelError as error:
        raise Defect(f"a conversion that cannot be read: {error.cause}") from None
