"""Operators that only move values: which element of the input each element of an output reads.

Each function takes the numbers of the input's elements, in its shape, the operator's options and
its constants, and puts the numbers where TFLite puts the elements.  Shapes, layers and the float
operators all follow from that.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:  # a Graph's operators look up their kind, which knows these functions
    from edgetune.model.graph import Graph, Operator

MAX_ELEMENTS = 1 << 22  # of an output; more than any Cortex-M's memory
Numbers = np.ndarray


def places(graph: Graph, operator: Operator) -> list[Numbers]:
    """For each output, in its shape, the flat places of the input that its elements read.

    Raises:
        ValueError: options or constants that contradict each other or the input.
    """
    shape = graph.tensors[operator.operands[0]].shape
    constants = [graph.tensors[i].values for i in operator.parameters]
    return places_of(operator.kind, shape, operator.options, constants)


def places_of(
    kind: str, shape: tuple[int, ...], options: dict, constants: list[np.ndarray]
) -> list[Numbers]:
    """The same from the input's shape, the options and the constants alone."""
    if math.prod(shape) > MAX_ELEMENTS:
        raise ValueError(f"an input of {math.prod(shape)} elements")
    x = np.arange(math.prod(shape)).reshape(shape)
    try:
        found = MOVES[kind](x, options, *constants)
    except (IndexError, TypeError) as error:  # TypeError: constants that lack
        raise ValueError(str(error)) from None
    return [np.asarray(y) for y in (found if isinstance(found, list) else [found])]


def stays(places: Numbers, size: int) -> bool:
    """Whether the input's ``size`` elements are the output, in their order: a view of them."""
    return np.array_equal(places.reshape(-1), np.arange(size))


def along_axes(
    kind: str, shape: tuple[int, ...], options: dict, constants: list[np.ndarray]
) -> list[tuple[int, np.ndarray]]:
    """Of an operator that takes places of whole axes: each axis and the places it takes."""
    if kind == "GATHER":
        return [(options["axis"] % len(shape), constants[0].reshape(-1))]
    if kind == "RESIZE_NEAREST_NEIGHBOR":
        return _nearest_places(shape, options, constants[0])
    if kind == "MIRROR_PAD":
        return _mirrored_places(shape, options, constants[0])
    return []


def _transpose(x: Numbers, options: dict, order: np.ndarray) -> Numbers:
    return x.transpose([int(axis) for axis in order.reshape(-1)])


def _slice(x: Numbers, options: dict, begins: np.ndarray, sizes: np.ndarray) -> Numbers:
    """A size of -1 is all that is left."""
    begins, sizes = begins.reshape(-1).tolist(), sizes.reshape(-1).tolist()
    if not len(begins) == len(sizes) == x.ndim:
        raise ValueError(f"begins or sizes that are not {x.ndim} numbers")
    ends = [n if size == -1 else begin + size for n, begin, size in zip(x.shape, begins, sizes)]
    if any(not 0 <= begin <= end <= n for begin, end, n in zip(begins, ends, x.shape)):
        raise ValueError(f"a slice from {begins} of {sizes} elements")
    return x[tuple(map(slice, begins, ends))]


def _strided_slice(
    x: Numbers, options: dict, begins: np.ndarray, ends: np.ndarray, strides: np.ndarray
) -> Numbers:
    bounds = [values.reshape(-1).tolist() for values in (begins, ends, strides)]
    count = len(bounds[0])
    if any(len(values) != count for values in bounds):
        raise ValueError("begins, ends and strides of different lengths")
    if options.get("offset"):  # then ends count from the begins
        bounds[1] = [begin + end for begin, end in zip(*bounds[:2])]
    return x[tuple(_index(options, place, *bound) for place, bound in enumerate(zip(*bounds)))]


def _index(options: dict, place: int, begin: int, end: int, stride: int) -> Any:
    """One place of a STRIDED_SLICE as numpy has it."""

    def masked(name: str) -> int:
        return options[f"{name}_mask"] >> place & 1

    if masked("ellipsis"):
        return Ellipsis
    if masked("new_axis"):
        return None
    if masked("shrink_axis"):
        return 0 if masked("begin") else begin
    return slice(None if masked("begin") else begin, None if masked("end") else end, stride)


def _split(x: Numbers, options: dict, axis: np.ndarray) -> list[Numbers]:
    return np.split(x, max(1, options["num_splits"]), _one(axis))


def _split_v(x: Numbers, options: dict, sizes: np.ndarray, axis: np.ndarray) -> list[Numbers]:
    """One size may be -1: what the others leave."""
    along, numbers = _one(axis), sizes.reshape(-1).tolist()
    whole = x.shape[along]
    rest = whole - sum(size for size in numbers if size != -1)
    numbers = [rest if size == -1 else size for size in numbers]
    if sum(numbers) != whole or min(numbers, default=0) < 1:
        raise ValueError(f"a split of {whole} into {sizes.reshape(-1).tolist()[:8]}")
    return np.split(x, np.cumsum(numbers)[:-1], along)


def _unpack(x: Numbers, options: dict) -> list[Numbers]:
    return [*np.moveaxis(x, options["axis"], 0)]


