"""The path that errors take: from the logits down, as long as one layer alone passes them on.

Where branches meet, their errors would have to be added in one unit.  Errors here are known up
to a factor that is constant for a layer (``docs/numerics.md`` section 4), which a chain does not
see and a sum would.  So learning reaches the layers behind the last merge and the last split.
"""

from __future__ import annotations

from edgetune.learn.operators import INPUT_ERROR
from edgetune.learn.program import Layer, Program, WeightedLayer


def backward_path(program: Program) -> list[Layer]:
    """The layers that an error of the logits reaches, the one that makes the logits first."""
    return _follow(program)[0]


def trainable_layers(program: Program) -> list[WeightedLayer]:
    """The weighted layers on the path, in the program's order."""
    path = backward_path(program)
    return [layer for layer in program.weighted_layers if any(layer is other for other in path)]


def obstacle(program: Program) -> str:
    """What ends the path, in words; empty where it ends at the model's input."""
    return _follow(program)[1]


def _follow(program: Program) -> tuple[list[Layer], str]:
    storage = [activation.storage for activation in program.activations]
    writers = {storage[layer.output]: layer for layer in program.layers}
    readers = _readers(program, storage)
    path, at = [], storage[program.logits]
    while at in writers:
        layer = writers[at]
        if type(layer) not in INPUT_ERROR:
            return path, f"{layer.name}, which passes no error back"
        path.append(layer)
        at = storage[layer.input]
        if len(readers[at]) > 1 and at in writers:
            return path, f"the output of {writers[at].name}, which {' and '.join(readers[at])} read"
    return path, ""


def _readers(program: Program, storage: list[int]) -> dict[int, list[str]]:
    """The names of the layers that read each piece of memory."""
    readers: dict[int, list[str]] = {}
    for layer in program.layers:
        for place in dict.fromkeys(storage[index] for index in layer.inputs):
            readers.setdefault(place, []).append(layer.name)
    return readers


def backward_layers(program: Program, trained: list[WeightedLayer]) -> list[Layer]:
    """The path down to the first trained layer; empty where nothing is trained."""
    path = backward_path(program)
    last = max((i for i, layer in enumerate(path) if any(layer is t for t in trained)), default=-1)
    return path[: last + 1]
