"""Files that are sound, but made for something else than edgetune's engine: said as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from edgetune.errors import ModelError
from edgetune.model.kinds import WEIGHTED
from edgetune.model.reasons import CONTROL, FROM_FLOAT, UNROLLED

if TYPE_CHECKING:
    from edgetune.model.graph import Graph, Operator

COMPILED = {  # by the start of a custom operator's name
    "ethos-u": "an Arm Ethos-U NPU, by Vela",
    "edgetpu-custom-op": "a Coral Edge TPU",
    "XC_": "an XMOS chip, by its xformer",
    "NeuronOp": "a MediaTek NPU",
}

SIGNAL = "CUSTOM:Signal"  # the start of their names


def only_states(kinds: list[str]) -> bool:
    """Whether the other subgraphs of a file with such operators only give its states their first
    values."""
    return "CALL_ONCE" in kinds and not {*kinds} & {*CONTROL}


def several_subgraphs(count: int, kinds: list[str]) -> ModelError:
    """The error for a file of more than one subgraph whose operator codes are ``kinds``."""
    if control := [kind for kind in kinds if kind in CONTROL]:
        return ModelError(
            f"The model has loops or conditions: {count} subgraphs.",
            f"It has {', '.join(control)}; edgetune runs a plain list of operators.",
            UNROLLED,
        )
    return ModelError(
        f"The file holds {count} models (subgraphs).",
        "edgetune runs files of one.",
        "Convert the one that is to run, with one signature.",
    )


def refuse_foreign(graph: Graph) -> None:
    """Raises ModelError for a file that a chip's compiler has been over, one that makes features
    of sound, and one that computes in int16.

    Args:
        graph: whose indices are checked.
    """
    for operator in graph.operators:
        if chip := _compiled_for(operator.kind):
            raise ModelError(
                f"The model is compiled for {chip}.",
                f"Operator {operator.index} {operator.kind} holds what was made of its layers, "
                "which cannot be trained.",
                "Name the .tflite file that was compiled.",
            )
    _refuse_signals(graph)
    _refuse_int16(graph)


def refuse_empty(operators: Iterable[Operator]) -> None:
    """Raises ModelError where no operators are left."""
    if not list(operators):
        raise ModelError(
            "The model computes nothing.",
            "It has no operators, but for those that change the type of numbers.",
            "Name a model with a convolution or a dense layer.",
        )


def _compiled_for(kind: str) -> str | None:
    prefix, _, name = kind.partition(":")
    if prefix != "CUSTOM":
        return None
    return next((chip for start, chip in COMPILED.items() if name.startswith(start)), None)


def _refuse_signals(graph: Graph) -> None:
    """What tflite-micro puts before a network that hears."""
    kinds = [op.kind for op in graph.operators if op.kind.startswith(SIGNAL)]
    names = [kind.removeprefix("CUSTOM:") for kind in kinds]
    if names:
        raise ModelError(
            "The model makes features of sound with tflite-micro's signal operators.",
            f"It has {', '.join(dict.fromkeys(names))}, which hold no weights and do not compute "
            "in int8.",
            "Name the network that reads the features, and tune it with features as data.",
        )


def _refuse_int16(graph: Graph) -> None:
    """A 16x8 model: its layers with weights take int16."""
    wide = Counter(
        op.kind for op in graph.operators
        if op.kind in WEIGHTED and op.inputs and op.inputs[0] >= 0
        and graph.tensors[op.inputs[0]].dtype == "int16"
    )
    if wide:
        kinds = ", ".join(f"{count} {kind}" for kind, count in wide.items())
        raise ModelError(
            "This is a 16x8 model: int16 activations with int8 weights.",
            f"int16 goes into its layers ({kinds}); the engine computes with int8 activations.",
            FROM_FLOAT,
        )
