"""A folder in which the commands of the documentation's pages run, and what makes them short.

Models and data have the names that the pages give them; what a page calls MODEL or DATA are the
demo's.  Whatever the device, the same project learns as a process of this computer; where pages
name an emulator, the slow tests start it.
"""

from __future__ import annotations

import csv
import re
import shlex
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
from board_parts import _MEMORIES, _device
from cli_runner import edgetune
from page_commands import ROOT
from pdsc_builder import stm32f407, write_pack, write_pdsc
from several_outputs import three_heads_file
from tiny_tflite import ModelBuilder

from edgetune.session.keeper import Keeper

SHORTER = {
    "tune": ["--samples", "5", "--passes", "1", "--no-verify"], "convert": ["--samples", "20"],
    "verify": ["--steps", "3", "--forward", "3"], "bench": ["--count", "1"],
}
LEARNING = {"tune", "eval", "verify", "run"}  # verbs that need a device
STANDS_FOR = {
    "MODEL": "model.tflite", "DATA": "samples.npz", "BOARD": "nucleo-f446re", "FORM": "sources",
    "FOLDER": "made", "RUN": "runs/0001-model",
}
SAMPLES, TESTED = 40, 20  # of the digits

ENDS = {  # what a page says of a command that does not end well
    "edgetune plan examples/digits/digits_int8.tflite --board stm32vldiscovery": 5,
}

# Words of a command -> the page's model.tflite is another one there.
OTHER_MODELS = {
    "monday.csv": "examples/tutorials/wearable.tflite", "--data words": "sound.tflite",
    "flow_1,flow_2": "flows.tflite", "--output alive": "heads.tflite",
    "MODEL --data DATA --board stm32vldiscovery": "small.tflite",
}
# Such a model -> the page's data, and those that it takes.
OTHER_DATA = {"flows.tflite": ("d.csv", "flows.csv"), "small.tflite": ("samples.npz", "heads.npz")}

# Words of a command -> what stands for its "...", or follows where it has none.
REST = {
    "library MODEL --as FORM": "--core cortex-m4",
    "--uart base=0x40013800": "--uart irq=27 --uart enable_register=0x40021018 "
        "--uart enable_mask=0x4000 --uart tx_gpio_base=0x48000000 --uart rx_gpio_base=0x48000000 "
        "--uart gpio_enable_register=0x40021014 --uart gpio_enable_mask=0x20000 "
        "--uart alternate=1 --tx PA9 --rx PA10 --name f072 --pdsc f0.pdsc",
    "--output alive": "--board stm32f4-discovery --data heads.npz",
}  # fmt: skip


def prepare(folder: Path) -> None:
    """All that the pages' commands read."""
    for name in ("digits", "tutorials"):
        shutil.copytree(ROOT / "examples" / name, folder / "examples" / name)
    digits = folder / "examples" / "digits"
    shutil.copy(digits / "digits_int8.tflite", folder / "model.tflite")
    with np.load(digits / "digits.npz") as whole:
        few = {key: value[: TESTED if "test" in key else SAMPLES] if value.ndim else value
               for key, value in whole.items()}
    for name in ("examples/digits/digits", "samples", "new", "old", "d"):
        np.savez(folder / f"{name}.npz", **few)
    _arrays(folder, few)
    _pictures_and_sounds(folder, few)
    _sensors(folder)
    _descriptions(folder)


def _arrays(folder: Path, few: dict) -> None:
    for name, part in (("", "tune"), ("_test", "test")):
        np.save(folder / f"x{name}.npy", few[f"{part}_x"].astype(np.float32) / 16)
        np.save(folder / f"y{name}.npy", few[f"{part}_y"])
    (folder / "loader.py").write_text(
        "import numpy\n\n"
        "def load():\n    yield from zip(numpy.load('x.npy'), numpy.load('y.npy'))\n"
    )
    heads = np.random.default_rng(0).normal(0, 0.5, (20, 6, 6, 2))
    labels = np.arange(20) % 2
    np.savez(folder / "heads.npz", tune_x=heads, tune_y=labels, test_x=heads, test_y=labels)
    (folder / "heads.tflite").write_bytes(three_heads_file())
    small = ModelBuilder((1, 6, 6, 2), seed=3).conv(2, 3).mean().dense(2).softmax()
    (folder / "small.tflite").write_bytes(small.build())


def _pictures_and_sounds(folder: Path, few: dict) -> None:
    from PIL import Image

    for n, (x, y) in enumerate(zip(few["tune_x"], few["tune_y"])):
        place = folder / "images" / str(y)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray((x[:, :, 0] * 15).astype(np.uint8)).resize((9, 9)).save(place / f"{n}.png")
    for n in range(20):
        place = folder / "words" / ("no", "yes")[n % 2]
        place.mkdir(parents=True, exist_ok=True)
        with wave.open(str(place / f"{n}.wav"), "wb") as sound:
            sound.setparams((1, 2, 16000, 0, "NONE", ""))
            tone = 20_000 * np.sin(np.arange(60 + n) * (n % 2 + 1) / 4)
            sound.writeframes(tone.astype("<i2").tobytes())
    sound = ModelBuilder((1, 1, 64, 1), 1 / 127).reshape((1, 64)).dense(2).softmax()
    (folder / "sound.tflite").write_bytes(sound.build())


