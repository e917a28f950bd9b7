"""Torch modules, exported as docs/pytorch.md says, compute the same as float Graphs."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("onnxscript", reason="torch.onnx.export needs the package onnxscript")
pytest.importorskip("onnx", reason="the package onnx is not installed (edgetune[onnx])")

from torch import nn  # noqa: E402

from edgetune.floats.engine import FloatEngine  # noqa: E402
from edgetune.importers.load import load_model  # noqa: E402
from edgetune.quantize.canonical import canonical  # noqa: E402

pytestmark = pytest.mark.thorough


def normalised(channels):
    """A batch normalisation whose statistics are not those of a fresh one."""
    layer = nn.BatchNorm2d(channels)
    nn.init.uniform_(layer.weight, 0.5, 1.5)
    nn.init.normal_(layer.bias, 0, 0.2)
    layer.running_mean.normal_(0, 0.2)
    layer.running_var.uniform_(0.5, 2)
    return layer


class Residual(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.long = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False), normalised(after), nn.ReLU(),
            nn.Conv2d(after, after, 3, 1, 1, bias=False), normalised(after),
        )
        self.short = nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, x):
        return torch.relu(self.long(x) + self.short(x))


class Excite(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.gate = nn.Conv2d(3, 8, 3, padding="same"), nn.Conv2d(8, 8, 1)
        self.dense = nn.Linear(8 * 6 * 5, 4)

    def forward(self, x):
        x = nn.functional.silu(self.conv(x))
        x = x * nn.functional.hardsigmoid(self.gate(x.mean((2, 3), keepdim=True)))
        x = torch.cat([nn.functional.hardtanh(x[:, :4], -0.5, 2.0), x[:, 4:] * 2 + 1], 1)
        x = nn.functional.max_pool2d(x - 0.3, 3, 2, 1)
        x = nn.functional.pad(x, (1, 0, 2, 0))[:, :, :, 1:]
        return self.dense(x.reshape(x.size(0), -1))


class Rows(nn.Module):
    """A network on a sensor's windows: time first in the data, channels first in Conv1d."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(9, 16, 5, stride=2, padding=2), nn.ReLU(),
            nn.Conv1d(16, 16, 3, groups=16, dilation=2, padding=2), nn.MaxPool1d(2),
            nn.Conv1d(16, 8, 3), nn.AvgPool1d(2),
        )
        self.dense = nn.Linear(8 * 7, 6)

    def forward(self, x):
        return self.dense(self.net(x.permute(0, 2, 1)).flatten(1))


def separable(before, after, stride):
    return nn.Sequential(
        nn.Conv2d(before, before, 3, stride, 1, groups=before, bias=False), normalised(before),
        nn.ReLU6(), nn.Conv2d(before, after, 1, bias=False), normalised(after), nn.ReLU6(),
    )


MODULES = {
    "residual": (lambda: nn.Sequential(
        nn.Conv2d(3, 8, 7, 2, 3), normalised(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1),
        Residual(8, 8, 1), Residual(8, 16, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(16, 10)), (3, 32, 32)),
    "separable": (lambda: nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), normalised(8), nn.Hardswish(), separable(8, 16, 1),
        separable(16, 24, 2), nn.AvgPool2d(3, 2, 1), nn.Flatten(), nn.Linear(24 * 4, 10),
        nn.Softmax(-1)), (3, 16, 16)),
    "excite": (Excite, (3, 8, 10)),
    "rows": (Rows, (64, 9)),
    "autoencoder": (lambda: nn.Sequential(
        nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 4), nn.ReLU(), nn.Linear(4, 16),
        nn.Sigmoid(), nn.Linear(16, 64)), (64,)),
}


@pytest.mark.parametrize("case", MODULES)
@pytest.mark.parametrize("options", [
    {"dynamo": True},
    {"dynamo": True, "external_data": False, "dynamic_shapes": ({0: "batch"},)},
], ids=["batch of one", "open batch"])
def test_an_exported_module_computes_the_same(case, options, tmp_path, capfd):
    torch.manual_seed(0)
    make, shape = MODULES[case]
    module = make().eval()
    x = torch.randn(3, *shape)
    example = (x if "dynamic_shapes" in options else x[:1],)
    torch.onnx.export(module, example, tmp_path / "m.onnx", **options)
    expected = module(x).detach().numpy()
    graph = load_model(tmp_path / "m.onnx")
    x = x.numpy()
    x = x if x.shape[1:] == graph.input.shape[1:] else np.moveaxis(x, 1, -1)
    assert x.shape[1:] == graph.input.shape[1:]
    for form in (graph, canonical(graph)):
        found = FloatEngine(form).run(x)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
