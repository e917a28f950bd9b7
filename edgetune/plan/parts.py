"""Which parts of the firmware a plan links, and what they take: flash, RAM and stack."""

from __future__ import annotations

from fnmatch import fnmatchcase

from edgetune.plan.cost_table import ROOTS, CostTable, not_measured
from edgetune.plan.kernels import FORMING
from edgetune.plan.model_code import way_of
from edgetune.plan.plan import Plan

EXCEPTION_FRAME = 32 + 4  # eight words and the word that may align them
VECTOR_EXCEPTION_FRAME = EXCEPTION_FRAME + 72  # with the floating-point registers
COMPILER_MARGIN = 128  # bytes; another compiler's frames are a little different


def linked_parts(plan: Plan, table: CostTable) -> dict:
    """Name -> facts of all that the linker keeps, the model's own functions included."""
    parts = table.parts | _model_parts(plan, table)
    unused = () if plan.trained else ("et_parameter_digest",)
    kept: dict = {}
    waiting = list(ROOTS)
    while waiting:
        name = waiting.pop()
        if name not in parts and not table.unmeasured:
            raise not_measured(f"{name} on {table.core}")
        if name not in kept:
            kept[name] = parts.get(name, {})
            waiting += [need for need in parts[name].get("needs", ()) if need not in unused]
    return kept


def _model_parts(plan: Plan, table: CostTable) -> dict:
    """The functions of model.c that call the engine; their flash is estimated as a whole."""
    stages, frames = plan.schedule.stages, table.model["frames"][way_of(plan)]
    forward = [f"et_{s.kernel.cost}" for s in stages[: plan.schedule.forward_count]]
    train = [f"et_{s.kernel.cost}" for s in stages[plan.schedule.forward_count :]]
    formed = [s.kernel.forms for s in stages if s.kernel.forms]
    kinds = {s.layer.kind for s in stages if s.layer and s.kernel.cost in FORMING}
    rows = {
        f"model.c:{kind}_row": {"frame": frames["row"], "needs": [f"et_{kind}_gradient"]}
        for kind in kinds
    }
    return rows | {
        "et_model_accepts": {"frame": 0, "needs": [f"et_{plan.program.loss.kind}_accepts"]},
        "et_model_forward": {"frame": frames["forward"], "needs": forward},
        "et_model_train": {
            "frame": frames["train"],
            "needs": ["et_model_forward", *train, *formed, *rows],
        },
    }


def stack_bound(plan: Plan, parts: dict) -> int:
    """Bytes that the stack can never exceed.

    The deepest chain of calls, an interrupt at its deepest point, and `COMPILER_MARGIN`.
    """
    frame = VECTOR_EXCEPTION_FRAME if plan.board.core.mve else EXCEPTION_FRAME
    depths = _Depths(parts)
    deepest = max(depths.of("et_reset"), depths.of("et_fault"))
    bound = deepest + frame + depths.of("et_uart_irq") + COMPILER_MARGIN
    return -(-bound // 32) * 32


class _Depths:
    """Stack below each part: the sum of the frames along its deepest chain of calls."""

    def __init__(self, parts: dict):
        self.parts = parts
        self.known: dict[str, int] = {}
        self.pointed: dict[str, list[str]] = {}  # by pattern

    def of(self, name: str) -> int:
        if name not in self.known:
            self.known[name] = 0  # a part that refers back to a caller does not call it
            below = max((self.of(callee) for callee in self._callees(name)), default=0)
            self.known[name] = below + -(-self.parts[name].get("frame", 0) // 8) * 8
        return self.known[name]

    def _callees(self, name: str) -> list[str]:
        facts = self.parts[name]
        needs = [name for name in facts.get("needs", ()) if name in self.parts]
        for pattern in facts.get("pointers", ()):
            if pattern not in self.pointed:
                self.pointed[pattern] = [n for n in self.parts if fnmatchcase(n, pattern)]
            needs += self.pointed[pattern]
        return needs
