"""The state block: all that learning changes, as numpy types laid out like the engine's structs.

The block is C's ``state`` of the generated model.c: ``learner``, then, where layers are trained,
the rule's words for the ``network`` and for each of the ``layers``, and ``parameters``.
Little-endian; members keep C's names, so that the path of a field here is its designator there.
``docs/numerics.md`` section 7.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from edgetune.dataclass import dataclass
from edgetune.learn.operators import WeightedLayer
from edgetune.learn.rules import Rule
from edgetune.learn.words import words_type

# et_learner: what a run carries beside weights and rule.
LEARNER = np.dtype([("generator", "<u4", (2,)), ("step", "<u4"), ("total_steps", "<u4")])


@dataclass(frozen=True)
class Field:
    """``count`` values in the state block from byte ``offset`` on; ``path`` as C writes it."""

    path: str
    dtype: np.dtype
    count: int
    offset: int

    @property
    def size(self) -> int:
        """Bytes, without the padding that may follow."""
        return self.dtype.itemsize * self.count


def weights_member(layer: WeightedLayer) -> str:
    """The name of the layer's weights, in ``parameters`` and in flash."""
    return f"{layer.name}_weights"


def bias_member(layer: WeightedLayer) -> str:
    """The name of the layer's biases, in ``parameters`` and in flash."""
    return f"{layer.name}_bias"


def parameters_of(layer: WeightedLayer, weights: bool = True) -> dict[str, np.ndarray]:
    """Its weights, unless ``weights`` is false, and its biases, by their members' names."""
    found = {weights_member(layer): layer.weights} if weights else {}
    return found | {bias_member(layer): layer.bias}


def parameters_type(layers: Sequence[WeightedLayer], weights: bool = True) -> np.dtype:
    """et_parameters: weights, zeros up to a multiple of 4, and biases, layer by layer.

    Args:
        weights: whether they learn, or the biases alone.
    """
    return np.dtype([
        (name, values.dtype.newbyteorder("<"), (values.size,))
        for layer in layers for name, values in parameters_of(layer, weights).items()
    ], align=True)


def parameter_bytes(layer: WeightedLayer, weights: bool = True) -> int:
    """Bytes of one layer's weights and biases, or of these alone, in the state block or as
    arrays in flash."""
    return parameters_type([layer], weights).itemsize


def state_type(
    trained: Sequence[WeightedLayer], rule: type[Rule], weights: bool = True
) -> np.dtype:
    """The whole state block; ``itemsize`` is its bytes.

    Args:
        trained: the trained layers, in the program's order.
        rule: whose words it holds.
        weights: whether theirs learn, or the biases alone.
    """
    members: list[tuple] = [("learner", LEARNER)]
    if trained and rule.network_words is not None:
        members.append(("network", words_type(rule.network_words)))
    if trained and rule.layer_words is not None:
        members.append(("layers", words_type(rule.layer_words), (len(trained),)))
    if trained:
        members.append(("parameters", parameters_type(trained, weights)))
    return np.dtype(members, align=True)


def fields(block: np.dtype, path: str = "", offset: int = 0) -> Iterator[Field]:
    """The values of ``block`` in their order: ``learner.step``, ``layers[0].total``, ..."""
    for name, (member, at, *_) in (block.fields or {}).items():
        item, shape = member.subdtype or (member, ())
        place, at = f"{path}{name}", offset + at
        if item.fields is None:
            yield Field(place, item, int(np.prod(shape)), at)
        elif shape:
            for i in range(shape[0]):
                yield from fields(item, f"{place}[{i}].", at + i * item.itemsize)
        else:
            yield from fields(item, f"{place}.", at)
