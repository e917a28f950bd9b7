"""The PyTorch modules of the matrix: tiny, untrained, one a habit that people have.

``MODELS`` has, by name, the shape of a sample, channels first, and what makes the module.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

IMAGE, SEQUENCE, VECTOR = (2, 8, 8), (3, 12), (6,)
ACTIVATIONS = {
    "relu": nn.ReLU, "relu6": nn.ReLU6, "leaky_relu": nn.LeakyReLU, "prelu": nn.PReLU,
    "prelu_channels": lambda: nn.PReLU(4), "elu": nn.ELU, "selu": nn.SELU, "gelu": nn.GELU,
    "gelu_tanh": lambda: nn.GELU("tanh"), "silu": nn.SiLU, "mish": nn.Mish,
    "hardswish": nn.Hardswish, "hardsigmoid": nn.Hardsigmoid, "hardtanh": nn.Hardtanh,
    "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "softplus": nn.Softplus,
    "softplus_beta": lambda: nn.Softplus(2), "elu_half": lambda: nn.ELU(0.5), "celu": nn.CELU,
    "celu_half": lambda: nn.CELU(0.5), "logsigmoid": nn.LogSigmoid, "softsign": nn.Softsign,
    "softshrink": nn.Softshrink, "hardshrink": nn.Hardshrink, "tanhshrink": nn.Tanhshrink,
    "threshold": lambda: nn.Threshold(0.1, 0), "rrelu": nn.RReLU,
    "choice": lambda: Of(lambda x: torch.where(x > 0, x, 0.3 * x)),
}  # fmt: skip


class Of(nn.Module):
    """A module of parts, by name, and a function of them and the sample."""

    def __init__(self, forward: Callable, **parts: nn.Module):
        super().__init__()
        self.parts, self.function = nn.ModuleDict(parts), forward

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x, **self.parts)


def _head(channels: int, *last: nn.Module) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 3), *last]


def _conv(before: int = 2, after: int = 4, size: int = 3, **options) -> nn.Conv2d:
    return nn.Conv2d(before, after, size, padding=size // 2, **options)


def _chain(*layers: nn.Module) -> Callable[[], nn.Module]:
    """A Sequential module; its layers are initialised by ``make``."""
    return lambda: nn.Sequential(*layers)


def _activation(make: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(_conv(stride=2), make(), *_head(4))


def _residual() -> nn.Module:
    long = nn.Sequential(_conv(4, bias=False), nn.BatchNorm2d(4), nn.ReLU(), _conv(4))
    return Of(
        lambda x, first, long, head: head(torch.relu(first(x) + long(first(x)))),
        first=_conv(stride=2), long=long, head=nn.Sequential(*_head(4)),
    )  # fmt: skip


def _squeeze() -> nn.Module:
    gate = nn.Sequential(
        nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 2, 1), nn.ReLU(), nn.Conv2d(2, 4, 1), nn.Sigmoid()
    )
    return Of(
        lambda x, conv, gate, head: head(conv(x) * gate(conv(x))),
        conv=nn.Sequential(_conv(), nn.ReLU()), gate=gate, head=nn.Sequential(*_head(4)),
    )  # fmt: skip


def _squeeze_view() -> nn.Module:
    """Squeeze and excitation with dense layers, as the first published code had it."""
    gate = nn.Sequential(nn.Linear(4, 2), nn.ReLU(), nn.Linear(2, 4), nn.Sigmoid())

    def forward(x, conv, gate, head):
        x = conv(x)
        y = functional.adaptive_avg_pool2d(x, 1).view(x.size(0), 4)
        return head(x * gate(y).view(x.size(0), 4, 1, 1).expand_as(x))

    return Of(forward, conv=_conv(), gate=gate, head=nn.Sequential(*_head(4)))


def _inverted() -> nn.Module:
    """An inverted residual of MobileNetV2."""
    block = nn.Sequential(
        nn.Conv2d(4, 8, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6(),
        _conv(8, 8, groups=8, bias=False), nn.BatchNorm2d(8), nn.ReLU6(),
        nn.Conv2d(8, 4, 1, bias=False), nn.BatchNorm2d(4),
    )  # fmt: skip
    return Of(
        lambda x, first, block, head: head(first(x) + block(first(x))),
        first=_conv(stride=2), block=block, head=nn.Sequential(*_head(4)),
    )  # fmt: skip


def _shuffled(x: torch.Tensor, groups: int = 2) -> torch.Tensor:
    batch, channels, height, width = x.shape
    x = x.view(batch, groups, channels // groups, height, width)
    return x.transpose(1, 2).reshape(batch, channels, height, width)


def _shuffle() -> nn.Module:
    """A unit of ShuffleNetV2: halves of the channels, one convolved, and shuffled."""
    branch = nn.Sequential(nn.Conv2d(2, 2, 1), nn.ReLU(), _conv(2, 2, groups=2))

    def forward(x, first, branch, head):
        kept, changed = first(x).chunk(2, 1)
        return head(_shuffled(torch.cat([kept, branch(changed)], 1)))

    return Of(forward, first=_conv(stride=2), branch=branch,
              head=nn.Sequential(_conv(4), nn.ReLU(), *_head(4)))


def _shuffled_groups() -> nn.Module:
    return Of(
        lambda x, first, second, head: head(second(_shuffled(torch.relu(first(x))))),
        first=_conv(2, 8, groups=2, stride=2), second=_conv(8, 4, groups=4),
        head=nn.Sequential(*_head(4)),
    )  # fmt: skip


def _concatenation() -> nn.Module:
    return Of(
        lambda x, small, large, head: head(torch.cat([torch.relu(small(x)), large(x), x], 1)),
        small=_conv(size=1), large=_conv(), head=nn.Sequential(*_head(10)),
    )


def _attention() -> nn.Module:
    """A mean over time by weights that the network works out: a softmax before the end."""
    return Of(
        lambda x, conv, score, head: head((conv(x) * score(conv(x)).softmax(-1)).sum(-1)),
        conv=nn.Conv1d(3, 4, 3), score=nn.Conv1d(4, 1, 1), head=nn.Linear(4, 3),
    )


def _recurrent(make: Callable[..., nn.Module], size: int = 4, **options) -> Callable:
    """The last step's output of a recurrent layer, and a dense layer."""
    return lambda: Of(
        lambda x, layer, head: head(layer(x.transpose(1, 2))[0][:, -1]),
        layer=make(3, 4, batch_first=True, **options), head=nn.Linear(size, 3),
    )


