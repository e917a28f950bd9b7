"""What this computer has of all that edgetune can use."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from edgetune.build.cmsis_nn import check_cmsis_nn
from edgetune.build.toolchain import find_cross_gcc, find_host_cc, find_make
from edgetune.device.qemu import find_qemu
from edgetune.device.renode import find_renode
from edgetune.device.serial import usb_ports
from edgetune.errors import ToolchainError

ASK_SECONDS = 20
REINSTALL = "pip install --force-reinstall edgetune"


@dataclass(frozen=True)
class Check:
    """One thing: ``needed`` by the main job on an emulator, else only for ``use``.

    ``found`` says what is there or why nothing is; ``fix`` is the command that gets it.
    """

    name: str
    ok: bool
    needed: bool
    use: str
    found: str
    fix: str = ""


def examine() -> list[Check]:
    """Looks at everything; raises nothing."""
    return [
        _tool("Arm compiler", find_cross_gcc, "--version"),
        _c_library(),
        _tool("make", find_make, "--version"),
        _tool("QEMU", find_qemu, "--version"),
        _package("numpy"),
        _package("tflite"),
        _tflite_runtime(),
        _tool("host compiler", find_host_cc, "--version", use="--device host"),
        _tool("Renode", find_renode, None, use="--device renode"),
        _cmsis_nn(),
        _package("pillow", use="folders of images", fix="pip install 'edgetune[images]'"),
        _keras(),
        _package("onnx", use="ONNX models", fix="pip install 'edgetune[onnx]'"),
        _package("pyocd", use="writing to a board", fix="pip install 'edgetune[flash]'"),
        _serial_ports(),
    ]


def _tool(name: str, find: Callable, argument: str | None, use: str = "") -> Check:
    try:
        path = str(find())
    except ToolchainError as error:
        return Check(name, False, not use, use, error.cause, error.next_step)
    said = _ask([path, argument]) if argument else ""
    return Check(name, True, not use, use, f"{path}: {said}" if said else path)


def _ask(command: list[str]) -> str:
    """First line of what a program says, "" where it says nothing in time."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=ASK_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout.strip().splitlines() or [""])[0]


def _c_library() -> Check:
    """The linker's nano.specs, which distributions put into a package of its own."""
    fix = "Install it: sudo apt-get install libnewlib-arm-none-eabi"
    try:
        path = _ask([str(find_cross_gcc()), "-print-file-name=nano.specs"])
    except ToolchainError:
        path = ""
    there = os.path.isabs(path)
    return Check("newlib", there, True, "", path if there else "nano.specs was not found.", fix)


def _package(name: str, use: str = "", fix: str = "") -> Check:
    found = _version(name)
    fix = "" if found else fix or f"{REINSTALL} (it brings {name})"
    return Check(name, bool(found), not use, use, found or "not installed", fix)


def _tflite_runtime() -> Check:
    """The runtime that tests the tuned file; tflite-runtime imports under numpy 2 and fails."""
    name, use = "TFLite runtime", "running tuned files on this computer"
    if litert := _version("ai-edge-litert"):
        return Check(name, True, False, use, f"ai-edge-litert {litert}")
    runtime = _version("tflite-runtime")
    if not runtime:
        return Check(name, False, False, use, "not installed", REINSTALL)
    numpy = _version("numpy") or "0"
    if int(numpy.split(".")[0]) >= 2:
        found = f"tflite-runtime {runtime} does not work with numpy {numpy}"
        return Check(name, False, False, use, found, "pip install 'numpy>=1.23.2,<2'")
    return Check(name, True, False, use, f"tflite-runtime {runtime}")


def _keras() -> Check:
    """TensorFlow, which comes in packages of two names."""
    fix = "pip install 'edgetune[keras]'"
    found = _package("tensorflow-cpu", use="Keras models", fix=fix)
    return found if found.ok else _package("tensorflow", use="Keras models", fix=fix)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _cmsis_nn() -> Check:
    use = "the forward kernels of CMSIS-NN"
    folder = os.environ.get("EDGETUNE_CMSIS_NN")
    fix = "Name a folder with its sources: export EDGETUNE_CMSIS_NN=FOLDER"
    if not folder:
        return Check("CMSIS-NN", False, False, use, "EDGETUNE_CMSIS_NN is not set", fix)
    try:
        check_cmsis_nn(Path(folder))
    except ToolchainError as error:
        return Check("CMSIS-NN", False, False, use, error.message, fix)
    return Check("CMSIS-NN", True, False, use, folder)


def _serial_ports() -> Check:
    use = "a real board"
    ports = usb_ports()
    if not ports:
        return Check("serial port", False, False, use, "no USB serial port is visible", "")
    closed = [port.device for port in ports if not os.access(port.device, os.R_OK | os.W_OK)]
    found = ", ".join(f"{port.device} (id:{port.serial_number})" for port in ports)
    if closed:
        fix = "Join the port's group, then log in again: sudo usermod -aG dialout $USER"
        return Check("serial port", False, False, use, f"no permission: {found}", fix)
    return Check("serial port", True, False, use, found)
