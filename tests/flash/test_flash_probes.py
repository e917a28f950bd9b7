"""Debug probes on USB: found below /sys, told apart, opened by udev rules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edgetune.errors import DeviceNotFoundError
from edgetune.flash.probes import check_single, usb_probes
from edgetune.flash.udev import udev_rules
from edgetune.session.doctor.probes import check_probes


def usb(root: Path, name: str, **facts: str) -> None:
    folder = root / name
    folder.mkdir(parents=True)
    for fact, text in facts.items():
        (folder / fact).write_text(text + "\n")


def test_probes_on_usb(tmp_path):
    usb(tmp_path, "1-1", idVendor="0483", idProduct="374b", product="STM32 STLink", serial="066B")
    usb(tmp_path, "1-2", idVendor="1366", idProduct="1015", product="J-Link", serial="000683123456")
    usb(tmp_path, "1-3", idVendor="2e8a", idProduct="000c", product="Debug Probe (CMSIS-DAP)",
        serial="E661")
    usb(tmp_path, "1-4", idVendor="2e8a", idProduct="0003", product="RP2 Boot", serial="E0C9")
    usb(tmp_path, "1-5", idVendor="046d", idProduct="c31c", product="Keyboard")
    usb(tmp_path, "1-5:1.0", bInterfaceClass="03")
    found = {(probe.kind, probe.serial) for probe in usb_probes(tmp_path)}
    assert found == {
        ("stlink", "066B"), ("jlink", "683123456"), ("cmsis-dap", "E661"), ("bootsel", "E0C9")
    }
    check_single("openocd", ("stlink", "jlink", "cmsis-dap"), tmp_path)


def test_udev_rules_cover_every_probe(tmp_path):
    """A rule for each kind of probe that `usb_probes` knows, and nothing but rules."""
    rules = [line for line in udev_rules().splitlines() if not line.startswith("#")]
    access = 'MODE="660", GROUP="plugdev", TAG+="uaccess"'
    assert all(rule.endswith(access) and rule.count('=="') >= 2 for rule in rules)
    chosen = re.findall(r'ATTR{idVendor}=="(\w+)"(?:, ATTR{idProduct}=="(\w+)")?', "\n".join(rules))
    for number, (vendor, product) in enumerate(chosen):
        usb(tmp_path, str(number), idVendor=vendor, idProduct=product or "0105", serial=str(number))
    assert len(usb_probes(tmp_path)) == len(chosen)
    assert {"stlink", "jlink", "bootsel"} == {probe.kind for probe in usb_probes(tmp_path)}
    assert sum("CMSIS-DAP" in rule for rule in rules) == 2


def test_the_doctor_tells_a_probe_that_may_not_be_opened(tmp_path, monkeypatch):
    usb(tmp_path, "1-1", idVendor="0483", idProduct="374b", product="STM32 STLink", serial="066B",
        busnum="1", devnum="7")
    monkeypatch.setattr("edgetune.session.doctor.probes.os.access", lambda path, _: (
        path != "/dev/bus/usb/001/007"
    ))
    (check,) = check_probes(tmp_path)
    assert check.broken and check.found == "STM32 STLink: no permission"
    assert "udevadm control --reload" in check.fix and udev_rules() in check.fix
    monkeypatch.setattr("edgetune.session.doctor.probes.os.access", lambda *_: True)
    (check,) = check_probes(tmp_path)
    assert check.ok and check.name == "debug probe 066B"
    (check,) = check_probes(tmp_path / "empty")
    assert not check.ok and not check.needed and not check.broken


def test_several_probes_are_listed(tmp_path):
    for number in ("066B", "066C"):
        usb(tmp_path, number, idVendor="0483", idProduct="374b", product="STLink", serial=number)
    check_single("jlink", ("jlink",), tmp_path)
    with pytest.raises(DeviceNotFoundError) as caught:
        check_single("st-flash", ("stlink",), tmp_path)
    assert caught.value.cause.splitlines()[1:] == ["066B  STLink", "066C  STLink"]
    assert caught.value.next_step == "Name one: --probe 066B"
