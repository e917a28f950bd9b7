"""What exporters of scikit-learn's classifiers put behind the probabilities, cut away.

skl2onnx gives two outputs: the label, looked up by ArgMax and ArrayFeatureExtractor, and the
probabilities, put into a dictionary by ZipMap.  A device gives the probabilities.
"""

from __future__ import annotations

from onnx import GraphProto, NodeProto

from edgetune.importers.onnx.outputs import ancestors, keep_output
from edgetune.model.outputs import Choice

LABELS = ("ArgMax", "ArrayFeatureExtractor", "LabelEncoder", "Binarizer")


def cut_classifier(graph: GraphProto, wanted: Choice = None) -> bool:
    """Leaves the probabilities as the only output of a classifier, and says so; other graphs stay,
    and one of which another output is wanted."""
    makers = {name: node for node in graph.node for name in node.output}
    kinds = {node.op_type for node in graph.node if node.domain == "ai.onnx.ml"}
    if not kinds & {"ZipMap", "ArrayFeatureExtractor", "LabelEncoder"}:
        return False
    names = [_probabilities(output.name, makers) for output in graph.output]
    kept = [i for i, name in enumerate(names) if not _is_label(name, makers)]
    output = graph.output[kept[0]] if len(kept) == 1 else None
    if output is None or str(wanted) not in (str(None), output.name, str(kept[0])):
        return False
    output.name = names[kept[0]]
    output.ClearField("type")
    keep_output(graph, output, makers)
    return True


def _probabilities(name: str, makers: dict[str, NodeProto]) -> str:
    """What a ZipMap reads; of two classes, 1 - p beside p, p alone."""
    node = makers.get(name)
    while node is not None and node.op_type in ("ZipMap", "Identity"):
        name = node.input[0]
        node = makers.get(name)
    if node is not None and node.op_type == "Concat" and len(node.input) == 2:
        other = makers.get(node.input[0])
        if other is not None and other.op_type == "Sub" and other.input[1] == node.input[1]:
            return node.input[1]
    return name


def _is_label(name: str, makers: dict[str, NodeProto]) -> bool:
    return any(n in makers and makers[n].op_type in LABELS for n in ancestors(name, makers))
