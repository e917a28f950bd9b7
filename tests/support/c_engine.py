"""The C engine as a shared library for the PC, and calls of its functions."""

import ctypes
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from host_structs import host_objects, host_type
from kept_files import kept

from edgetune.boards.cores import CORES, Core
from edgetune.codegen.project import core_defines, rule_sources
from edgetune.learn import operators as p
from edgetune.learn.program import Activation, Layer
from edgetune.learn.rules import RULES, FixedRate
from edgetune.plan.constants import TRAINED, layer_constants
from edgetune.plan.constants.weighted import QUANTIZATION
from edgetune.plan.kernels import KERNELS, Kernel, Site

ENGINE = Path(__file__).parents[2] / "firmware" / "engine"
DRAWN = {"update.c", "update_blocks.c", "update_factored.c", "update_biases.c", "row_mass.c"}
RULE_SOURCES = {
    rule.name: {*rule_sources(rule), *(DRAWN if rule.drawn else {"update_steps.c"})}
    for rule in RULES.values()
}
COMPILER = next(filter(shutil.which, ("gcc", "clang")), None)
# "address" needs the sanitizer's runtime to be loaded before Python is.
SANITIZE = os.environ.get("ENGINE_SANITIZE", "undefined")
u8, u16, u32, i16, i32 = (
    ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32, ctypes.c_int16, ctypes.c_int32,
)
pointer = ctypes.c_void_p
BEHIND = 0 if SANITIZE == "address" else 64  # bytes; the sanitizer sees more where there are none


def build(
    folder: Path, *options: str, sources: tuple = (), rule: str = FixedRate.name
) -> ctypes.CDLL:
    """Compile the engine with one ``rule``, ``options`` and more ``sources``, and load it."""
    library = folder / "engine.so"
    with kept(library, SANITIZE, options, sources, rule) as made:
        if not made:
            _compile(folder, options, sources, rule)
    loaded = ctypes.CDLL(str(library))
    loaded.core = stands_for(options)
    loaded.et_generator_below.restype = ctypes.c_uint64
    loaded.et_generator_below.argtypes = [pointer, ctypes.c_uint64]
    for name in ("et_generator_next", "et_parameter_digest", "et_digest"):
        getattr(loaded, name).restype = u32
    return loaded


def _compile(folder: Path, options: tuple, sources: tuple, rule: str) -> None:
    if rule != FixedRate.name:
        options = (*options, f"-DET_RULE_{RULES[rule].symbol.upper()}")
    flags = [COMPILER, "-std=gnu99", "-O1", "-g", "-fPIC", f"-fsanitize={SANITIZE}",
             "-fno-sanitize-recover=all", f"-ffile-prefix-map={folder}=.", *options]
    everything = [*engine_sources(rule), *sources]
    subprocess.run([*flags, "-shared", "-o", "engine.so", *everything], check=True, cwd=folder)


def engine_sources(rule: str = FixedRate.name) -> list[Path]:
    """All C files that stand alone, with one ``rule``'s."""
    left_out = {"cmsis_nn.c"}.union(*RULE_SOURCES.values()) - RULE_SOURCES[rule]
    return sorted(path for path in ENGINE.glob("*.c") if path.name not in left_out)


SOURCES = engine_sources()


def structure(**fields):
    return type("Structure", (ctypes.Structure,), {"_fields_": list(fields.items())})


Clip = structure(low=i16, high=i16)
JoinC = structure(multiplier=u16, shift=i16)
LearnerC = structure(generator=u32 * 2, step=u32, total_steps=u32)
FixedRateC = structure(limit_q8=u32)
NullMassC = structure(total=u32, exponent=i32, count=u32)
Scratch = structure(gradient=pointer, row_mass=pointer, row_hits=pointer)
Blocks = structure(form=pointer, layer=pointer, scratch=pointer, rows=u32)
Trained = host_type(TRAINED)


def address(array: np.ndarray):
    assert array.flags.c_contiguous
    return array.ctypes.data_as(pointer)


# -- operators ---------------------------------------------------------------------------------


def constants_c(layer: Layer, *shapes) -> dict:
    """The engine's constants of ``layer`` by name; ``shapes``: of its inputs and its output."""
    indices = (*layer.inputs, layer.output)
    activations = {i: Activation("", shape, 1.0, 0) for i, shape in zip(indices, shapes)}
    program = SimpleNamespace(activations=activations)
    return host_objects(layer_constants(layer, program, errors=True))


def kernels(layer: Layer, part: str, x_shape, y_shape) -> list[Kernel]:
    """The engine's own kernels of a ``part`` of ``layer`` that serve it on some core."""
    site = Site(layer, x_shape, y_shape, CORES["cortex-m55"])
    found = KERNELS[f"{layer.kind}_{part}"]
    return [k for k in found if not k.library and k.fits(site)]


