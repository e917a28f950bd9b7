"""One line of C for each stage of the schedule."""

from __future__ import annotations

from edgetune.learn import program as p
from edgetune.plan.schedule import Stage, kind_of


class Calls:
    """Writes the calls of a plan; knows where weights and buffers lie."""

    def __init__(self, plan):
        self.plan = plan
        self.program = plan.program
        self.trained = plan.trained

    def write(self, stage: Stage) -> str:
        """The C statements of ``stage``."""
        if stage.phase == "forward":
            return self._forward(stage)
        if stage.phase == "loss":
            return self._loss(stage)
        if stage.call == "error_scale":
            return self._scale(stage)
        return self._update(stage) if stage.phase == "update" else self._input_error(stage)

    def _parameters(self, layer: p.WeightedLayer) -> list[str]:
        prefix = "parameters->" if self.plan.is_trained(layer) else ""
        return [f"{prefix}{layer.name}_weights", f"{prefix}{layer.name}_bias"]

    def _forward(self, stage: Stage) -> str:
        layer, buffers = stage.layer, stage.buffers
        arguments = [layer.name if isinstance(layer, p.Lookup) else f"&{layer.name}"]
        if isinstance(layer, (p.Softmax, p.Lookup)):
            arguments.append(str(self.program.activations[layer.input].size))
        if layer.weighted:
            arguments += self._parameters(layer)
        arguments += [*_inputs(layer, buffers), place(buffers["y"])]
        if layer.weighted:
            arguments.append(place(buffers["scratch"]) if "scratch" in buffers else "0")
        return _call(f"et_{stage.call}", arguments) + ";"

    def _clip(self, activation: int) -> str:
        a = self.program.activations[activation]
        return f"(et_clip){{{a.clip_low}, {a.clip_high}}}"

    def _loss(self, stage: Stage) -> str:
        arguments = [
            f"&{self.plan.loss_table_name}", str(self.program.classes),
            place(stage.buffers["x"]), "label", self._clip(self.program.logits),
            place(stage.buffers["e"]), "&result.probability_q15",
        ]
        return _call(f"exponent = et_{stage.call}", arguments) + ";"

    def _scale(self, stage: Stage) -> str:
        layer = stage.layer
        positions = self.program.activations[layer.output].size // layer.rows
        arguments = [
            place(stage.buffers["e"]), str(positions), str(layer.rows), f"{layer.name}_ratio",
        ]
        return _call("exponent += et_error_scale", arguments) + ";"

    def _input_error(self, stage: Stage) -> str:
        layer, buffers = stage.layer, stage.buffers
        arguments = [f"&{layer.name}"]
        if layer.weighted:
            arguments.append(self._parameters(layer)[0])
        arguments += [
            place(buffers["e"]), place(buffers["x"]), self._clip(layer.input),
            place(buffers["e_in"]),
        ]
        # The update that follows still needs the exponent of the output's error.
        return _call(f"below = exponent + et_{stage.call}", arguments) + ";"

    def _update(self, stage: Stage) -> str:
        layer, buffers = stage.layer, stage.buffers
        index = self.plan.trained_index(layer)
        common = [place(buffers["e"]), "exponent", place(buffers["x"])]
        if stage.call == "update_factored":
            arguments = [f"&trained[{index}]", *common, str(layer.input_zero_point)]
        else:
            kind = kind_of(layer)
            arguments = [f"&trained[{index}]", f"{kind}_row", f"&{layer.name}", *common]
        scratch = ", ".join(
            place(buffers[role], ctype) if role in buffers else "0"
            for role, ctype in (
                ("gradient", "int32_t"), ("row_mass", "uint64_t"), ("row_hits", "uint16_t"),
            )
        )
        arguments += [
            "&state.learner", f"&(et_update_scratch){{{scratch}}}", "&parameter_digest",
        ]
        return _call(f"draws += et_{stage.call}", arguments) + ";"


def _inputs(layer: p.Layer, buffers: dict) -> list[str]:
    """Pointers to all that a layer reads; to a list of them where it may be any number."""
    others = [f"x{i}" for i in range(1, len(layer.inputs))]
    pointers = [place(buffers[role]) for role in ("x", *others)]
    if isinstance(layer, p.Concatenation):
        return [f"(const int8_t *const[]){{{', '.join(pointers)}}}"]
    return pointers


def place(buffer, ctype: str = "int8_t") -> str:
    """A pointer to ``buffer``; what lies outside the arena has its name."""
    return buffer.name if buffer.outside else f"({ctype} *)(arena + at_{buffer.name})"


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
