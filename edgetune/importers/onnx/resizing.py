"""Resize and Upsample: their coordinates in TFLite's modes, where they are one of these."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from edgetune.importers.onnx.builder import Builder, result
from edgetune.importers.onnx.node import Node
from edgetune.importers.onnx.values import Unsupported, Value, as_image, channels_last
from edgetune.model.interpolation import real_between
from edgetune.model.moves import along_axes

OPTIONS = tuple(  # TFLite's three modes
    dict(align_corners=corners, half_pixel_centers=centers)
    for corners, centers in ((False, True), (False, False), (True, False))
)
NEAR = 1e-3  # of a row: no two modes lie as close
BILINEAR, NEAREST = "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"


class Axis(NamedTuple):
    """From ``size`` elements to ``out``, ``scale`` times as many."""

    size: int
    out: int
    scale: float

    @property
    def stays(self) -> bool:
        """A factor that leaves the size may still put places elsewhere."""
        return self.size == self.out and self.scale == 1


def resize(builder: Builder, node: Node) -> Value:
    x = node.activation()
    _check(node)
    axes = _axes(node, x.shape)
    changed = [i for i, axis in enumerate(axes) if not axis.stays]
    if not changed:
        return x
    if changed[0] == 0 or not 3 <= len(axes) <= 4:
        raise Unsupported(f"a resize of the batch, or of {len(axes)} dimensions")
    order = _order(len(axes), changed)
    image, linear = builder.arranged(x, order), node.attributes.get("mode") == "linear"
    kept = [axes[i] for i in order]
    kept = [kept[0], Axis(1, 1, 1.0), *kept[1:]] if len(kept) == 3 else kept
    image = (_linear if linear else _nearest)(builder, node, image, kept)
    return result(image, tuple(axis.out for axis in axes), order)


def _check(node: Node) -> None:
    """What is neither linear nor nearest, or looks beyond what lies around a place."""
    attributes = node.attributes
    mode = attributes.setdefault("mode", "nearest")
    if mode not in ("nearest", "linear", "bilinear"):
        raise Unsupported(f"a resize of the mode {mode}")
    attributes["mode"] = "nearest" if mode == "nearest" else "linear"
    if attributes.get("coordinate_transformation_mode") == "tf_crop_and_resize":
        raise Unsupported("a resize of a part of its operand")
    if attributes.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Unsupported("a resize that keeps the ratio of height and width")


def _axes(node: Node, shape: tuple[int, ...]) -> list[Axis]:
    """Of the operand's dimensions, by sizes or else by scales."""
    first = 1 if node.kind == "Upsample" or node.opset < 11 else 2
    chosen = [i % len(shape) for i in node.attributes.get("axes", range(len(shape)))]
    axes = [Axis(n, n, 1.0) for n in shape]
    scales, sizes = _numbers(node, "scales", first), _numbers(node, "sizes", 3)
    found = scales if sizes is None else sizes
    if found is None or len(found) != len(chosen):
        raise Unsupported(f"a resize of {list(shape)} without a size for each of its axes")
    for i, number in zip(chosen, found):
        n = shape[i]
        out = int(number) if sizes is not None else math.floor(n * number)
        axes[i] = Axis(n, out, number if sizes is None else out / n)
    if min(axis.out for axis in axes) < 1 or min(axis.scale for axis in axes) <= 0:
        raise Unsupported(f"a resize of {list(shape)} to {[axis.out for axis in axes]}")
    if node.attributes.get("antialias", 0) and min(axis.scale for axis in axes) < 1:
        raise Unsupported("a reduction with antialiasing")
    return axes


def _numbers(node: Node, name: str, place: int) -> list[float] | None:
    if name in node.attributes:
        return [float(n) for n in node.attributes[name]]
    if node.operand(place) is None or not node.data(place, name).size:
        return None
    return [float(n) for n in node.data(place, name).reshape(-1)]


def _order(rank: int, changed: list[int]) -> tuple[int, ...]:
    """Channels last, unless they are what changes."""
    return tuple(range(rank)) if 1 in changed and rank - 1 not in changed else channels_last(rank)


# ---- where places of the output lie in the input


