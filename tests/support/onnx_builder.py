"""Small ONNX models for tests, and what ONNX's reference implementation answers."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from edgetune.floats.engine import FloatEngine
from edgetune.importers.onnx.read import read_onnx


def kinds(graph):
    """Of a Graph's operators, in order."""
    return [op.kind for op in graph.operators]


def scalar(value):
    return np.array(value, np.float32)


def node(kind, inputs, output, **attributes):
    """A node; ``inputs`` and outputs are names separated by blanks, "-" for an absent one."""
    names = ["" if name == "-" else name for name in inputs.split()]
    return helper.make_node(kind, names, output.split(), name=f"the_{output}", **attributes)


def model(nodes, shape, constants=None, opset=17, output=None):
    """The bytes of a model with one input ``x`` of ``shape``.

    Args:
        constants: arrays by name; a tuple or list becomes int64.
        output: the graph's output; the last node's by default.
    """
    initializers = [
        numpy_helper.from_array(
            value if isinstance(value, np.ndarray) else np.array(value, np.int64), name
        )
        for name, value in (constants or {}).items()
    ]
    graph = helper.make_graph(
        nodes, "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(output or nodes[-1].output[0], TensorProto.FLOAT, None)],
        initializers,
    )
    graph.output[0].type.tensor_type.ClearField("shape")
    opsets = [helper.make_opsetid("", opset)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return onnx.shape_inference.infer_shapes(made).SerializeToString()


def channels_first(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """``x`` as the Graph has it, in the order of the ONNX file's input ``shape``."""
    return x if x.shape[1:] == tuple(shape[1:]) else np.moveaxis(x, -1, 1)


def answers(content, reference=None, count=4, seed=0):
    """For random samples: the float Graph's outputs and the reference's, in ONNX's order.

    Args:
        reference: the model that the reference runs, if it is not ``content``.
    """
    proto = onnx.load_model_from_string(reference or content)
    shape = [d.dim_value for d in proto.graph.input[0].type.tensor_type.shape.dim]
    graph = read_onnx(content)
    x = np.random.default_rng(seed).standard_normal((count, *graph.input.shape[1:]))
    x = x.astype(np.float32)
    ours = FloatEngine(graph).run(x)
    evaluator = ReferenceEvaluator(proto)
    theirs = np.concatenate(
        [evaluator.run(None, {"x": channels_first(x[i : i + 1], shape)})[0] for i in range(count)]
    )
    return channels_first(ours, theirs.shape), theirs, graph
