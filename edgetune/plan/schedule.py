"""The schedule: every call that a training step makes, in order, with the memory it touches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field

from edgetune.boards import Core
from edgetune.dataclass import dataclass
from edgetune.learn.losses import INPUT
from edgetune.learn.lower.backward import (
    InputError,
    Measure,
    Scale,
    Step,
    Update,
    lower_backward,
)
from edgetune.learn.program import Layer, Program
from edgetune.learn.recipe import Recipe
from edgetune.learn.rules import RULES
from edgetune.plan.buffers import LinkBuffers
from edgetune.plan.kernels import FORMING, Kernel, Site, choose
from edgetune.plan.overlap import distances, overlapping
from edgetune.plan.savings import NONE, Savings

ALIGNMENT = 8  # of buffers: row masses are 64-bit
FRAME = "frame"  # the link's, where it lies in the arena


@dataclass(eq=False)
class Buffer:
    """A piece of the arena, ``size`` bytes, live from stage ``first`` to stage ``last``.

    ``offset`` is its place in the arena.  What lies ``outside`` of it has none: the inputs, which
    stay where they arrived, and the model's constants.  ``name`` is how C refers to it: a second
    input is an address behind the first one's, "input + 64".  ``ctype``: of its elements.
    """

    name: str
    size: int
    ctype: str = "int8_t"
    first: int = -1
    last: int = -1
    offset: int | None = None
    outside: bool = False
    over: tuple[Buffer, int] | None = None
    whole: int = 0


@dataclass(eq=False)
class Stage:
    """One call: ``phase`` is "forward", "loss", "backward" or "update".

    ``call`` names what is computed, ``kernel`` the function that does; ``buffers`` maps the roles
    of its arguments ("x", "y", "e", "e_in", "x1" and so on for further inputs, and scratch
    arrays) to buffers.  ``step``: of the backward pass, what it does.  ``gradient``: the kernel
    that forms the gradient, where the call asks for its rows.
    """

    phase: str
    call: str
    kernel: Kernel
    layer: Layer | None
    buffers: dict[str, Buffer]
    step: Step | None = None
    gradient: Kernel | None = None

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """All functions that the stage is made of."""
        return (self.kernel, self.gradient) if self.gradient else (self.kernel,)

    @property
    def name(self) -> str:
        return _stage_name(self.phase, self.call, self.layer)


def _stage_name(phase: str, call: str, layer: Layer | None) -> str:
    """Of a layer "again" is the forward that the backward pass computes a second time."""
    again = phase == "backward" and call.endswith("_forward")
    return f"{layer.name if layer else call} {'again' if again else phase}"


@dataclass(eq=False)
class Schedule:
    """Stages in order; the first ``forward_count`` of them are the forward pass."""

    stages: list[Stage] = field(default_factory=list)
    buffers: list[Buffer] = field(default_factory=list)
    forward_count: int = 0


def make_schedule(
    program: Program, recipe: Recipe, core: Core, libraries: frozenset[str] = frozenset(),
    savings: Savings = NONE,
) -> Schedule:
    """The stages of one training step on ``core``, with kernels of the ``libraries`` too."""
    return _Scheduler(program, recipe, core, libraries, savings).run()


class _Scheduler:
    def __init__(
        self, program: Program, recipe: Recipe, core: Core, libraries: frozenset[str],
        savings: Savings,
    ):
        self.program, self.recipe, self.rule = program, recipe, RULES[recipe.rule]
        self.core, self.libraries, self.savings = core, libraries, savings
        self.forgotten: dict[int, Layer] = {}  # activations to be computed again, by which layer
        self.schedule = Schedule()
        self.values: dict[int, Buffer] = {}
        self.errors: dict[int, Buffer] = {}

    def run(self) -> Schedule:
        program = self.program
        self._inputs_of_model()
        for index, activation in enumerate(program.activations):
            if activation.constant is not None:
                self._activation(index, f"constant_{index}").outside = True
        trained = self.recipe.trained(program)
        seen = self._outputs_seen(trained)
        for layer in program.layers:
            self._forward(layer)
            if seen and layer in trained:
                y = self.values[program.storage(layer.output)]
                self._add("loss", "output_size", layer, None, x=y, **seen)
        self.schedule.forward_count = len(self.schedule.stages)
        logits = program.storage(program.logits)
        frame_read = len(self.schedule.stages) if program.loss.target == INPUT else 0
        self._add("loss", program.loss.kind, None,
                  x=self.values[logits], e=self._error(logits))
        for observer in self.rule.observers(program.loss) if trained else ():
            self._add("loss", observer, None, None, x=self.values[logits], **seen)
        self.forgotten = {
            layer.output: layer for layer in program.layers if layer.name in self.savings.again
        }
        for step in lower_backward(program, trained, self.rule.whole).steps:
            _TAKE[type(step)](self, step)
        if self.savings.shared_frame:
            self._frame(frame_read)
        for number, stage in enumerate(self.schedule.stages):
            if stage.name in self.savings.over:
                self._run_over(number, stage)
        return self.schedule

    def _frame(self, read: int) -> None:
        """That of the link, until the last stage that reads of it, at least ``read``."""
        program = self.program
        output = program.activations[program.output].size
        link = LinkBuffers.for_model(program.input_size, program.loss.target_bytes, output)
        last = max(read, *(self.values[index].last for index in program.inputs))
        frame = Buffer(FRAME, link.frame_max, "uint8_t", first=0, last=last)
        self.schedule.buffers.append(frame)

    def _run_over(self, number: int, stage: Stage) -> None:
        if found := overlap_of(self.program, stage, number, stage.kernel):
            written, read, distance = found
            written.over = read, -(-distance // ALIGNMENT) * ALIGNMENT

    def _outputs_seen(self, trained: list) -> dict[str, Buffer]:
        """Where the sizes of the outputs lie until the rule has taken note of them."""
        if not (trained and self.rule.watches_outputs):
            return {}
        return {"outputs": self._buffer("outputs", 4 * len(trained), "uint32_t")}

    def _inputs_of_model(self) -> None:
        """Each where it lies in the sample; the first one at its start."""
        at = 0
        for index in self.program.inputs:
            self._activation(index, f"input + {at}" if at else "input").outside = True
            at += self.program.activations[index].size

    # -- buffers ---------------------------------------------------------------------------

    def _buffer(self, name: str, size: int, ctype: str = "int8_t") -> Buffer:
        buffer = Buffer(name, size, ctype)
        self.schedule.buffers.append(buffer)
        return buffer

    def _activation(self, index: int, name: str) -> Buffer:
        storage = self.program.storage(index)
        if storage not in self.values:
            size = self.program.activations[storage].size
            self.values[storage] = self._buffer(name, size)
        return self.values[storage]

    def _value(self, index: int) -> Buffer:
        storage = self.program.storage(index)
        if layer := self.forgotten.pop(storage, None):
            inputs = self._inputs(layer)
            again = self._buffer(f"{layer.name}_again_out", self.values[storage].size)
            self._add("backward", f"{layer.kind}_forward", layer, None, **inputs, y=again)
            self.values[storage] = again
        return self.values[storage]

    def _error(self, storage: int) -> Buffer:
        if storage not in self.errors:
            value = self.values[storage]
            self.errors[storage] = self._buffer(_error_name(value), value.size)
        return self.errors[storage]

    def _inputs(self, layer: Layer) -> dict[str, Buffer]:
        """All that a layer reads, as "x", "x1", "x2" ..."""
        roles = ("x", *(f"x{i}" for i in range(1, len(layer.inputs))))
        return dict(zip(roles, map(self._value, layer.inputs)))

    # -- stages ----------------------------------------------------------------------------

    def _site(self, layer: Layer | None) -> Site:
        activations, logits = self.program.activations, self.program.logits
        x, y = (layer.input, layer.output) if layer else (logits, logits)
        return Site(layer, activations[x].shape, activations[y].shape, self.core, self.libraries)

    def _choose(self, call: str, layer: Layer | None, phase: str = "update") -> Kernel:
        if layer is None:
            return choose(call, self._site(layer))
        name, savings = _stage_name(phase, call, layer), self.savings
        return choose(call, self._site(layer), name in savings.plain, name in savings.over)

    def _add(
        self, phase: str, call: str, layer: Layer | None, step: Step | None = None,
        **buffers: Buffer,
    ) -> None:
        at, kernel = len(self.schedule.stages), self._choose(call, layer, phase)
        if scratch := kernel.scratch(self._site(layer)):
            name = f"{layer.name if layer else call}_scratch_{at}"
            buffers["scratch"] = self._buffer(name, scratch)
            buffers["scratch"].whole = kernel.whole_scratch(self._site(layer))
        for buffer in buffers.values():
            buffer.first = at if buffer.first < 0 else buffer.first
            buffer.last = at
        gradient = None
        if layer is not None and kernel.cost in FORMING:
            gradient = choose(f"{layer.kind}_gradient", self._site(layer))
        self.schedule.stages.append(Stage(phase, call, kernel, layer, buffers, step, gradient))

    def _forward(self, layer: Layer) -> None:
        inputs = self._inputs(layer)
        y = self._activation(layer.output, f"{layer.name}_out")
        self._add("forward", f"{layer.kind}_forward", layer, None, **inputs, y=y)

    def _scale(self, step: Scale) -> None:
        self._add("backward", "error_scale", step.layer, step, e=self._error(step.error))

    def _input_error(self, step: InputError) -> None:
        layer, e, e_in = step.layer, self._error(step.source), self._error(step.target)
        if step.join is not None:
            value, written = self.values[step.target], e_in
            number = len(self.schedule.stages)
            e_in = self._buffer(f"{_error_name(value)}_of_{number}", value.size)
        self._add("backward", f"{layer.kind}_input_error", layer, step,
                  e=e, e_in=e_in, **self._error_inputs(layer, step.operand, e_in))
        if step.join is not None:
            self._add("backward", "error_join", layer, step, e=written, other=e_in)

    def _error_inputs(self, layer: Layer, operand: int, e_in: Buffer) -> dict[str, Buffer]:
        """The values that an input error depends on.  Where nothing is masked those of the
        input itself do not matter, and any memory of their size stands for them."""
        own, *others = layer.error_operands(operand)
        masks = self.program.activations[layer.inputs[own]].clips
        x = self._value(layer.inputs[own]) if masks or layer.error_reads_input else e_in
        values = [self._value(layer.inputs[i]) for i in others]
        return {"x": x} | {f"x{i}": value for i, value in enumerate(values, start=1)}

    def _update(self, step: Update) -> None:
        layer, name, drawn = step.layer, step.layer.name, self.rule.drawn
        call = self._update_call()
        rows = self._choose(call, layer).rows(self._site(layer))
        buffers = self._gradient_of(step, f"{name}_gradient", max(1, rows))
        if drawn:
            buffers["row_mass"] = self._buffer(f"{name}_row_mass", 8 * layer.rows, "uint64_t")
        if drawn and self.recipe.draw == "independent":
            buffers["row_hits"] = self._buffer(f"{name}_row_hits", 2 * layer.rows, "uint16_t")
        self._add("update", call, layer, step, **buffers)

    def _update_call(self) -> str:
        if not self.rule.drawn:
            return "update_steps" if self.recipe.learns_weights else "update_steps_biases"
        if not self.recipe.learns_weights:
            return "update_biases"
        return "update" if self.rule.factored else "update_formed"

    def _measure(self, step: Measure) -> None:
        buffers = self._gradient_of(step, f"{step.layer.name}_measured")
        call = "measure" if self.recipe.learns_weights else "measure_biases"
        self._add("update", call, step.layer, step, **buffers)

    def _gradient_of(
        self, step: Update | Measure, name: str, rows: int = 1
    ) -> dict[str, Buffer]:
        """Of ``rows`` at once.  Of biases alone the input does not matter, and all gradients are
        kept."""
        layer, weights = step.layer, self.recipe.learns_weights
        gradients = rows * (layer.row_size + 1) if weights else layer.rows
        inputs = {"x": self._value(layer.input)} if weights else {}
        gradient = self._buffer(name, 4 * gradients, "int32_t")
        gradient.whole = 4 * layer.rows * (layer.row_size + 1)
        return {"e": self._error(step.error)} | inputs | {"gradient": gradient}


def overlap_of(
    program: Program, stage: Stage, number: int, kernel: Kernel
) -> tuple[Buffer, Buffer, int] | None:
    """Where ``kernel`` may write over what stage ``number`` reads for the last time: what it
    writes, what it reads, and the bytes that the one must begin before the other."""
    if stage.layer is None or not stage.call.endswith(("_forward", "_input_error")):
        return None
    operand = stage.step.operand if isinstance(stage.step, InputError) else 0
    ends = stage.layer.inputs[operand], stage.layer.output
    x, y = (program.activations[index].shape for index in ends)
    return overlapping(stage.buffers, number, distances(kernel.symbol, stage.layer, x, y))


def could_run_over(program: Program, core: Core, stage: Stage, number: int) -> bool:
    """Whether a kernel serves stage ``number`` whose output may run over what it reads."""
    if stage.layer is None:
        return False
    x, y = (program.activations[i].shape for i in (stage.layer.input, stage.layer.output))
    kernel = choose(stage.call, Site(stage.layer, x, y, core), over=True)
    return overlap_of(program, stage, number, kernel) is not None


def _error_name(value: Buffer) -> str:
    return f"{value.name.removesuffix('_out')}_error"


_TAKE: dict[type, Callable[..., None]] = {
    Scale: _Scheduler._scale, InputError: _Scheduler._input_error,
    Measure: _Scheduler._measure, Update: _Scheduler._update,
}
