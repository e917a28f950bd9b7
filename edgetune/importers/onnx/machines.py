"""Support vector machines of scikit-learn, written as the layers that they are.

A kernel of a sample and every support vector is a dense layer and a function of one value:
exp(-gamma |x - v|^2) = exp(2 gamma v x - gamma |v|^2 - gamma |x|^2), say; the decisions are a dense
layer over the kernels.  How a classifier votes by its decisions, one for each pair of classes, is
decoding: the decisions are the output.
"""

from __future__ import annotations

from itertools import combinations, count

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

from edgetune.dataclass import dataclass
from edgetune.importers.onnx.outputs import ancestors

DOMAIN = "ai.onnx.ml"
CLASSIFIER, REGRESSOR = "SVMClassifier", "SVMRegressor"
KERNELS = ("RBF", "LINEAR", "POLY", "SIGMOID")


@dataclass(frozen=True)
class Machine:
    """``vectors`` [n, features]; ``weights`` [n, decisions] of the kernels; ``offsets``
    [decisions]; ``kernel`` with gamma, the constant and the degree in ``parameters``."""

    kernel: str
    parameters: tuple[float, float, float]
    vectors: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray


def expand_machines(graph: GraphProto) -> list[str]:
    """Puts layers in the place of machines; kinds of those whose vote is left out.

    What depends on a vote is left out with it.  Machines of other forms stay, to be refused.
    """
    voting = []
    for node in [node for node in graph.node if node.domain == DOMAIN]:
        machine = _machine(node)
        if machine is None:
            continue
        layers, result = _layers(graph, node, machine)
        place = list(graph.node).index(node)
        if node.op_type == REGRESSOR:
            layers.append(helper.make_node("Identity", [result], [node.output[0]]))
        nodes = [*graph.node[:place], *layers, *graph.node[place + 1 :]]
        del graph.node[:]
        graph.node.extend(nodes)
        if node.op_type == CLASSIFIER:
            voting.append(node.op_type)
            _end_in(graph, node, result, len(machine.offsets))
    return list(dict.fromkeys(voting))


def decisions(coefficients: np.ndarray, sizes: list[int]) -> np.ndarray:
    """Weights [n, pairs] of the kernels for each pair of classes, as libsvm keeps them.

    Args:
        coefficients: [classes - 1, n].  Those of class i against class j stand in row j - 1 where
            j is behind i, else in row j.
        sizes: how many vectors each class has; they stand class by class.
    """
    ends = np.cumsum(sizes)
    rows = [slice(end - size, end) for end, size in zip(ends, sizes)]
    pairs = list(combinations(range(len(sizes)), 2))
    weights = np.zeros((int(ends[-1]), len(pairs)), np.float32)
    for place, (first, second) in enumerate(pairs):
        weights[rows[first], place] = coefficients[second - 1, rows[first]]
        weights[rows[second], place] = coefficients[first, rows[second]]
    return weights


def _machine(node: NodeProto) -> Machine | None:
    """None of what is no such machine, or has another form."""
    if node.op_type not in (CLASSIFIER, REGRESSOR):
        return None
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    kernel = given.get("kernel_type", b"LINEAR").decode()
    sizes = [int(size) for size in given.get("vectors_per_class", [])]
    if node.op_type == REGRESSOR:
        sizes = [int(given.get("n_supports", 0))]
    vectors, flat, offsets, parameters = (
        np.array(given.get(name, []), np.float32)
        for name in ("support_vectors", "coefficients", "rho", "kernel_params")
    )
    total, groups = sum(sizes), max(1, len(sizes) - 1)
    count_of = len(sizes) * (len(sizes) - 1) // 2 or 1
    fits = total > 0 and min(sizes) >= 0 and vectors.size and vectors.size % total == 0
    plain = given.get("post_transform", b"NONE") == b"NONE" and not given.get("one_class", 0)
    if not (fits and plain and kernel in KERNELS and len(parameters) == 3):
        return None
    if flat.size != groups * total or offsets.size != count_of:
        return None
    coefficients = flat.reshape(groups, total)
    weights = coefficients.T if node.op_type == REGRESSOR else decisions(coefficients, sizes)
    gamma, constant, degree = map(float, parameters)
    return Machine(kernel, (gamma, constant, degree), vectors.reshape(total, -1), weights, offsets)


def _layers(graph: GraphProto, node: NodeProto, machine: Machine) -> tuple[list[NodeProto], str]:
    """The nodes, and the name of the decisions."""
    layers: list[NodeProto] = []
    names, stem = count(), f"{node.name or node.output[0]}/machine"

    def put(kind: str, *inputs: str | np.ndarray) -> str:
        """A node; arrays become constants."""
        given = [i if isinstance(i, str) else constant(i) for i in inputs]
        layers.append(helper.make_node(kind, given, [f"{stem}/{next(names)}"]))
        return layers[-1].output[0]

    def constant(values: np.ndarray) -> str:
        name = f"{stem}/{next(names)}"
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    kernels = _kernels(put, node.input[0], machine)
    return layers, put("Add", put("MatMul", kernels, machine.weights), machine.offsets)


def _kernels(put, x: str, machine: Machine) -> str:
    gamma, constant, degree = machine.parameters
    vectors = machine.vectors.T
    if machine.kernel == "LINEAR":
        return put("MatMul", x, vectors)
    if machine.kernel == "RBF":
        near = put("Add", put("MatMul", x, 2 * gamma * vectors), -gamma * (vectors**2).sum(0))
        length = put("MatMul", put("Mul", x, x), np.full((len(vectors), 1), -gamma))
        return put("Exp", put("Add", near, length))
    inner = put("Add", put("MatMul", x, gamma * vectors), np.full(vectors.shape[1], constant))
    return put("Tanh", inner) if machine.kernel == "SIGMOID" else put(
        "Pow", inner, np.array(degree)
    )


def _end_in(graph: GraphProto, node: NodeProto, result: str, size: int) -> None:
    """Makes the decisions an output in the place of what depends on the vote."""
    makers = {name: maker for maker in graph.node for name in maker.output}
    makers |= {name: node for name in node.output}
    kept = [o for o in graph.output if not ancestors(o.name, makers) & set(node.output)]
    kept.append(helper.make_tensor_value_info(result, TensorProto.FLOAT, [None, size]))
    del graph.output[:]
    graph.output.extend(kept)
    needed = set().union(*(ancestors(output.name, makers) for output in kept))
    nodes = [maker for maker in graph.node if needed & set(maker.output)]
    del graph.node[:]
    graph.node.extend(nodes)
