"""A float32 network in numpy, built from an int8 Graph: forward, backward, SGD.

It starts from the dequantised weights, so it stands where the device stands before tuning, but
has no grid, no saturation and no requantisation afterwards: the yardstick for integer training.
Arrays are (batch, height, width, channels).  Every layer's ``backward`` sits under its
``forward`` and takes the loss's gradient by its output to the one by its input.
"""

from __future__ import annotations

import numpy as np

from edgetune.model.graph import Graph, Operator, Tensor


def dequantize(tensor: Tensor) -> np.ndarray:
    """A constant's real values, float32."""
    quantization = tensor.quantization
    shape = [1] * len(tensor.shape)
    shape[quantization.axis] = -1
    scale, zero_point = quantization.scale, quantization.zero_point
    if not quantization.per_channel:
        shape = []
    q = tensor.data.reshape(tensor.shape).astype(np.float64)
    return ((q - zero_point.reshape(shape)) * scale.reshape(shape)).astype(np.float32)


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's SAME padding of one axis: (before, after)."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class Layer:
    """A step without weights.  ``backward`` may rely on what the last ``forward`` kept."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def backward(self, dy: np.ndarray, wants_dx: bool = True) -> np.ndarray | None:
        raise NotImplementedError

    def update(self, rate: float) -> None:
        """Moves the weights, where there are any, one SGD step down the last gradient."""


class Reshape(Layer):
    def __init__(self, shape: tuple[int, ...]):
        self.shape = tuple(shape[1:])

    def forward(self, x):
        self.given = x.shape
        return x.reshape((len(x), *self.shape))

    def backward(self, dy, wants_dx=True):
        return dy.reshape(self.given)


class Pad(Layer):
    def __init__(self, paddings: np.ndarray):
        self.paddings = [tuple(int(n) for n in pair) for pair in paddings]

    def forward(self, x):
        self.given = x.shape
        return np.pad(x, self.paddings)

    def backward(self, dy, wants_dx=True):
        starts = [before for before, _ in self.paddings]
        return dy[tuple(slice(s, s + n) for s, n in zip(starts, self.given, strict=True))]


class Windows:
    """Geometry of a sliding window, and views of the input under each of its taps."""

    def __init__(self, kernel: tuple[int, int], strides: tuple[int, int], padding: str):
        self.kernel, self.strides, self.padding = kernel, strides, padding

    def enter(self, x: np.ndarray, fill: float = 0.0) -> np.ndarray:
        """``x`` padded by ``fill``; sets the output's height and width."""
        self.given = x.shape
        pads = [(0, 0), (0, 0)]
        if self.padding == "SAME":
            axes = zip(x.shape[1:3], self.kernel, self.strides, strict=True)
            pads = [same_padding(*axis) for axis in axes]
        self.starts = [before for before, _ in pads]
        if any(map(any, pads)):
            x = np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=fill)
        axes = zip(x.shape[1:3], self.kernel, self.strides, strict=True)
        self.out = [(n - k) // s + 1 for n, k, s in axes]
        self.padded = x.shape
        return x

    def leave(self, padded: np.ndarray) -> np.ndarray:
        """A padded gradient without its padding."""
        top, left = self.starts
        return padded[:, top : top + self.given[1], left : left + self.given[2]]

    def taps(self):
        """For every tap (i, j): its index and the slice of the padded input that it reads."""
        (height, width), (down, right) = self.out, self.strides
        for i in range(self.kernel[0]):
            for j in range(self.kernel[1]):
                rows = slice(i, i + (height - 1) * down + 1, down)
                columns = slice(j, j + (width - 1) * right + 1, right)
                yield (i, j), (slice(None), rows, columns)


class MaxPool(Layer):
    def __init__(self, windows: Windows):
        self.windows = windows

    def forward(self, x):
        x = self.windows.enter(x, fill=-np.inf)
        stack = np.stack([x[at] for _, at in self.windows.taps()])
        self.winner = stack.argmax(axis=0)
        return stack.max(axis=0)

    def backward(self, dy, wants_dx=True):
        dx = np.zeros(self.windows.padded, np.float32)
        for k, (_, at) in enumerate(self.windows.taps()):
            dx[at] += dy * (self.winner == k)
        return self.windows.leave(dx)


class AveragePool(Layer):
    def __init__(self, windows: Windows):
        self.windows = windows

    def forward(self, x):
        ones = self.windows.enter(np.ones((1, *x.shape[1:3], 1), np.float32))
        count = sum(ones[at] for _, at in self.windows.taps())
        self.share = 1 / count
        x = self.windows.enter(x)
        return sum(x[at] for _, at in self.windows.taps()) * self.share

    def backward(self, dy, wants_dx=True):
        dx = np.zeros(self.windows.padded, np.float32)
        dy = dy * self.share
        for _, at in self.windows.taps():
            dx[at] += dy
        return self.windows.leave(dx)


class Mean(Layer):
    """Mean over height and width."""

    def __init__(self, keep_dims: bool):
        self.keep_dims = keep_dims

    def forward(self, x):
        self.given = x.shape
        return x.mean(axis=(1, 2), keepdims=self.keep_dims)

    def backward(self, dy, wants_dx=True):
        _, height, width, _ = self.given
        dy = dy.reshape(len(dy), 1, 1, -1) / np.float32(height * width)
        return np.broadcast_to(dy, self.given)


class Weighted(Layer):
    """A layer with weights, a bias and a fused activation with limits ``low`` and ``high``."""

    def __init__(self, weights: np.ndarray, bias: np.ndarray, activation: str):
        self.weights, self.bias = weights, bias
        self.limits = {"NONE": None, "RELU": (0, np.inf), "RELU6": (0, 6)}[activation]

    def activate(self, y: np.ndarray) -> np.ndarray:
        if self.limits is None:
            return y
        low, high = self.limits
        self.passes = (y > low) & (y < high)
        return np.clip(y, low, high)

    def deactivate(self, dy: np.ndarray) -> np.ndarray:
        return dy if self.limits is None else dy * self.passes

    def update(self, rate):
        self.weights -= rate * self.d_weights
        self.bias -= rate * self.d_bias


class Dense(Weighted):
    """Weights (out, in)."""

    def forward(self, x):
        self.given, self.x = x.shape, x.reshape(len(x), -1)
        return self.activate(self.x @ self.weights.T + self.bias)

    def backward(self, dy, wants_dx=True):
        dy = self.deactivate(dy)
        self.d_weights, self.d_bias = dy.T @ self.x, dy.sum(axis=0)
        return (dy @ self.weights).reshape(self.given) if wants_dx else None


class Conv(Weighted):
    """Weights (out, height, width, in)."""

    def __init__(self, weights, bias, activation, windows: Windows):
        super().__init__(weights, bias, activation)
        self.windows = windows

    def forward(self, x):
        x = self.windows.enter(x)
        self.patches = np.stack([x[at] for _, at in self.windows.taps()], axis=3)
        self.patches = self.patches.reshape(*self.patches.shape[:3], -1)
        flat = self.weights.reshape(len(self.weights), -1)
        return self.activate(self.patches @ flat.T + self.bias)

    def backward(self, dy, wants_dx=True):
        dy = self.deactivate(dy)
        flat = dy.reshape(-1, dy.shape[-1])
        patches = self.patches.reshape(len(flat), -1)
        self.d_weights = (flat.T @ patches).reshape(self.weights.shape)
        self.d_bias = flat.sum(axis=0)
        if not wants_dx:
            return None
        dx = np.zeros(self.windows.padded, np.float32)
        for (i, j), at in self.windows.taps():
            dx[at] += dy @ self.weights[:, i, j]
        return self.windows.leave(dx)


class Depthwise(Weighted):
    """Weights (1, height, width, channels), a depth multiplier of one."""

    def __init__(self, weights, bias, activation, windows: Windows):
        super().__init__(weights, bias, activation)
        self.windows = windows

    def forward(self, x):
        self.x = self.windows.enter(x)
        taps = self.windows.taps()
        y = sum(self.x[at] * self.weights[0, i, j] for (i, j), at in taps)
        return self.activate(y + self.bias)

    def backward(self, dy, wants_dx=True):
        dy = self.deactivate(dy)
        self.d_weights = np.empty_like(self.weights)
        self.d_bias = dy.sum(axis=(0, 1, 2))
        dx = np.zeros(self.windows.padded, np.float32)
        for (i, j), at in self.windows.taps():
            self.d_weights[0, i, j] = (dy * self.x[at]).sum(axis=(0, 1, 2))
            dx[at] += dy * self.weights[0, i, j]
        return self.windows.leave(dx)


def _windows(options: dict, kernel: tuple[int, int]) -> Windows:
    return Windows(kernel, (options["stride_h"], options["stride_w"]), options["padding"])


def _weighted(graph: Graph, operator: Operator) -> tuple[np.ndarray, np.ndarray, str]:
    weights, bias = (graph.tensors[i] for i in operator.inputs[1:3])
    activation = operator.options["fused_activation_function"]
    return dequantize(weights), dequantize(bias), activation


def make_layer(graph: Graph, operator: Operator) -> Layer:
    """The float layer of one operator; KeyError for an operator that has none here."""
    options = operator.options
    pool = (options.get("filter_height"), options.get("filter_width"))
    kernel = graph.tensors[operator.inputs[1]].shape[1:3] if len(operator.inputs) > 1 else ()
    makers = {
        "CONV_2D": lambda: Conv(*_weighted(graph, operator), _windows(options, kernel)),
        "DEPTHWISE_CONV_2D": lambda: Depthwise(
            *_weighted(graph, operator), _windows(options, kernel)
        ),
        "FULLY_CONNECTED": lambda: Dense(*_weighted(graph, operator)),
        "MAX_POOL_2D": lambda: MaxPool(_windows(options, pool)),
        "AVERAGE_POOL_2D": lambda: AveragePool(_windows(options, pool)),
        "MEAN": lambda: Mean(options["keep_dims"]),
        "PAD": lambda: Pad(graph.tensors[operator.inputs[1]].data.reshape(-1, 2)),
        "RESHAPE": lambda: Reshape(graph.tensors[operator.outputs[0]].shape),
    }
    return makers[operator.kind]()


class Network:
    """The layers of a Graph without branches, up to its logits: a closing SOFTMAX is left out."""

    def __init__(self, graph: Graph):
        operators = [op for op in graph.operators if op.kind != "SOFTMAX"]
        self.layers = [make_layer(graph, op) for op in operators]
        self.trained = [layer for layer in self.layers if isinstance(layer, Weighted)]

    def reset_head(self) -> None:
        """Zeroes the last weighted layer and leaves it as the only one to train."""
        self.trained = self.trained[-1:]
        self.trained[0].weights[:] = 0
        self.trained[0].bias[:] = 0

    def logits(self, x: np.ndarray) -> np.ndarray:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def step(self, x: np.ndarray, label: int, rate: float) -> None:
        """One SGD step of softmax cross-entropy on ``x`` (1, height, width, channels)."""
        logits = self.logits(x)[0]
        p = np.exp(logits - logits.max())
        error = p / p.sum()
        error[label] -= 1
        dy = error[None]
        first = self.layers.index(self.trained[0])
        for layer in reversed(self.layers[first:]):
            dy = layer.backward(dy, wants_dx=layer is not self.trained[0])
        for layer in self.trained:
            layer.update(np.float32(rate))

    def accuracy(self, x: np.ndarray, y: np.ndarray) -> float:
        """Share of ``x`` whose largest logit (the first of equals) is the label, 0..1."""
        batches = [self.logits(x[at : at + 100]) for at in range(0, len(x), 100)]
        return float((np.concatenate(batches).argmax(axis=1) == y).mean())
