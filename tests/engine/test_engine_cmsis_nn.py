"""Forward by CMSIS-NN gives the bits of the numpy reference, whatever the shape."""

import ctypes
import os
from pathlib import Path

import numpy as np
import pytest
from c_engine import COMPILER, ENGINE, address, build, constants_c
from random_layers import int8, random_layer

from edgetune.learn import operators as p

FOLDER = os.environ.get("EDGETUNE_CMSIS_NN")
pytestmark = [
    pytest.mark.skipif(COMPILER is None, reason="no C compiler for this machine"),
    pytest.mark.skipif(not FOLDER, reason="EDGETUNE_CMSIS_NN does not name CMSIS-NN's folder"),
]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    source = Path(FOLDER) / "Source"
    folders = ("ConvolutionFunctions", "FullyConnectedFunctions", "NNSupportFunctions")
    sources = [
        f for folder in folders for f in (source / folder).glob("*s8*.c") if "lstm" not in f.name
    ]
    sources.append(source / "NNSupportFunctions" / "arm_q7_to_q15_with_offset.c")
    sources.append(source / "TransposeFunctions" / "arm_transpose_s8.c")
    sources.append(ENGINE / "cmsis_nn.c")
    options = ("-w", f"-I{Path(FOLDER) / 'Include'}")
    return build(tmp_path_factory.mktemp("cmsis"), *options, sources=sources)


def scratch_bytes(layer: p.WeightedLayer) -> int:
    """What a core without SIMD instructions needs, behind the channels' shifts."""
    columns, shifts = -(-layer.row_size // 4) * 4, 4 * (layer.rows + layer.rows % 2)
    return shifts + (2 * 2 * columns if isinstance(layer, p.Conv2D) else 0)


@pytest.mark.parametrize("extreme", [False, True], ids=["random", "extreme"])
@pytest.mark.parametrize("kind", [p.Conv2D, p.DepthwiseConv2D, p.FullyConnected])
def test_forward(library, kind, extreme):
    rng = np.random.default_rng(21)
    for _ in range(150):
        layer, in_shape, out_shape = random_layer(rng, kind, extreme)
        x, y = int8(rng, in_shape, extreme), np.zeros(out_shape, np.int8)
        scratch = np.zeros(scratch_bytes(layer) // 4, np.int32)
        parameters = constants_c(layer, in_shape, out_shape)[layer.name]
        getattr(library, f"et_cmsis_nn_{layer.kind}_forward")(
            ctypes.byref(parameters), address(layer.weights), address(layer.bias), address(x),
            address(y), address(scratch),
        )
        np.testing.assert_array_equal(y, layer.forward([x.astype(np.int64)], out_shape))
