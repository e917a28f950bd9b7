"""What edgetune knows of each kind of operator: one row a kind, and nowhere else.

What reads a file, refuses, converts and writes asks the rows; the numbers are worked out in
``learn/operators`` and ``floats/operators.py``.  ``docs/operators.md`` shows the rows as a table
(``make pages``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from edgetune.model import faults, refusals, scales, shapes

YES, NO = "yes", "no"
VIEW = "as a view"  # runs: another shape of the same memory
TABLE = "as a table of 256 values"  # runs: a function of one value
LOSS = "with the loss"  # trains: its error is the loss's


class Options(NamedTuple):
    """A kind's table of the schema and its fields; where it is not ``needed``, TFLite does
    without it and takes defaults."""

    table: str
    fields: tuple[str, ...]
    needed: bool = True


@dataclass(frozen=True)
class Kind:
    """One row.

    Args:
        name: TFLite's.
        inputs: least and most of them.
        constants: names of the inputs behind the first; None where all are activations.
        channel_axis: of the weights, that of the output channels; None without weights.
        ranks: of the input; empty where any will do.
        converts, runs, trains, reads: what edgetune makes of it, as ``docs/operators.md`` says
            it.  ``trains`` is YES where errors pass it on their way down, and its weights learn
            where it has some; NO where errors end.
        options: its table; None without one.
        version: TFLite's, of the operator with int8 tensors.
        output_shape: computes the output's shape, of ``shapes``.
        scaling: what the kernel demands of scales, of ``scales``.
        refused: names what edgetune does not run, of ``refusals``; None where it runs all.
        wrong: names what contradicts itself, of ``faults``.
    """

    name: str
    inputs: tuple[int, int]
    constants: tuple[str, ...] | None
    channel_axis: int | None
    ranks: tuple[int, ...]
    converts: str
    runs: str
    trains: str
    reads: str
    options: Options | None
    version: int
    output_shape: Callable
    scaling: scales.Rule
    refused: Callable | None = None
    wrong: Callable | None = None

    @property
    def weighted(self) -> bool:
        """Whether it holds weights."""
        return self.channel_axis is not None

    @property
    def joining(self) -> bool:
        """Whether every input is an activation, or a constant in the place of one."""
        return self.constants is None

    @property
    def passes_errors(self) -> bool:
        """Whether an error of its output gives one of its input."""
        return self.trains == YES

    def has_option(self, field: str) -> bool:
        return self.options is not None and field in self.options.fields


FUSED = "FusedActivationFunction"
WINDOW = ("Padding", "StrideH", "StrideW", FUSED)
DILATION = ("DilationHFactor", "DilationWFactor")
MASKS = ("BeginMask", "EndMask", "EllipsisMask", "NewAxisMask", "ShrinkAxisMask")
CONV = Options("Conv2DOptions", (*WINDOW, *DILATION))
DEPTHWISE = Options("DepthwiseConv2DOptions", (*WINDOW, *DILATION, "DepthMultiplier"))
DENSE = Options("FullyConnectedOptions", (FUSED, "WeightsFormat", "KeepNumDims"))
POOL = Options("Pool2DOptions", (*WINDOW, "FilterHeight", "FilterWidth"))
REDUCE = Options("ReducerOptions", ("KeepDims",))
ADD = Options("AddOptions", (FUSED,), needed=False)
SUB = Options("SubOptions", (FUSED,), needed=False)
MUL = Options("MulOptions", (FUSED,), needed=False)
JOIN = Options("ConcatenationOptions", ("Axis", FUSED), needed=False)
LEAKY = Options("LeakyReluOptions", ("Alpha",))
SLICE = Options("StridedSliceOptions", MASKS, needed=False)
SOFTMAX = Options("SoftmaxOptions", ("Beta",))

ANY = ()  # ranks
MANY = (1, 256)  # inputs
ACTIVATIONS = None  # constants
WEIGHTS = ("weights", "bias")
AXES, AXIS, ORDER = ("axes",), ("axis",), ("order",)
PADDINGS, SHAPE = ("paddings",), ("shape values",)
BOUNDS = ("begins", "ends", "strides")
KERNELS = "any stride, SAME or VALID, any multiplier, scales per channel or tensor"
VECTOR = "one vector; scales per channel or tensor"
WINDOWS = "any window"
REDUCED = "over any axes"
REPEATS = (
    "two activations, or one and a constant; one may be the other's last dimensions, and repeats"
)
MARGINS = "height and width"
JOINS = "any axis but the batch; one scale for all, as TFLite demands"
ALONE = "on their own"
RESCALES = "int8 to int8"
SHAPES = "any shape with a batch of one"
ONES = "where it moves only axes of size one"
CROPS = "crops: strides of one, no change of rank"
ENDS = "at the end, over one vector"
PLACED = "made where it is needed"

# A row's first line: inputs, constants, axis of the channels, ranks; converts, runs, trains; reads.
# Its second: options, version, shape of the output, scales, what is refused, what is wrong.
KINDS = {kind.name: kind for kind in (
    Kind("CONV_2D",           (2, 3), WEIGHTS,     0,    (4,),      YES,    YES,   YES,  KERNELS,
         CONV,      3, shapes.conv,       scales.WEIGHTED, refusals.grouped, faults.conv),
    Kind("DEPTHWISE_CONV_2D", (2, 3), WEIGHTS,     3,    (4,),      YES,    YES,   YES,  KERNELS,
         DEPTHWISE, 3, shapes.depthwise,  scales.WEIGHTED, wrong=faults.depthwise),
    Kind("FULLY_CONNECTED",   (2, 3), WEIGHTS,     0,    ANY,       YES,    YES,   YES,  VECTOR,
         DENSE,     4, shapes.dense,      scales.WEIGHTED, refusals.many_vectors, faults.dense),
    Kind("MAX_POOL_2D",       (1, 1), (),          None, (4,),      YES,    YES,   YES,  WINDOWS,
         POOL,      2, shapes.pool,       scales.SAME),
    Kind("AVERAGE_POOL_2D",   (1, 1), (),          None, (4,),      YES,    YES,   YES,  WINDOWS,
         POOL,      2, shapes.pool,       scales.SAME),
    Kind("MEAN",              (2, 2), AXES,        None, ANY,       YES,    YES,   YES,  REDUCED,
         REDUCE,    2, shapes.reduced,    scales.FUNCTION, refusals.scattered_axes, faults.axes),
    Kind("REDUCE_MAX",        (2, 2), AXES,        None, ANY,       YES,    YES,   YES,  REDUCED,
         REDUCE,    2, shapes.reduced,    scales.SAME,     refusals.scattered_axes, faults.axes),
    Kind("PAD",               (2, 2), PADDINGS,    None, (4,),      YES,    YES,   YES,  MARGINS,
         None,      2, shapes.padded,     scales.SAME,     refusals.paddings, faults.paddings),
    Kind("ADD",               (2, 2), ACTIVATIONS, None, ANY,       YES,    YES,   YES,  REPEATS,
         ADD,       2, shapes.broadcast,  scales.SUM,      refusals.unlike_shapes),
    Kind("SUB",               (2, 2), ACTIVATIONS, None, ANY,       YES,    YES,   YES,  REPEATS,
         SUB,       2, shapes.broadcast,  scales.SUM,      refusals.unlike_shapes),
    Kind("MUL",               (2, 2), ACTIVATIONS, None, ANY,       YES,    YES,   YES,  REPEATS,
         MUL,       2, shapes.broadcast,  scales.PRODUCT,  refusals.unlike_shapes),
    Kind("CONCATENATION",     MANY,   ACTIVATIONS, None, ANY,       YES,    YES,   YES,  JOINS,
         JOIN,      2, shapes.joined,     scales.SAME,     refusals.fused),
    Kind("RELU",              (1, 1), (),          None, ANY,       YES,    TABLE, YES,  ALONE,
         None,      2, shapes.unchanged,  scales.FUNCTION),
    Kind("RELU6",             (1, 1), (),          None, ANY,       YES,    TABLE, YES,  ALONE,
         None,      2, shapes.unchanged,  scales.FUNCTION),
    Kind("LEAKY_RELU",        (1, 1), (),          None, ANY,       YES,    TABLE, YES,  ALONE,
         LEAKY,     2, shapes.unchanged,  scales.SLOPED),
    Kind("LOGISTIC",          (1, 1), (),          None, ANY,       YES,    TABLE, YES,  ALONE,
         None,      2, shapes.unchanged,  scales.UNIT),
    Kind("TANH",              (1, 1), (),          None, ANY,       YES,    TABLE, YES,  ALONE,
         None,      2, shapes.unchanged,  scales.TANH),
    Kind("HARD_SWISH",        (1, 1), (),          None, ANY,       YES,    TABLE, YES,  ALONE,
         None,      1, shapes.unchanged,  scales.SWISH),
    Kind("QUANTIZE",          (1, 1), (),          None, ANY,       PLACED, TABLE, YES,  RESCALES,
         None,      2, shapes.unchanged,  scales.FUNCTION),
    Kind("RESHAPE",           (1, 2), SHAPE,       None, ANY,       YES,    VIEW,  YES,  SHAPES,
         None,      1, shapes.stated,     scales.SAME,     wrong=faults.reshape),
    Kind("SQUEEZE",           (1, 1), (),          None, ANY,       YES,    VIEW,  YES,  SHAPES,
         None,      1, shapes.stated,     scales.SAME,     wrong=faults.view),
    Kind("EXPAND_DIMS",       (2, 2), AXIS,        None, ANY,       YES,    VIEW,  YES,  SHAPES,
         None,      1, shapes.stated,     scales.SAME,     wrong=faults.view),
    Kind("TRANSPOSE",         (2, 2), ORDER,       None, ANY,       YES,    VIEW,  YES,  ONES,
         None,      1, shapes.transposed, scales.SAME,     refusals.moves, faults.order),
    Kind("STRIDED_SLICE",     (4, 4), BOUNDS,      None, (2, 3, 4), YES,    YES,   YES,  CROPS,
         SLICE,     2, shapes.cropped,    scales.SAME,     refusals.strides, faults.bounds),
    Kind("SOFTMAX",           (1, 1), (),          None, ANY,       YES,    YES,   LOSS, ENDS,
         SOFTMAX,   2, shapes.unchanged,  scales.UNIT,     refusals.not_last),
)}  # fmt: skip


class Line(NamedTuple):
    """A line of ``docs/operators.md`` beside the kinds' own."""

    operators: str
    converts: str
    runs: str
    trains: str
    reads: str