def _gather(x: Numbers, options: dict, indices: np.ndarray) -> Numbers:
    axis = options["axis"]
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"axis {axis} of {x.ndim}")
    if indices.size and (indices.min() < 0 or indices.max() >= x.shape[axis]):
        raise ValueError(f"indices outside of 0 to {x.shape[axis] - 1}")
    _check_size(x.size // x.shape[axis] * indices.size)
    return np.take(x, indices, axis)


def _resize_nearest(x: Numbers, options: dict, size: np.ndarray) -> Numbers:
    for axis, taken in _nearest_places(x.shape, options, size):
        x = np.take(x, taken, axis)
    return x


def _nearest_places(
    shape: tuple[int, ...], options: dict, size: np.ndarray
) -> list[tuple[int, np.ndarray]]:
    """Rows and columns that RESIZE_NEAREST_NEIGHBOR takes, in float32 as TFLite does."""
    outs = size.reshape(-1).tolist()
    if len(shape) != 4 or len(outs) != 2 or min(outs) < 1:
        raise ValueError(f"{list(shape)} resized to {outs[:8]}")
    _check_size(shape[0] * outs[0] * outs[1] * shape[3])
    return [(axis, _nearest(shape[axis], out, options)) for axis, out in zip((1, 2), outs)]


def _nearest(size: int, out: int, options: dict) -> np.ndarray:
    corners, centers = options["align_corners"], options["half_pixel_centers"]
    spans = (size - 1, out - 1) if corners and out > 1 else (size, out)
    scale = np.float32(spans[0]) / np.float32(spans[1])
    found = (np.arange(out, dtype=np.float32) + np.float32(0.5 if centers else 0)) * scale
    # halves are rounded up; exact, because float64 has room for the sum
    whole = np.floor(found.astype(np.float64) + (0.5 if corners else 0))
    return np.clip(whole.astype(np.int64), 0, size - 1)


def _mirror(x: Numbers, options: dict, paddings: np.ndarray) -> Numbers:
    for axis, taken in _mirrored_places(x.shape, options, paddings):
        x = np.take(x, taken, axis)
    return x


def _mirrored_places(
    shape: tuple[int, ...], options: dict, paddings: np.ndarray
) -> list[tuple[int, np.ndarray]]:
    """Of each axis what MIRROR_PAD takes: REFLECT (0) repeats no end, SYMMETRIC (1) does; TFLite
    looks at an axis once."""
    once = options["mode"] == 0
    pairs = paddings.reshape(-1, 2).tolist() if paddings.size == 2 * len(shape) else []
    if options["mode"] not in (0, 1) or not pairs or min(map(min, pairs)) < 0 or any(
        max(pair) > size - once for size, pair in zip(shape, pairs)
    ):
        raise ValueError(f"{list(shape)} mirrored by {pairs or paddings.shape}")
    _check_size(math.prod(size + sum(pair) for size, pair in zip(shape, pairs)))
    return [
        (axis, _mirrored(size, (before, after), once))
        for axis, (size, (before, after)) in enumerate(zip(shape, pairs))
    ]


def _mirrored(size: int, pair: tuple[int, int], once: bool) -> Numbers:
    return np.pad(np.arange(size), pair, "reflect" if once else "symmetric")


def _reverse(x: Numbers, options: dict, axes: np.ndarray) -> Numbers:
    return np.flip(x, tuple(axes.reshape(-1).tolist()))


def _space_to_depth(x: Numbers, options: dict) -> Numbers:
    block = _block(x, options)
    batch, height, width, channels = x.shape
    cells = x.reshape(batch, height // block, block, width // block, block, channels)
    return cells.transpose(0, 1, 3, 2, 4, 5).reshape(
        batch, height // block, width // block, block * block * channels
    )


def _depth_to_space(x: Numbers, options: dict) -> Numbers:
    block = _block(x, options)
    batch, height, width, channels = x.shape
    cells = x.reshape(batch, height, width, block, block, channels // (block * block))
    return cells.transpose(0, 1, 3, 2, 4, 5).reshape(
        batch, height * block, width * block, channels // (block * block)
    )


def _block(x: Numbers, options: dict) -> int:
    if x.ndim != 4 or options["block_size"] < 1:
        raise ValueError(f"blocks of {options['block_size']} in {list(x.shape)}")
    return options["block_size"]


def _tile(x: Numbers, options: dict, multiples: np.ndarray) -> Numbers:
    times = multiples.reshape(-1).tolist()
    if len(times) != x.ndim or min(times, default=1) < 1:
        raise ValueError(f"multiples {times[:8]} of {list(x.shape)}")
    _check_size(x.size * math.prod(times))
    return np.tile(x, times)


def _broadcast(x: Numbers, options: dict, shape: np.ndarray) -> Numbers:
    wanted = shape.reshape(-1).tolist()
    _check_size(math.prod(wanted))
    return np.broadcast_to(x, wanted)


def _one(values: np.ndarray) -> int:
    if values.size != 1:
        raise ValueError(f"{values.size} axes instead of one")
    return int(values.reshape(-1)[0])


def _check_size(elements: int) -> None:
    if elements > MAX_ELEMENTS:
        raise ValueError(f"an output of {elements} elements")


MOVES: dict[str, Callable] = {
    "TRANSPOSE": _transpose,
    "SLICE": _slice,
    "STRIDED_SLICE": _strided_slice,
    "SPLIT": _split,
    "SPLIT_V": _split_v,
    "UNPACK": _unpack,
    "GATHER": _gather,
    "RESIZE_NEAREST_NEIGHBOR": _resize_nearest,
    "MIRROR_PAD": _mirror,
    "REVERSE_V2": _reverse,
    "SPACE_TO_DEPTH": _space_to_depth,
    "DEPTH_TO_SPACE": _depth_to_space,
    "TILE": _tile,
    "BROADCAST_TO": _broadcast,
}
