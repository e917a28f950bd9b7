"""The state that a run leaves in its folder, and that a further run goes on from."""

from __future__ import annotations

import os
from pathlib import Path

from edgetune.errors import UsageError
from edgetune.files import check_regular, save_atomically
from edgetune.learn.kept import keep, state_id, state_of
from edgetune.plan.plan import Plan
from edgetune.session.run_folder import STATE, RunFolder


def save_state(folder: RunFolder, plan: Plan, state: bytes) -> None:
    """Keep a device's ``state`` in the ``folder`` of its run."""
    save_atomically(folder.state, keep(state_id(plan.program, plan.recipe), state))


def kept_state(folder: str | os.PathLike, plan: Plan) -> bytes:
    """The state block in a run's ``folder``, for a further run by ``plan``.

    Raises:
        UsageError: there is none.
        DataError: it is damaged, or of another model, of other layers, or of another loss or rule.
    """
    try:
        content = check_regular(Path(folder) / STATE).read_bytes()
    except OSError as error:
        raise UsageError(
            f"There is no state to go on from in {folder}.", f"{STATE}: {error.strerror}.",
            "Name the folder of a run, as tune prints it.",
        ) from None
    return state_of(content, state_id(plan.program, plan.recipe), plan.state_bytes)
