"""The sound models that broken ones are made from: between them they hold every operator."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from branching import NETWORKS as BRANCHING
from float_networks import NETWORKS as FLOAT
from tiny_tflite import ModelBuilder

from edgetune.model.encode import encode

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"


def chain() -> bytes:
    """Every operator of a plain network, in one."""
    b = ModelBuilder((1, 8, 8, 2), seed=5).pad(1, 1, 1, 1)
    b.conv(4, 3, padding="VALID", activation="RELU").depthwise(3, 2, multiplier=2)
    b.max_pool(2).average_pool(2, stride=1, padding="SAME").reshape((1, 4, 8))
    b.expand(1).squeeze(1).transpose(0, 1, 2).reshape((1, 2, 2, 8)).mean()
    return b.dense(6, "RELU6").dense(3).softmax().build()


def functions() -> bytes:
    """Functions of one value, arithmetic and a crop."""
    b = ModelBuilder((1, 5, 5, 3), seed=6)
    start = b.save()
    b.unary("RELU").unary("RELU6").unary("LEAKY_RELU", 0.2).unary("HARD_SWISH")
    b.join("ADD", start).join("SUB", b.constant([1, 2, 3])).join("MUL", start, swap=True)
    b.unary("LOGISTIC", scale=1 / 256).unary("QUANTIZE", scale=1 / 50, zero_point=3)
    same = b.save()
    b.concatenate(same).crop((0, 1, 1, 2), (1, 4, 5, 6)).unary("TANH", scale=1 / 128, zero_point=0)
    return b.dense(4, per_channel=True).build()


def dense() -> bytes:
    """As small as a model can be."""
    return ModelBuilder((1, 6), seed=7).dense(4).build(old_codes=True)


def sparse() -> bytes:
    """Weights that are marked as sparse."""
    b = ModelBuilder((1, 6), seed=8).dense(4)
    b.tensors[1].sparse = True
    return b.build()


def _built() -> dict:
    seeds = {f.__name__: f for f in (chain, functions, dense, sparse)}
    for name, make in BRANCHING.items():
        seeds[name.replace(" ", "_")] = lambda make=make: make().build()
    for name, make in FLOAT.items():
        seeds[f"float_{name}"] = lambda make=make: _float(make)
    return seeds


def _float(make) -> bytes:
    builder, output = make()
    return encode(builder.graph(output))


def _files() -> dict:
    paths = [*(ROOT / "examples" / "digits").glob("*.tflite"), *SHARED.glob("*.tflite")]
    return {path.stem: path.read_bytes for path in sorted(paths)}


SEEDS = _built() | _files()


@lru_cache(maxsize=None)
def seed_model(name: str) -> bytes:
    """The content of the model ``name`` of SEEDS."""
    return SEEDS[name]()
