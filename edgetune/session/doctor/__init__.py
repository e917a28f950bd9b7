"""What this computer has of all that edgetune can use, and the command that mends the rest."""

from __future__ import annotations

from edgetune.session.doctor.check import Check
from edgetune.session.doctor.firmware import examine_firmware
from edgetune.session.doctor.packages import check_packages
from edgetune.session.doctor.packs import check_packs
from edgetune.session.doctor.ports import check_ports
from edgetune.session.doctor.probes import check_probes
from edgetune.session.doctor.programs import check_programs

__all__ = ["Check", "examine", "examine_firmware"]


def examine() -> list[Check]:
    """Looks at everything; raises nothing."""
    return [
        *check_programs(), *check_packages(), *check_packs(), *check_probes(), *check_ports(),
    ]  # fmt: skip
