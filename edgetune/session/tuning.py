"""The main job: a device learns from a stream of samples, and its weights come back."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from edgetune.data import Dataset
from edgetune.device import resolve_device
from edgetune.errors import DivergenceError, LinkError
from edgetune.files import save_atomically
from edgetune.guard import (
    RUNNING,
    Guard,
    Outcome,
    Rectified,
    SampleLosses,
    compare_rectifiers,
)
from edgetune.learn.kept import going_on
from edgetune.learn.learner import Learner
from edgetune.learn.losses import CLASS
from edgetune.link.client import Client
from edgetune.link.messages import Stats
from edgetune.measures.measure import Measure
from edgetune.model.graph import Place
from edgetune.model.write import BIAS, WEIGHTS, check_writable, read_weights, write_weights
from edgetune.plan.cost import estimate
from edgetune.plan.plan import Plan
from edgetune.quantize import Conversion
from edgetune.session.connection import connect
from edgetune.session.evaluation import accuracy_of, measure, outputs_of
from edgetune.session.firmware import Firmware
from edgetune.session.guarding import DeviceDesk, HeldOut, guarding
from edgetune.session.interpreter import judge
from edgetune.session.kept_states import kept_state, save_state
from edgetune.session.order import sample_order
from edgetune.session.reporter import Reporter
from edgetune.session.run_folder import RunFolder
from edgetune.session.simulation import Simulation, diverged, new_learner
from edgetune.session.storing import keep_learnt
from edgetune.session.stream import Stream


@dataclass(frozen=True)
class TuneSettings:
    """``samples`` of the tuning set (None: all) in ``passes`` passes; ``seed`` decides their
    order and the device's draws; ``verify``: repeat every step in numpy and compare.
    ``guard``: "running", which judges by the error that runs along; a share of the tuning
    samples, above 0 and at most 0.5, that is held out, or a file of samples, to judge by those;
    or "none" (docs/learning.md).  ``endless``: trials do not anneal toward the run's end, as on a
    device that learns without one.  ``continued``: the folder of a run of the same model and
    recipe, whose state, weights and rule's and generator's, this one goes on from; of a `Job`
    also "last", its last run."""

    seed: int = 0
    samples: int | None = None
    passes: int = 2
    verify: bool = True
    guard: str | float = RUNNING
    endless: bool = False
    continued: str | os.PathLike | None = None

    def total_steps(self, steps: int) -> int:
        """Over which the trials of a run of ``steps`` anneal; 0 where they do not."""
        return 0 if self.endless else steps


@dataclass(frozen=True)
class TuneResult:
    """``before``, ``after``: what the device's outputs for the test set were worth; ``outputs``
    int8 [n, outputs], the device's after tuning; ``steps`` that were done; ``digest`` recomputed
    from the device's memory at the end.  ``guard``: which weights the run ended with, and why.
    ``rectifiers``: of each rectified layer the channels that answer, before the run and with what
    it learnt.  ``executed_instructions``: the device's since its start, where it counts them.
    ``file_agrees``: for how many samples tflite-runtime makes of the tuned file what the device
    does, a prediction or outputs; None where ``no_judge`` says why nothing could.
    ``file_fault``: why the file is not the network that was trained, for ``check_tuned_file``;
    both "" where there is nothing to say."""

    before: Measure
    after: Measure
    outputs: np.ndarray
    steps: int
    digest: int
    verified: bool
    state: bytes
    stats: Stats
    guard: Outcome
    rectifiers: tuple[Rectified, ...] = ()
    executed_instructions: int | None = None
    file_agrees: int | None = None
    file_fault: str = ""
    no_judge: str = ""

    @property
    def accuracy_before(self) -> float | None:
        """The share of right predictions, 0 to 1; None of a model that makes none."""
        return accuracy_of(self.before)

    @property
    def accuracy_after(self) -> float | None:
        return accuracy_of(self.after)

    @property
    def predictions(self) -> np.ndarray:
        """Argmax of each output, int64 [n], the lowest index on ties."""
        return self.outputs.argmax(axis=1)


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
) -> TuneResult:
    """Evaluate, learn, evaluate again, and keep the run in ``folder``: every file that
    `RunFolder` names but the firmware.  It stays open.

    Args:
        device: see `resolve_device`.
        model: the file that the run began with, for the record.
        conversion: what made it int8, where it was a float model.
        held_out: what the guard judges by, where ``settings`` name a file of it.

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
    result = _run(firmware, device, data, settings, folder, reporter or Reporter(), held_out)
    record = run_record(firmware.plan, model, device, data, settings, result, conversion)
    folder.write_record(record)
    return result


