"""examples/product learns from sensor and button, is never late, and knows after a reset."""

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from emulators import need_emulator

FOLDER = Path(__file__).parents[2] / "examples" / "product"


@pytest.fixture(name="world", scope="module")
def world_around():
    spec = spec_from_file_location("product_run", FOLDER / "run.py")
    assert spec and spec.loader
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(name="image", scope="module")
def built(tmp_path_factory) -> Path:
    need_emulator()
    folder = tmp_path_factory.mktemp("product")
    command = ["make", "-s", f"BUILD={folder}", f"EDGETUNE={sys.executable} -m edgetune"]
    subprocess.run(command, cwd=FOLDER, check=True)
    return folder / "product.elf"


@pytest.mark.thorough
def test_the_product_learns_and_keeps_its_deadlines(image, world):
    with world.running(image) as product:
        told = world.live(product, steps=100, tests=40)
    assert told["before"] < 0.3 and told["after"] > 0.6
    assert told["after reset"].steps == 50 and told["end"].steps == 100
    for when in ("kept", "after reset", "end"):
        assert told[when].late == 0
    assert told["end"].runs > 30
    assert told["end"].worst > 25_000  # more than 1 ms: it learnt meanwhile
