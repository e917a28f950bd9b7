"""Scratch that CMSIS-NN's forward kernels need beside their tensors.

Source: its ``*_get_buffer_size`` functions, the largest over the paths that a layer may take
in ``firmware/engine/cmsis_nn.c``.
"""

from __future__ import annotations

from edgetune.boards import Core
from edgetune.learn import operators as p
from edgetune.learn.program import Layer

NAME = "CMSIS-NN"  # the library, among those that a build has
LEAST = 4  # some kernels refuse a null pointer even where they need nothing


def forward_scratch(layer: Layer | None, shape: tuple[int, int, int], core: Core) -> int:
    """Bytes for ``layer`` with an input of ``shape`` (height, width, channels) on ``core``: its
    shifts as words, and the kernel's."""
    return _shifts(layer) + _kernel_scratch(layer, shape, core)


def _shifts(layer: Layer | None) -> int:
    """Rounded up to words in pairs."""
    return 8 * -(-layer.rows // 2) if isinstance(layer, p.WeightedLayer) else 0


def _kernel_scratch(layer: Layer | None, shape: tuple[int, int, int], core: Core) -> int:
    if isinstance(layer, p.Conv2D):
        return max(LEAST, _convolution(layer.row_size, core))
    if isinstance(layer, p.DepthwiseConv2D):
        return max(LEAST, _depthwise(layer, shape[2], core))
    if isinstance(layer, p.FullyConnected):
        return 4 * layer.rows if core.mve else LEAST
    return 0


def _convolution(row_size: int, core: Core) -> int:
    """Two columns of patches in 16 bits; with MVE four of them, in lines of 16."""
    return 64 * -(-row_size // 16) if core.mve else 4 * (row_size + -row_size % 4)


def _depthwise(layer: p.DepthwiseConv2D, channels: int, core: Core) -> int:
    taps = layer.row_size
    if core.mve:
        as_convolution = _convolution(taps, core) + taps * layer.rows if channels == 1 else 0
        return max(as_convolution, 496 * taps if layer.multiplicity == 1 else 0)
    return 2 * taps * channels if core.dsp and layer.multiplicity == 1 else 0
