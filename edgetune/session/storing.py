"""What a device keeps in its flash: how good it is, and whether it may be confirmed."""

from __future__ import annotations

from edgetune.data import Dataset
from edgetune.errors import AccuracyGateError, LinkError, UsageError
from edgetune.link.client import Client
from edgetune.link.store import StoreStatus
from edgetune.measures.measure import Measure
from edgetune.plan.plan import Plan
from edgetune.session.evaluation import measure, outputs_of
from edgetune.session.reporter import Reporter

MEASURED = 1  # the least score: 0 is that of a state that nobody measured
SCALE = 1_000_000


def score_of(found: Measure) -> int:
    """What a device keeps beside a state, the more the better: an accuracy or another share in
    millionths, of an error e the share 1 / (1 + e); `MEASURED` is added.

    Raises:
        UsageError: the measure is unknown.
    """
    if found.value is None:
        raise UsageError(
            f"The {found.name} cannot be worked out.", found.reason or "No sample tells it.",
            "Give a test set that has it, or leave --data out",
        )
    share = found.value if found.higher_is_better else 1 / (1 + found.value)
    return MEASURED + round(SCALE * share)


def measured(client: Client, plan: Plan, data: Dataset, reporter: Reporter) -> Measure:
    """What the weights that the device holds now are worth on the test set."""
    return measure(plan.program, outputs_of(client, data, reporter, "test set"), data)


def keep_learnt(client: Client, before: Measure, after: Measure, reporter: Reporter) -> None:
    """Commit what a run ends with, and confirm it where it is no worse than what the run began
    with and than what is confirmed.  A device that refuses costs the run nothing."""
    try:
        client.commit(score_of(after) if after.value is not None else 0, force=True)
        if before.is_better_than(after):
            reporter.note("The device keeps what it learnt as a trial: the run made it worse")
            return
        client.confirm()
        reporter.note("The device keeps what it learnt")
    except LinkError as error:
        reporter.note(f"Warning: not kept, or as a trial only: {error.message}, {error.cause}")


def refuse_worse(status: StoreStatus, found: Measure) -> None:
    """AccuracyGateError where the confirmed state was better than what was found now."""
    confirmed = status.confirmed
    if confirmed and confirmed.score > score_of(found):
        raise AccuracyGateError(
            f"The weights on trial are worse than the confirmed ones: {found.text}.",
            f"Their score is {score_of(found):,}, that of generation {confirmed.generation} was "
            f"{confirmed.score:,}.",
            "Give the trial up: edgetune weights rollback; or confirm it with --force",
        )
