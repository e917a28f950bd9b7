"""Writes the tutorials' data into the current folder: recordings as loggers and microphones leave
them.

    python examples/tutorials/make_data.py

Made-up signals, numpy and nothing else; the same on every computer.

- ``monday.csv``, ``tuesday.csv``: an accelerometer, 50 rows a second, sitting, walking and running.
  The model was trained on a sensor worn upright; here it is turned.
- ``words/train``, ``words/test``: WAV files of three whistled signals, through a dull microphone.
- ``machine.npz``: energies of 16 frequency bands of a machine: ``tune_x`` of its good days on a new
  foundation, ``test_x`` with ``test_y``, 1 where a bearing fails.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

ROWS_A_SECOND = 50
ACTIVITIES = {"run": (3.1, 1.1), "sit": (0.0, 0.0), "walk": (1.8, 0.45)}  # bounces, in Hz and g
SIGNALS = ("down", "level", "up")
RATE = 8000  # of sounds, in Hz
SOUND = 4096  # values
BANDS = 16


def turned(values: np.ndarray, degrees: float) -> np.ndarray:
    """Accelerations (n, 3) of a sensor that is turned about its x axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return values @ np.array([[1, 0, 0], [0, c, s], [0, -s, c]])


def moving(random: np.random.Generator, activity: str, rows: int) -> np.ndarray:
    """Accelerations (rows, 3) in g, upright: gravity, a bounce and its half, noise."""
    hertz, size = ACTIVITIES[activity]
    hertz *= random.uniform(0.9, 1.1)
    phase = 2 * np.pi * (hertz * np.arange(rows) / ROWS_A_SECOND + random.random())
    bounce = size * random.uniform(0.8, 1.2) * np.sin(phase)
    sway = 0.4 * size * np.sin(phase / 2 + random.random())
    values = np.stack([sway, 0.3 * bounce, 1 + bounce], axis=1)
    return values + random.normal(0, 0.05, values.shape)


def write_log(path: Path, random: np.random.Generator, seconds: int, degrees: float) -> None:
    """Stretches of one activity each, in a random order."""
    lines, now = ["timestamp,ax,ay,az,activity"], 0.0
    for activity in random.permutation(list(ACTIVITIES) * (seconds // 18)):
        for row in turned(moving(random, activity, 6 * ROWS_A_SECOND), degrees):
            lines.append(f"{now:.2f},{row[0]:.3f},{row[1]:.3f},{row[2]:.3f},{activity}")
            now += 1 / ROWS_A_SECOND
        now += 5  # the logger was off
    path.write_text("\n".join(lines) + "\n")


def whistle(random: np.random.Generator, signal: str, dull: bool) -> np.ndarray:
    """(SOUND,) from -1 to 1; ``dull``: as a microphone with a worn membrane hears it."""
    start = random.uniform(1200, 1800)
    end = start * {"up": 1.6, "level": 1.0, "down": 0.6}[signal]
    t = np.arange(SOUND) / SOUND
    phase = 2 * np.pi * np.cumsum(start + (end - start) * t) / RATE
    sound = np.sin(phase) * np.sin(np.pi * t) * random.uniform(0.3, 0.6)
    sound += random.normal(0, 0.02, SOUND)
    if dull:
        sound = 0.25 * np.convolve(sound, np.ones(5) / 5, "same") + random.normal(0, 0.01, SOUND)
    return np.clip(sound, -1, 1)


def write_sounds(folder: Path, random: np.random.Generator, count: int, dull: bool) -> None:
    for signal in SIGNALS:
        (folder / signal).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            with wave.open(str(folder / signal / f"{i:03d}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(RATE)
                values = np.rint(whistle(random, signal, dull) * 32767)
                file.writeframes(values.astype("<i2").tobytes())


def humming(random: np.random.Generator, count: int, moved: bool, broken: bool) -> np.ndarray:
    """Energies of bands (count, BANDS), 0 to about 1, of a machine that runs at changing speeds."""
    bands = np.arange(BANDS)
    speed = random.uniform(2, 6, (count, 1))
    peaks = np.exp(-((bands - speed) ** 2)) + 0.6 * np.exp(-((bands - 2 * speed) ** 2) / 2)
    if moved:  # another foundation resonates elsewhere
        peaks = 0.7 * peaks + random.uniform(0, 0.9, (count, 1)) * np.exp(-((bands - 10) ** 2) / 3)
    if broken:
        peaks += random.uniform(0.15, 0.5, (count, 1)) * np.exp(-((bands - 13) ** 2) / 2)
    return (peaks + np.abs(random.normal(0, 0.03, peaks.shape))).astype(np.float32)


def main() -> None:
    random = np.random.default_rng(0)
    write_log(Path("monday.csv"), random, 360, 75)
    write_log(Path("tuesday.csv"), random, 180, 75)
    write_sounds(Path("words/train"), random, 40, dull=True)
    write_sounds(Path("words/test"), random, 20, dull=True)
    good, bad = humming(random, 100, True, False), humming(random, 100, True, True)
    np.savez("machine.npz", tune_x=humming(random, 400, True, False),
             test_x=np.concatenate([good, bad]), test_y=np.repeat([0, 1], 100))


if __name__ == "__main__":
    main()
