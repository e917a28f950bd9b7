"""What a model works out from constants as it runs, worked out once; for files of any number type.

Keras's Flatten and Reshape leave SHAPE, STRIDED_SLICE, PACK and RESHAPE in a file when the batch
was open: with a batch of one they are constants.  So are weights that pass through a TRANSPOSE, a
RESHAPE or a QUANTIZE on their way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from edgetune.model.graph import Graph, Operator, Tensor
from edgetune.model.moves import places_of
from edgetune.model.numbers import quantized_values, real_values
from edgetune.model.open_sizes import settle_sizes

MAX_FOLDED = 1 << 24  # elements read and made, all together; what is beyond stays an operator
PLAIN = ("int32", "int64", "float32")  # types that arithmetic is done in
NUMBERS = ("int8", "uint8", "int16", "float16", *PLAIN)
CONTRADICTIONS = (ValueError, IndexError, KeyError, TypeError, OverflowError)
LIMITS = {"NONE": (None, None), "RELU": (0, None), "RELU6": (0, 6)}

Arrays = Sequence[np.ndarray]


def fold_constants(graph: Graph) -> None:
    """Turns outputs that are always the same into constants, and takes their operators out.

    What is left keeps its numbers; ``graph.folded`` holds what was taken out.  Operators whose
    operands contradict each other stay, to be refused.
    """
    folder = _Folder(graph)
    for op in list(graph.operators):
        settle_sizes(graph, op)
        values = folder.values(op)
        if values is not None:
            for index, array in zip(op.outputs, values):
                tensor = graph.tensors[index]
                tensor.data, tensor.shape, tensor.folded = array, array.shape, True
            graph.operators.remove(op)
            graph.folded.append(op)
    _drop_unread_bridges(graph)


class _Folder:
    """Works operators out, as long as that stays cheap."""

    def __init__(self, graph: Graph):
        self.graph, self.left = graph, MAX_FOLDED
        self.bridged = {
            op.outputs[0]: op.inputs[0]
            for op in graph.operators
            if op.kind == "DEQUANTIZE" and len(op.inputs) == len(op.outputs) == 1
        }

    def values(self, op: Operator) -> list[np.ndarray] | None:
        """What ``op`` always yields, an array an output; None where that is not known."""
        if op.kind == "FULLY_CONNECTED":
            return self._of_zeros(op)
        if not op.inputs or -1 in op.inputs or (len(op.outputs) != 1 and op.kind != "UNPACK"):
            return None
        tensors = [self.graph.tensors[i] for i in op.inputs]
        outputs = [self.graph.tensors[i] for i in op.outputs]
        if op.kind == "SHAPE":
            shape = tensors[0].shape
            known = min(shape, default=1) > 0 and outputs[0].dtype in PLAIN
            return [np.array(shape, outputs[0].dtype)] if known else None
        if op.kind not in FOLDERS or not self._affordable(tensors):
            return None
        operands = [self._data(i) for i in op.inputs]
        if any(data is None for data in operands):
            return None
        return self._worked_out(op, tensors, [d for d in operands if d is not None], outputs)

    def _worked_out(
        self, op: Operator, tensors: list[Tensor], operands: list[np.ndarray],
        outputs: list[Tensor],
    ) -> list[np.ndarray] | None:
        allowed, work_out = FOLDERS[op.kind]
        if not allowed(tensors, outputs[0]):
            return None
        try:
            with np.errstate(all="ignore"):
                found = work_out(op, operands, outputs[0])
        except CONTRADICTIONS:
            return None
        arrays = found if isinstance(found, list) else [found]
        if len(arrays) != len(outputs) or any(a.size > self.left or not a.size for a in arrays):
            return None
        self.left -= sum(a.size for a in arrays)
        return [np.ascontiguousarray(a, t.dtype).reshape(a.shape) for a, t in zip(arrays, outputs)]

    def _of_zeros(self, op: Operator) -> list[np.ndarray] | None:
        """A dense layer without a bias makes zeros of zeros: of a state before the first step."""
        if len(op.outputs) != 1 or not op.inputs or op.inputs[0] < 0 or set(op.inputs[2:]) - {-1}:
            return None
        source, output = (self.graph.tensors[i] for i in (op.inputs[0], op.outputs[0]))
        data = self._data(source.index)
        if data is None or (data != _zero(source)).any() or output.dtype not in NUMBERS:
            return None
        if min(output.shape, default=1) < 1 or output.size > self.left:
            return None
        self.left -= output.size
        return [np.full(output.shape, _zero(output)).astype(output.dtype)]

    def _affordable(self, tensors: list[Tensor]) -> bool:
        return sum(t.size for t in tensors if t.data is not None) <= self.left

    def _data(self, index: int) -> np.ndarray | None:
        """A constant's values; those behind a DEQUANTIZE, which itself may stay."""
        tensor = self.graph.tensors[index]
        if tensor.data is not None:
            return tensor.data
        source = self.graph.tensors[self.bridged[index]] if index in self.bridged else None
        if source is None or source.data is None or tensor.dtype != "float32":
            return None
        known = source.quantization is not None or source.dtype == "float16"
        return real_values(source) if known and source.dtype in NUMBERS else None


