"""The C engine as a shared library for the PC, its structures, and layers in both forms."""

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np

from edgetune.learn import operators as p
from edgetune.learn.fixedpoint import quantize_multiplier
from edgetune.learn.program import Layer, Window

ENGINE = Path(__file__).parents[2] / "firmware" / "engine"
SOURCES = sorted(set(ENGINE.glob("*.c")) - {ENGINE / "cmsis_nn.c"})  # all that stand alone
COMPILER = shutil.which("gcc") or shutil.which("clang")
# "address" needs the sanitizer's runtime to be loaded before Python is.
SANITIZE = os.environ.get("ENGINE_SANITIZE", "undefined")
u8, u16, u32, i16, i32 = (
    ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32, ctypes.c_int16, ctypes.c_int32,
)
pointer = ctypes.c_void_p


def build(folder: Path, *options: str, sources: tuple = ()) -> ctypes.CDLL:
    """Compile the engine with ``options`` (and more ``sources``) and load it."""
    library = folder / "engine.so"
    command = [
        COMPILER, "-std=gnu99", "-O1", "-g", "-shared", "-fPIC", f"-fsanitize={SANITIZE}",
        "-fno-sanitize-recover=all", *options, "-o", library,
        *SOURCES, *sources,
    ]
    subprocess.run(command, check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.et_generator_below.restype = ctypes.c_uint64
    loaded.et_generator_below.argtypes = [pointer, ctypes.c_uint64]
    for name in ("et_generator_next", "et_parameter_digest", "et_digest"):
        getattr(loaded, name).restype = u32
    return loaded


def structure(**fields):
    return type("Structure", (ctypes.Structure,), {"_fields_": list(fields.items())})


Shape = structure(height=u16, width=u16, channels=u16)
WindowC = structure(kernel_h=u16, kernel_w=u16, stride_h=u16, stride_w=u16, pad_h=u16, pad_w=u16)
Clip = structure(low=i16, high=i16)
Quantization = structure(
    input_zero_point=i16, output_zero_point=i16, activation_min=i16, activation_max=i16,
    multiplier=pointer, shift=pointer,
)
Conv = structure(**{"in": Shape}, out=Shape, window=WindowC, quantization=Quantization)
Depthwise = structure(
    **{"in": Shape}, out=Shape, window=WindowC, quantization=Quantization, multiplicity=u16
)
Dense = structure(**{"in": u32}, out=u32, quantization=Quantization)
Pool = structure(
    **{"in": Shape}, out=Shape, window=WindowC, activation_min=i16, activation_max=i16
)
MeanC = structure(
    **{"in": Shape}, input_zero_point=i16, output_zero_point=i16, multiplier=i32, shift=i32
)
PadC = structure(**{"in": Shape}, out=Shape, before_h=u16, before_w=u16, value=i16)
Dilation = structure(height=u16, width=u16)
DilatedConv = structure(conv=Conv, dilation=Dilation)
DilatedDepthwise = structure(conv=Depthwise, dilation=Dilation)
TermC = structure(zero_point=i16, sign=i16, multiplier=i32, shift=i32)
AddC = structure(
    count=u32, period=u32, terms=TermC * 2, multiplier=i32, shift=i32, output_zero_point=i16,
    activation_min=i16, activation_max=i16,
)
MulC = structure(
    count=u32, period=u32, zero_points=i16 * 2, multiplier=i32, shift=i32,
    output_zero_point=i16, activation_min=i16, activation_max=i16,
)
ConcatenationC = structure(outer=u32, inputs=u32, chunks=pointer)
StridedSliceC = structure(**{"in": Shape}, out=Shape, begin_h=u16, begin_w=u16, begin_c=u16)
JoinC = structure(multiplier=u16, shift=i16)
Exponential = structure(table=pointer, length=u32)
LearnerC = structure(generator=u32 * 2, step=u32, total_steps=u32)
NullMassC = structure(total=u32, exponent=i32, count=u32)
Trained = structure(
    rows=u32, row_size=u32, row_stride=u32, column_stride=u32, limit_q8=u32, first_index=u32,
    weights=pointer, bias=pointer, null_mass=pointer,
)
Scratch = structure(gradient=pointer, row_mass=pointer, row_hits=pointer)


def address(array: np.ndarray):
    assert array.flags.c_contiguous
    return array.ctypes.data_as(pointer)


def shape_c(shape):
    return Shape(*shape)


def window_c(window: Window):
    return WindowC(*window.kernel, *window.stride, *window.pad)


def quantization_c(layer: p.WeightedLayer):
    return Quantization(
        layer.input_zero_point, layer.output_zero_point, layer.activation_min,
        layer.activation_max, address(layer.multiplier), address(layer.shift),
    )


def parameters_c(layer: Layer, in_shape, out_shape):
    """(C name, parameters) of a layer."""
    a, b = shape_c(in_shape), shape_c(out_shape)
    if isinstance(layer, (p.DilatedConv2D, p.DilatedDepthwiseConv2D)):
        plain = vars(layer)
        dilated = DilatedDepthwise if "multiplicity" in plain else DilatedConv
        kind = p.DepthwiseConv2D if "multiplicity" in plain else p.Conv2D
        conv = parameters_c(kind(**plain), in_shape, out_shape)[1]
        return layer.kind, dilated(conv, Dilation(*layer.window.dilation))
    if isinstance(layer, p.Conv2D):
        return "conv_2d", Conv(a, b, window_c(layer.window), quantization_c(layer))
    if isinstance(layer, p.DepthwiseConv2D):
        return "depthwise_conv_2d", Depthwise(
            a, b, window_c(layer.window), quantization_c(layer), layer.multiplicity
        )
    if isinstance(layer, p.FullyConnected):
        return "fully_connected", Dense(layer.row_size, layer.rows, quantization_c(layer))
    if isinstance(layer, (p.MaxPool2D, p.AveragePool2D)):
        name = "max_pool_2d" if isinstance(layer, p.MaxPool2D) else "average_pool_2d"
        return name, Pool(
            a, b, window_c(layer.window), layer.activation_min, layer.activation_max
        )
    if isinstance(layer, p.Mean):
        return "mean", MeanC(
            a, layer.input_zero_point, layer.output_zero_point, layer.multiplier, layer.shift
        )
    return "pad", PadC(a, b, *layer.before, layer.value)


def gradient_c(library, layer, e, x, in_shape, out_shape) -> np.ndarray:
    """The gradient's rows as the engine forms them, int32 [rows, row_size + 1]."""
    name, parameters = parameters_c(layer, in_shape, out_shape)
    gradient = np.zeros((layer.rows, layer.row_size + 1), np.int32)
    function = getattr(library, f"et_{name}_gradient")
    for row in range(layer.rows):
        function(
            ctypes.byref(parameters), u32(row), address(e), address(x), address(gradient[row])
        )
    return gradient


# -- random layers -----------------------------------------------------------------------------


def int8(rng, shape, extreme=False):
    """Random int8 values, or nothing but the two ends of the range."""
    if extreme:
        return rng.choice(np.array([-128, 127], np.int8), shape)
    return rng.integers(-128, 128, shape).astype(np.int8)


def errors(rng, shape, extreme=False):
    """Random mantissas: never -128."""
    return np.maximum(int8(rng, shape, extreme), -127)


def random_clip(rng) -> tuple[int, int]:
    """Bounds of a mask: none, a RELU's, or any two, which may let nothing through."""
    style = rng.choice(["none", "relu", "any", "any"])
    if style == "none":
        return -129, 128
    low, high = (int(v) for v in rng.integers(-128, 128, 2))
    return (low, 128) if style == "relu" else (low, high)


def quantized(rng, weights, rows, row_size) -> dict:
    """The fields of a weighted layer, its multipliers such that outputs fill int8."""
    low, high = sorted(int(v) for v in rng.choice(np.arange(-128, 128), 2, replace=False))
    if rng.random() < 0.5:
        low, high = -128, 127
    real = rng.uniform(0.2, 4, rows) / (74 * np.sqrt(row_size))
    pairs = np.array([quantize_multiplier(float(r)) for r in real], np.int32)
    return dict(
        weights=weights, bias=rng.integers(-20000, 20000, rows).astype(np.int32),
        multiplier=np.ascontiguousarray(pairs[:, 0]), shift=np.ascontiguousarray(pairs[:, 1]),
        ratio=None, weight_scale=1.0, input_zero_point=int(rng.integers(-128, 128)),
        output_zero_point=int(rng.integers(-128, 128)),
        activation_min=low, activation_max=high,
    )


def random_window(rng, in_hw) -> tuple[Window, tuple[int, int]]:
    """A window and its output's height and width: SAME, VALID, or any padding."""
    kernel = tuple(int(k) for k in rng.integers(1, 5, 2))
    stride = tuple(int(s) for s in rng.integers(1, 4, 2))
    style = rng.choice(["same", "valid", "free"])
    if style == "valid":
        kernel = tuple(min(k, n) for k, n in zip(kernel, in_hw))
        out = tuple((n - k) // s + 1 for n, k, s in zip(in_hw, kernel, stride))
        return Window(kernel, stride, (0, 0)), out
    if style == "same":
        out = tuple(-(-n // s) for n, s in zip(in_hw, stride))
        pad = tuple(
            max(0, (o - 1) * s + k - n) // 2 for o, s, k, n in zip(out, stride, kernel, in_hw)
        )
        return Window(kernel, stride, pad), out
    before, after = rng.integers(0, 4, 2), rng.integers(0, 4, 2)
    padded = [max(k, n + b + a) for k, n, b, a in zip(kernel, in_hw, before, after)]
    out = tuple(int((n - k) // s + 1) for n, k, s in zip(padded, kernel, stride))
    return Window(kernel, stride, tuple(int(b) for b in before)), out


def random_layer(rng, kind, extreme=False):
    """(layer, input shape, output shape) of a weighted layer class."""
    if kind is p.FullyConnected:
        rows, size = (int(v) for v in rng.integers(1, 40, 2))
        weights = int8(rng, (rows, size), extreme)
        layer = kind("d", 0, 0, 1, **quantized(rng, weights, rows, size))
        return layer, (1, 1, size), (1, 1, rows)
    in_hw = tuple(int(n) for n in rng.integers(1, 10, 2))
    channels = int(rng.integers(1, 11))
    window, out_hw = random_window(rng, in_hw)
    if kind is p.Conv2D:
        rows = int(rng.integers(1, 11))
        weights = int8(rng, (rows, *window.kernel, channels), extreme)
        more = {}
    else:
        multiplicity = int(rng.choice([1, 1, 2, 3, 4, 8]))
        rows = channels * multiplicity
        weights = int8(rng, (*window.kernel, rows), extreme)
        more = {"multiplicity": multiplicity}
    layer = kind(
        "w", 0, 0, 1, **quantized(rng, weights, rows, weights.size // rows), window=window, **more
    )
    return layer, (*in_hw, channels), (*out_hw, rows)


# -- updates -----------------------------------------------------------------------------------


class CUpdate:
    """One trained layer, its rule state and a generator, as the C engine holds them.

    ``biases``: they learn alone.
    """

    def __init__(
        self, library, layer, in_shape, out_shape, limit_q8, seed, total_steps=0, biases=False
    ):
        self.library, self.layer, self.biases = library, layer, biases
        self.weights = np.ascontiguousarray(layer.weights).copy()
        self.bias = layer.bias.copy()
        self.name, self.parameters = parameters_c(layer, in_shape, out_shape)
        self.learner, self.null_mass = LearnerC(), NullMassC()
        library.et_learner_start(ctypes.byref(self.learner), u32(seed), u32(total_steps))
        depthwise = isinstance(layer, p.DepthwiseConv2D)
        self.gradient = np.zeros(layer.rows if biases else layer.row_size + 1, np.int32)
        self.row_mass = np.zeros(layer.rows, np.uint64)
        self.row_hits = np.zeros(layer.rows, np.uint16)
        self.trained = Trained(
            layer.rows, 0 if biases else layer.row_size, 1 if depthwise else layer.row_size,
            layer.rows if depthwise else 1, limit_q8, 0,
            None if biases else address(self.weights),
            address(self.bias), ctypes.cast(ctypes.byref(self.null_mass), pointer),
        )
        self.scratch = Scratch(*map(address, (self.gradient, self.row_mass, self.row_hits)))
        self.digest = u32(library.et_parameter_digest(ctypes.byref(self.trained)))

    def step(self, e, exponent, x, factored=False) -> int:
        """One update; returns the trials."""
        ref = ctypes.byref
        tail = (ref(self.learner), ref(self.scratch), ref(self.digest))
        if self.biases:
            draws = self.library.et_update_biases(
                ref(self.trained), address(e), i32(exponent), u32(e.size // self.layer.rows), *tail
            )
        elif factored:
            draws = self.library.et_update_factored(
                ref(self.trained), address(e), i32(exponent), address(x),
                i32(self.layer.input_zero_point), *tail,
            )
        else:
            function = getattr(self.library, f"et_{self.name}_gradient")
            draws = self.library.et_update(
                ref(self.trained), function, ref(self.parameters), address(e), i32(exponent),
                address(x), *tail,
            )
        self.learner.step += 1
        return draws
