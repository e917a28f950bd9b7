"""The int8 model simulated in float: weights and activations on their grids.

It differs from the integer kernels only where a value lies within float rounding of the border
between two steps.  Reports measure on it, because it runs in batches and shows every layer.
"""

from __future__ import annotations

import numpy as np

from edgetune.floats.engine import FloatEngine, Hook
from edgetune.model.graph import Graph, Quantization
from edgetune.quantize.lowering import rounded
from edgetune.quantize.weights import QuantizedWeights


class Simulation:
    """Runs a canonical float Graph as its int8 version would.

    Args:
        scales: of every activation, by tensor index.
        layers: quantised weights by operator index.
    """

    def __init__(
        self,
        graph: Graph,
        scales: dict[int, Quantization],
        layers: dict[int, QuantizedWeights],
    ):
        real = {index: (w.real_weights, w.real_bias) for index, w in layers.items()}
        self.engine = FloatEngine(graph, real)
        self.scales = scales

    def run(self, x: np.ndarray, hook: Hook | None = None) -> np.ndarray:
        """As ``FloatEngine.run``; ``hook`` sees values on the grid, as real numbers."""

        def on_grid(index: int, value: np.ndarray) -> np.ndarray:
            value = rounded(value, self.scales[index])
            return value if hook is None else hook(index, value)

        return self.engine.run(x, on_grid)
