"""Standalone RELU and RELU6 become part of the operator before them."""

from __future__ import annotations

from edgetune.model.kinds import CLAMPING, FUSED_OPTION
from edgetune.model.rewrite import Rewriter

TOGETHER = {  # what two clipping functions, one behind the other, come to
    ("NONE", "RELU"): "RELU", ("NONE", "RELU6"): "RELU6", ("RELU", "RELU"): "RELU",
    ("RELU", "RELU6"): "RELU6", ("RELU6", "RELU"): "RELU6", ("RELU6", "RELU6"): "RELU6",
}


def fuse_activations(rewriter: Rewriter) -> None:
    """Fuses where the operator before has no other reader."""
    for op in [op for op in rewriter.operators if op.kind in ("RELU", "RELU6")]:
        before = rewriter.producer(op.inputs[0])
        if before is None or before.kind not in CLAMPING:
            continue
        if rewriter.only_reader(op.inputs[0], op):
            fused = before.options.get(FUSED_OPTION, "NONE")
            before.options[FUSED_OPTION] = TOGETHER[fused, op.kind]
            rewriter.absorb(op, before)
