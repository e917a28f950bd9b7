"""Networks trained on real digits convert, and run the same everywhere."""

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from emulators import need_emulator

from edgetune.errors import ToolchainError

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "conversion"))

from check_networks import (  # noqa: E402
    BAR,
    MODELS,
    Converted,
    converted,
    differences,
    model_files,
    quality,
    run_on,
)
from images import load_images, resized  # noqa: E402

NETWORKS = [path.name for path in model_files(MODELS)]


@cache
def _converted(name: str) -> Converted:
    return converted(MODELS / name, load_images())


def network(name: str) -> Converted:
    try:
        return _converted(name)
    except ToolchainError as error:
        pytest.skip(error.message)


def test_all_kinds_are_there():
    assert {name.split(".")[0] for name in NETWORKS} == {
        "residual", "separable", "inverted_residual", "autoencoder", "torch_residual"
    }


@pytest.mark.thorough
@pytest.mark.parametrize("name", NETWORKS)
def test_quality(name):
    exact, int8 = quality(network(name))
    assert exact > 80, "the float model has not learnt"
    assert int8 >= exact - BAR


@pytest.mark.thorough
@pytest.mark.parametrize("name", NETWORKS)
def test_reference_kernels(name):
    differ = differences(network(name))
    if differ is None:
        pytest.skip("tflite-runtime is not installed")
    assert differ == 0


@pytest.mark.thorough
@pytest.mark.parametrize("name", NETWORKS)
def test_host(name, tmp_path):
    assert run_on("host", network(name), tmp_path) > 0


@pytest.mark.thorough
@pytest.mark.parametrize("name", NETWORKS)
def test_m4(name, tmp_path):
    need_emulator()
    assert run_on("qemu", network(name), tmp_path) > 0


def test_resizing_keeps_what_is_constant_and_where_things_are():
    images = np.full((2, 28, 28, 1), 255, np.uint8)
    images[1, :, :14] = 0
    constant, half = resized(images, 255)
    assert np.allclose(constant, 1)
    assert np.allclose(half[:, :8], 0) and np.allclose(half[:, 8:], 1)
