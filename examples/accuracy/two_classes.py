"""A classifier of fewer classes: the last weighted layer's rows for those alone."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgetune.model.graph import Graph, Tensor

WEIGHTED = "FULLY_CONNECTED", "CONV_2D"


def classifying(graph: Graph, classes: Sequence[int]) -> Graph:
    """``graph``, a classifier, with the outputs ``classes`` in this order and no others; its own
    tensors stay as they are."""
    graph, rows = copy.deepcopy(graph), list(classes)
    last = max(i for i, o in enumerate(graph.operators) if o.kind in WEIGHTED)
    whole = graph.output.shape[-1]
    for index in graph.operators[last].parameters:
        _keep_rows(graph.tensors[index], rows)
    for operator in graph.operators[last:]:
        for index in operator.outputs:
            tensor = graph.tensors[index]
            tensor.shape = tuple(len(rows) if n == whole else n for n in tensor.shape)
    return graph


def _keep_rows(tensor: Tensor, rows: list[int]) -> None:
    grid = tensor.grid
    tensor.data = np.ascontiguousarray(tensor.values[rows])
    tensor.shape = tensor.data.shape
    if grid.per_channel:
        tensor.quantization = replace(
            grid, scale=grid.scale[rows], zero_point=grid.zero_point[rows]
        )
