"""The inputs of an ONNX graph: those that samples come through, and those that are constants."""

from __future__ import annotations

import numpy as np
from onnx import GraphProto, helper, numpy_helper

from edgetune.errors import ModelError
from edgetune.model.constant_inputs import Constants, check_names, constant_value, pairs_of


def free_inputs(graph: GraphProto) -> list[str]:
    """The inputs that are no initialisers, as old files list these as well.

    Raises:
        ModelError: there is none.
    """
    constants = {i.name for i in graph.initializer}
    names = [i.name for i in graph.input if i.name not in constants]
    if not names:
        raise ModelError(
            "The model has no input.", "It computes on constants only.", "Export it with one input."
        )
    return names


def fill_inputs(graph: GraphProto, names: list[str], given: Constants) -> None:
    """Makes initialisers of the inputs ``given``.

    Args:
        names: of the inputs that are none.

    Raises:
        UsageError: there is no such input, or a value does not fit.
    """
    pairs = pairs_of(given)
    if pairs:
        check_names([name for name, _ in pairs], names)
    for name, value in pairs:
        kind = next(i for i in graph.input if i.name == name).type.tensor_type
        sizes = [d.dim_value if d.HasField("dim_value") else 0 for d in kind.shape.dim]
        shape = tuple(n if i else 1 for i, n in enumerate(sizes))
        array = constant_value(name, shape, value)
        dtype = helper.tensor_dtype_to_np_dtype(kind.elem_type)
        graph.initializer.append(
            numpy_helper.from_array(np.ascontiguousarray(array, dtype), name)
        )
