"""Which function lowers which operator of a file; each is entered where its layer is described."""

from __future__ import annotations

from collections.abc import Callable

from edgetune.learn.tensors import Tensors
from edgetune.model.graph import Operator

# Adds what an operator becomes to what is lowered so far.
Lowering = Callable[[Tensors, Operator], None]
OF_OPERATORS: dict[str, Lowering] = {}  # those of ``learn/operators``, by the kind in a file


def lowers(*kinds: str) -> Callable[[Lowering], Lowering]:
    """Enters the function under it for operators of ``kinds``."""

    def enter(function: Lowering) -> Lowering:
        OF_OPERATORS.update(dict.fromkeys(kinds, function))
        return function

    return enter
