"""The link's server, built for this computer, and what starts it."""

import pytest
from link_requests import LARGE
from link_transport import Pipe, build_server


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """16-byte samples; a ring that holds two frames but not three."""
    return build_server(tmp_path_factory.mktemp("small"), "-DET_PROFILE")


@pytest.fixture(scope="session")
def large(tmp_path_factory):
    """3072-byte samples; a ring that holds one frame, so that pipelining needs TAKEN."""
    defines = f"-DET_INPUT_BYTES={LARGE}", "-DET_RX_RING=4096", "-DET_REPLY_MAX=256"
    return build_server(tmp_path_factory.mktemp("large"), *defines)


@pytest.fixture
def launch():
    """Starts servers; at the end none may have crashed or been caught by a sanitizer."""
    pipes = []

    def start(program) -> Pipe:
        pipes.append(Pipe(program))
        return pipes[-1]

    yield start
    for pipe in pipes:
        complaints = pipe.close()
        assert (pipe.process.returncode, complaints) == (0, "")
