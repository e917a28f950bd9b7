"""A short call of every verb, and the folder in which all of them end well but for those that need
a board or the network."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from cli_runner import BOARD, DATA, MODEL, ON_HOST, edgetune
from pdsc_builder import stm32f407, write_pack, write_pdsc
from written_run import write_run

FLOAT = MODEL.replace("int8", "float")
FEW = "few.npz"
STORED = (MODEL, *ON_HOST)

QUICK = {
    "inspect": ("inspect", MODEL, "--board", BOARD),
    "convert": ("convert", FLOAT, "--data", FEW, "-o", "c.tflite"),
    "plan": ("plan", MODEL, "--board", BOARD, "--ram", 14000),
    "library": ("library", MODEL, "--as", "sources", "--core", "cortex-m4", "-o", "lib"),
    "weights diff": ("weights", "diff", MODEL, MODEL),
    "runs list": ("runs", "list"), "runs show": ("runs", "show", "1"),
    "runs compare": ("runs", "compare", "1", "2"),
    "boards list": ("boards", "list"), "boards show": ("boards", "show", BOARD),
    "boards add": ("boards", "add", "STM32F407VG", "--pdsc", "parts.pdsc", "--yes"),
    "packs install": ("packs", "install", "parts.pack"), "packs list": ("packs", "list"),
    "packs path": ("packs", "path", "Madeup::Parts_DFP"),
    "ci init": ("ci", "init", "--board", BOARD, "--model", "model.tflite", "--data", FEW,
                "--install", "git+https://example.invalid/edgetune@1"),
}
LAUNCHED = {  # what builds, or starts a device or other programs
    "build": ("build", *STORED, "--out", "b"), "run": ("run", *STORED),
    "tune": ("tune", *STORED, "--data", FEW, "--also", "tuned=:tune", "--samples", 9,
             "--passes", 1, "-q"),
    "eval": ("eval", *STORED, "--data", FEW, "--also", "tuned=:tune", "-q"),
    "verify": ("verify", *STORED, "--data", FEW, "--steps", 3, "--forward", 3, "-q"),
    "monitor": ("monitor", *STORED, "--seconds", 0.1),
    "weights pull": ("weights", "pull", MODEL, "pulled.tflite", *ON_HOST),
    "weights push": ("weights", "push", *STORED[:1], MODEL, *ON_HOST),
    "weights commit": ("weights", "commit", *STORED, "--force"),
    "weights confirm": ("weights", "confirm", *STORED),
    "weights rollback": ("weights", "rollback", *STORED),
    "weights status": ("weights", "status", *STORED),
    "doctor": ("doctor",),
}
COUNTED = {"bench": ("bench", MODEL, "--count", 1)}  # needs QEMU
REFUSED = {  # without a board, and without the network
    "flash": ("flash", "--board", BOARD, "--image", "absent.elf"),
    "packs update": ("packs", "update"),
}


def prepare(folder: Path) -> None:
    """All that the calls read; the current folder is to be ``folder``, or a copy of it."""
    write_run(folder / "runs/0001-a-model", 10, (1, 0, 1, 1), rate=1.0)
    write_run(folder / "runs/0002-a-model", 20, layers=["all"] * 9)
    with np.load(DATA) as whole:
        few = {key: value[:20] if value.ndim else value for key, value in whole.items()}
    np.savez(folder / FEW, **few | {"tune_y": few["test_y"]})
    (folder / "model.tflite").write_bytes(Path(MODEL).read_bytes())
    write_pdsc(folder, stm32f407())
    write_pack(folder / "parts.pack", {}, devices=(stm32f407(),))


def prepare_flash() -> None:
    """A trial in the flash of the host's board, in the current folder."""
    said = edgetune(*LAUNCHED["weights commit"])
    assert said.code == 0, said.stderr


def settle(monkeypatch, folder: Path) -> None:
    """``folder`` is the current one, with packs, cache and flash of its own."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("EDGETUNE_PACKS", "packs")
    monkeypatch.setenv("EDGETUNE_FLASH", os.path.join(folder, "flash.bin"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # refuses every connection
