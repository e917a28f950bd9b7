"""What a file comes to: refused by a typed error, or a model that runs all the way."""

from __future__ import annotations

import zlib

import numpy as np

from edgetune.boards import load_board
from edgetune.errors import EdgetuneError, ModelError
from edgetune.floats.read import read_float
from edgetune.learn.learner import Learner
from edgetune.learn.recipe import Recipe
from edgetune.model.graph import Graph
from edgetune.model.inspect import describe
from edgetune.model.read import read_tflite
from edgetune.plan.plan import make_plan
from edgetune.quantize.convert import convert
from edgetune.quantize.options import Options

BOARD = load_board("stm32f4-discovery")
ONE_IN = 8  # files whose conversion is tried, where they can be read
CALIBRATION_ELEMENTS = 1 << 16


class Defect(Exception):
    """A file was neither refused nor a model."""


def examine(content: bytes, always_convert: bool = False) -> str:
    """Reads ``content`` as an int8 and as a float model, and runs what comes out.

    Args:
        always_convert: try the conversion of every float model, not of one in ``ONE_IN``.

    Returns:
        "int8" or "float" for a model that ran, "cannot run" or "cannot convert" for one that a
        later step refused, "refused" for what neither reader took.

    Raises:
        Defect: a typed error without its three sentences, or a conversion that cannot be read.
        Exception: anything else than a typed error is a failure too.
    """
    graph = _read(read_tflite, content)
    floating = _read(read_float, content)
    if graph is not None:
        return _outcome(_run, graph, "int8", "cannot run")
    if floating is None:
        return "refused"
    if not always_convert and zlib.crc32(content) % ONE_IN:
        return "float"
    return _outcome(_convert, content, "float", "cannot convert")


def _read(read, content: bytes) -> Graph | None:
    try:
        return read(content)
    except ModelError as error:
        _check(error)
        return None


def _outcome(use, subject, good: str, bad: str) -> str:
    try:
        use(subject)
    except EdgetuneError as error:
        _check(error)
        return bad
    return good


def _check(error: EdgetuneError) -> None:
    if not (error.message and error.cause and error.next_step):
        raise Defect(f"an error that says too little: {error.as_dict()}")


def _run(graph: Graph) -> None:
    """Plans, runs and, where it can learn, trains the model by one step."""
    describe(graph)
    plan = make_plan(graph, Recipe(("none",)), BOARD)
    x = np.random.default_rng(0).integers(-128, 128, graph.input.shape).astype(np.int8)
    learner = Learner(plan.program, plan.recipe)
    output = learner.forward(x)
    if output.size != graph.output.size:
        raise Defect(f"{output.size} outputs instead of {graph.output.size}")
    plan = make_plan(graph, Recipe(), BOARD)
    Learner(plan.program, plan.recipe).train(x, plan.program.loss.any_target(0))


def _convert(content: bytes) -> None:
    graph = read_float(content)
    if graph.input.size > CALIBRATION_ELEMENTS:
        return
    shape = (2, *graph.input.shape[1:])
    samples = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    result = convert(content, samples, Options()).content
    try:
        read_tflite(result)
    except ModelError as error:
        if "corrupt" in error.message:
            raise Defect(f"a conversion that cannot be read: {error.cause}") from None
        raise
