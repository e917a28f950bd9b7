"""Small .tflite files of one UNIDIRECTIONAL_SEQUENCE_LSTM, in float and in int8, with random
seeded weights."""

import numpy as np
import tflite
from tflite_writer import OperatorSpec, TensorSpec, serialise

KIND = "UNIDIRECTIONAL_SEQUENCE_LSTM"
DEPTH, UNITS, GATES = 3, 4, ("input", "forget", "cell", "output")
INPUT_SCALE, OUTPUT_SCALE, CELL_SCALE = 1 / 32, 1 / 128, 2.0**-12


def lstm(
    steps=6, cell_clip=0.0, time_major=False, count=24, activation="TANH", extra=None,
    without_input_gate=False, states=True, batch=1, units=UNITS, seed=0,
) -> bytes:
    """A float file.

    Args:
        time_major: the LSTM's own order; the model's is that of others.
        extra: the number of an operand that only some LSTMs have.
        states: whether they are variables of the operator, not inputs of the model.
        units: what the output says; weights have ``UNITS``.
    """
    random = np.random.default_rng(seed)
    ends = [(steps, batch, n) if time_major else (batch, steps, n) for n in (DEPTH, units)]
    tensors = [TensorSpec("x", ends[0], "float32"), TensorSpec("y", ends[1], "float32")]
    inputs = [0, *[-1] * (count - 1)]

    def put(place, shape, size=0.8, **options):
        data = None if options else random.normal(0, size, shape).astype(np.float32)
        tensors.append(TensorSpec(f"t{place}", shape, "float32", data=data, **options))
        inputs[place] = len(tensors) - 1

    for gate in range(without_input_gate, len(GATES)):
        put(1 + gate, (UNITS, DEPTH))
        put(5 + gate, (UNITS, UNITS))
        put(12 + gate, (UNITS,), 0.3)
    for place in (18, 19):
        put(place, (batch, UNITS), variable=states)
    if extra is not None:
        put(extra, (UNITS, UNITS) if extra == 16 else (UNITS,))
    operator = OperatorSpec(KIND, inputs, 1, *_options(cell_clip, time_major, activation))
    fed = [0] if states else [0, inputs[18], inputs[19]]
    if time_major:
        return _transposed(tensors, operator)
    return serialise(tensors, [operator], [1], inputs=fed)


def _transposed(tensors, operator) -> bytes:
    """From and to samples whose steps are the second dimension."""
    order = np.array([1, 0, 2], np.int32)
    first = len(tensors)
    tensors.append(TensorSpec("order", (3,), "int32", data=order))
    for spec in tensors[:2]:
        steps, batch, depth = spec.shape
        tensors.append(TensorSpec(f"{spec.name}0", (batch, steps, depth), "float32"))
    operators = [OperatorSpec("TRANSPOSE", [first + 1, first], 0), operator,
                 OperatorSpec("TRANSPOSE", [1, first], first + 2)]
    return serialise(tensors, operators, [first + 2], inputs=[first + 1])


def int8_lstm(steps=6, seed=0) -> bytes:
    """The same in int8, with a cell of int16, as TensorFlow's converter writes it."""
    random = np.random.default_rng(seed)
    tensors = [_int8("x", (1, steps, DEPTH), INPUT_SCALE), _int8("y", (1, steps, UNITS))]
    inputs = [0, *[-1] * 23]

    def put(place, spec):
        tensors.append(spec)
        inputs[place] = len(tensors) - 1

    for gate in range(len(GATES)):
        for place, depth in ((1, DEPTH), (5, UNITS)):
            put(place + gate, _weights(f"w{place + gate}", random.normal(0, 0.8, (UNITS, depth))))
        scale = INPUT_SCALE * tensors[inputs[1 + gate]].scale
        bias = np.round(random.normal(0, 0.3, UNITS) / scale).astype(np.int32)
        put(12 + gate, TensorSpec(f"b{gate}", (UNITS,), "int32", scale.astype(np.float32),
                                  np.zeros(1, np.int64), data=bias))
    put(18, _int8("h", (1, UNITS), variable=True))
    put(19, TensorSpec("c", (1, UNITS), "int16", np.float32([CELL_SCALE]), np.zeros(1, np.int64),
                       variable=True))
    first = len(tensors)
    tensors += [TensorSpec(f"i{n}", (0,), "float32") for n in range(4)]
    tensors.append(_int8("hidden", (0,)))
    operator = OperatorSpec(KIND, inputs, 1, *_options(10.0),
                            intermediates=tuple(range(first, first + 5)))
    return serialise(tensors, [operator], [1])


def _options(cell_clip, time_major=False, activation="TANH"):
    code = getattr(tflite.ActivationFunctionType, activation)
    fields = dict(FusedActivationFunction=code, CellClip=cell_clip, TimeMajor=time_major)
    return "UnidirectionalSequenceLSTMOptions", fields


def _int8(name, shape, scale=OUTPUT_SCALE, **options):
    return TensorSpec(name, shape, "int8", np.float32([scale]), np.zeros(1, np.int64), **options)


def _weights(name, values):
    scale = np.float32([np.abs(values).max() / 127])
    return TensorSpec(name, values.shape, "int8", scale, np.zeros(1, np.int64),
                      data=np.round(values / scale).astype(np.int8))
