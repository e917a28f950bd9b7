"""A network of normalised inputs: the same function, better conditioned for a float optimiser."""

from __future__ import annotations

from .network import Network
from .shapes import Pad, Reshape
from .weighted import Weighted


def absorb_normalisation(network: Network, mean: float, deviation: float) -> None:
    """Makes ``network`` take (x - mean) / deviation where it took x.

    The first weighted layers take the change into their weights, and what padded cells hold
    becomes the new place of zero.

    Raises:
        ValueError: something else than PAD, a view or a weighted layer reads the input.
    """
    moved = {source.index for source in network.sources}
    for node in network.nodes:
        if moved.isdisjoint(node.inputs):
            continue
        if isinstance(node.layer, Weighted):
            node.layer.absorb(mean, deviation)
        elif isinstance(node.layer, (Pad, Reshape)):
            moved.add(node.output)
            if isinstance(node.layer, Pad):
                node.layer.fill = -mean / deviation
        else:
            raise ValueError(f"the input cannot be normalised for {type(node.layer).__name__}")
