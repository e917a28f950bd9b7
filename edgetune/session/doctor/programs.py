"""Compilers, emulators and flashers: are they there, and is the version one that works?"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace

from edgetune.build.toolchain import find_cross_gcc, find_host_cc, find_make
from edgetune.device.qemu import find_qemu
from edgetune.device.renode import find_renode, find_renode_test
from edgetune.device.renode.finding import DOWNLOAD
from edgetune.errors import ToolchainError
from edgetune.programs import run_program
from edgetune.session.doctor.check import Check, version_of

ASK_SECONDS = 20
# The oldest version that serves, and what older ones lack.
LEAST = {
    "Arm compiler": ((10,), "it does not know the Cortex-M55"),
    "QEMU": ((6, 1), "it lacks boards that edgetune uses"),
    "Renode": ((1, 16), "edgetune's scripts are written for 1.16"),
    "OpenOCD": ((0, 12), "it has no `adapter serial`"),
}
PYTHON = "python3"  # that renode-test runs
ROBOT_MODULES = ("psutil", "robot", "yaml")  # of its tests/requirements.txt
# In PATH, by the names that its makers give it.
FLASHERS = {
    "OpenOCD": ("openocd", "sudo apt-get install openocd"),
    "st-flash": ("st-flash", "sudo apt-get install stlink-tools"),
    "J-Link": ("JLinkExe", "Install J-Link Software from https://www.segger.com/downloads/jlink"),
    "picotool": ("picotool", "Build it: https://github.com/raspberrypi/picotool"),
    "GDB": ("gdb-multiarch", "sudo apt-get install gdb-multiarch"),
}


def check_programs() -> list[Check]:
    """One check a program."""
    return [
        _tool("Arm compiler", find_cross_gcc),
        _c_library(),
        _tool("make", find_make),
        _tool("QEMU", find_qemu),
        _tool("host compiler", find_host_cc, use="--device host"),
        _renode(),
        _renode_test(),
        *(_flasher(name) for name in FLASHERS),
    ]


def _tool(name: str, find: Callable, use: str = "") -> Check:
    try:
        path = str(find())
    except ToolchainError as error:
        return Check(name, False, not use, use, error.cause, error.next_step)
    said = ask([path, "--version"])
    return _old_enough(Check(name, True, not use, use, f"{path}: {said}" if said else path), said)


def _renode() -> Check:
    """What EDGETUNE_RENODE names may be anything; Renode says its name."""
    check = _tool("Renode", find_renode, use="--device renode")
    if not check.ok or "renode" in check.found.partition(": ")[2].lower():
        return check
    return replace(check, ok=False, broken=True, fix=DOWNLOAD, found=(
        f"{check.found}: it is no Renode, or does not start within {ASK_SECONDS:g} s"
    ))


def _renode_test() -> Check:
    """Renode's runner of suites, and the Python packages that the portable build leaves to you."""
    name, use = "renode-test", "build --renode-suite"
    if (path := find_renode_test()) is None:
        return Check(name, False, False, use, "Neither beside Renode nor on PATH.", DOWNLOAD)
    listed = os.path.join(os.path.dirname(path), "tests", "requirements.txt")
    fix = f"{PYTHON} -m pip install -r {shlex.quote(listed)}"
    lacking = [module for module in ROBOT_MODULES if not _has_module(module)]
    if not lacking:
        return Check(name, True, False, use, path)
    found = f"{path}: {PYTHON} on PATH lacks {', '.join(lacking)}"
    return Check(name, False, False, use, found, fix, broken=True)


def _has_module(module: str) -> bool:
    try:
        return run_program([PYTHON, "-c", f"import {module}"], ASK_SECONDS)[0] == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _flasher(name: str) -> Check:
    program, fix = FLASHERS[name]
    use = f"flash --tool {name.lower().replace('-link', 'link')}"
    path = shutil.which(program)
    if not path:
        return Check(name, False, False, use, f"{program} is not on PATH.", fix)
    said = "" if name == "J-Link" else ask([path, "--version"])
    return _old_enough(Check(name, True, False, use, f"{path}: {said}" if said else path), said)


def _old_enough(check: Check, said: str) -> Check:
    """``check``, or why the version that it found does not serve."""
    least, lack = LEAST.get(check.name, ((), ""))
    found = version_of(said)
    if not found or found >= least:
        return check
    wanted = ".".join(map(str, least))
    fix = f"Install {check.name} {wanted} or newer."
    return replace(
        check, ok=False, broken=True, fix=fix, found=f"{check.found}: too old, {lack}"
    )


def ask(command: list[str]) -> str:
    """First line that a program says, on either stream; "" where it says nothing in time."""
    try:
        _, output = run_program(command, ASK_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (output.strip().splitlines() or [""])[0]


def _c_library() -> Check:
    """The linker's nano.specs, which distributions put into a package of its own."""
    fix = "Install it: sudo apt-get install libnewlib-arm-none-eabi"
    try:
        path = ask([str(find_cross_gcc()), "-print-file-name=nano.specs"])
    except ToolchainError:
        return Check("newlib", False, True, "", "Only the Arm compiler knows where it is.")
    there = os.path.isabs(path)
    return Check("newlib", there, True, "", path if there else "nano.specs was not found.", fix)
