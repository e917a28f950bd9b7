"""Python packages, and pairs of versions that do not work together."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from edgetune.installation import install_command
from edgetune.session.doctor.check import Check, version_of


def check_packages() -> list[Check]:
    """One check a package."""
    return [
        _package("numpy"),
        _package("tflite"),
        _tflite_runtime(),
        _package("pillow", "folders of images", install_command("images")),
        _keras(),
        _package("onnx", "ONNX models", install_command("onnx")),
        _package("pyocd", "flash --tool pyocd", install_command("flash")),
        _pack_manager(),
    ]


def _package(name: str, use: str = "", fix: str = "") -> Check:
    found = _version(name)
    fix = "" if found else fix or f"{install_command(again=True)} (it brings {name})"
    return Check(name, bool(found), not use, use, found or "not installed", fix)


def _tflite_runtime() -> Check:
    """The runtime that tests the tuned file; tflite-runtime imports under numpy 2 and fails."""
    name, use = "TFLite runtime", "running tuned files on this computer"
    if litert := _version("ai-edge-litert"):
        return Check(name, True, False, use, f"ai-edge-litert {litert}")
    runtime = _version("tflite-runtime")
    if not runtime:
        return Check(name, False, False, use, "not installed", install_command(again=True))
    numpy = _version("numpy") or "0"
    if version_of(numpy) >= (2,):
        found = f"tflite-runtime {runtime} does not work with numpy {numpy}"
        return Check(name, False, False, use, found, "pip install 'numpy>=1.23.2,<2'", broken=True)
    return Check(name, True, False, use, f"tflite-runtime {runtime}")


def _keras() -> Check:
    """TensorFlow, which comes in packages of two names."""
    fix = install_command("keras")
    found = _package("tensorflow-cpu", "Keras models", fix)
    return found if found.ok else _package("tensorflow", "Keras models", fix)


def _pack_manager() -> Check:
    """Its index is read as 0.6 writes it."""
    name, use = "cmsis-pack-manager", "packs, boards add"
    found, fix = _version(name), "pip install 'cmsis-pack-manager>=0.6,<0.7'"
    if not found:
        return Check(name, False, False, use, "not installed", fix)
    good = (0, 6) <= version_of(found) < (0, 7)
    return Check(name, good, False, use, found, "" if good else fix, broken=not good)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
