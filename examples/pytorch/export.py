"""Trains a residual network in PyTorch on the demo's upright digits and exports it to ONNX.

Needs PyTorch and ``pip install onnx onnxscript``; the file it writes, ``digits.onnx``, is
committed, so nobody who only converts it needs either.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

HERE = Path(__file__).parent
DATA = HERE.parent / "digits" / "digits.npz"
SEED, STEPS, BATCH = 2026, 400, 64


class Residual(nn.Module):
    """Two convolutions and a short cut, with batch normalisation."""

    def __init__(self, before: int, after: int, stride: int):
        super().__init__()
        self.long = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(),
            nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after),
        )
        self.short = nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, x):
        return torch.relu(self.long(x) + self.short(x))


def network() -> nn.Module:
    """8x8 grey images [n, 1, 8, 8] in 0..1 to the probabilities of ten digits."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        Residual(8, 8, 1), Residual(8, 16, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10), nn.Softmax(-1),
    )


def images(data, name: str) -> torch.Tensor:
    x = data[name].astype(np.float32) * float(data["scale"])
    return torch.from_numpy(x.transpose(0, 3, 1, 2).copy())  # PyTorch has channels first


def train(model: nn.Module, x: torch.Tensor, labels: torch.Tensor) -> None:
    optimiser = torch.optim.Adam(model.parameters(), 3e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    body = model[:-1]  # without the softmax: the loss takes logits
    for _ in range(STEPS):
        chosen = torch.randint(len(x), (BATCH,))
        shift = tuple(int(n) for n in torch.randint(-1, 2, (2,)))
        loss = nn.functional.cross_entropy(body(x[chosen].roll(shift, (2, 3))), labels[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()


def main() -> None:
    torch.manual_seed(SEED)
    data, model = np.load(DATA), network()
    train(model, images(data, "pretrain_x"), torch.from_numpy(data["pretrain_y"].astype(np.int64)))
    model.eval()
    x = images(data, "upright_test_x")
    right = model(x).argmax(1).numpy() == data["upright_test_y"]
    print(f"{right.mean():.1%} of the upright test digits")
    target = HERE / "digits.onnx"
    torch.onnx.export(
        model, (x[:1],), target, input_names=["image"], output_names=["digit"],
        external_data=False,
    )
    without_notes(target)


def without_notes(path: Path) -> None:
    """Takes out where in the source each node comes from: half of a small file."""
    exported = onnx.load(path)
    graph = exported.graph
    for item in (exported, graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        del item.metadata_props[:]
    onnx.save(exported, path)


if __name__ == "__main__":
    main()
