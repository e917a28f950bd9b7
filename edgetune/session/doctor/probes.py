"""Debug probes and boards in BOOTSEL mode on USB: may this user open them?"""

from __future__ import annotations

import os
from pathlib import Path

from edgetune.flash.faults import INSTALL_RULES
from edgetune.flash.probes import USB, Probe, usb_probes
from edgetune.flash.udev import udev_rules
from edgetune.session.doctor.check import Check

USE = "flash"


def check_probes(root: Path = USB) -> list[Check]:
    """One check a probe, or one that says that there is none; with the udev rules that help."""
    found = usb_probes(root)
    if not found:
        return [Check("debug probe", False, False, USE, "no debug probe is visible on USB",
                      "Connect the board's debug port; some cables carry power only.")]
    return [_probe(probe) for probe in found]


def _probe(probe: Probe) -> Check:
    name = f"debug probe {probe.serial}"
    if not probe.node or os.access(probe.node, os.R_OK | os.W_OK):
        return Check(name, True, False, USE, probe.product)
    fix = f"{INSTALL_RULES}\nwhich installs\n{udev_rules()}"
    return Check(name, False, False, USE, f"{probe.product}: no permission", fix, broken=True)
