"""``edgetune tune``: the main job."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import click

from edgetune.cli.build import build_facts, show_build
from edgetune.cli.options import (
    also_option,
    data_options,
    flash_option,
    guard_options,
    job_options,
    min_accuracy_option,
    passes_option,
    samples_option,
    seed_option,
)
from edgetune.cli.printer import Printer
from edgetune.cli.show_conversion import cost_of, show_left_out
from edgetune.cli.show_guard import show_guard, show_rectifiers
from edgetune.cli.show_plan import end_of, plan_facts, show_plan
from edgetune.cli.show_sets import show_sets
from edgetune.cli.verb import verb
from edgetune.data import Dataset
from edgetune.learn.losses import CLASS
from edgetune.session.checkpoint import Checkpoint
from edgetune.session.evaluation import check_accuracy, refuse_without_accuracy
from edgetune.session.firmware import Firmware
from edgetune.session.job import Job
from edgetune.session.run_folder import CHECKPOINT, RunFolder, check_resumable
from edgetune.session.tuning import TuneResult, TuneSettings, check_tuned_file


def _options_of(ctx: click.Context, parameter: click.Parameter, folder: str | None) -> str | None:
    """The options that the run in ``folder`` had stand for those that are not given."""
    if folder is not None:
        check_resumable(Path(folder))
        options = Checkpoint.read(Path(folder) / CHECKPOINT).options or {}
        given = {name: tuple(value) if isinstance(value, list) else value
                 for name, value in options.items()}
        ctx.default_map = dict(ctx.default_map or {}) | given
    return folder


@verb("tune")
@click.option("--resume", metavar="FOLDER", is_eager=True, callback=_options_of, help="Carry on "
              "the run that broke off there, from the moment that it saved last: no other option "
              "is needed, and it ends as if nothing had happened.")
@job_options
@flash_option
@data_options
@also_option
@seed_option
@passes_option
@samples_option
@click.option("--endless", is_flag=True, help="Learn as a device that has no end: the steps do "
              "not shrink toward that of the run.")
@click.option("--continue", "continued", metavar="FOLDER|last", help="Go on from the state, "
              "weights and rule's, that a run of this model and recipe left in its folder; last: "
              "from the model's last run below runs/. With --endless the steps count on, else the "
              "new run anneals over its own.")
@click.option("--save-every", type=click.IntRange(1), metavar="STEPS", help="How often the run is "
              "saved, to be resumed; every few seconds without it.")
@click.option("--faults", metavar="SEED[:RATE[:RESETS]]", help="Harm the line to the device: at "
              "RATE of its bytes, by default 1e-4, something is flipped, lost, doubled, late ...; "
              "at RESETS of the messages, by default none, the device starts afresh. What is "
              "learnt stays the same.")
@click.option("--no-verify", is_flag=True, help="Do not repeat every step in the simulation.")
@click.option("--view", is_flag=True, help="Show the run's report in a browser while it grows, "
              "served to this computer only.")
@guard_options
@min_accuracy_option
def command(
    printer: Printer, job: Job, resume: str | None, seed: int, passes: int, samples: int | None,
    endless: bool, continued: str | None, save_every: int | None, faults: str | None,
    no_verify: bool, view: bool, guard: str | float, min_accuracy: float | None,
):
    """MODEL goes on learning on a device, from the tuning set of the data.

    A float model is converted to int8 first, by the same tuning set (see `edgetune convert`).
    Plans, builds, launches, measures the accuracy, streams the samples, measures again, and
    writes the tuned model. Every step is compared with the simulation, bit for bit. Where
    learning did harm, the run ends with the weights that it began with, and says so.
    """
    settings = TuneSettings(
        seed, samples, passes, not no_verify, guard, endless, continued, save_every, faults
    )
    refuse_without_accuracy(job.plan.program.loss, min_accuracy)
    settings = job.resolved(settings)
    _show_model(printer, job)
    if settings.continued:
        printer.text(f"Goes on from the state of {settings.continued}")
    show_plan(printer, job.estimate, prices=job.prices)
    dataset, device = job.check(settings)
    with RunFolder(Path(resume), resumed=True) if resume else job.run_folder() as folder:
        folder.options = _options(settings)
        firmware = job.firmware(folder.firmware)
        show_build(printer, firmware)
        printer.note(f"Learning on {device}")
        with _viewed(printer, folder) if view else nullcontext():
            result = job.tune(settings, folder, firmware)
    printer.result = _facts(job, firmware, folder, result, settings.continued)
    printer.text()
    _show_ram(printer, job, firmware, result)
    _show_result(printer, device, dataset, folder, result)
    check_tuned_file(result, folder)
    check_accuracy(result.after, min_accuracy)


def _viewed(printer: Printer, folder: RunFolder):
    """The run's page, served while the run goes on; a browser is asked to show it where there is
    a screen."""
    import webbrowser

    from edgetune.session.live_view import LiveView

    view = LiveView(folder.path)
    printer.said(f"The run can be looked at while it grows: {view.url}")
    if sys.platform == "darwin" or {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
        webbrowser.open(view.url)
    return view


def _options(settings: TuneSettings) -> dict:
    """Of this command, for JSON: what it takes to resume the run."""
    given = click.get_current_context().params | {"continued": settings.continued}
    left_out = ("resume", "out", "view")
    return {name: str(value) if isinstance(value, Path) else value
            for name, value in given.items() if value is not None and name not in left_out}


def _facts(
    job: Job, firmware: Firmware, folder: RunFolder, result: TuneResult, continued: str | None
) -> dict:
    return {
        "model": job.model,
        "device": job.device,
        "plan": plan_facts(job.estimate, job.prices),
        "build": build_facts(firmware),
        "accuracy_before": result.accuracy_before,
        "accuracy_after": result.accuracy_after,
        "loss": job.plan.program.loss.name,
        "before": result.before.as_dict(),
        "after": result.after.as_dict(),
        "test_samples": len(job.data.test_x),
        "also": {name: found.as_dict() for name, found in result.also.items()},
        "warnings": [*job.data.warnings, *result.warnings],
        "steps": result.steps,
        "digest": f"{result.digest:08x}",
        "verified": result.verified,
        "file_agrees": result.file_agrees,
        "no_judge": result.no_judge,
        "guard": result.guard.as_dict(),
        "rectifiers": [asdict(layer) for layer in result.rectifiers],
        "stack_used": result.stats.stack_used or None,
        "executed_instructions": result.executed_instructions,
        "folder": str(folder.path),
        "continued": continued,
        "tuned": str(folder.tuned),
        "report": str(folder.report),
        **_conversion(job, folder),
    }


def _conversion(job: Job, folder: RunFolder) -> dict:
    if job.conversion is None:
        return {}
    return {"converted": str(folder.converted), "conversion": job.conversion.report.as_dict()}


def _show_model(printer: Printer, job: Job):
    plan = job.plan
    if job.conversion:
        show_left_out(printer, job.conversion.report)
        printer.text(cost_of(job.conversion.report))
    weights = sum(layer.weights.size for layer in plan.program.weighted_layers)
    printer.text(
        f"Model: {job.model}, {len(plan.program.graph.operators)} operators, {weights:,} weights, "
        f"{end_of(plan.program)}"
    )


def _show_ram(printer: Printer, job: Job, firmware: Firmware, result: TuneResult):
    """What was found in the linked image and on the painted stack, beside the plan."""
    used, sizes = result.stats.stack_used, firmware.build.sizes
    if used and sizes:
        printer.text(
            f"RAM used: {sizes.static_ram + used:,} bytes, {used:,} of them stack "
            f"(planned {job.estimate.ram_bytes:,} and at most {job.estimate.stack_bytes:,})."
        )


def _show_result(
    printer: Printer, device: str, data: Dataset, folder: RunFolder, result: TuneResult
):
    count = len(data.test_x)
    name = result.after.name
    printer.text(
        f"{name[0].upper()}{name[1:]} on {device}, {count} test samples: {result.before.shown} "
        f"before, {result.after.shown} after {result.steps:,} steps."
    )
    if name != "accuracy":
        printer.text(f"After it: {result.after.text}.")
    show_sets(printer, result)
    show_guard(printer, result.guard)
    show_rectifiers(printer, result.rectifiers, result.guard)
    printer.text(f"Tuned model: {folder.tuned}")
    printer.text(f"Report: {folder.report}")
    if result.file_agrees is not None:
        printer.text(
            f"Run by tflite-runtime it gives {result.file_agrees} of the device's "
            f"{count} {'predictions' if data.targets.kind == CLASS else 'outputs'}."
        )
    if result.no_judge:
        printer.text(f"No judge of the tuned file is available: {result.no_judge}.")
    printer.text(_comparison(result))


def _comparison(result: TuneResult) -> str:
    if not result.verified:
        return f"Not compared with the simulation (digest {result.digest:08x})."
    return (
        f"The device equalled the simulation bit for bit in all {result.steps:,} steps "
        f"(digest {result.digest:08x})."
    )
