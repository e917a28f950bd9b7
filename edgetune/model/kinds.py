"""What edgetune knows of each kind of operator: one row a kind, and nowhere else.

What reads a file, refuses, converts and writes asks the rows; the numbers are worked out in
``learn/operators`` and ``floats/operators.py``.  ``docs/operators.md`` shows the rows as a table
(``make pages``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from edgetune.dataclass import dataclass
from edgetune.model import faults, refusals, scales, shapes

LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"  # written out step by step (``floats/recurrent.py``)
YES, NO = "yes", "no"
VIEW = "as a view"  # runs: another shape of the same memory
APART = "as SLICE or CONCATENATION"  # converts: each output, or each operand, by itself
TABLE = "as a table of 256 values"  # runs: a function of one value
DECIDED = "yes, as a table where one value decides"  # runs: a function of two
CHAINED = "as a table, where one value decides"  # runs: and not otherwise
NAMED = "as a function that has a name"  # converts: ELU, SELU, LEAKY_RELU, ...
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
        outputs: least and most of them; where that is not one, ``output_shape`` gives a list.
        data: place of the activation among the inputs.
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
    outputs: tuple[int, int] = (1, 1)
    data: int = 0

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
FUSED_OPTION = "fused_activation_function"  # its name in ``Operator.options``
WINDOW = ("Padding", "StrideH", "StrideW", FUSED)
DILATION = ("DilationHFactor", "DilationWFactor")
MASKS = ("BeginMask", "EndMask", "EllipsisMask", "NewAxisMask", "ShrinkAxisMask", "Offset")
CONV = Options("Conv2DOptions", (*WINDOW, *DILATION))
DEPTHWISE = Options("DepthwiseConv2DOptions", (*WINDOW, *DILATION, "DepthMultiplier"))
TRANSPOSED = Options("TransposeConvOptions", WINDOW)
DENSE = Options("FullyConnectedOptions", (FUSED, "WeightsFormat", "KeepNumDims"))
POOL = Options("Pool2DOptions", (*WINDOW, "FilterHeight", "FilterWidth"))
REDUCE = Options("ReducerOptions", ("KeepDims",))
ADD = Options("AddOptions", (FUSED,), needed=False)
SUB = Options("SubOptions", (FUSED,), needed=False)
MUL = Options("MulOptions", (FUSED,), needed=False)
JOIN = Options("ConcatenationOptions", ("Axis", FUSED), needed=False)
LEAKY = Options("LeakyReluOptions", ("Alpha",))
GELU = Options("GeluOptions", ("Approximate",), needed=False)
EXTREME = Options("MaximumMinimumOptions", (), needed=False)
SLICE = Options("StridedSliceOptions", MASKS, needed=False)
SPLIT = Options("SplitOptions", ("NumSplits",))
SPLIT_V = Options("SplitVOptions", ("NumSplits",))
UNPACK = Options("UnpackOptions", ("Num", "Axis"))
PACK = Options("PackOptions", ("ValuesCount", "Axis"), needed=False)
GATHER = Options("GatherOptions", ("Axis", "BatchDims"), needed=False)
NEAREST = Options("ResizeNearestNeighborOptions", ("AlignCorners", "HalfPixelCenters"))
BILINEAR = Options("ResizeBilinearOptions", ("AlignCorners", "HalfPixelCenters"), needed=False)
MIRROR = Options("MirrorPadOptions", ("Mode",))
TO_DEPTH = Options("SpaceToDepthOptions", ("BlockSize",))
TO_SPACE = Options("DepthToSpaceOptions", ("BlockSize",))
SOFTMAX = Options("SoftmaxOptions", ("Beta",))
LOG_SOFTMAX = Options("LogSoftmaxOptions", (), needed=False)

ANY = ()  # ranks
MANY = (1, 256)  # inputs
ACTIVATIONS = None  # constants
WEIGHTS = ("weights", "bias")
AXES, AXIS, ORDER = ("axes",), ("axis",), ("order",)
PADDINGS, SHAPE = ("paddings",), ("shape values",)
BOUNDS = ("begins", "ends", "strides")
PIECE, PIECES = ("begins", "sizes"), ("sizes", "axis")
INDICES, SIZE, TIMES = ("indices",), ("size",), ("multiples",)
KERNELS = "any stride, SAME or VALID, any groups or multiplier, scales per channel or tensor"
SPREADS = "any stride, SAME or VALID, a constant output shape, scales per channel or tensor"
VECTORS = "one vector, or one a cell; scales per channel or tensor"
WINDOWS = "any window"
REDUCED = "over any axes"
REPEATS = "two activations, or one and a constant; any shapes that broadcast"
SLOPED = "constant slopes: one, one a channel or one an element, which do not train"
CHOICE = "by GREATER, LESS, GREATER_EQUAL or LESS_EQUAL, which nothing else reads"
MARGINS = "any axes but the batch, in up to four dimensions"
MIRRORED = "any axes but the batch, REFLECT or SYMMETRIC"
JOINS = "any axis but the batch; one scale for all, as TFLite demands"
ALONE = "on their own"
NEWER = "on their own; TFLite's int8 kernels of them are newer than 2.14"
RESCALES = "int8 to int8; through NEG, ABS, SQUARE, SQRT, EXP, LOG or ELU in float too"
SHAPES = "any shape with a batch of one"
ORDERS = "any order of axes but the batch's; a view where it moves only axes of size one"
CUTS = "any begins, ends, strides and masks that leave the batch"
PARTS = "any axis but the batch; a layer for each output that is read"
TAKES = "constant indices along any axis but the batch"
NEAREST_CELLS = "any size, corners aligned or not, half-pixel centers or not"
BILINEAR_CELLS = "any size, as RESIZE_NEAREST_NEIGHBOR"
BLOCKS = "any block"
FLIPS = "any axes"
COPIES = "any constant shape that leaves the batch"
ENDS = "at the end, over one vector"
OVER_LAST = "over the last axis; at the end over one vector with the loss"
PLACED = "made where it is needed"

# A row's first line: inputs, constants, axis of the channels, ranks; converts, runs, trains; reads.
# Its second: options, version, shape of the output, scales, what is refused, what is wrong.
KINDS = {kind.name: kind for kind in (
    Kind("CONV_2D",           (2, 3), WEIGHTS,     0,    (4,),      YES,    YES,   YES,  KERNELS,
         CONV,      3, shapes.conv,       scales.WEIGHTED, wrong=faults.conv),
    Kind("DEPTHWISE_CONV_2D", (2, 3), WEIGHTS,     3,    (4,),      YES,    YES,   YES,  KERNELS,
         DEPTHWISE, 3, shapes.depthwise,  scales.WEIGHTED, wrong=faults.depthwise),
    Kind("TRANSPOSE_CONV",    (2, 3), WEIGHTS,     0,    (4,),      YES,    YES,   YES,  SPREADS,
         TRANSPOSED, 3, shapes.transposed, scales.WEIGHTED, refusals.transposed, faults.transposed),
    Kind("FULLY_CONNECTED",   (2, 3), WEIGHTS,     0,    ANY,       YES,    YES,   YES,  VECTORS,
         DENSE,     4, shapes.dense,      scales.WEIGHTED, refusals.dense_layouts, faults.dense),
    Kind("MAX_POOL_2D",       (1, 1), (),          None, (4,),      YES,    YES,   YES,  WINDOWS,
         POOL,      2, shapes.pool,       scales.SAME),
    Kind("AVERAGE_POOL_2D",   (1, 1), (),          None, (4,),      YES,    YES,   YES,  WINDOWS,
         POOL,      2, shapes.pool,       scales.SAME),
    Kind("MEAN",              (2, 2), AXES,        None, ANY,       YES,    YES,   YES,  REDUCED,
         REDUCE,    2, shapes.reduced,    scales.FUNCTION, refusals.scattered_axes, faults.axes),
    Kind("REDUCE_MAX",        (2, 2), AXES,        None, ANY,       YES,    YES,   YES,  REDUCED,
         REDUCE,    2, shapes.reduced,    scales.SAME,     refusals.scattered_axes, faults.axes),
    Kind("PAD",               (2, 2), PADDINGS,    None, (2, 3, 4), YES,    YES,   YES,  MARGINS,
         None,      2, shapes.padded,     scales.SAME,     refusals.paddings, faults.paddings),
    Kind("ADD",               (2, 2), ACTIVATIONS, None, ANY,       YES,    YES,   YES,  REPEATS,
         ADD,       2, shapes.broadcast,  scales.SUM),
    Kind("SUB",               (2, 2), ACTIVATIONS, None, ANY,       YES,    YES,   YES,  REPEATS,
         SUB,       2, shapes.broadcast,  scales.SUM),
    Kind("MUL",               (2, 2), ACTIVATIONS, None, ANY,       YES,    YES,   YES,  REPEATS,
         MUL,       2, shapes.broadcast,  scales.PRODUCT),
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
    Kind("ELU",               (1, 1), (),          None, ANY,       YES,    TABLE, YES,  ALONE,
         None,      1, shapes.unchanged,  scales.FUNCTION),
    Kind("GELU",              (1, 1), (),          None, ANY,       YES,    TABLE, YES,  ALONE,
         GELU,      2, shapes.unchanged,  scales.FUNCTION),
    Kind("RELU_N1_TO_1",      (1, 1), (),          None, ANY,       YES,    TABLE, YES,  ALONE,
         None,      1, shapes.unchanged,  scales.FUNCTION),
    Kind("RELU_0_TO_1",       (1, 1), (),          None, ANY,       YES,    TABLE, YES,  ALONE,
         None,      1, shapes.unchanged,  scales.FUNCTION),
    Kind("ABS",               (1, 1), (),          None, ANY,       YES,    TABLE, YES,  ALONE,
         None,      2, shapes.unchanged,  scales.FUNCTION),
    Kind("EXP",               (1, 1), (),          None, ANY,       YES,    TABLE, YES,  ALONE,
         None,      2, shapes.unchanged,  scales.EXP),
    Kind("RSQRT",             (1, 1), (),          None, ANY,       YES,    TABLE, YES,  ALONE,
         None,      2, shapes.unchanged,  scales.RSQRT),
    Kind("SQRT",              (1, 1), (),          None, ANY,       YES,    TABLE, YES,  NEWER,
         None,      2, shapes.unchanged,  scales.SQRT),
    Kind("LOG",               (1, 1), (),          None, ANY,       YES,    TABLE, YES,  NEWER,
         None,      2, shapes.unchanged,  scales.LOG),
    Kind("MAXIMUM",           (2, 2), ACTIVATIONS, None, ANY,       YES,    DECIDED, YES, REPEATS,
         EXTREME,   2, shapes.compared,   scales.SAME),
    Kind("MINIMUM",           (2, 2), ACTIVATIONS, None, ANY,       YES,    DECIDED, YES, REPEATS,
         EXTREME,   2, shapes.compared,   scales.SAME),
    Kind("PRELU",             (2, 2), ACTIVATIONS, None, ANY,       YES,    DECIDED, YES, SLOPED,
         None,      1, shapes.unchanged,  scales.SLOPES,   refusals.slopes),
    Kind("SQUARED_DIFFERENCE", (2, 2), ACTIVATIONS, None, ANY,      YES,    DECIDED, YES, REPEATS,
         None,      2, shapes.compared,   scales.SQUARE),
    Kind("SELECT_V2",         (3, 4), ACTIVATIONS, None, ANY,       NAMED,  CHAINED, YES, CHOICE,
         None,      1, shapes.stated,     scales.CHOSEN,   refusals.chosen),
    Kind("QUANTIZE",          (1, 1), (),          None, ANY,       PLACED, TABLE, YES,  RESCALES,
         None,      2, shapes.unchanged,  scales.FUNCTION),
    Kind("RESHAPE",           (1, 2), SHAPE,       None, ANY,       YES,    VIEW,  YES,  SHAPES,
         None,      1, shapes.stated,     scales.SAME,     wrong=faults.reshape),
    Kind("SQUEEZE",           (1, 1), (),          None, ANY,       YES,    VIEW,  YES,  SHAPES,
         None,      1, shapes.stated,     scales.SAME,     wrong=faults.view),
    Kind("EXPAND_DIMS",       (2, 2), AXIS,        None, ANY,       YES,    VIEW,  YES,  SHAPES,
         None,      1, shapes.stated,     scales.SAME,     wrong=faults.view),
    Kind("TRANSPOSE",         (2, 2), ORDER,       None, ANY,       YES,    YES,   YES,  ORDERS,
         None,      2, shapes.moved,      scales.SAME,     wrong=faults.move),
    Kind("SLICE",             (3, 3), PIECE,       None, ANY,       YES,    YES,   YES,  CUTS,
         None,      2, shapes.moved,      scales.SAME,     wrong=faults.move),
    Kind("STRIDED_SLICE",     (4, 4), BOUNDS,      None, ANY,       YES,    YES,   YES,  CUTS,
         SLICE,     2, shapes.moved,      scales.SAME,     wrong=faults.move),
    Kind("SPLIT",             (2, 2), AXIS,        None, ANY,       APART,    YES,   YES,  PARTS,
         SPLIT,     2, shapes.parts,      scales.SAME,     wrong=faults.move, outputs=MANY, data=1),
    Kind("SPLIT_V",           (3, 3), PIECES,      None, ANY,       APART,    YES,   YES,  PARTS,
         SPLIT_V,   2, shapes.parts,      scales.SAME,     wrong=faults.move, outputs=MANY),
    Kind("UNPACK",            (1, 1), (),          None, ANY,       APART,    YES,   YES,  PARTS,
         UNPACK,    2, shapes.parts,      scales.SAME,     wrong=faults.move, outputs=MANY),
    Kind("PACK",              MANY,   ACTIVATIONS, None, ANY,       APART,    YES,   YES,  JOINS,
         PACK,      2, shapes.packed,     scales.SAME),
    Kind("GATHER",            (2, 2), INDICES,     None, ANY,       YES,    YES,   YES,  TAKES,
         GATHER,    2, shapes.moved,      scales.SAME,     refusals.batches, faults.move),
    Kind("RESIZE_NEAREST_NEIGHBOR", (2, 2), SIZE,  None, (4,),      YES,    YES,   YES,
         NEAREST_CELLS,
         NEAREST,   3, shapes.moved,      scales.SAME,     refusals.both_corners, faults.move),
    Kind("RESIZE_BILINEAR",   (2, 2), SIZE,        None, (4,),      YES,    YES,   YES,
         BILINEAR_CELLS,
         BILINEAR,  3, shapes.resized,    scales.SAME,     refusals.interpolation, faults.resize),
    Kind("MIRROR_PAD",        (2, 2), PADDINGS,    None, ANY,       YES,    YES,   YES,  MIRRORED,
         MIRROR,    2, shapes.moved,      scales.SAME,     refusals.paddings, faults.move),
    Kind("REVERSE_V2",        (2, 2), AXES,        None, ANY,       YES,    YES,   YES,  FLIPS,
         None,      1, shapes.moved,      scales.SAME,     wrong=faults.move),
    Kind("SPACE_TO_DEPTH",    (1, 1), (),          None, (4,),      YES,    YES,   YES,  BLOCKS,
         TO_DEPTH,  2, shapes.moved,      scales.SAME,     wrong=faults.move),
    Kind("DEPTH_TO_SPACE",    (1, 1), (),          None, (4,),      YES,    YES,   YES,  BLOCKS,
         TO_SPACE,  1, shapes.moved,      scales.SAME,     wrong=faults.move),
    Kind("TILE",              (2, 2), TIMES,       None, ANY,       YES,    YES,   YES,  COPIES,
         None,      2, shapes.moved,      scales.SAME,     wrong=faults.move),
    Kind("BROADCAST_TO",      (2, 2), SHAPE,       None, ANY,       YES,    YES,   YES,  COPIES,
         None,      2, shapes.moved,      scales.SAME,     wrong=faults.move),
    Kind("SOFTMAX",           (1, 1), (),          None, ANY,       YES,    YES,   YES,  OVER_LAST,
         SOFTMAX,   2, shapes.unchanged,  scales.UNIT),
    Kind("LOG_SOFTMAX",       (1, 1), (),          None, ANY,       YES,    YES,   LOSS, ENDS,
         LOG_SOFTMAX, 2, shapes.unchanged, scales.LOG_UNIT, refusals.logarithms),
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
    "LOG_SOFTMAX": Line(LSTM, "as its steps", "converted", "each step by itself",
                        "2 to 128 steps; TANH; without peepholes, projection, normalisation"),
}  # fmt: skip

BRIDGES = ("QUANTIZE", "DEQUANTIZE")  # lead from one type of numbers to another
FOLDED = {  # worked out while reading, where all that they read is constant
    "REDUCE_PROD": REDUCE, "SUM": REDUCE,
    "DIV": Options("DivOptions", (FUSED,), needed=False),  # in float files by others, too
}
PRODUCT = Options("BatchMatMulOptions", ("AdjX", "AdjY"), needed=False)
STEPS = Options("UnidirectionalSequenceLSTMOptions", (FUSED, "CellClip", "TimeMajor"))
REWRITTEN = {  # read where they mean a kind of ``KINDS``; else this is why not
    "SPACE_TO_BATCH_ND": "not around one convolution alone, which it would make dilated",
    "BATCH_TO_SPACE_ND": "not around one convolution alone, which it would make dilated",
    "PADV2": "it pads with another value than zero",
    "SELECT_V2": "it computes no function that has a name",
    "SHAPE": "of a shape that is not known",
    "ERF": "it is no part of a function that has a name",
    "SIGN": "it is no part of a function that has a name",
} | dict.fromkeys(
    ("RANGE", "FILL", "RANK", "CAST", "REDUCE_PROD", "FLOOR_DIV", "FLOOR_MOD"),
    "it runs on constants only",
) | dict.fromkeys(
    ("GREATER", "LESS", "GREATER_EQUAL", "LESS_EQUAL"),
    "it is not the condition of one SELECT_V2 and nothing else",
)
STATES = Options("VarHandleOptions", ("SharedName",), needed=False)
OPTIONS = FOLDED | {"BATCH_MATMUL": PRODUCT, LSTM: STEPS, "VAR_HANDLE": STATES} | {
    name: kind.options for name, kind in KINDS.items() if kind.options
}


PLACED_SHAPES = (shapes.stated, shapes.moved, shapes.parts, shapes.packed, shapes.joined)


def _where(holds: Callable[[Kind], bool]) -> tuple[str, ...]:
    return tuple(name for name, kind in KINDS.items() if holds(kind))


WEIGHTED = _where(lambda kind: kind.weighted)
JOINING = _where(lambda kind: kind.joining)
ARITHMETIC = _where(lambda kind: kind.output_shape is shapes.broadcast)
VIEWS = _where(lambda kind: kind.runs == VIEW)
FUNCTIONS = _where(lambda kind: kind.runs == TABLE)  # of one value
# Those that take each cell on its own, so that two dimensions may be cells and channels.
OF_VECTORS = (*VIEWS, *FUNCTIONS, "FULLY_CONNECTED", "SOFTMAX")
DECIDED_BY_ONE = _where(lambda kind: kind.runs in (DECIDED, CHAINED))
ELEMENTWISE = (*FUNCTIONS, *ARITHMETIC, *DECIDED_BY_ONE)  # the links of a chain (``one_value``)
REDUCING = _where(lambda kind: kind.output_shape is shapes.reduced)
MOVED = _where(lambda kind: kind.output_shape is shapes.moved)
PLACING = _where(lambda kind: kind.output_shape in PLACED_SHAPES)  # only give values a place
RESIZED = _where(lambda kind: kind.output_shape is shapes.resized)
ANY_AXES = (*PLACING, *FUNCTIONS, "SOFTMAX")  # the first need be no batch
WINDOWED = _where(lambda kind: kind.has_option("Padding"))
FUSING = _where(lambda kind: kind.has_option(FUSED))  # the file may fuse a function into them
UNCLAMPED = ("CONCATENATION", "TRANSPOSE_CONV")  # whose int8 kernel cannot, or not in every TFLite
CLAMPING = tuple(name for name in FUSING if name not in UNCLAMPED)
CONVERTED = _where(lambda kind: kind.converts == YES)
