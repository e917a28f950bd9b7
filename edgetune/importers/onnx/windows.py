"""Windows that slide over an image or a row: where they lie, and the padding that they need."""

from __future__ import annotations

from edgetune.dataclass import dataclass
from edgetune.importers.onnx.builder import Builder
from edgetune.importers.onnx.node import Node
from edgetune.importers.onnx.values import Unsupported


@dataclass(frozen=True)
class Axis:
    """Windows along one axis: of ``kernel`` elements ``dilation`` apart, every ``stride``.

    ``begin`` and ``end`` are the padding; ``out`` is the number of windows.
    """

    size: int
    kernel: int
    stride: int = 1
    dilation: int = 1
    begin: int = 0
    end: int = 0
    out: int = 1

    @property
    def beyond(self) -> int:
        """By how much the last window reaches beyond the input."""
        reach = (self.out - 1) * self.stride + (self.kernel - 1) * self.dilation + 1
        return max(reach - self.begin - self.size, 0)

    @property
    def is_valid(self) -> bool:
        return self.begin == 0 and self.beyond == 0

    @property
    def is_same(self) -> bool:
        """Whether TFLite's SAME puts the windows at the same places."""
        total = self.begin + self.beyond
        return self.out == -(-self.size // self.stride) and self.begin == total // 2


def axes_of(node: Node, space: tuple[int, ...], kernel) -> list[Axis]:
    """The windows down and across; a row is an image one row high.

    Args:
        space: the sizes of the spatial dimensions.
        kernel: the window's, as many.
    """
    count = len(space)
    if not 1 <= count <= 2 or len(kernel) != count:
        raise Unsupported(f"windows over {count} dimensions")
    ones, zeros = [1] * count, [0] * count
    strides = node.attributes.get("strides") or ones
    dilations = node.attributes.get("dilations") or ones
    pads = node.attributes.get("pads") or 2 * zeros
    auto, ceil = node.attributes.get("auto_pad", "NOTSET"), node.attributes.get("ceil_mode", 0)
    axes = []
    for i in range(count):
        axis = Axis(space[i], kernel[i], strides[i], dilations[i], pads[i], pads[count + i])
        axes.append(_placed(axis, auto, ceil))
    return [Axis(1, 1)] * (2 - count) + axes


def _placed(axis: Axis, auto: str, ceil: int) -> Axis:
    """The number of windows, and the padding where it is automatic (ONNX's Conv and pools)."""
    numbers = axis.kernel, axis.stride, axis.dilation
    if min(numbers) < 1 or max(numbers) > 32767 or min(axis.begin, axis.end) < 0:
        raise Unsupported("kernels, strides or pads out of range")
    span = (axis.kernel - 1) * axis.dilation + 1
    begin, end = axis.begin, axis.end
    if auto == "VALID":
        begin = end = 0
    elif auto in ("SAME_UPPER", "SAME_LOWER"):
        total = max((-(-axis.size // axis.stride) - 1) * axis.stride + span - axis.size, 0)
        begin = (total + (auto == "SAME_LOWER")) // 2
        end = total - begin
    room = axis.size + begin + end - span
    if room < 0:
        raise Unsupported("its window is larger than its input")
    out = room // axis.stride + 1
    if ceil and room % axis.stride and out * axis.stride < axis.size + begin:
        out += 1  # as runtimes do: only where the window starts on the input or before it
    return Axis(axis.size, *numbers, begin, end, out)


def spread_axes_of(node: Node, space: tuple[int, ...], kernel) -> list[Axis]:
    """The same of a ConvTranspose: ``out`` are the cells that its windows cover, those of the
    padding left out."""
    count = len(space)
    if not 1 <= count <= 2 or len(kernel) != count:
        raise Unsupported(f"windows over {count} dimensions")
    if set(node.attributes.get("dilations", [1])) != {1}:
        raise Unsupported("taps that lie apart")
    axes = [_spread(node, place, *sizes) for place, sizes in enumerate(zip(space, kernel))]
    return [Axis(1, 1)] * (2 - count) + axes


def _spread(node: Node, place: int, size: int, kernel: int) -> Axis:
    def number(name: str, default: int) -> int:
        values = node.attributes.get(name)
        return values[place] if values else default

    pads, auto = node.attributes.get("pads") or [0, 0], node.attributes.get("auto_pad", "NOTSET")
    begin, end = number("pads", 0), pads[len(pads) // 2 + place * (len(pads) > 2)]
    stride = number("strides", 1)
    covered = (size - 1) * stride + kernel + number("output_padding", 0)
    wanted = number("output_shape", size * stride if auto.startswith("SAME") else 0)
    if wanted:
        total = covered - wanted
        begin = total // 2 if auto == "SAME_UPPER" else total - total // 2
        end = total - begin
    out = covered - begin - end
    if min(kernel, stride, out) < 1 or max(kernel, stride, begin) > 32767 or begin < 0:
        raise Unsupported("kernels, strides or pads out of range")
    return Axis(size, kernel, stride, begin=begin, end=end, out=out)


def same_begin(axis: Axis) -> int:
    """The padding of TFLite's SAME before the first output of a ConvTranspose."""
    return max((-(-axis.out // axis.stride) - 1) * axis.stride + axis.kernel - axis.out, 0) // 2


def options_of(axes: list[Axis], padding: str) -> dict:
    """What windowed operators of the Graph share."""
    return {"padding": padding, "stride_h": axes[0].stride, "stride_w": axes[1].stride}


def fitting_padding(axes: list[Axis]) -> str | None:
    """"VALID" or "SAME" where TFLite's windows lie as these do."""
    if all(axis.is_valid for axis in axes):
        return "VALID"
    return "SAME" if all(axis.is_same for axis in axes) else None


def padded(builder: Builder, image: int, axes: list[Axis]) -> int:
    """``image`` with the zeros around it that windows with VALID padding then need."""
    pads = [(0, 0), *((axis.begin, axis.beyond) for axis in axes), (0, 0)]
    shape = tuple(n + sum(pad) for n, pad in zip(builder.shape(image), pads))
    return builder.emit("PAD", (image, builder.integers("paddings", pads)), shape)


def with_padding(builder: Builder, image: int, axes: list[Axis]) -> tuple[int, str]:
    """An image and the word for its padding, for windows in which zeros count."""
    padding = fitting_padding(axes)
    return (image, padding) if padding else (padded(builder, image, axes), "VALID")
