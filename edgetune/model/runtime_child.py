"""The side of ``Runtime`` that meets tflite-runtime: runs in a child process (``workers``)."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np


def answer(content: bytes, packed: bytes = b"", output: bytes = b"0") -> bytes:
    """The output of that number [n, ...] of inputs [n, ...], both as .npy files; without inputs
    only loads."""
    interpreter = _interpreter(content)
    if not packed:
        return b""
    file = io.BytesIO()
    inputs = np.load(io.BytesIO(packed), allow_pickle=False)
    np.save(file, _run(interpreter, inputs, int(output)))
    return file.getvalue()


@lru_cache(maxsize=1)
def _interpreter(content: bytes) -> Any:
    from tflite_runtime.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    return interpreter


def _run(interpreter: Any, inputs: np.ndarray, output: int) -> np.ndarray:
    sources = interpreter.get_input_details()
    sink = interpreter.get_output_details()[output]["index"]
    results = []
    for sample in inputs:
        interpreter.reset_all_variables()  # every sample begins with the states of the first
        for call in calls(sources, sample):
            for source, values in parted(sources, call):
                interpreter.set_tensor(source["index"], values.reshape(source["shape"]))
            interpreter.invoke()
        results.append(interpreter.get_tensor(sink)[0])
    return np.stack(results)


def calls(sources: list[dict], sample: np.ndarray) -> list[np.ndarray]:
    """A sample for each call: of a streaming model, whose sample is a window, its frames one after
    another, with others before the first where it does not begin with a call."""
    size = int(np.prod(sources[0]["shape"]))
    if len(sources) > 1 or sample.size <= size:
        return [sample]
    flat = sample.reshape(-1)
    before = np.resize(flat, -len(flat) % size)
    return np.split(np.concatenate([before, flat]), (len(before) + len(flat)) // size)


def parted(sources: list[dict], sample: np.ndarray) -> list[tuple[dict, np.ndarray]]:
    """Each input and its part of a sample; of several inputs in the input's own type."""
    if len(sources) == 1:
        return [(sources[0], sample)]
    ends = np.cumsum([np.prod(source["shape"]) for source in sources])[:-1]
    parts = np.split(sample.reshape(-1), ends)
    return [(source, part.astype(source["dtype"])) for source, part in zip(sources, parts)]
