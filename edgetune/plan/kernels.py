"""The kernels: which C function runs a stage, chosen by what the core has and what shapes fit.

One table for the engine's own portable C and whatever else serves a stage; the first candidate
that fits is taken.  Operators have no rows of their own: their classes say what they have.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from edgetune.boards import Core
from edgetune.dataclass import dataclass
from edgetune.learn import operators as p
from edgetune.learn.program import Layer, Shape
from edgetune.plan import cmsis_nn, dsp, lines, mve
from edgetune.plan.overlap import distances

FORMING = ("update", "update_steps", "measure")  # costs of those that form a gradient's rows
# Up to this many weights forming the gradient is cheaper than the factored draw's set-up.
EXACT_DENSE_WEIGHTS = 128


@dataclass(frozen=True)
class Site:
    """Where a kernel is to run: layer (None for the loss), shapes of its input and output, core,
    and the names of the ``libraries`` that the build has."""

    layer: Layer | None
    x: Shape
    y: Shape
    core: Core
    libraries: frozenset[str] = frozenset()


def _any(site: Site) -> bool:
    return True


def _nothing(site: Site) -> int:
    return 0


@dataclass(frozen=True)
class Kernel:
    """One C function.

    ``stage``: what it computes; ``symbol``: its name in C; ``source``: the file of
    firmware/engine that holds it; ``library``: what else must be there ("" nothing);
    ``fits``: whether it can run at a `Site`; ``scratch``: bytes that it needs beside its tensors;
    ``cost``: its key in the cost tables.  ``header``: of its prototype, where that is not one of
    the engine's own; ``beside``: further files that ``source`` needs.  ``forms``: of an update, the
    function that forms its gradient a block of ``rows`` at a time; ``whole_scratch``: what it
    needs where all rows are one block.
    """

    stage: str
    symbol: str
    source: str
    cost: str
    library: str = ""
    fits: Callable[[Site], bool] = _any
    scratch: Callable[[Site], int] = _nothing
    header: str = ""
    beside: tuple[str, ...] = ()
    forms: str = ""
    rows: Callable[[Site], int] = _nothing
    whole_scratch: Callable[[Site], int] = _nothing

    @property
    def sources(self) -> set[str]:
        """All files of firmware/engine that it is made of."""
        return {self.source, *self.beside}

    @property
    def measured(self) -> bool:
        """Whether the cost tables know it, and not only what it stands in for."""
        return self.symbol == f"et_{self.cost}"


def choose(stage: str, site: Site, plain: bool = False, over: bool = False) -> Kernel:
    """The first kernel for ``stage`` whose library is there and that fits.

    Args:
        plain: and that needs no scratch.
        over: and whose output may run over what it reads, where one of them can do that.
    """
    fit = [
        kernel for kernel in KERNELS[stage]
        if (not kernel.library or kernel.library in site.libraries) and kernel.fits(site)
        and not (plain and (kernel.forms or kernel.scratch(site)))
    ]
    if not fit:
        raise LookupError(f"no kernel for {stage}")
    walking = [k for k in fit if distances(k.symbol, site.layer, site.x, site.y)] if over else []
    return (walking or fit)[0]


def _is_large_dense(site: Site) -> bool:
    layer = site.layer
    return isinstance(layer, p.FullyConnected) and layer.weights.size > EXACT_DENSE_WEIGHTS


def _portable(source: str, *stages: str) -> list[Kernel]:
    return [Kernel(stage, f"et_{stage}", source, stage) for stage in stages]


def _operators(layer: type[Layer] = Layer) -> list[Kernel]:
    """Of every class of layers: its forward, and what it has of the backward."""
    parts = ["forward"]
    if layer.input_error is not Layer.input_error:
        parts.append("input_error")
    if layer.weighted:
        parts.append("gradient")
    kind = layer.kind
    own = _portable(f"{kind}.c", *(f"{kind}_{part}" for part in parts)) if kind else []
    return sum((_operators(derived) for derived in layer.__subclasses__()), own)


def _loss(kind: str) -> list[Kernel]:
    return [Kernel(kind, f"et_{kind}_error", f"{kind}.c", f"{kind}_error")]


def _cmsis_nn(kind: str) -> Kernel:
    """Costs are those of the portable kernel until CMSIS-NN's are measured."""
    stage = f"{kind}_forward"
    return Kernel(
        stage, f"et_cmsis_nn_{stage}", "cmsis_nn.c", stage, cmsis_nn.NAME,
        scratch=lambda site: cmsis_nn.forward_scratch(site.layer, site.x, site.core),
        header="cmsis_nn.h",
    )


