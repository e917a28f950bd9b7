"""Broken files that still are models: their outputs beside those of TFLite's reference kernels."""

from __future__ import annotations

import os
import pickle
import signal

import numpy as np

from edgetune.errors import EdgetuneError
from edgetune.learn.learner import Learner
from edgetune.learn.recipe import Recipe
from edgetune.model.edges import from_file_output, to_file_input
from edgetune.model.graph import Graph
from edgetune.model.read import read_tflite
from edgetune.model.runtime_child import parted
from edgetune.plan.plan import make_plan
from tools.fuzz.examine import BOARD, Defect

SAMPLES = 3
SECONDS = 5  # after which the runtime is ended


def compare(content: bytes) -> str:
    """Runs ``content`` here and in the runtime.

    Returns:
        "refused" by edgetune, "refused by the runtime" (or it crashed), or "same".

    Raises:
        Defect: the outputs differ, by more than one in a SOFTMAX.
    """
    try:
        graph = read_tflite(content)
        plan = make_plan(graph, Recipe(("none",)), BOARD)
    except EdgetuneError:
        return "refused"
    shape = (SAMPLES, *graph.input.shape)
    inputs = np.random.default_rng(0).integers(-128, 128, shape).astype(np.int8)
    theirs = _in_a_child(graph, inputs)
    if theirs is None:
        return "refused by the runtime"
    learner = Learner(plan.program, plan.recipe)
    ours = np.array([learner.forward(x) for x in inputs])
    theirs = from_file_output(graph, theirs).reshape(SAMPLES, -1)
    allowed = 1 if graph.operators[-1].kind == "SOFTMAX" else 0
    if ours.shape != theirs.shape or np.abs(ours - theirs.astype(int)).max() > allowed:
        raise Defect("other outputs than the reference kernels'")
    return "same"


def _in_a_child(graph: Graph, inputs: np.ndarray) -> np.ndarray | None:
    """The runtime's outputs; it may crash, and takes only the child with it."""
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(SECONDS)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            os.write(sink, pickle.dumps(_outputs(graph, inputs)))
        finally:
            os._exit(0)
    os.close(sink)
    with os.fdopen(source, "rb") as pipe:
        result = pipe.read()
    os.waitpid(child, 0)
    return pickle.loads(result) if result else None


def _outputs(graph: Graph, inputs: np.ndarray) -> np.ndarray:
    from tflite_runtime.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=graph.content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    sources = interpreter.get_input_details()
    found = interpreter.get_output_details()[0]["index"]
    results = []
    for x in to_file_input(graph, inputs):
        for source, part in parted(sources, x):
            interpreter.set_tensor(source["index"], part.reshape(source["shape"]))
        interpreter.invoke()
        results.append(interpreter.get_tensor(found))
    return np.stack(results)
