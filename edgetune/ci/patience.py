"""How long a pipeline's test may take on its slowest device."""

from __future__ import annotations

from math import ceil

from edgetune.ci import SECONDS
from edgetune.session.job import Job
from edgetune.session.tuning import TuneSettings

SAMPLES = 200  # of the test that `edgetune ci init` writes
BYTES_PER_SECOND = 9_000  # Renode's UART, the slowest of all
INSTRUCTIONS_PER_SECOND = 100e6  # of an emulator on a pipeline's computer
MARGIN = 2
FRAME = 24  # bytes around a sample


def seconds_of_test(job: Job) -> int:
    """Twice what it takes to evaluate, learn and evaluate again in Renode; at least the
    plugin's own bound, by minutes."""
    learnt = min(SAMPLES, len(job.data.tune_x)) * TuneSettings.passes
    samples = learnt + 2 * len(job.data.test_x)
    link = samples * (job.graph.input.size + FRAME) / BYTES_PER_SECOND
    # An evaluation is less than a step, which begins with one.
    core = samples * job.estimate.step_instructions / INSTRUCTIONS_PER_SECOND
    return max(int(SECONDS), 60 * ceil(MARGIN * (link + core) / 60))
