"""The pytest plugin: the fixture ``edgetune_device``, its options and its report.

pytest loads this file in every run where edgetune is installed, so it imports nothing but
pytest; the rest comes in when a test asks for the fixture.
"""

from __future__ import annotations

import pytest

FIXTURE = "edgetune_device"
MARKER = (
    "edgetune(board=, devices=, timeout=): for the tests that take edgetune_device, in place of "
    "edgetune.toml's board and devices, and of --edgetune-timeout."
)


def pytest_addoption(parser):
    group = parser.getgroup("edgetune", "learning on devices")
    group.addoption(
        "--edgetune-devices", metavar="NAME,...",
        help="host, qemu, renode, a serial port or id:SERIAL. One that is missing fails its "
        "tests; with a ? behind its name they are skipped. Without this option: host and the "
        "board's emulators, skipped where missing.",
    )
    group.addoption(
        "--edgetune-board", metavar="BOARD", help="In place of edgetune.toml's board."
    )
    group.addoption(
        "--edgetune-timeout", type=float, metavar="SECONDS",
        help="What a test may take on one device, builds included; 300 without it.",
    )
    group.addoption(
        "--edgetune-report", metavar="FILE", help="Write the tests' figures and outcomes as JSON."
    )
    parser.addini("edgetune_devices", "As --edgetune-devices.", default="")
    parser.addini("edgetune_timeout", "As --edgetune-timeout.", default="")


def pytest_configure(config):
    config.addinivalue_line("markers", MARKER)
    path = config.getoption("--edgetune-report")
    if path and not hasattr(config, "workerinput"):
        from edgetune.ci.report import Report

        config.pluginmanager.register(Report(config, path), "edgetune-report")


def pytest_generate_tests(metafunc):
    if FIXTURE in metafunc.fixturenames:
        from edgetune.ci.choice import choices

        found = choices(metafunc.config, metafunc.definition)
        names = [choice.name for choice in found]
        metafunc.parametrize(FIXTURE, found, ids=names, indirect=True)


@pytest.fixture
def edgetune_device(request, tmp_path_factory):
    """A place where the project's firmware learns: see `edgetune.ci.device.EdgetuneDevice`."""
    from edgetune.ci.device import device_of

    return device_of(request, tmp_path_factory)