def _places(node: Node, axis: Axis) -> np.ndarray:
    """By ONNX's ``coordinate_transformation_mode``, float64 [out]."""
    old = "asymmetric" if node.kind == "Upsample" or node.opset < 11 else "half_pixel"
    mode = node.attributes.get("coordinate_transformation_mode", old)
    at = np.arange(axis.out, dtype=np.float64)
    if mode == "asymmetric":
        return at / axis.scale
    if mode == "tf_half_pixel_for_nn":
        return (at + 0.5) / axis.scale
    if mode == "align_corners":
        return at * (axis.size - 1) / max(axis.out - 1, 1)
    if mode == "pytorch_half_pixel" and axis.out == 1:
        return at
    if mode not in ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric"):
        raise Unsupported(f"a resize with the coordinates {mode}")
    centre = 0.0
    if mode == "half_pixel_symmetric":
        centre = axis.size / 2 * (1 - axis.out / (axis.size * axis.scale))
    return centre + (at + 0.5) / axis.scale - 0.5


def _linear(builder: Builder, node: Node, image: int, axes: list[Axis]) -> int:
    """In one step where both axes have one of TFLite's modes, else one after the other."""
    if not axes[3].stays:
        raise Unsupported("a linear resize of channels and of space")
    fitting = [[_lies(node, axes[i], options) for options in OPTIONS] for i in (1, 2)]
    both = [all(pair) for pair in zip(*fitting)]
    if any(both):
        return _bilinear(builder, image, axes, (1, 2), OPTIONS[both.index(True)])
    for i, fits in zip((1, 2), fitting):
        if not any(fits):
            raise Unsupported(
                f"a linear resize of {axes[i].size} to {axes[i].out} by "
                f"{axes[i].scale:.6g}, which TFLite puts elsewhere"
            )
        image = _bilinear(builder, image, axes, (i,), OPTIONS[fits.index(True)])
    return image


def _lies(node: Node, axis: Axis, options: dict) -> bool:
    before, _, part = real_between(axis.size, axis.out, options)
    wanted = np.clip(_places(node, axis), 0, axis.size - 1)
    return bool(np.abs(before + part - wanted).max() < NEAR)


def _bilinear(builder: Builder, image: int, axes: list[Axis], along, options: dict) -> int:
    shape = list(builder.shape(image))
    for i in along:
        shape[i] = axes[i].out
    size = builder.integers("size", shape[1:3])
    return builder.emit(BILINEAR, (image, size), tuple(shape), **options)


def _nearest(builder: Builder, node: Node, image: int, axes: list[Axis]) -> int:
    """By TFLite's operator where that takes the same rows and columns, else by their numbers."""
    taken = [_taken(node, axis) for axis in axes]
    shape, outs = builder.shape(image), tuple(axis.out for axis in axes)
    size = np.array(outs[1:3])
    for options in OPTIONS:
        theirs = along_axes(NEAREST, as_image((*shape[:3], outs[3])), options, [size])
        if shape[3] == outs[3] and all(np.array_equal(taken[i], found) for i, found in theirs):
            return builder.emit(NEAREST, (image, builder.integers("size", size)), outs, **options)
    for i, axis in enumerate(axes):
        if not axis.stays:
            shape = (*shape[:i], axis.out, *shape[i + 1 :])
            indices = builder.integers("indices", taken[i])
            image = builder.emit("GATHER", (image, indices), shape, axis=i, batch_dims=0)
    return image


def _taken(node: Node, axis: Axis) -> np.ndarray:
    """Which element each place takes; what lies within a millionth of a half is a half."""
    if axis.scale < 1 and (node.opset < 11 or node.kind == "Upsample"):
        raise Unsupported(f"a reduction of opset {node.opset}, which runtimes round differently")
    old = "floor" if node.opset < 11 or node.kind == "Upsample" else "round_prefer_floor"
    rounding = {
        "round_prefer_floor": lambda at: np.ceil(at - 0.5),
        "round_prefer_ceil": lambda at: np.floor(at + 0.5), "floor": np.floor, "ceil": np.ceil,
    }.get(node.attributes.get("nearest_mode", old))
    if rounding is None:
        raise Unsupported(f"a nearest resize that rounds by {node.attributes['nearest_mode']}")
    places = rounding(np.round(_places(node, axis), 6))
    return np.clip(places.astype(np.int64), 0, axis.size - 1)
