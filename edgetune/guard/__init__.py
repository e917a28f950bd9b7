"""The guard: a run never ends with weights that measure worse than those that it began with.

``docs/learning.md``, The guard.  It knows of a device only what `Desk` says.
"""

from typing import TYPE_CHECKING

from edgetune.homes import at_first_use

if TYPE_CHECKING:
    from edgetune.guard.base import Cost, Desk, Guard, Kept, NoGuard, Outcome
    from edgetune.guard.choice import NONE, RUNNING, held_out_rows, is_share, share_of
    from edgetune.guard.held_out import HeldOutGuard
    from edgetune.guard.rectifiers import Rectified, compare_rectifiers
    from edgetune.guard.running import RunningGuard
    from edgetune.guard.sample_losses import SampleLosses, Samples

__all__ = [
    "Cost", "Desk", "Guard", "HeldOutGuard", "Kept", "NONE", "NoGuard", "Outcome", "RUNNING",
    "Rectified", "RunningGuard", "SampleLosses", "Samples", "compare_rectifiers", "held_out_rows",
    "is_share", "share_of",
]

__getattr__ = at_first_use(__name__, {
    "base": ("Cost", "Desk", "Guard", "Kept", "NoGuard", "Outcome",),
    "choice": ("NONE", "RUNNING", "held_out_rows", "is_share", "share_of",),
    "held_out": ("HeldOutGuard",),
    "rectifiers": ("Rectified", "compare_rectifiers",),
    "running": ("RunningGuard",),
    "sample_losses": ("SampleLosses", "Samples",),
})  # fmt: skip