@contextmanager
def scratch_of(library, kernel: Kernel | None, layer: Layer, x_shape, y_shape, rows=0):
    """As much memory as the plan gives ``kernel`` on the core that ``library`` stands for, to form
    ``rows`` of a gradient at once; what lies behind it stays as it is."""
    site = Site(layer, x_shape, y_shape, vars(library).get("core", CORES["cortex-m4"]))
    size = kernel.scratch(site) if kernel else 0
    if kernel and rows > kernel.rows(site):
        size = kernel.whole_scratch(site)
    memory = np.full(-(-(size + BEHIND) // 8), -1, np.int64).view(np.int8)
    yield memory[:size]
    assert (memory[size:] == -1).all(), f"{kernel.symbol if kernel else ''} left its scratch"


def stands_for(options: tuple) -> Core:
    """The core whose kernels an engine compiled with ``options`` has."""
    defined = {option.removeprefix("-D") for option in options} & {"ET_VECTORS", "ET_WIDE_CELLS"}
    return next((c for c in CORES.values() if defined == set(core_defines(c))), CORES["cortex-m4"])


def forward_c(library, layer: Layer, xs, out_shape, kernel: Kernel | None = None) -> np.ndarray:
    """The output as the engine, or one ``kernel`` of it, works it out, int8."""
    y, constants = np.zeros(out_shape, np.int8), constants_c(layer, *_shapes(xs), out_shape)
    what = [ctypes.byref(constants[layer.name])]
    if type(layer) in (p.Softmax, p.LogSoftmax, p.Lookup):
        what.append(u32(xs[0].size))
    if layer.weighted:
        what += [address(layer.weights), address(layer.bias)]
    inputs = [*map(address, xs)]
    if isinstance(layer, p.Concatenation):
        inputs = [(pointer * len(xs))(*inputs)]
    symbol = kernel.symbol if kernel else f"et_{layer.kind}_forward"
    with scratch_of(library, kernel, layer, xs[0].shape, out_shape) as memory:
        scratch = [address(memory) if memory.size else None] if layer.weighted else []
        getattr(library, symbol)(*what, *inputs, address(y), *scratch)
    return y


def input_error_c(
    library, layer: Layer, operand: int, e, xs, clip, kernel: Kernel | None = None
) -> tuple[np.ndarray, int]:
    """The engine's error of input ``operand``, where ``clip`` lets it through: int8 mantissas,
    and the shift that they took."""
    x, *others = (xs[i] for i in layer.error_operands(operand))
    constants, e_in = constants_c(layer, *_shapes(xs), e.shape), np.full(x.shape, 99, np.int8)
    what = [ctypes.byref(constants[layer.name])]
    if isinstance(layer, p.Lookup):
        what = [ctypes.byref(constants[f"{layer.name}_slopes"]), u32(x.size)]
    elif layer.weighted:
        what.append(address(layer.weights))
    elif layer.joining:
        what.append(u32(operand))
    function = getattr(library, kernel.symbol if kernel else f"et_{layer.kind}_input_error")
    with scratch_of(library, kernel, layer, x.shape, e.shape) as memory:
        shift = function(
            *what, address(e), address(x), *map(address, others), Clip(*clip), address(e_in),
            *([address(memory)] if memory.size else []),
        )
    return e_in, shift


def gradient_c(library, layer: p.WeightedLayer, e, x, centre=0) -> np.ndarray:
    """The gradient's rows about ``centre`` as the engine forms them, int32 [rows, row_size + 1]."""
    constants = constants_c(layer, x.shape, e.shape)
    gradient = np.zeros((layer.rows, layer.row_size + 1), np.int32)
    function = getattr(library, f"et_{layer.kind}_gradient")
    for row in range(layer.rows):
        function(
            ctypes.byref(constants[layer.name]), u32(row), address(e), address(x),
            i32(centre), address(gradient[row]),
        )
    return gradient


def blocks_c(
    library, kernel: Kernel, layer: p.WeightedLayer, e, x, rows: int, centre=0
) -> np.ndarray:
    """The gradient as an update's ``kernel`` forms it, ``rows`` at a time."""
    constants = constants_c(layer, x.shape, e.shape)
    gradient = np.full((layer.rows, layer.row_size + 1), 7, np.int32)
    form, what = getattr(library, kernel.forms), ctypes.byref(constants[layer.name])
    with scratch_of(library, kernel, layer, x.shape, e.shape, rows) as memory:
        for first in range(0, layer.rows, rows):
            block = np.full((min(rows, layer.rows - first), layer.row_size + 1), 7, np.int32)
            form(what, u32(first), u32(len(block)), address(e), address(x), i32(centre),
                 address(block), address(memory))
            gradient[first : first + rows] = block
    return gradient


def _shapes(arrays) -> list[tuple]:
    return [array.shape for array in arrays]


def scaled_c(library, symbol: str, e: np.ndarray, multiplier, shift) -> int:
    """Scales the errors ``e`` [positions, channels] in place, of channels with such multipliers;
    returns the shift that they took."""
    arrays = np.ascontiguousarray(multiplier, np.int32), np.ascontiguousarray(shift, np.int8)
    quantization = host_type(QUANTIZATION)(0, 0, -128, 127, *map(address, arrays))
    return getattr(library, symbol)(
        address(e), u32(len(e)), u32(e.shape[1]), ctypes.byref(quantization)
    )


# -- updates -----------------------------------------------------------------------------------


class CUpdate:
    """One trained layer, its rule state and a generator, as the C engine holds them.

    ``biases``: they learn alone.  ``rule``: its constants for the layer, of the fixed rate where
    there are none, and ``words`` what it keeps; ``drawn``: whether its steps are.
    """

    def __init__(
        self, library, layer, in_shape, out_shape, limit_q8, seed, total_steps=0, biases=False,
        rule=None, words=None, drawn=True,
    ):
        self.update = "et_update" if drawn else "et_update_steps"
        self.library, self.layer, self.biases = library, layer, biases
        self.weights = np.ascontiguousarray(layer.weights).copy()
        self.bias = layer.bias.copy()
        self.parameters = constants_c(layer, in_shape, out_shape)[layer.name]
        self.null_mass = NullMassC() if words is None else words
        self.learner, self.rule = LearnerC(), FixedRateC(limit_q8) if rule is None else rule
        library.et_learner_start(ctypes.byref(self.learner), u32(seed), u32(total_steps))
        depthwise = isinstance(layer, p.DepthwiseConv2D)
        self.gradient = np.zeros(layer.rows if biases else layer.row_size + 1, np.int32)
        self.row_mass = np.zeros(layer.rows, np.uint64)
        self.row_hits = np.zeros(layer.rows, np.uint16)
        self.trained = Trained(
            layer.rows, 0 if biases else layer.row_size, 1 if depthwise else layer.row_size,
            layer.rows if depthwise else 1, 0,
            None if biases else address(self.weights),
            address(self.bias), ctypes.cast(ctypes.byref(self.rule), pointer),
            ctypes.cast(ctypes.byref(self.null_mass), pointer),
        )
        self.scratch = Scratch(*map(address, (self.gradient, self.row_mass, self.row_hits)))
        self.digest = u32(library.et_parameter_digest(ctypes.byref(self.trained)))
        self.shapes = in_shape, out_shape

    def step_in_blocks(self, e, exponent, x, kernel: Kernel, rows: int) -> int:
        """One update through ``kernel``, which forms ``rows`` of the gradient at a time."""
        gradient = np.full(rows * (self.layer.row_size + 1), 7, np.int32)
        scratch = Scratch(*map(address, (gradient, self.row_mass, self.row_hits)))
        form = ctypes.cast(getattr(self.library, kernel.forms), pointer)
        parameters = ctypes.cast(ctypes.byref(self.parameters), pointer)
        with scratch_of(self.library, kernel, self.layer, *self.shapes, rows) as memory:
            blocks = Blocks(form, parameters, address(memory), rows)
            draws = self.library.et_update_blocks(
                ctypes.byref(self.trained), ctypes.byref(blocks), address(e), i32(exponent),
                address(x), ctypes.byref(self.learner), ctypes.byref(scratch),
                ctypes.byref(self.digest),
            )
        self.learner.step += 1
        return draws

    def step(self, e, exponent, x, factored=False) -> int:
        """One update; returns the trials."""
        ref = ctypes.byref
        tail = (ref(self.learner), ref(self.scratch), ref(self.digest))
        if self.biases:
            draws = getattr(self.library, f"{self.update}_biases")(
                ref(self.trained), address(e), i32(exponent), u32(e.size // self.layer.rows), *tail
            )
        elif factored:
            draws = self.library.et_update_factored(
                ref(self.trained), address(e), i32(exponent), address(x),
                i32(self.layer.input_zero_point), *tail,
            )
        else:
            function = getattr(self.library, f"et_{self.layer.kind}_gradient")
            draws = getattr(self.library, self.update)(
                ref(self.trained), function, ref(self.parameters), address(e), i32(exponent),
                address(x), *tail,
            )
        self.learner.step += 1
        return draws
