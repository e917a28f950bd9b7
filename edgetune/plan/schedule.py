"""The schedule: every call that a training step makes, in order, with the memory it touches."""

from __future__ import annotations

from dataclasses import dataclass, field

from edgetune.learn.path import backward_layers
from edgetune.learn.program import FullyConnected, Layer, Program
from edgetune.learn.recipe import Recipe

# Up to this many weights forming the gradient is cheaper than the factored draw's set-up.
EXACT_DENSE_WEIGHTS = 128


@dataclass
class Buffer:
    """A piece of the arena, ``size`` bytes, live from stage ``first`` to stage ``last``.

    ``offset`` is its place in the arena.  What lies ``outside`` of it has none: the input, which
    stays where it arrived, and the model's constants.
    """

    name: str
    size: int
    first: int = -1
    last: int = -1
    offset: int | None = None
    outside: bool = False


@dataclass
class Stage:
    """One call: ``phase`` is "forward", "loss", "backward" or "update".

    ``call`` names the engine function without its prefix; ``buffers`` maps the roles of its
    arguments ("x", "y", "e", "e_in", "x1" and so on for further inputs, and scratch arrays) to
    buffers.
    """

    phase: str
    call: str
    layer: Layer | None
    buffers: dict[str, Buffer]

    @property
    def name(self) -> str:
        return f"{self.layer.name if self.layer else 'softmax_cross_entropy'} {self.phase}"


@dataclass
class Schedule:
    """Stages in order; the first ``forward_count`` of them are the forward pass."""

    stages: list[Stage] = field(default_factory=list)
    buffers: list[Buffer] = field(default_factory=list)
    forward_count: int = 0


def make_schedule(program: Program, recipe: Recipe, forward_scratch=lambda layer: 0) -> Schedule:
    """The stages of one training step.

    Args:
        forward_scratch: bytes that a layer's forward kernel needs beside its tensors.
    """
    return _Scheduler(program, recipe, forward_scratch).run()


class _Scheduler:
    def __init__(self, program, recipe, forward_scratch):
        self.program = program
        self.recipe = recipe
        self.forward_scratch = forward_scratch
        self.trained = recipe.trained(program)
        self.schedule = Schedule()
        self.values: dict[int, Buffer] = {}
        self.errors: dict[int, Buffer] = {}

    def run(self) -> Schedule:
        self._activation(self.program.input, "input").outside = True
        for index, activation in enumerate(self.program.activations):
            if activation.constant is not None:
                self._activation(index, f"constant_{index}").outside = True
        for layer in self.program.layers:
            self._forward(layer)
        self.schedule.forward_count = len(self.schedule.stages)
        self._add("loss", "softmax_cross_entropy", None,
                  x=self._value(self.program.logits), e=self._error(self.program.logits))
        layers = backward_layers(self.program, self.trained)
        for layer in layers:
            self._backward(layer, is_first=layer is layers[-1])
        return self.schedule

    def _is_trained(self, layer) -> bool:
        return any(layer is other for other in self.trained)

    def _buffer(self, name: str, size: int) -> Buffer:
        buffer = Buffer(name, size)
        self.schedule.buffers.append(buffer)
        return buffer

    def _activation(self, index: int, name: str) -> Buffer:
        storage = self.program.activations[index].storage
        if storage not in self.values:
            size = self.program.activations[storage].size
            self.values[storage] = self._buffer(name, size)
        return self.values[storage]

    def _value(self, index: int) -> Buffer:
        return self.values[self.program.activations[index].storage]

    def _error(self, index: int) -> Buffer:
        storage = self.program.activations[index].storage
        if storage not in self.errors:
            value = self.values[storage]
            self.errors[storage] = self._buffer(f"{value.name}_error", value.size)
        return self.errors[storage]

    def _add(self, phase: str, call: str, layer, **buffers: Buffer | None):
        at = len(self.schedule.stages)
        buffers = {role: buffer for role, buffer in buffers.items() if buffer is not None}
        for buffer in buffers.values():
            buffer.first = at if buffer.first < 0 else buffer.first
            buffer.last = at
        self.schedule.stages.append(Stage(phase, call, layer, buffers))

    def _scratch(self, name: str, size: int) -> Buffer | None:
        return self._buffer(name, size) if size else None

    def _forward(self, layer: Layer):
        x, *others = (self._value(index) for index in layer.inputs)
        more = {f"x{i}": other for i, other in enumerate(others, start=1)}
        y = self._activation(layer.output, layer.name)
        scratch = self._scratch(f"{layer.name}_scratch", self.forward_scratch(layer))
        self._add("forward", f"{kind_of(layer)}_forward", layer, x=x, y=y, scratch=scratch,
                  **more)

    def _backward(self, layer: Layer, is_first: bool):
        x, e = self._value(layer.input), self._error(layer.output)
        if layer.weighted and layer.ratio is not None:
            self._add("backward", "error_scale", layer, e=e)
        if not is_first:
            self._add("backward", f"{kind_of(layer)}_input_error", layer,
                      e=e, x=x, e_in=self._error(layer.input))
        if self._is_trained(layer):
            self._update(layer, e, x)

    def _update(self, layer, e: Buffer, x: Buffer):
        dense = isinstance(layer, FullyConnected)
        factored = dense and layer.weights.size > EXACT_DENSE_WEIGHTS
        name = layer.name
        independent = self.recipe.draw == "independent"
        self._add(
            "update", "update_factored" if factored else "update", layer, e=e, x=x,
            row_mass=self._buffer(f"{name}_row_mass", 8 * layer.rows),
            gradient=self._buffer(f"{name}_gradient", 4 * (layer.row_size + 1)),
            row_hits=self._buffer(f"{name}_row_hits", 2 * layer.rows) if independent else None,
        )


def kind_of(layer: Layer) -> str:
    """The engine's name for the layer's operator."""
    return layer.kind
