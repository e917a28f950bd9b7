"""A line that damages bytes, and one that is flooded: nothing is lost or done twice."""

import ctypes
import subprocess

import pytest
from link_requests import (
    INPUT,
    LARGE,
    RING,
    echo_hash,
    encoded,
    samples,
    steps_and_hash,
    train_over,
)
from link_transport import FLAGS, INCLUDES, ROOT, SERVER, BadLine, compiler
from thinned import thinned

from edgetune.link.frames import FrameReader
from edgetune.link.messages import Request


@pytest.mark.thorough
@pytest.mark.parametrize("only", ["read", "write", "both"])
@pytest.mark.parametrize("seed", range(3))
def test_one_byte_in_fifty_damaged(small, launch, only, seed):
    data = samples(300, seed=seed)
    pipe = launch(small)
    line = BadLine(pipe, seed, rate=0.02, repeat=0.05, only=only)
    client = train_over(line, data)
    assert line.damage > 100
    line.rate = line.repeat = 0
    assert steps_and_hash(client) == (len(data), echo_hash(data))


@pytest.mark.thorough
def test_large_samples_on_a_bad_line(large, launch):
    data = samples(60, LARGE)
    line = BadLine(launch(large), 4, rate=1e-4, repeat=0.02)
    client = train_over(line, data)
    assert line.damage > 5
    assert steps_and_hash(client) == (len(data), echo_hash(data))


def test_state_transfer_on_a_bad_line(small, launch):
    line = BadLine(launch(small), 5, rate=0.005, repeat=0.05)
    client = train_over(line, samples(20))
    saved = client.read_state()
    list(client.train_many(encoded(samples(5, seed=2))))
    client.write_state(saved)
    assert line.damage > 10
    assert steps_and_hash(client) == (20, echo_hash(samples(20)))


@pytest.mark.parametrize("size", thinned([INPUT, LARGE], 2))
def test_the_window_keeps_the_ring_from_overrunning(request, launch, size):
    program = request.getfixturevalue("small" if size == INPUT else "large")
    data = samples(300, size)
    client = train_over(launch(program), data)
    list(client.infer_many(sample for sample, _ in data))
    stats = client.stats()
    assert (stats.rx_overruns, stats.bad_frames) == (0, 0)
    assert steps_and_hash(client) == (300, echo_hash(data))


def test_a_flood_is_survived(small, launch):
    pipe = launch(small)
    pipe.write(bytes(range(1, 256)) * 4000)
    client = train_over(pipe, samples(5))
    assert steps_and_hash(client) == (5, echo_hash(samples(5)))


def test_a_full_ring_drops_and_counts(tmp_path):
    sources = ROOT / "firmware" / "link" / "rx_ring.c"
    target = tmp_path / "ring.so"
    command = [compiler(), *FLAGS, *INCLUDES, f"-I{SERVER}", "-shared", "-fPIC", str(sources)]
    subprocess.run([*command, "-o", str(target)], check=True)
    ring = ctypes.CDLL(str(target))
    for lap in range(3):
        for byte in range(RING + 9):
            ring.et_rx_byte(ctypes.c_uint8(byte % 251))
        assert [ring.et_rx_take() for _ in range(RING)] == [byte % 251 for byte in range(RING)]
        assert ring.et_rx_empty() and ring.et_rx_take() == -1
        assert ring.et_rx_overruns() == 9 * (lap + 1)


class Window:
    """Watches that the host keeps to the window: bytes on the way, by its own reading."""

    def __init__(self, inner):
        self.inner, self.sizes, self.most, self.overlapped = inner, {}, 0, 0
        self.reader = FrameReader()

    def write(self, data: bytes) -> None:
        (frame,) = FrameReader().feed(data)
        if frame.type != Request.HELLO:
            self.sizes[frame.seq] = len(data)
            self.most = max(self.most, sum(self.sizes.values()))
        self.inner.write(data)

    def read(self, timeout: float) -> bytes:
        data = self.inner.read(timeout)
        for frame in self.reader.feed(data):
            self.sizes.pop(frame.seq, None)
        return data

    def alive(self) -> bool:
        return self.inner.alive()


@pytest.mark.parametrize("size", [INPUT, LARGE])
def test_the_host_keeps_to_the_window(request, launch, size):
    line = Window(launch(request.getfixturevalue("small" if size == INPUT else "large")))
    client = train_over(line, samples(100, size))
    assert size < line.most <= client.info.window
