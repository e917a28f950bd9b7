"""A lowered model in real numbers: dequantised weights, no rounding, no ranges of int8.

What the integer gradients are derivatives of.  It is written from the file's operators and knows
nothing of units, exponents or errors: derivatives are differences of its loss.
"""

import numpy as np
from tiny_operators import ARITHMETIC, DECIDED, FUNCTIONS, resized

from edgetune.learn import operators as p
from edgetune.learn.operators import BIAS_INPUT
from edgetune.learn.program import Program
from edgetune.learn.window import patches, scatter


class RealNetwork:
    """``parameters``: layer -> [weights, biases], float64, in steps of the integers (of a bias
    in `BIAS_INPUT` steps); they may be changed."""

    def __init__(self, program: Program):
        self.program = program
        self.parameters = {
            layer.name: [layer.weights.astype(np.float64), layer.bias / BIAS_INPUT]
            for layer in program.weighted_layers
        }

    def derivatives(self, x, label, layer: str, places, h=1e-4) -> np.ndarray:
        """Of the loss by one step of each parameter of ``layer`` in ``places``, pairs of a part
        (0: weights, 1: biases) and a place in it, flat."""
        values = self._run(x)
        start = [other.name for other in self.program.layers].index(layer)
        return np.array([self._difference(values, label, start, *place, h) for place in places])

    def _difference(self, values, label, start: int, part: int, place: int, h: float) -> float:
        flat = self.parameters[self.program.layers[start].name][part].reshape(-1)
        kept, losses = flat[place], []
        for offset in (h, -h):
            flat[place] = kept + offset
            losses.append(self._loss(self._go_on(dict(values), start), label))
        flat[place] = kept
        return (losses[0] - losses[1]) / (2 * h)

    def _run(self, x) -> dict[int, np.ndarray]:
        """Storage -> real values of every activation down to the logits."""
        program = self.program
        sizes = [program.activations[i].size for i in program.inputs]
        parts = np.split(np.asarray(x, np.float64).reshape(-1), np.cumsum(sizes)[:-1])
        values = {i: self._real(i, part) for i, part in zip(program.inputs, parts)}
        for index, activation in enumerate(program.activations):
            if activation.constant is not None:
                values[index] = self._real(index, activation.constant.astype(np.float64))
        return self._go_on(values, 0)

    def _go_on(self, values: dict[int, np.ndarray], start: int) -> dict[int, np.ndarray]:
        """``values`` with what layer ``start`` and all behind it make."""
        for layer in self.program.layers[start:]:
            if type(layer) is not p.Softmax:
                xs = [self._shaped(values, index) for index in layer.inputs]
                shape = self.program.activations[layer.output].shape
                values[layer.output] = self._fused(layer, self.output(layer, xs, shape))
        return values

    def _loss(self, values: dict[int, np.ndarray], label: int) -> float:
        """Softmax cross-entropy."""
        logits = values[self.program.storage(self.program.logits)].reshape(-1)
        top = logits.max()
        return float(np.log(np.exp(logits - top).sum()) + top - logits[label])

    def _real(self, index: int, x: np.ndarray) -> np.ndarray:
        activation = self.program.activations[index]
        return activation.scale * (x.reshape(activation.shape) - activation.zero_point)

    def _shaped(self, values, index: int) -> np.ndarray:
        return values[self.program.storage(index)].reshape(self.program.activations[index].shape)

    def _operator(self, layer):
        """Of the file; some of its operators are parts of others and have no place of their own."""
        return next(op for op in self.program.graph.operators if op.index == layer.operator)

    def _fused(self, layer, y: np.ndarray) -> np.ndarray:
        options = self._operator(layer).options
        high = {"RELU": np.inf, "RELU6": 6.0}.get(options.get("fused_activation_function"))
        return y if high is None else np.clip(y, 0, high)

    def output(self, layer, xs, shape) -> np.ndarray:
        """Of one layer from real values, before its fused activation."""
        x = xs[0]
        if layer.weighted:
            return self._weighted(layer, x, shape).reshape(shape)
        if isinstance(layer, p.PairLayer):
            return self._operands(layer, xs)
        if isinstance(layer, p.Prelu):
            slopes = self._operator(layer).inputs[1]
            slopes = _real_constant(self.program.graph.tensors[slopes]).reshape(-1)
            return DECIDED["PRELU"](x, np.resize(slopes, x.shape))
        if isinstance(layer, p.Concatenation):
            rows = [x.reshape(layer.outer, -1) for x in xs]
            return np.concatenate(rows, axis=1).reshape(shape)
        if isinstance(layer, (p.Move, p.Gather)):
            return layer.forward(xs, shape)  # no arithmetic
        if isinstance(layer, p.ResizeBilinear):
            options = self.program.graph.operators[layer.operator].options
            return resized(x[None], shape[:2], **options)[0]
        if isinstance(layer, p.Lookup):
            return self._chain(layer, x)
        if isinstance(layer, p.SoftmaxRows):
            powers = np.exp(layer.step / self.program.activations[layer.input].scale * x)
            return powers / powers.sum(axis=-1, keepdims=True)
        if isinstance(layer, p.MaxPool2D):
            return patches(x, layer.window, shape, -np.inf).max(axis=(2, 3))
        if isinstance(layer, p.AveragePool2D):
            return np.nanmean(patches(x, layer.window, shape, np.nan), axis=(2, 3))
        if isinstance(layer, p.Reduction):
            reduce = np.mean if isinstance(layer, p.Mean) else np.max
            return reduce(layer.gathered(x), axis=2).reshape(shape)
        assert isinstance(layer, p.Pad), layer
        return np.pad(x, [*zip(layer.before, layer.after)])

    def _chain(self, layer, x) -> np.ndarray:
        """A table's operators one behind the other, from the layer's input."""
        graph = self.program.graph
        values = {self.program.activations[layer.input].name: x}
        for op in (op for op in graph.operators if op.index <= layer.operator):
            tensors = [graph.tensors[i] for i in op.inputs]
            if all(t.data is not None or t.name in values for t in tensors):
                xs = [values[t.name] if t.data is None else _real_constant(t) for t in tensors]
                values[graph.tensors[op.outputs[0]].name] = _element(op, xs)
        return values[graph.tensors[self._operator(layer).outputs[0]].name]

    def _operands(self, layer, xs) -> np.ndarray:
        """Both in the order of the file, which for one that may repeat is that of their sizes."""
        op = self._operator(layer)
        if op.kind in DECIDED:
            return DECIDED[op.kind](*xs)
        function = ARITHMETIC[op.kind]
        sizes = [self.program.graph.tensors[i].size for i in op.inputs]
        x, other = xs[0].reshape(-1), np.resize(xs[1], xs[0].size)
        y = function(x, other) if sizes[0] >= sizes[1] else function(other, x)
        return y.reshape(xs[0].shape)

    def _weighted(self, layer, x, shape) -> np.ndarray:
        graph = self.program.graph
        tensor = graph.tensors[self._operator(layer).inputs[1]]
        scale = np.broadcast_to(tensor.quantization.scale.astype(np.float64), layer.rows)
        weights, bias = self.parameters[layer.name]
        offset = bias * BIAS_INPUT * scale * self.program.activations[layer.input].scale
        if isinstance(layer, p.FullyConnected):
            return (weights @ x.reshape(-1)) * scale + offset
        if isinstance(layer, p.TransposeConv):
            cells = np.tensordot(x, weights, (2, 3)).transpose(0, 1, 3, 4, 2)
            return scatter(cells, layer.window, shape) * scale + offset
        cells = patches(x, layer.window, shape, 0.0)
        if isinstance(layer, p.DepthwiseConv2D):
            cells = np.repeat(cells, layer.multiplicity, axis=4)
            return (cells * weights).sum(axis=(2, 3)) * scale + offset
        parts = zip(np.split(cells, x.shape[2] // weights.shape[3], axis=4),
                    np.split(weights, x.shape[2] // weights.shape[3]))
        sums = [np.tensordot(part, own, ([2, 3, 4], [1, 2, 3])) for part, own in parts]
        return np.concatenate(sums, axis=2) * scale + offset


def _real_constant(tensor) -> np.ndarray:
    q = tensor.quantization
    return q.scale[0] * (tensor.data.astype(np.float64) - q.zero_point[0])


def _element(op, xs) -> np.ndarray:
    """An operator of one value or of two, and its fused activation."""
    if op.kind in ARITHMETIC | DECIDED:
        y = (ARITHMETIC | DECIDED)[op.kind](*xs)
    else:
        parameter = op.options.get("alpha", op.options.get("approximate"))
        y = xs[0]
        for kind in op.options.get("through", (op.kind,)):
            y = FUNCTIONS.get(kind, lambda x, alpha: x)(y, parameter)
    high = {"RELU": np.inf, "RELU6": 6.0}.get(op.options.get("fused_activation_function"))
    return y if high is None else np.clip(y, 0, high)