def _run(
    firmware: Firmware, device: str, data: Dataset, settings: TuneSettings, folder: RunFolder,
    reporter: Reporter, held_out: HeldOut | None,
) -> TuneResult:
    plan, losses = firmware.plan, SampleLosses(firmware.plan.program)
    check_writable(plan.program.graph, trained_places(plan))
    chosen = guarding(settings.guard, data, losses, settings.seed, held_out)
    data = chosen.data
    order = sample_order(len(data.tune_x), settings.samples, settings.passes, settings.seed)
    begun = _first_state(plan, settings, len(order))
    with connect(firmware, device, reporter) as client:
        simulation = _start(client, plan, settings, begun)
        before = outputs_of(client, data, reporter, "before")
        desk = DeviceDesk(client, simulation, losses)
        guard = chosen.guard(desk, losses, order, plan)
        stream = Stream(client, data, order, losses, simulation, folder, reporter)
        found = _learn_guarded(stream, guard, desk, plan)
        after = outputs_of(client, data, reporter, "after")
        state, digest = client.read_state(), client.digest(full=True)
        if simulation:
            _compare_end(simulation, state, digest)
        if plan.store:
            worth = [measure(plan.program, outputs, data) for outputs in (before, after)]
            keep_learnt(client, *worth, reporter)
        result = TuneResult(
            measure(plan.program, before, data), measure(plan.program, after, data), after,
            stream.steps, digest, settings.verify, state, client.stats(), found,
            client.executed_instructions(),
        )
    learnt = [_learner_of(plan, one) for one in (*guard.given_up, desk.learnt or state)]
    rectifiers = compare_rectifiers(begun, learnt, chosen.samples(order))
    save_state(folder, plan, state)
    content = tuned_model(plan, state)
    save_atomically(folder.tuned, content)
    return _judged(replace(result, rectifiers=rectifiers), plan, content, data.test_x)


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


def _first_state(plan: Plan, settings: TuneSettings, steps: int) -> Learner:
    """A learner as a run of ``steps`` begins: of the model's weights, or where another run left
    off."""
    total_steps = settings.total_steps(steps)
    learner = new_learner(plan, settings.seed, total_steps)
    if settings.continued is not None:
        learner.load_state(going_on(kept_state(settings.continued, plan), total_steps))
    return learner


def _start(
    client: Client, plan: Plan, settings: TuneSettings, begun: Learner
) -> Simulation | None:
    """The device as ``begun``, and the simulation beside it where there is to be one."""
    total_steps = begun.total_steps
    client.start(settings.seed, total_steps)
    simulation = Simulation(plan, settings.seed, total_steps) if settings.verify else None
    if settings.continued is not None:
        digest = client.write_state(begun.state())
        if simulation:
            simulation.take_over(begun.state(), digest)
    return simulation


def _learn_guarded(
    stream: Stream, guard: Guard, desk: DeviceDesk, plan: Plan
) -> Outcome:
    """The device then holds the weights that the run ends with."""
    try:
        guard.begin()
        for first, last in guard.spans:
            desk.learning()
            if not guard.after(last, stream.learn(first, last)):
                break
        return guard.end()
    except LinkError as error:
        _save_best(guard, stream.folder, plan, error)
        raise


def _save_best(guard: Guard, folder: RunFolder, plan: Plan, error: LinkError) -> None:
    """What the guard held for the best is not lost with the conversation."""
    if best := guard.best_learnt:
        save_atomically(folder.best, tuned_model(plan, best.state))
        save_state(folder, plan, best.state)
        error.next_step += f"; the best weights, of step {best.step:,}, are in {folder.best}"


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
    """The model file with what a device's ``state`` holds of it in its places."""
    graph, learner = plan.program.graph, _learner_of(plan, state)
    arrays = zip(trained_places(plan), learner.parameters(), strict=True)
    return write_weights(graph, {
        place: values.reshape(read_weights(graph, place).shape) for place, values in arrays
    })


def trained_places(plan: Plan) -> list[Place]:
    """Where the model's file keeps what is trained, or lacks it: a bias that is added then.
    In the order of `Learner.parameters`."""
    numbers = (WEIGHTS, BIAS) if plan.recipe.learns_weights else (BIAS,)
    return [(layer.operator, number) for layer in plan.trained for number in numbers]


def _learner_of(plan: Plan, state: bytes) -> Learner:
    learner = new_learner(plan)
    learner.load_state(state)
    return learner


def _judged(result: TuneResult, plan: Plan, content: bytes, x: np.ndarray) -> TuneResult:
    simulation, graph = _learner_of(plan, result.state), plan.program.graph
    found = judge(
        content, graph.content, x, result.outputs, simulation.forward,
        classes=plan.program.loss.target == CLASS, output=graph.choice,
    )
    return replace(
        result, file_agrees=found.agrees, file_fault=found.fault, no_judge=found.no_judge
    )


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
        "loss": plan.program.loss.name,
        "settings": _settings(settings),
        "data": {
            "preprocessing": data.preprocessing.as_dict(), "split": split,
            "classes": list(data.classes),
        },
        "plan": {
            "arena_bytes": plan.arena_bytes, "state_bytes": plan.state_bytes,
            "table_bytes": plan.table_bytes, "stack_bytes": estimate(plan).stack_bytes,
        },
        "result": {
            "before": result.before.as_dict(),
            "after": result.after.as_dict(),
            "accuracy_before": result.accuracy_before,
            "accuracy_after": result.accuracy_after,
            "steps": result.steps,
            "digest": f"{result.digest:08x}",
            "verified": result.verified,
            "file_agrees": result.file_agrees,
            "file_fault": result.file_fault,
            "no_judge": result.no_judge,
            "stack_used": result.stats.stack_used,
        },
        "guard": result.guard.as_dict(),
        "rectifiers": [asdict(layer) for layer in result.rectifiers],
        **({"conversion": conversion.report.as_dict()} if conversion else {}),
    }


def _settings(settings: TuneSettings) -> dict:
    found = asdict(settings) | {"guard": str(settings.guard)}
    return found if found["continued"] is None else found | {"continued": str(found["continued"])}
