"""Streaming int8 models: states that hold the last rows of what their layers see."""

from __future__ import annotations

import numpy as np
import pytest
from tflite_writer import OperatorSpec, TensorSpec, serialise
from tiny_tflite import ModelBuilder

ALL = 0b1101  # masks: all of every axis but that of time


class StreamBuilder(ModelBuilder):
    """A ModelBuilder whose rows are moments; ``remember`` puts a state before what follows."""

    def __init__(self, rows, channels, seed=0):
        super().__init__((1, rows, 1, channels), seed=seed)
        self.states = []

    def remember(self, rows, first_cut=False, channels=None):
        """The last ``rows`` rows before the new ones.

        Args:
            first_cut: the state holds the new rows as well, and is cut when it is read.
            channels: the state's, where it is a wrong one.
        """
        new = self.current
        shape, here = self.shape, self.tensors[new]
        kept = rows + shape[1] * first_cut
        name = f"state{len(self.states)}"
        state = (1, kept, *shape[2:3], channels or shape[3])
        self.states.append(TensorSpec(name, state, "int8", here.scale, here.zero_point, data=(
            np.random.default_rng(len(self.states)).integers(-128, 128, state).astype(np.int8)
        )))
        handle = self._add(TensorSpec(name, (), "resource"))
        self.operators.append(_handle(name, handle))
        self._put("READ_VARIABLE", [handle], state)
        older = np.random.default_rng(9).permutation(np.repeat(self._probe, kept, 1)[:, :kept])
        fresh, self._probe = self._probe, older
        if first_cut:
            self.crop((0, shape[1], 0, 0), (0, kept, 0, 0), ALL, ALL)
        before, past = self.current, self._probe
        self.back_to((before, past)).concatenate((new, fresh), axis=1)
        whole = self.save()
        if not first_cut:
            self.crop((0, -rows, 0, 0), (0, 0, 0, 0), ALL, 0b1111)
        self.operators.append(OperatorSpec("ASSIGN_VARIABLE", [handle, self.current], -1))
        return self.back_to(whole)

    def _add(self, spec):
        self.tensors.append(spec)
        return len(self.tensors) - 1

    def _put(self, kind, inputs, shape):
        here = self.tensors[self.current]
        self.current = self._add(TensorSpec(
            f"{kind.lower()}{len(self.operators)}", shape, "int8", here.scale, here.zero_point
        ))
        self.operators.append(OperatorSpec(kind, inputs, self.current))

    def build(self):
        once = OperatorSpec("CALL_ONCE", [], -1, "CallOnceOptions", {"InitSubgraphIndex": 1})
        tensors, operators = [], []
        for number, value in enumerate(self.states):
            tensors += [TensorSpec(value.name, (), "resource"), value]
            operators += [_handle(value.name, 2 * number),
                          OperatorSpec("ASSIGN_VARIABLE", [2 * number, 2 * number + 1], -1)]
        return serialise(self.tensors, [once, *self.operators], [self.current], inputs=self.inputs,
                         others=[(tensors, operators)])


def _handle(name, tensor):
    return OperatorSpec("VAR_HANDLE", [], tensor, "VarHandleOptions", {"SharedName": name})


def run_streaming(content: bytes, window: np.ndarray, warm_up: np.ndarray) -> np.ndarray:
    """The last output of a streaming file that is called for one call's rows after another.

    Args:
        window: int8 [rows, ...], the last that it sees; ``warm_up``: what it sees before.
    """
    runtime = pytest.importorskip("tflite_runtime.interpreter")
    interpreter = runtime.Interpreter(
        model_content=content,
        experimental_op_resolver_type=runtime.OpResolverType.BUILTIN_REF,
    )
    interpreter.allocate_tensors()
    (source,), (sink,) = interpreter.get_input_details(), interpreter.get_output_details()
    seen = np.concatenate([warm_up, window])
    new = source["shape"][1]
    seen = seen[len(seen) % new :]
    for rows in np.split(seen, len(seen) // new):
        interpreter.set_tensor(source["index"], rows.reshape(source["shape"]))
        interpreter.invoke()
    return interpreter.get_tensor(sink["index"]).reshape(-1)
