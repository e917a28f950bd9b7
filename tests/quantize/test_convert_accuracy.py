"""The real float models, converted, are as accurate as in float and as TensorFlow's own files."""

import sys
from pathlib import Path

import pytest
from shared_data import SHARED

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "conversion"))

from accuracy import CASES, measure  # noqa: E402

from edgetune.quantize import Options  # noqa: E402


@pytest.mark.thorough
@pytest.mark.parametrize("name", CASES)
def test_the_bars_are_met(name):
    pytest.importorskip("tflite_runtime", reason="tflite-runtime is not installed")
    if not SHARED.is_dir():
        pytest.skip("../shared/data is not there")
    results = measure(CASES[name](SHARED), SHARED, Options())
    assert results and all(result.passed for result in results), results
