"""The store in simulated flash, compiled once."""

import pytest
from flash_desk import build_desk


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    return build_desk(tmp_path_factory.mktemp("store"))
