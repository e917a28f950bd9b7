"""The main job: a device learns from a stream of samples, and its weights come back."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from edgetune.data import Dataset
from edgetune.device import resolve_device
from edgetune.errors import DivergenceError
from edgetune.files import save_atomically
from edgetune.link.client import Client
from edgetune.link.messages import Stats
from edgetune.model.write import write_weights
from edgetune.plan.cost import estimate
from edgetune.plan.plan import Plan
from edgetune.quantize import Conversion
from edgetune.session.connection import connect
from edgetune.session.evaluation import accuracy, predict
from edgetune.session.firmware import Firmware
from edgetune.session.interpreter import interpreter_predictions
from edgetune.session.order import sample_order
from edgetune.session.reporter import Reporter
from edgetune.session.run_folder import RunFolder
from edgetune.session.simulation import Simulation, diverged, new_learner


@dataclass(frozen=True)
class TuneSettings:
    """``samples`` of the tuning set (None: all) in ``passes`` passes; ``seed`` decides their
    order and the device's draws; ``verify``: repeat every step in numpy and compare."""

    seed: int = 0
    samples: int | None = None
    passes: int = 2
    verify: bool = True


@dataclass(frozen=True)
class TuneResult:
    """Accuracies are shares on the test set as the device predicts it; ``predictions`` the
    device's after tuning; ``digest`` recomputed from the device's memory at the end.
    ``executed_instructions``: the device's since its start, where it counts them.
    ``file_agrees``: how many of ``predictions`` tflite-runtime makes from the tuned file as
    well; None where it is not installed."""

    accuracy_before: float
    accuracy_after: float
    predictions: np.ndarray
    steps: int
    digest: int
    verified: bool
    state: bytes
    stats: Stats
    executed_instructions: int | None = None
    file_agrees: int | None = None


def tune(
    firmware: Firmware,
    device: str | None,
    data: Dataset,
    settings: TuneSettings,
    folder: RunFolder,
    reporter: Reporter | None = None,
    *,
    model: str | os.PathLike | None = None,
    conversion: Conversion | None = None,
) -> TuneResult:
    """Evaluate, learn, evaluate again, and keep the run in ``folder``: every file that
    `RunFolder` names but the firmware.  It stays open.

    Args:
        device: see `resolve_device`.
        model: the file that the run began with, for the record.
        conversion: what made it int8, where it was a float model.

    Raises:
        DeviceNotFoundError, ToolchainError, LinkError: the device or the way to it fails.
        DivergenceError: the device does not compute what the simulation computes.
    """
    device = resolve_device(device, firmware.plan.board)
    if conversion:
        save_atomically(folder.converted, conversion.content)
    result = _run(firmware, device, data, settings, folder, reporter or Reporter())
    record = run_record(firmware.plan, model, device, data, settings, result, conversion)
    folder.write_record(record)
    return result


def _run(
    firmware: Firmware, device: str, data: Dataset, settings: TuneSettings, folder: RunFolder,
    reporter: Reporter,
) -> TuneResult:
    plan = firmware.plan
    with connect(firmware, device, reporter) as client:
        order = sample_order(len(data.tune_x), settings.samples, settings.passes, settings.seed)
        client.start(settings.seed, len(order))
        before = predict(client, data.test_x, data.test_y, reporter, "before")
        simulation = Simulation(plan, settings.seed, len(order)) if settings.verify else None
        _learn(client, data, order, simulation, folder, reporter)
        after = predict(client, data.test_x, data.test_y, reporter, "after")
        state, digest = client.read_state(), client.digest(full=True)
        if simulation:
            _compare_end(simulation, state, digest)
        result = TuneResult(
            accuracy(before, data.test_y), accuracy(after, data.test_y), after,
            len(order), digest, settings.verify, state, client.stats(),
            client.executed_instructions(),
        )
    content = tuned_model(plan, state)
    save_atomically(folder.tuned, content)
    theirs = interpreter_predictions(content, data.test_x)
    agrees = None if theirs is None else int(np.sum(theirs == result.predictions))
    return replace(result, file_agrees=agrees)


def _learn(client: Client, data: Dataset, order, simulation, folder, reporter):
    samples = ((data.tune_x[i].tobytes(), int(data.tune_y[i])) for i in order)
    right = []
    for step, result in enumerate(client.train_many(samples)):
        index = order[step]
        label = int(data.tune_y[index])
        folder.metric(step=step, sample=int(index), label=label, **asdict(result))
        if simulation:
            simulation.step(data.tune_x[index], label, result)
        right.append(result.prediction == label)
        reporter.progress("learning", step + 1, len(order), float(np.mean(right[-100:])))


def _compare_end(simulation: Simulation, state: bytes, digest: int):
    """The whole state, and the digest that the device recomputed from its memory."""
    if state != simulation.learner.state():
        layers = ", ".join(simulation.differences(state)) or "the rule's state"
        raise DivergenceError(
            "The device's state differs from the simulation's at the end.",
            f"These differ: {layers}.",
            "The digests agreed at every step, so memory was overwritten: report this.",
        )
    if digest != simulation.learner.digest():
        raise diverged(simulation.learner.step, {"digest": (digest, simulation.learner.digest())})


def tuned_model(plan: Plan, state: bytes) -> bytes:
    """The model file with the weights and biases of a device's ``state`` in their places."""
    learner = new_learner(plan)
    learner.load_state(state)
    graph, arrays = plan.program.graph, {}
    for layer in learner.trained:
        for index, values in zip(layer.tensors, (layer.weights, layer.bias)):
            if index >= 0:
                arrays[index] = values.reshape(graph.tensors[index].shape)
    return write_weights(graph, arrays)


def run_record(
    plan: Plan, model: str | os.PathLike | None, device: str, data: Dataset,
    settings: TuneSettings, result: TuneResult, conversion: Conversion | None = None,
) -> dict:
    """What run.json keeps: enough to repeat the run; the model's file is null if not known."""
    split = asdict(data.split) if data.split else None
    return {
        "model": {"file": model and Path(model).name, "sha256": plan.program.graph.sha256},
        "board": plan.board.name,
        "device": device,
        "recipe": plan.recipe.as_dict(),
        "settings": asdict(settings),
        "data": {
            "preprocessing": data.preprocessing.as_dict(), "split": split,
            "classes": list(data.classes),
        },
        "plan": {
            "arena_bytes": plan.arena_bytes, "state_bytes": plan.state_bytes,
            "table_bytes": plan.table_bytes, "stack_bytes": estimate(plan).stack_bytes,
        },
        "result": {
            "accuracy_before": result.accuracy_before,
            "accuracy_after": result.accuracy_after,
            "steps": result.steps,
            "digest": f"{result.digest:08x}",
            "verified": result.verified,
            "file_agrees": result.file_agrees,
            "stack_used": result.stats.stack_used,
        },
        **({"conversion": conversion.report.as_dict()} if conversion else {}),
    }
