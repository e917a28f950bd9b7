"""The whole of ``edgetune tune`` on a model file, this computer being the device."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgetune.data import Targets
from edgetune.errors import EdgetuneError
from edgetune.learn.losses import CLASS, INPUT, LABELS, TARGETS, default_loss
from edgetune.learn.lower import lower
from edgetune.model.graph import Graph
from edgetune.model.read import read_tflite
from edgetune.model.write import read_weights
from edgetune.quantize import load
from edgetune.session.job import Job
from edgetune.session.run_folder import RunFolder
from edgetune.session.simulation import new_learner
from edgetune.session.tuning import TuneResult, TuneSettings, trained_places

BOARD = "stm32f4-discovery"
SAMPLES, TESTS = 40, 12


def tuned_on_host(model: Path, folder: Path) -> str:
    """"ok": every step was the simulation's, the tuned file has the device's digest, and
    tflite-runtime makes of it what the device does (or cannot run it); else why not.

    Args:
        model: a .keras, .h5, .onnx or .tflite file.
        folder: an empty one, for the data and the run.
    """
    try:
        data = folder / "data.npz"
        np.savez(data, **_samples(load(model)))
        job = Job(model, BOARD, data=data, device="host", out=folder / "run")
        with job.run_folder() as run:
            result = job.tune(TuneSettings(passes=1), run)
            return _faults(job, run, result) or "ok"
    except EdgetuneError as error:
        return f"{error.message} {error.cause}"


def _samples(found: bytes | Graph) -> dict[str, np.ndarray]:
    """Random ones, with random targets of the kind that the model learns by itself."""
    random = np.random.default_rng(3)
    graph = found if isinstance(found, Graph) else read_tflite(found)
    targets = _targets(found)
    arrays = {}
    for part, count in (("tune", SAMPLES), ("test", TESTS)):
        arrays[f"{part}_x"] = random.normal(0, 1, (count, *graph.input.shape[1:])).astype("f4")
        if targets.kind != INPUT:
            arrays[f"{part}_y"] = _random_targets(random, targets, count)
    return arrays


def _targets(found: bytes | Graph) -> Targets:
    if isinstance(found, Graph):
        name = default_loss(found.operators[-1].kind, found.output.shape, found.input.shape)
        return Targets(TARGETS[name], None if name == "reconstruction" else found.output.size)
    loss = lower(read_tflite(found)).loss
    return Targets(loss.target, None if loss.target == INPUT else loss.size)


def _random_targets(
    random: np.random.Generator, targets: Targets, count: int
) -> np.ndarray:
    if targets.kind == CLASS:
        return np.arange(count) % targets.size
    if targets.kind == LABELS:
        return random.integers(0, 2, (count, targets.size)).astype(np.uint8)
    return random.normal(0, 1, (count, targets.size))


def _faults(job: Job, run: RunFolder, result: TuneResult) -> str:
    learner = new_learner(job.plan)
    learner.load_state(result.state)
    tuned = read_tflite(run.tuned)
    for place, values in zip(trained_places(job.plan), learner.parameters(), strict=True):
        values[...] = read_weights(tuned, place).reshape(values.shape)
    faults = []
    if learner.digest() != result.digest:
        faults.append("the tuned file's digest is not the device's")
    if not result.verified or result.file_fault:
        faults.append(result.file_fault or "the run was not verified")
    if result.file_agrees not in (None, TESTS):
        faults.append(f"tflite-runtime agrees on {result.file_agrees} of {TESTS}")
    return "; ".join(faults)