def _sensors(folder: Path) -> None:
    """Rows of 64 values and a label, over which a later part of the page writes two flows."""
    random = np.random.default_rng(0)
    _write_csv(folder / "d.csv", [f"x{n}" for n in range(64)] + ["activity"], [
        [*random.random(64).round(3), ("walking", "sitting")[n % 2]] for n in range(40)
    ])
    flows = random.random((40, 4)).round(3)
    _write_csv(folder / "flows.csv", ["temperature", "pressure", "flow_1", "flow_2"], flows)
    model = ModelBuilder((1, 1, 2, 1), 1 / 127).reshape((1, 2)).dense(2)
    (folder / "flows.tflite").write_bytes(model.build())
    for name in ("monday", "tuesday"):
        rows = [[n / 50, *random.normal(0, 1, 3).round(3), ("walk", "run", "sit")[n // 200]]
                for n in range(600)]
        _write_csv(folder / f"{name}.csv", ["timestamp", "ax", "ay", "az", "activity"], rows)


def _write_csv(path: Path, head: list[str], rows) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])


def _descriptions(folder: Path) -> None:
    """Of chips, by made-up makers."""
    write_pdsc(folder, stm32f407()).rename(folder / "Keil.STM32F4xx_DFP.pdsc")
    write_pack(folder / "Keil.STM32F4xx_DFP.3.1.1.pack", {}, devices=(stm32f407(),))
    small = _device("STM32F072RB", "STM32F0 Series", "Cortex-M0", *_MEMORIES)
    write_pdsc(folder, small).rename(folder / "f0.pdsc")


def missing(text: str) -> str:
    """The program that this computer lacks for a command; "" where it has all."""
    words = shlex.split(text)
    needed = [] if words[0] in ("edgetune", "export", "./learns") else [words[0]]
    if words[:2] == ["edgetune", "build"] or words[0] == "cmake":
        needed.append("arm-none-eabi-gcc")
    if words[:2] == ["edgetune", "bench"]:
        needed += ["arm-none-eabi-gcc", "qemu-system-arm"]
    return ", ".join(name for name in needed if shutil.which(name) is None)


def run(text: str, monkeypatch, device: str = "host") -> tuple[int, str]:
    """A page's command in the current folder, on ``device``: its status, and what it said."""
    words = shlex.split(text)
    if words[0] == "export":
        name, _, value = words[1].partition("=")
        monkeypatch.setenv(name, value)
        return 0, ""
    if words[0] != "edgetune":
        program = shlex.quote(sys.executable) if words[0] == "python" else words[0]
        done = subprocess.run(text.replace(words[0], program, 1), shell=True, text=True,
                              capture_output=True)
        return done.returncode, done.stdout + done.stderr
    if "--resume" in words:
        break_a_run(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr("webbrowser.open", lambda *_, **__: False)
        outcome = edgetune(*_short(text, device))
    return outcome.code, outcome.stdout + outcome.stderr


def _short(text: str, device: str) -> list[str]:
    """The words behind `edgetune`: on another device, of few samples."""
    for part, model in OTHER_MODELS.items():
        text = re.sub(r"model\.tflite|\bMODEL\b", model, text) if part in text else text
    for part, rest in REST.items():
        text = f"{text.replace(' ...', '')} {rest}" if part in text else text
    words = [STANDS_FOR.get(word, word) for word in shlex.split(text)[1:]]
    for model, (known, data) in OTHER_DATA.items():
        words = [data if model in words and word == known else word for word in words]
    if words[0] in LEARNING and "--resume" not in words:
        words += ["--device", device]
    elif "--device" in words:
        words[words.index("--device") + 1] = device
    return words + (SHORTER.get(words[0], []) if "--resume" not in words else [])


def break_a_run(monkeypatch) -> None:
    """Leaves runs/0001-model as Ctrl-C leaves a run, after three steps."""
    shutil.rmtree("runs", ignore_errors=True)
    steps = []

    def mark(keeper, state, marked=Keeper.mark):
        marked(keeper, state)
        steps.append(state)
        if len(steps) == 3:
            keeper.save()
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Keeper, "mark", mark)
        words = "model.tflite --board nucleo-f446re --device host --data samples.npz --samples 6"
        broken = edgetune("tune", *words.split(), "--passes", "1")
    assert broken.code == 130 and re.search("runs/0001-model", broken.stderr), broken.stderr