def _last_state() -> nn.Module:
    return Of(
        lambda x, layer, head: head(layer(x.permute(2, 0, 1))[1][-1]),
        layer=nn.GRU(3, 4), head=nn.Linear(4, 3),
    )


def _every_step() -> nn.Module:
    return Of(
        lambda x, layer, head: head(torch.relu(layer(x.transpose(1, 2))[0]).flatten(1)),
        layer=nn.LSTM(3, 2, batch_first=True), head=nn.Linear(24, 3),
    )


def _functional(function: Callable, channels: int = 4, size: int = 1) -> Callable[[], nn.Module]:
    """A convolution, a function of its output, and a dense layer over what that gives."""
    return lambda: Of(
        lambda x, conv, head: head(function(torch.relu(conv(x))).reshape(x.size(0), -1)),
        conv=_conv(2, channels, stride=2), head=nn.Linear(size, 3),
    )


Made = tuple[tuple[int, ...], Callable[[], nn.Module]]
MODELS: dict[str, Made] = {
    "dense": (VECTOR, _chain(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))),
    "softmax": (VECTOR, _chain(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3), nn.Softmax(-1))),
    "log_softmax": (VECTOR, _chain(
        nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3), nn.LogSoftmax(-1))),
    "one_sigmoid": (VECTOR, _chain(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 1), nn.Sigmoid())),
    "regression": (VECTOR, _chain(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1))),
    "autoencoder": (VECTOR, _chain(nn.Linear(6, 3), nn.ReLU(), nn.Linear(3, 6))),
    "batch_norm_1d": (VECTOR, _chain(
        nn.Linear(6, 5, bias=False), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 3))),
    "conv1d": (SEQUENCE, _chain(
        nn.Conv1d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(4, 4, 3, groups=4),
        nn.AvgPool1d(2), nn.Flatten(), nn.Linear(8, 3))),
    "global_average_1d": (SEQUENCE, _chain(
        nn.Conv1d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 3))),
    "causal": (SEQUENCE, _chain(
        nn.ConstantPad1d((4, 0), 0.0), nn.Conv1d(3, 4, 3, dilation=2), nn.ReLU(), nn.Flatten(),
        nn.Linear(48, 3))),
    "conv2d": (IMAGE, _chain(
        nn.Conv2d(2, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3))),
    "depthwise": (IMAGE, _chain(
        _conv(2, 4, groups=2), nn.ReLU6(), _conv(4, 4, groups=4, stride=2), nn.Conv2d(4, 4, 1),
        *_head(4))),
    "grouped": (IMAGE, _chain(_conv(), nn.ReLU(), _conv(4, 6, groups=2), *_head(6))),
    "dilated": (IMAGE, _chain(
        nn.Conv2d(2, 4, 3, dilation=2, padding=2), nn.ReLU(), nn.Conv2d(4, 4, 3, dilation=2),
        *_head(4))),
    "flatten": (IMAGE, _chain(nn.Flatten(), nn.Linear(128, 3))),
    "reshape": ((128,), lambda: Of(
        lambda x, conv, head: head(conv(x.view(-1, *IMAGE)).view(x.size(0), -1)),
        conv=_conv(stride=2), head=nn.Linear(64, 3))),
    "nhwc": ((8, 8, 2), lambda: Of(
        lambda x, conv, head: head(conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1).flatten(1)),
        conv=_conv(stride=2), head=nn.Linear(64, 3))),
    "turned": (IMAGE, _functional(lambda x: x.transpose(2, 3) + 1, 4, 64)),
    "global_average": (IMAGE, _chain(_conv(), nn.ReLU(), *_head(4))),
    "global_max": (IMAGE, _chain(
        _conv(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 3))),
    "mean": (IMAGE, _functional(lambda x: x.mean((2, 3)), 4, 4)),
    "mean_by_axes": (IMAGE, _functional(lambda x: x.mean(3).mean(2), 4, 4)),
    "mean_of_rows": (IMAGE, _functional(lambda x: x.mean(2), 4, 16)),
    "mean_of_channels": (IMAGE, _functional(lambda x: x.mean(1, keepdim=True) * x, 4, 64)),
    "max_by_axes": (IMAGE, _functional(lambda x: x.amax(2).amax(2), 4, 4)),
    "sum": (IMAGE, _functional(lambda x: x.sum((2, 3)), 4, 4)),
    "average_pool": (IMAGE, _chain(
        _conv(), nn.AvgPool2d(3, 2, 1), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3))),
    "max_pool": (IMAGE, _chain(
        _conv(), nn.MaxPool2d(3, 2, 1), nn.Flatten(), nn.Linear(64, 3))),
    "batch_norm": (IMAGE, _chain(
        _conv(bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.BatchNorm2d(4), *_head(4))),
    "dropout": (IMAGE, _chain(
        _conv(), nn.ReLU(), nn.Dropout2d(0.2), nn.Flatten(), nn.Dropout(0.5), nn.Linear(256, 3))),
    "layer_norm": (VECTOR, _chain(
        nn.Linear(6, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 3))),
    "group_norm": (IMAGE, _chain(_conv(), nn.GroupNorm(2, 4), nn.ReLU(), *_head(4))),
    "time_distributed": (SEQUENCE, lambda: Of(
        lambda x, dense, head: head(torch.relu(dense(x.transpose(1, 2))).mean(1)),
        dense=nn.Linear(3, 4), head=nn.Linear(4, 3))),
    "attention": (SEQUENCE, _attention),
    "lstm": (SEQUENCE, _recurrent(nn.LSTM)),
    "lstm_layers": (SEQUENCE, _recurrent(nn.LSTM, 8, num_layers=2, bidirectional=True)),
    "lstm_every_step": (SEQUENCE, _every_step),
    "gru": (SEQUENCE, _recurrent(nn.GRU)),
    "gru_last_state": (SEQUENCE, _last_state),
    "rnn": (SEQUENCE, _recurrent(nn.RNN)),
    "rnn_relu": (SEQUENCE, _recurrent(nn.RNN, 8, nonlinearity="relu", bidirectional=True)),
    "residual": (IMAGE, _residual),
    "squeeze": (IMAGE, _squeeze),
    "squeeze_view": (IMAGE, _squeeze_view),
    "inverted_residual": (IMAGE, _inverted),
    "channel_shuffle": (IMAGE, _shuffle),
    "shuffled_groups": (IMAGE, _shuffled_groups),
    "concatenation": (IMAGE, _concatenation),
    "gated": (IMAGE, _functional(lambda x: functional.glu(x, 1), 4, 32)),
    "softmin": (SEQUENCE, _chain(
        nn.Conv1d(3, 4, 3), nn.Flatten(), nn.Linear(40, 3), nn.Softmin(1))),
    "slices": (IMAGE, _functional(lambda x: x[:, 1:, ::2] - x[:, :3, 1::2], 4, 24)),
    "repeated": (IMAGE, _functional(lambda x: x.repeat(1, 2, 1, 1), 4, 128)),
    "chosen": (IMAGE, _functional(lambda x: x[:, [2, 0, 3, 0]], 4, 64)),
    "one_row": (IMAGE, _functional(lambda x: x[:, :, 1], 4, 16)),
    "pixel_shuffle": (IMAGE, _functional(lambda x: functional.pixel_shuffle(x, 2), 4, 64)),
    "pixel_unshuffle": (IMAGE, _functional(lambda x: functional.pixel_unshuffle(x, 2), 4, 64)),
    "upsample": (IMAGE, _chain(
        _conv(stride=2), nn.ReLU(), nn.Upsample(scale_factor=2), _conv(4, 2))),
    "upsample_bilinear": (IMAGE, _chain(
        _conv(stride=2), nn.ReLU(), nn.Upsample(scale_factor=2, mode="bilinear"), _conv(4, 2))),
    "transposed": (IMAGE, _chain(
        _conv(stride=2), nn.ReLU(), nn.ConvTranspose2d(4, 2, 3, 2, 1, 1))),
} | {name: (IMAGE, _activation(make)) for name, make in ACTIVATIONS.items()}  # fmt: skip


NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm)


def make(name: str) -> nn.Module:
    """The module ``name`` as at inference, the same every time; normalisations and slopes as if
    they were trained."""
    torch.manual_seed(sum(map(ord, name)))
    module = MODELS[name][1]()
    with torch.no_grad():
        for part in module.modules():
            _initialise(part)
    return module.eval()


def _initialise(part: nn.Module) -> None:
    if hasattr(part, "reset_parameters"):
        part.reset_parameters()
    if isinstance(part, NORMALISATIONS):
        part.weight.uniform_(0.5, 2)
        part.bias.normal_(0, 0.3)
    if hasattr(part, "running_var"):
        part.running_mean.normal_(0, 0.3)
        part.running_var.uniform_(0.5, 2)
    if isinstance(part, nn.PReLU):
        part.weight.uniform_(0.1, 0.5)
