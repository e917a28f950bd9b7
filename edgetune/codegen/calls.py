"""One line of C for each stage of the schedule."""

from __future__ import annotations

from edgetune.learn import operators as p
from edgetune.learn.lower.backward import InputError, Measure, Scale, Update
from edgetune.learn.program import Layer
from edgetune.learn.rules import Adaptive
from edgetune.learn.state import bias_member, weights_member
from edgetune.plan.constants.rule import TABLE
from edgetune.plan.constants.update import blocks_name, memory_name
from edgetune.plan.constants.weighted import quantization_of
from edgetune.plan.plan import Plan
from edgetune.plan.schedule import Buffer, Stage


class Calls:
    """Writes the calls of a plan; knows where weights and buffers lie.

    Args:
        like: the plan whose trained weights the calls read, ``plan`` without it.
        held_by: how C reaches what is trained.
    """

    def __init__(self, plan: Plan, like: Plan | None = None, held_by: str = "parameters->"):
        self.plan, self.held_by = plan, held_by
        self.program = plan.program
        self.trained = frozenset((like or plan).parameters_type.names or ())

    def write(self, stage: Stage) -> str:
        """The C statement of ``stage``."""
        if stage.phase != "backward":
            return {"forward": self._forward, "loss": self._loss, "update": self._update}[
                stage.phase
            ](stage)
        if stage.step is None:  # computed again
            return self._forward(stage)
        if stage.call == "error_scale":
            return self._scale(stage)
        return self._join(stage) if stage.call == "error_join" else self._input_error(stage)

    def _parameters(self, layer: p.WeightedLayer) -> list[str]:
        names = weights_member(layer), bias_member(layer)
        return [f"{self.held_by}{n}" if n in self.trained else n for n in names]

    def _forward(self, stage: Stage) -> str:
        layer, buffers = stage.layer, stage.buffers
        assert layer is not None
        arguments = [layer.name if isinstance(layer, p.Lookup) else f"&{layer.name}"]
        if type(layer) in (p.Softmax, p.LogSoftmax, p.Lookup):
            arguments.append(str(self.program.activations[layer.input].size))
        if isinstance(layer, p.WeightedLayer):
            arguments += self._parameters(layer)
        arguments += [*_inputs(layer, buffers), buffers["y"].name]
        if layer.weighted:
            arguments.append(buffers["scratch"].name if "scratch" in buffers else "0")
        return _call(stage.kernel.symbol, arguments) + ";"

    def _clip(self, activation: int) -> str:
        a = self.program.activations[activation]
        return f"(et_clip){{{a.clip_low}, {a.clip_high}}}"

    def _loss(self, stage: Stage) -> str:
        observers = {
            "output_size": self._watch, "softmax_echo": self._listen,
            "adaptive_observe": self._observe,
            "multinomial_global_observe": self._share_out,
        }
        if stage.call in observers:
            return observers[stage.call](stage)
        e = stage.buffers["e"]
        arguments = [
            "&loss", str(self.program.loss.size), stage.buffers["x"].name, "target", "input",
            self._clip(self.program.logits), e.name, "&result.measure",
        ]
        return _call(f"int32_t {exponent_of(e)} = {stage.kernel.symbol}", arguments) + ";"

    def _listen(self, stage: Stage) -> str:
        """The rule hears what the sample before has left behind."""
        arguments = [
            "&loss", str(self.program.loss.size), stage.buffers["x"].name, "target",
            "result.measure", "state.network.shortfall", "&state.learner", "&state.network.echo",
        ]
        return _call(stage.kernel.symbol, arguments) + ";"

    def _watch(self, stage: Stage) -> str:
        """The rule looks at a layer's output."""
        layer, x = stage.layer, stage.buffers["x"]
        assert layer is not None
        index = self.plan.trained_index(layer)
        arguments = [
            x.name, str(x.size), str(self.plan.rule.output_step(index)),
            str(self.program.activations[layer.output].zero_point),
        ]
        target = f"{stage.buffers['outputs'].name}[{index}]"
        return _call(f"{target} = {stage.kernel.symbol}", arguments) + ";"

    def _observe(self, stage: Stage) -> str:
        """The rule takes note of the sample."""
        rule, loss = self.plan.rule, self.program.loss
        assert isinstance(rule, Adaptive)
        arguments = [
            TABLE, "state.layers", str(len(self.plan.trained)), stage.buffers["outputs"].name,
            "&state.learner", str(rule.rate_q8), str(rule.settles),
            f"et_{loss.kind}_shortfall(result.measure)",
        ]
        return _call(stage.kernel.symbol, arguments) + ";"

    def _share_out(self, stage: Stage) -> str:
        """The trials of all layers, by what the sample before was measured to have."""
        layers = ["&state.network", "state.layers", str(len(self.plan.trained))]
        return _call(stage.kernel.symbol, layers) + ";"

    def _scale(self, stage: Stage) -> str:
        assert isinstance(stage.step, Scale)
        layer, e = stage.step.layer, stage.buffers["e"]
        positions = self.program.activations[layer.output].size // layer.rows
        arguments = [e.name, str(positions), str(layer.rows), f"&{quantization_of(layer)}"]
        return _call(f"{exponent_of(e)} += {stage.kernel.symbol}", arguments) + ";"

    def _input_error(self, stage: Stage) -> str:
        assert isinstance(stage.step, InputError)
        layer, buffers, operand = stage.step.layer, stage.buffers, stage.step.operand
        e, e_in = buffers["e"], buffers["e_in"]
        values = [buffers[role].name for role in ("x", "x1") if role in buffers]
        clip = self._clip(layer.inputs[operand])
        arguments = [*self._what(layer, operand), e.name, *values, clip, e_in.name]
        if "scratch" in buffers:
            arguments.append(buffers["scratch"].name)
        start = f"int32_t {exponent_of(e_in)} ="
        return f"{start}\n        {exponent_of(e)} + " + _call(
            stage.kernel.symbol, arguments, " " * 8
        ) + ";"

    def _what(self, layer: Layer, operand: int) -> list[str]:
        """The arguments of an input error that say what the layer is."""
        if isinstance(layer, p.Lookup):
            return [f"{layer.name}_slopes", str(self.program.activations[layer.input].size)]
        if isinstance(layer, p.WeightedLayer):
            return [f"&{layer.name}", self._parameters(layer)[0]]
        return [f"&{layer.name}", str(operand)] if layer.joining else [f"&{layer.name}"]

    def _join(self, stage: Stage) -> str:
        assert isinstance(stage.step, InputError) and stage.step.join is not None
        e, other, join = stage.buffers["e"], stage.buffers["other"], stage.step.join
        arguments = [
            e.name, other.name, str(e.size), f"(et_join){{{join.multiplier}, {join.shift}}}",
            exponent_of(e), exponent_of(other),
        ]
        return _call(f"{exponent_of(e)} = {stage.kernel.symbol}", arguments) + ";"

    def _update(self, stage: Stage) -> str:
        assert isinstance(stage.step, Update | Measure)
        layer, buffers = stage.step.layer, stage.buffers
        e = buffers["e"]
        error = [e.name, exponent_of(e)]
        arguments = [f"&trained[{self.plan.trained_index(layer)}]"]
        if not self.plan.recipe.learns_weights:
            arguments += [*error, str(e.size // layer.rows)]
        elif stage.kernel.symbol == "et_update_factored":
            arguments += [*error, buffers["x"].name, str(layer.input_zero_point)]
        elif stage.kernel.forms:
            arguments += [f"&{blocks_name(stage)}", *error, buffers["x"].name]
        else:
            arguments += [f"{layer.kind}_row", f"&{layer.name}", *error, buffers["x"].name]
        scratch = f"&{memory_name(stage)}"
        if isinstance(stage.step, Measure):
            return _call(stage.kernel.symbol, [*arguments, scratch]) + ";"
        arguments += ["&state.learner", scratch, "&parameter_digest"]
        return _call(f"draws += {stage.kernel.symbol}", arguments) + ";"


def exponent_of(error: Buffer) -> str:
    """The C variable that holds the exponent of an error."""
    return error.name.replace("_error", "_exponent")


def _inputs(layer: Layer, buffers: dict) -> list[str]:
    """Pointers to all that a layer reads; to a list of them where it may be any number."""
    others = [f"x{i}" for i in range(1, len(layer.inputs))]
    pointers = [buffers[role].name for role in ("x", *others)]
    if isinstance(layer, p.Concatenation):
        return [f"(const int8_t *const[]){{{', '.join(pointers)}}}"]
    return pointers


def _call(function: str, arguments: list[str], indent: str = "    ") -> str:
    """``function(arguments)``, wrapped at 96 columns."""
    lines, line = [], f"{function}("
    for i, argument in enumerate(arguments):
        word = argument + (", " if i + 1 < len(arguments) else ")")
        if len(indent) + len(line) + len(word) > 96 and line.strip():
            lines.append(line.rstrip())
            line = "    "
        line += word
    return ("\n" + indent).join([*lines, line])
