"""Standalone RELU and RELU6 become part of the operator before them."""

from __future__ import annotations

from edgetune.model.kinds import FUSING
from edgetune.model.rewrite import Rewriter

FUSED = "fused_activation_function"
TAKERS = [kind for kind in FUSING if kind != "CONCATENATION"]  # its int8 kernel cannot
TOGETHER = {  # what two clipping functions, one behind the other, come to
    ("NONE", "RELU"): "RELU", ("NONE", "RELU6"): "RELU6", ("RELU", "RELU"): "RELU",
    ("RELU", "RELU6"): "RELU6", ("RELU6", "RELU"): "RELU6", ("RELU6", "RELU6"): "RELU6",
}


def fuse_activations(rewriter: Rewriter) -> None:
    """Fuses where the operator before has no other reader."""
    for op in [op for op in rewriter.operators if op.kind in ("RELU", "RELU6")]:
        before = rewriter.producer(op.inputs[0])
        if before is None or before.kind not in TAKERS:
            continue
        if rewriter.only_reader(op.inputs[0], op):
            before.options[FUSED] = TOGETHER[before.options.get(FUSED, "NONE"), op.kind]
            rewriter.absorb(op, before)
