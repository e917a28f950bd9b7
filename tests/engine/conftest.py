"""The C engine for the PC, built once for all tests that need no options of their own."""

import pytest
from c_engine import COMPILER, build


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    if COMPILER is None:
        pytest.skip("no C compiler for this machine")
    return build(tmp_path_factory.mktemp("engine"))
