"""Does the device compute what the simulation computes?  Step by step, bit for bit."""

from __future__ import annotations

import numpy as np

from edgetune.data import Dataset
from edgetune.dataclass import dataclass
from edgetune.errors import DivergenceError
from edgetune.link.client import Client
from edgetune.session.connection import connect
from edgetune.session.firmware import Firmware
from edgetune.session.order import sample_order
from edgetune.session.reporter import Reporter
from edgetune.session.simulation import Simulation, diverged


@dataclass(frozen=True)
class VerifyResult:
    """``steps`` agreed in every bit; ``forward`` outputs agreed in every byte before them."""

    steps: int
    forward: int
    digest: int
    digests: tuple[int, ...]


def verify(
    firmware: Firmware,
    device: str | None,
    data: Dataset,
    steps: int = 200,
    seed: int = 0,
    forward: int = 50,
    reporter: Reporter | None = None,
) -> VerifyResult:
    """Compare outputs on test samples, then the state after each training step.

    The digest compared is recomputed from the device's memory, so that a stray write shows.

    Raises:
        DivergenceError: names the step, and the layers whose parameters differ.
    """
    reporter = reporter or Reporter()
    order = _order(len(data.tune_x), steps, seed)
    with connect(firmware, device, reporter) as client:
        client.start(seed, steps)
        simulation = Simulation(firmware.plan, seed, steps)
        _compare_outputs(client, simulation, data.test_x[:forward], reporter)
        digests = _compare_steps(client, simulation, data, order, reporter)
    return VerifyResult(steps, min(forward, len(data.test_x)), digests[-1], tuple(digests))


def _order(count: int, steps: int, seed: int) -> np.ndarray:
    passes = -(-steps // count)
    return sample_order(count, None, passes, seed)[:steps]


def _compare_outputs(client: Client, simulation: Simulation, x: np.ndarray, reporter: Reporter):
    for i, result in enumerate(client.infer_many(sample.tobytes() for sample in x)):
        ours = simulation.learner.forward(x[i]).tobytes()
        if result.output != ours:
            raise DivergenceError(
                f"The device's output for test sample {i} differs from the simulation's.",
                f"Device {result.output[:16].hex()}, simulation {ours[:16].hex()}.",
                "Report the model; with CMSIS-NN, try without it.",
            )
        reporter.progress("forward", i + 1, len(x))


def _compare_steps(client, simulation, data, order, reporter) -> list[int]:
    digests = []
    for step, index in enumerate(order):
        sample, target = data.tune_x[index], data.tune_y[index]
        encoded = simulation.learner.program.loss.encode(target)
        result = client.train(sample.tobytes(), encoded)
        try:
            simulation.step(sample, target, result)
            full = client.digest(full=True)
            if full != result.digest:
                raise diverged(step + 1, {"digest of the memory": (full, result.digest)})
        except DivergenceError as error:
            raise _named(error, simulation, client.read_state()) from None
        digests.append(result.digest)
        reporter.progress("steps", step + 1, len(order))
    return digests


def _named(error: DivergenceError, simulation: Simulation, state: bytes) -> DivergenceError:
    layers = simulation.differences(state)
    where = f"Layers that differ: {', '.join(layers)}." if layers else "The weights agree."
    return DivergenceError(error.message, f"{error.cause}. {where}", error.next_step)
