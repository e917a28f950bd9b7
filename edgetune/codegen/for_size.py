"""Files that are compiled for size: what they hold is run a few times a step, or a message."""

from __future__ import annotations

from edgetune.boards import Core

SELDOM = frozenset({
    "channel_ratio.c", "digest.c", "generator.c", "learner.c", "learning.c", "model.c",
    "null_mass.c", "scaled.c", "server.c", "softmax.c", "softmax_cross_entropy.c",
    "softmax_echo.c", "trials.c", "update_blocks.c",
})
AROUND_ASSEMBLY = frozenset({
    "adaptive.c", "average_pool_2d.c", "average_pool_2d_dsp.c", "centre.c",
    "conv_2d_gradient_dsp.c", "conv_2d_input_error_dsp.c", "depthwise_conv_2d_gradient_dsp.c",
    "dot.c", "draw.c", "error_block.c", "error_words.c", "fully_connected_dsp.c",
    "planes_dsp.c", "requantize_dsp.c", "row_mass.c", "step.c", "update_factored.c",
    "windows_dsp.c",
})


def compiled_for_size(core: Core) -> frozenset[str]:
    """Names, without folders.  With the DSP extension those too whose innermost loops are assembly,
    or single instructions, or take what is left over."""
    return SELDOM | AROUND_ASSEMBLY if core.dsp and not core.mve else SELDOM
