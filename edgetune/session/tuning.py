"""The main job: a device learns from a stream of samples, and its weights come back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgetune.data import Dataset
from edgetune.device import resolve_device
from edgetune.errors import DivergenceError
from edgetune.files import save_atomically
from edgetune.guard import SampleLosses
from edgetune.learn.losses import CLASS
from edgetune.model.write import check_writable
from edgetune.plan.plan import Plan
from edgetune.quantize import Conversion
from edgetune.session.firmware import Firmware
from edgetune.session.guarding import HeldOut, guarding
from edgetune.session.interpreter import judge
from edgetune.session.kept_states import save_state
from edgetune.session.order import sample_order
from edgetune.session.predictions import save_predictions
from edgetune.session.record import TuneResult, TuneSettings, begun_record, result_record
from edgetune.session.reporter import Reporter
from edgetune.session.run_folder import DONE, RUNNING, RunFolder
from edgetune.session.run_report import write_report
from edgetune.session.running import Run, first_moment, room_for_results
from edgetune.session.tuned_file import learner_of, trained_places, tuned_model

__all__ = [
    "TuneResult", "TuneSettings", "check_tuned_file", "trained_places", "tune", "tuned_model",
]


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
    held_out: HeldOut | None = None,
    also: Mapping[str, Dataset] | None = None,
    again: dict | None = None,
) -> TuneResult:
    """Evaluate, learn, evaluate again, and keep the run in ``folder``: every file that
    `RunFolder` names but the firmware.  It stays open.

    Args:
        device: see `resolve_device`.
        model: the file that the run began with, for the record.
        conversion: what made it int8, where it was a float model.
        held_out: what the guard judges by, where ``settings`` name a file of it.
        also: further test sets by name, each the ``test_x``, ``test_y`` of a Dataset; measured
            before and after.
        again: what the record keeps to run it again, see `again_record`.

    Whether that file is the trained network, ``check_tuned_file`` says afterwards.

    Raises:
        ModelError: the model's file cannot hold what would be trained; nothing has run yet.
        UsageError, DataError: there is no state to go on from, or none of this model and recipe.
        DeviceNotFoundError, ToolchainError, LinkError: the device or the way to it fails.
        DivergenceError: the device does not compute what the simulation computes.
    """
    device = resolve_device(device, firmware.plan.board)
    if conversion:
        save_atomically(folder.converted, conversion.content)
    also, reporter = also or {}, reporter or Reporter()
    record = begun_record(firmware.plan, model, device, data, settings, conversion, also, again)
    folder.write_record(record, RUNNING)
    try:
        result = _run(
            firmware, device, data, settings, folder, reporter, held_out, also
        )
    except BaseException as error:
        folder.failed(error)
        write_report(folder.path, reporter)
        raise
    folder.write_record(record | result_record(result), DONE)
    folder.tidy()
    write_report(folder.path, reporter)
    return result


def _run(
    firmware: Firmware, device: str, data: Dataset, settings: TuneSettings, folder: RunFolder,
    reporter: Reporter, held_out: HeldOut | None, also: Mapping[str, Dataset],
) -> TuneResult:
    plan, losses = firmware.plan, SampleLosses(firmware.plan.program)
    check_writable(plan.program.graph, trained_places(plan))
    chosen = guarding(settings.guard, data, losses, settings.seed, held_out)
    data = chosen.data
    order = sample_order(len(data.tune_x), settings.samples, settings.passes, settings.seed)
    start = first_moment(folder, plan, settings, data, order, also)
    folder.reserve(room_for_results(plan))
    run = Run(firmware, device, data, settings, folder, reporter, chosen, order, losses, also)
    result = run.hold(start)
    folder.release()
    save_state(folder, plan, result.state)
    content = tuned_model(plan, result.state)
    save_atomically(folder.tuned, content)
    save_predictions(folder.predictions, result.sets)
    return _judged(result, plan, content, data.test_x)


def check_tuned_file(result: TuneResult, folder: RunFolder) -> None:
    """DivergenceError where tflite-runtime found that the tuned file is another network than the
    device trained; to be asked when all of the run has been saved."""
    if result.file_fault:
        raise DivergenceError(
            "The tuned file is not the network that the device trained.",
            result.file_fault,
            f"Do not use {folder.tuned}; run edgetune verify, which compares the device with the "
            "simulation, and report the model with this run's folder.",
        )


def _judged(result: TuneResult, plan: Plan, content: bytes, x: np.ndarray) -> TuneResult:
    simulation, graph = learner_of(plan, result.state), plan.program.graph
    found = judge(
        content, graph.content, x, result.outputs, simulation.forward,
        classes=plan.program.loss.target == CLASS, output=graph.choice,
    )
    return replace(
        result, file_agrees=found.agrees, file_fault=found.fault, no_judge=found.no_judge
    )