BESIDES = {  # by the kind that they stand behind
    "QUANTIZE": Line("QUANTIZE, DEQUANTIZE", "left out", "left out", YES,
                     "float32 or uint8 input or output of the file"),
}  # fmt: skip

BRIDGES = ("QUANTIZE", "DEQUANTIZE")  # lead from one type of numbers to another
FOLDED = {"PACK": Options("PackOptions", ("Axis",), needed=False)}  # worked out while reading
OPTIONS = {name: kind.options for name, kind in KINDS.items() if kind.options} | FOLDED


def _where(holds: Callable[[Kind], bool]) -> tuple[str, ...]:
    return tuple(name for name, kind in KINDS.items() if holds(kind))


WEIGHTED = _where(lambda kind: kind.weighted)
JOINING = _where(lambda kind: kind.joining)
ARITHMETIC = _where(lambda kind: kind.output_shape is shapes.broadcast)
VIEWS = _where(lambda kind: kind.runs == VIEW)
FUNCTIONS = _where(lambda kind: kind.runs == TABLE)  # of one value
REDUCING = _where(lambda kind: kind.output_shape is shapes.reduced)
WINDOWED = _where(lambda kind: kind.has_option("Padding"))
FUSING = _where(lambda kind: kind.has_option(FUSED))  # the file may fuse a function into them
CONVERTED = _where(lambda kind: kind.converts == YES)