def _zero(tensor: Tensor) -> int:
    """The number that stands for zero."""
    return 0 if tensor.quantization is None else int(tensor.quantization.zero_point[0])


def _drop_unread_bridges(graph: Graph) -> None:
    """Takes out a DEQUANTIZE of a constant that nothing reads any more."""
    read = {i for op in graph.operators for i in op.inputs} | set(graph.outputs)
    for op in [op for op in graph.operators if op.kind == "DEQUANTIZE"]:
        constant = all(i >= 0 and graph.tensors[i].data is not None for i in op.inputs)
        if constant and not read & set(op.outputs):
            graph.operators.remove(op)
            graph.folded.append(op)


# ---- which numbers an operator may be worked out in


def _same_grid(tensors: list[Tensor], output: Tensor) -> bool:
    """Whether elements may be moved as they are."""
    if output.dtype not in NUMBERS or tensors[0].dtype != output.dtype:
        return False
    grids = [t.quantization for t in (*tensors, output) if t.quantization is not None]
    singles = {(float(q.scale[0]), *q.zero_point[:1].tolist()) for q in grids if not q.per_channel}
    return len(singles) <= 1


def _plain(tensors: list[Tensor], output: Tensor) -> bool:
    grids = [t.quantization for t in (*tensors, output)]
    return output.dtype in PLAIN and {t.dtype for t in tensors} <= {*PLAIN} and grids == [
        None
    ] * len(grids)


def _to_grid(tensors: list[Tensor], output: Tensor) -> bool:
    integers = output.dtype in ("int8", "uint8", "int16", "int32")
    return tensors[0].dtype == "float32" and integers and output.quantization is not None


# ---- what operators yield, as TFLite defines them


def _reshape(op: Operator, operands: Arrays, output: Tensor) -> np.ndarray:
    if len(operands) > 1 and op.kind == "RESHAPE":
        return operands[0].reshape(operands[1].reshape(-1).tolist())
    return operands[0].reshape(output.shape)


def _expand(op: Operator, operands: Arrays, output: Tensor) -> np.ndarray:
    return np.expand_dims(operands[0], int(operands[1].reshape(())))


def _strided_slice(op: Operator, operands: Arrays, output: Tensor) -> np.ndarray:
    data, *bounds = operands
    begins, ends, strides = (b.reshape(-1).tolist() for b in bounds)
    masks = op.options
    if masks["ellipsis_mask"] or masks["new_axis_mask"]:
        raise ValueError("not worked out")
    places: list[int | slice] = []
    for axis, (begin, end, stride) in enumerate(zip(begins, ends, strides, strict=True)):
        if masks["shrink_axis_mask"] >> axis & 1:
            places.append(begin)
        else:
            first = None if masks["begin_mask"] >> axis & 1 else begin
            places.append(slice(first, None if masks["end_mask"] >> axis & 1 else end, stride))
    return np.asarray(data[tuple(places)])


def _slice(op: Operator, operands: Arrays, output: Tensor) -> np.ndarray:
    data, begins, sizes = operands
    pairs = zip(begins.reshape(-1).tolist(), sizes.reshape(-1).tolist(), data.shape, strict=True)
    return data[tuple(slice(b, n if s == -1 else b + s) for b, s, n in pairs)]


def _joined(op: Operator, operands: Arrays, output: Tensor) -> np.ndarray:
    low, high = LIMITS[op.options["fused_activation_function"]]
    if low is not None and output.dtype != "float32":
        raise ValueError("not worked out")
    result = np.concatenate(operands, op.options["axis"])
    return result if low is None else np.clip(result, low, high)


def _unpack(op: Operator, operands: Arrays, output: Tensor) -> list[np.ndarray]:
    axis = op.options["axis"]
    return list(np.moveaxis(operands[0], axis, 0))


def _gather(op: Operator, operands: Arrays, output: Tensor) -> np.ndarray:
    if op.options.get("batch_dims", 0):
        raise ValueError("not worked out")
    return np.take(operands[0], operands[1], axis=op.options["axis"])


def _reduced(reduce: Callable) -> Callable:
    def work_out(op: Operator, operands: Arrays, output: Tensor) -> np.ndarray:
        axes = tuple(operands[1].reshape(-1).tolist())
        return np.asarray(reduce(operands[0], axis=axes, keepdims=bool(op.options["keep_dims"]),
                                 **{"dtype": output.dtype} if reduce is not np.max else {}))

    return work_out