def _dsp(kind: str, part: str, *beside: str, source: str = "", by: ModuleType = dsp) -> Kernel:
    """By the DSP extension, or what ``by`` knows."""
    stage, name = f"{kind}_{part}", by.__name__.rpartition(".")[2]
    found = getattr(by, f"{stage}_fits"), getattr(by, f"{stage}_scratch")
    fits, scratch = (_at(function) for function in found)
    return Kernel(
        stage, f"et_{kind}_{name}_{part}", source or f"{kind}_{name}.c", f"{kind}_{name}_{part}",
        fits=fits, scratch=scratch, header=f"{kind}_{name}.h", beside=beside,
    )


def _dsp_update(
    stage: str, kind: str, *beside: str, source: str = "", by: ModuleType = dsp
) -> Kernel:
    """Of a gradient that the DSP extension forms, or what ``by`` knows."""
    names = (f"{kind}_gradient_{what}" for what in ("fits", "scratch", "rows", "whole_scratch"))
    fits, scratch, rows, whole = (_at(getattr(by, name)) for name in names)
    source = source or f"{kind}_gradient_dsp"
    return Kernel(
        stage, "et_update_blocks", "update_blocks.c", "update_blocks", header=f"{source}.h",
        fits=lambda site: site.layer is not None and site.layer.kind == kind and fits(site),
        scratch=scratch, beside=(f"{source}.c", *beside), rows=rows, whole_scratch=whole,
        forms=f"et_{kind}_{by.__name__.rpartition('.')[2]}_gradient",
    )


def _depthwise_lines(stage: str) -> Kernel:
    return _dsp_update(stage, _DEPTHWISE, *_PLANES, source=f"{_DEPTHWISE}_lines", by=lines)


def _at(function: Callable[..., Any]) -> Callable[[Site], Any]:
    """What ``function`` gives for a site."""
    return lambda site: function(site.layer, site.x, site.y, site.core)


_DEPTHWISE = "depthwise_conv_2d"
# Beside a depthwise one.
_PLANES = "planes_dsp.c", "pairs_dsp.c", "requantize_dsp.c", "error_words.c"


_ROWS = [
    _cmsis_nn("conv_2d"), _cmsis_nn("depthwise_conv_2d"), _cmsis_nn("fully_connected"),
    _dsp("conv_2d", "forward", "windows_dsp.c", "requantize_dsp.c"),
    _dsp("conv_2d", "input_error", "windows_dsp.c", "error_words.c",
         source="conv_2d_input_error_dsp.c"),
    _dsp(_DEPTHWISE, "forward", *_PLANES, by=lines),
    _dsp(_DEPTHWISE, "input_error", *_PLANES, by=lines),
    _dsp("depthwise_conv_2d", "forward", *_PLANES),
    _dsp("depthwise_conv_2d", "input_error", *_PLANES),
    _dsp("fully_connected", "forward", "error_words.c", by=mve),
    _dsp("fully_connected", "input_error", "error_words.c", by=mve),
    _dsp("fully_connected", "forward", "error_words.c"),
    _dsp("fully_connected", "input_error", "error_words.c"),
    _dsp("average_pool_2d", "input_error", "error_words.c"), _dsp("add", "forward"),
    *_operators(),
    *_loss("softmax_cross_entropy"), *_loss("sigmoid_cross_entropy"), *_loss("squared_error"),
    Kernel("error_scale", "et_error_scale_dsp", "error_scale_dsp.c", "error_scale_dsp",
           fits=_at(dsp.error_scale_fits), header="error_scale_dsp.h", beside=("error_words.c",)),
    *_portable("error_scale.c", "error_scale"),
    *_portable("error_join.c", "error_join"),
    Kernel("update", "et_update_factored", "update_factored.c", "update_factored",
           fits=_is_large_dense),
    _dsp_update("update", "conv_2d", "windows_dsp.c", "pairs_dsp.c"),
    _dsp_update("update_formed", "conv_2d", "windows_dsp.c", "pairs_dsp.c"),
    _depthwise_lines("update"), _depthwise_lines("update_formed"),
    _dsp_update("update", "depthwise_conv_2d", "planes_dsp.c", "pairs_dsp.c"),
    _dsp_update("update_formed", "depthwise_conv_2d", "planes_dsp.c", "pairs_dsp.c"),
    Kernel("update", "et_update", "update.c", "update"),
    Kernel("update_formed", "et_update", "update.c", "update"),
    *_portable("update_biases.c", "update_biases"),
    *_portable("update_steps.c", "update_steps", "update_steps_biases"),
    *_portable("softmax_echo.c", "softmax_echo"),
    *_portable("adaptive.c", "output_size", "adaptive_observe"),
    *_portable("multinomial_global.c", "multinomial_global_observe", "measure", "measure_biases"),
]  # fmt: skip

KERNELS: dict[str, list[Kernel]] = {}
for _kernel in _ROWS:
    KERNELS.setdefault(_kernel.stage, []).append(_kernel)


def kernel_sources() -> set[str]:
    """All files that hold kernels; what else lies in firmware/engine serves all of them."""
    return set().union(*(kernel.sources for row in KERNELS.values() for kernel in row))
