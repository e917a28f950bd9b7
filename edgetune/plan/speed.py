"""What a step takes in milliseconds and in energy: estimates, because nothing counts cycles here.

Instructions are counted exactly.  Cycles are not: Arm's reference manuals have one for most
instructions of these cores, two for a load and up to four for a taken branch, to which wait states
of the flash come; the Cortex-M7 starts two at once where they allow it.  So a step lies between the
bounds of `CYCLES`, and what is said is both of them.
"""

from __future__ import annotations

from edgetune.boards import BYTE_BITS
from edgetune.dataclass import dataclass
from edgetune.plan.buffers import SAMPLE_FRAMING
from edgetune.plan.cost import Estimate
from edgetune.plan.plan import Plan

GIVEN = "given"
SINGLE = (1.0, 2.0)  # cycles an instruction
CYCLES = {"cortex-m7": (0.5, 1.5)}  # of cores that are not like the others


@dataclass(frozen=True)
class Speed:
    """``hz`` of the core; ``step_ms`` and ``forward_ms``: the least and the most.  ``step_uj``:
    microjoules, where a current is known; ``current``: whose, "given" or the datasheet's.
    ``line_ms``: what a sample travels on a serial line, by the rates that the board may have, in
    bits per second: its own first, then the fastest that is tried."""

    hz: int
    step_ms: tuple[float, float]
    forward_ms: tuple[float, float]
    step_uj: tuple[float, float] | None = None
    current: str = ""
    line_ms: tuple[tuple[int, float], ...] = ()

    def as_dict(self) -> dict:
        """For JSON: an estimate, in its own words."""
        return {
            "estimate": True, "hz": self.hz, "step_ms": list(self.step_ms),
            "forward_ms": list(self.forward_ms),
            "step_uj": None if self.step_uj is None else list(self.step_uj),
            "current": self.current,
            "line_ms": {str(rate): ms for rate, ms in self.line_ms},
        }


def speed_of(estimate: Estimate, power: tuple[float, float] | None = None) -> Speed:
    """Of a step and a forward pass on the plan's board.

    Args:
        power: what the chip draws while it runs, as its datasheet has it: microamperes a
            megahertz, and volts; without it the board's own figure, where it has one.
    """
    board = estimate.plan.board
    current = GIVEN if power is not None else ""
    if power is None and board.supply:
        power, current = (board.supply.ua_per_mhz, board.supply.volts), board.supply.source
    hz = int(board.clock["hz"])
    cycles = CYCLES.get(board.core.name, SINGLE)

    def milliseconds(instructions: float) -> tuple[float, float]:
        return cycles[0] * instructions / hz * 1e3, cycles[1] * instructions / hz * 1e3

    energy = None
    if power is not None:
        joules = power[0] * 1e-12 * power[1]  # a cycle: 1 uA a MHz is 1 pC
        low, high = (joules * c * estimate.step_instructions * 1e6 for c in cycles)
        energy = (low, high)
    return Speed(
        hz, milliseconds(estimate.step_instructions), milliseconds(estimate.forward_instructions),
        energy, current, _line_ms(estimate.plan),
    )


def _line_ms(plan: Plan) -> tuple[tuple[int, float], ...]:
    """Of a sample with its target, in a frame as docs/protocol.md has it."""
    frame = plan.input_bytes + plan.program.loss.target_bytes + SAMPLE_FRAMING
    bits = BYTE_BITS * (frame + frame // 254 + 3)
    return tuple((rate, 1e3 * bits / rate) for rate in plan.board.rates[:2])