def _arithmetic(function: Callable) -> Callable:
    def work_out(op: Operator, operands: Arrays, output: Tensor) -> np.ndarray:
        size = math.prod(np.broadcast_shapes(*(o.shape for o in operands)))
        low, high = LIMITS[op.options.get("fused_activation_function", "NONE")]
        if size > MAX_FOLDED:
            raise ValueError("too large")
        result = np.asarray(function(*operands))
        return result if low is None else np.clip(result, low, high)

    return work_out


def _divided(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """As C divides: integers toward zero."""
    if one.dtype.kind == "f":
        return one / other
    if not other.all():
        raise ValueError("division by zero")
    return np.sign(one) * np.sign(other) * (np.abs(one) // np.abs(other))


def _fill(op: Operator, operands: Arrays, output: Tensor) -> np.ndarray:
    shape = operands[0].reshape(-1).tolist()
    if math.prod(shape) > MAX_FOLDED:
        raise ValueError("too large")
    return np.full(shape, operands[1].reshape(()), output.dtype)


def _range(op: Operator, operands: Arrays, output: Tensor) -> np.ndarray:
    start, limit, delta = (o.reshape(()).item() for o in operands)
    if not delta or abs((limit - start) / delta) > MAX_FOLDED:
        raise ValueError("too large")
    return np.arange(start, limit, delta, output.dtype)


def _broadcast(op: Operator, operands: Arrays, output: Tensor) -> np.ndarray:
    shape = operands[1].reshape(-1).tolist()
    if math.prod(shape) > MAX_FOLDED:
        raise ValueError("too large")
    return np.broadcast_to(operands[0], shape)


def _moved(op: Operator, operands: Arrays, output: Tensor) -> np.ndarray:
    data, *constants = operands
    (places,) = places_of(op.kind, data.shape, op.options, constants)
    return data.reshape(-1)[places]


def _any(tensors: list[Tensor], output: Tensor) -> bool:
    return output.quantization is None and output.dtype in NUMBERS


FOLDERS: dict[str, tuple[Callable, Callable]] = {
    "RESHAPE": (_same_grid, _reshape),
    "SQUEEZE": (_same_grid, _reshape),
    "EXPAND_DIMS": (_same_grid, _expand),
    "TRANSPOSE": (_same_grid, lambda op, o, out: o[0].transpose(o[1].reshape(-1).tolist())),
    "STRIDED_SLICE": (_same_grid, _strided_slice),
    "SLICE": (_same_grid, _slice),
    "PACK": (_same_grid, lambda op, o, out: np.stack(o, op.options["axis"])),
    "UNPACK": (_same_grid, _unpack),
    "CONCATENATION": (_same_grid, _joined),
    "GATHER": (_same_grid, _gather),
    "BROADCAST_TO": (_same_grid, _broadcast),
    "FILL": (lambda tensors, output: _same_grid(tensors[1:], output), _fill),
    **dict.fromkeys(("TILE", "REVERSE_V2", "SPACE_TO_DEPTH", "DEPTH_TO_SPACE",
                     "RESIZE_NEAREST_NEIGHBOR"), (_same_grid, _moved)),
    "RANGE": (_plain, _range),
    "RANK": (_any, lambda op, o, out: np.array(o[0].ndim)),
    "CAST": (_any, lambda op, o, out: o[0].astype(out.dtype)),
    "REDUCE_PROD": (_plain, _reduced(np.prod)),
    "REDUCE_MAX": (_plain, _reduced(np.max)),
    "SUM": (_plain, _reduced(np.sum)),
    "ADD": (_plain, _arithmetic(np.add)),
    "SUB": (_plain, _arithmetic(np.subtract)),
    "MUL": (_plain, _arithmetic(np.multiply)),
    "DIV": (_plain, _arithmetic(_divided)),
    "FLOOR_DIV": (_plain, _arithmetic(np.floor_divide)),
    "FLOOR_MOD": (_plain, _arithmetic(np.mod)),
    "MAXIMUM": (_plain, _arithmetic(np.maximum)),
    "MINIMUM": (_plain, _arithmetic(np.minimum)),
    "NEG": (_plain, _arithmetic(np.negative)),
    "ABS": (_plain, _arithmetic(np.abs)),
    "SQUARE": (_plain, _arithmetic(np.square)),
    "SQRT": (_plain, _arithmetic(np.sqrt)),
    "RSQRT": (_plain, _arithmetic(lambda x: 1 / np.sqrt(x))),
    "EXP": (_plain, _arithmetic(np.exp)),
    "QUANTIZE": (_to_grid, lambda op, o, out: quantized_values(o[0], out)),
}
