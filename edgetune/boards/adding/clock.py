"""Clock and counter of a new board: the relative's, as far as the part can keep up."""

from __future__ import annotations

from pathlib import PurePosixPath

from edgetune.boards.adding.notes import Notes
from edgetune.boards.adding.relative import Relative
from edgetune.boards.adding.wishes import BoardWishes
from edgetune.boards.cores import CORES
from edgetune.dataclass import dataclass
from edgetune.errors import UsageError
from edgetune.packs import Part

FIXED = "cortex_m/fixed_clock.c"
_DRIVERS = ("usart", "uart", "pl011", "gpio", "pins", "cache")  # what another family can share


@dataclass(frozen=True)
class Ports:
    """The tables [port] sources, [clock] and [counter]."""

    sources: list[str]
    clock: dict
    counter: dict


def ports_of(part: Part, core: str, relative: Relative, wishes: BoardWishes, notes: Notes) -> Ports:
    """Sources, clock and counter.

    Raises:
        UsageError: the crystal does not suit the relative's clock start-up.
    """
    if not relative.family:
        return _foreign(core, relative, wishes, notes)
    theirs, sources = relative.data["clock"], list(relative.data["port"]["sources"])
    counter = dict(relative.data["counter"])
    if counter["driver"] != "dwt":
        notes.assumed.append(f"counter: {counter['driver']} as on {relative.name}")
    fixed = _fixed_hz(part, theirs, wishes, notes)
    if fixed is None:
        return Ports(sources, _with_crystal(theirs, relative, wishes, notes), counter)
    kept = [name for name in sources if not _starts_clock(name)]
    return Ports([FIXED, *kept], {"hz": fixed}, counter)


def _fixed_hz(part: Part, theirs: dict, wishes: BoardWishes, notes: Notes) -> int | None:
    """The frequency without a clock start-up; None where the relative's can be used."""
    if wishes.clock_hz is not None:
        if wishes.clock_hz == theirs["hz"]:
            return None
        notes.assumed.append(f"clock: {_mhz(wishes.clock_hz)} after reset, as said; it is not "
                             "changed")
        return wishes.clock_hz
    if part.clock_hz is None:
        notes.assumed.append(f"clock: {part.name} may run at {_mhz(theirs['hz'])}; its pack names "
                             "no limit")
        return None
    if theirs["hz"] <= part.clock_hz:
        return None
    reset = theirs.get("reset_hz") or theirs.get("hsi_hz")
    if reset is None:
        notes.missing.append("--clock HZ")
        return 0
    notes.assumed.append(
        f"clock: stays at {_mhz(reset)}, as after reset, because {part.name} may not run at "
        f"{_mhz(theirs['hz'])} (at most {_mhz(part.clock_hz)})"
    )
    return reset


def _with_crystal(theirs: dict, relative: Relative, wishes: BoardWishes, notes: Notes) -> dict:
    """The relative's clock with this board's crystal, or with none."""
    if "hse_hz" not in theirs:
        if wishes.crystal_hz:
            raise UsageError(
                f"The clock of {relative.name} does not start from an external crystal of choice.",
                "Its start-up has no entry hse_hz.",
                "Leave --crystal out.",
            )
        crystal = theirs.get("crystal_hz")
        where = f" from a crystal of {_mhz(crystal)}" if crystal else ""
        notes.assumed.append(f"clock: {_mhz(theirs['hz'])}{where}, started as on {relative.name}")
        return theirs
    if not wishes.crystal_hz:
        notes.assumed.append(
            f"clock: {_mhz(_internal_hz(theirs))} from the internal oscillator, started as on "
            f"{relative.name}; name a crystal with --crystal HZ"
        )
        return theirs | {"hz": _internal_hz(theirs), "hse_hz": 0, "hse_bypass": False}
    notes.assumed.append(f"clock: {_mhz(theirs['hz'])} from a crystal of "
                         f"{_mhz(wishes.crystal_hz)}, started as on {relative.name}")
    factors = _factors(theirs, wishes.crystal_hz)
    return theirs | {"hse_hz": wishes.crystal_hz, "hse_bypass": False} | factors


def _factors(theirs: dict, crystal: int) -> dict:
    """The PLL's factors for the crystal, so that all behind the PLL stays the same."""
    if "pll_hse_divider" in theirs:
        found = _dividers(theirs, crystal)
    else:
        factor, rest = divmod(theirs["hse_hz"] * theirs["pll_hse_multiplier"], crystal)
        found = {"pll_hse_multiplier": factor} if not rest and 2 <= factor <= 16 else {}
    if not found:
        raise UsageError(
            f"A crystal of {_mhz(crystal)} does not give the frequencies of this clock start-up.",
            "No factors of the PLL lead from one to the other.",
            "Leave --crystal out: the internal oscillator serves.",
        )
    return found


def _dividers(theirs: dict, crystal: int) -> dict:
    """With the PLL's input as it is, or at 1 MHz, its least (RM0090 7.3.2: M from 2 to 63, N up
    to 432)."""
    for pll_input in (theirs["hse_hz"] // theirs["pll_hse_divider"], 1_000_000):
        scale = theirs["hse_hz"] // theirs["pll_hse_divider"] // pll_input
        factors = {
            "pll_hse_divider": crystal // pll_input,
            "pll_hsi_divider": theirs["pll_hsi_divider"] * scale,
            "pll_multiplier": theirs["pll_multiplier"] * scale,
        }
        if (crystal % pll_input == 0 and 2 <= factors["pll_hse_divider"] <= 63
                and factors["pll_hsi_divider"] <= 63 and factors["pll_multiplier"] <= 432):
            return factors
    return {}


def _internal_hz(theirs: dict) -> int:
    """With the F1's PLL on half the internal oscillator; elsewhere both sources give the same."""
    multiplier = theirs.get("pll_hsi_multiplier")
    return theirs["hsi_hz"] // 2 * multiplier if multiplier else theirs["hz"]


def _foreign(core: str, relative: Relative, wishes: BoardWishes, notes: Notes) -> Ports:
    """Only drivers can be shared: the clock stays, and the counter is the core's own."""
    shared = [name for name in relative.data["port"]["sources"]
              if PurePosixPath(name).stem.startswith(_DRIVERS)]
    if wishes.clock_hz is None:
        notes.missing.append("--clock HZ")
    else:
        notes.assumed.append(f"clock: {_mhz(wishes.clock_hz)} after reset, as said; it is not "
                             "changed")
    has_dwt = CORES[core].arch != "armv6-m"
    counter = {"driver": "dwt"} if has_dwt else {"driver": "none"}
    source = "cortex_m/dwt.c" if has_dwt else "cortex_m/no_counter.c"
    return Ports([FIXED, *shared, source], {"hz": wishes.clock_hz or 0}, counter)


def _starts_clock(source: str) -> bool:
    stem = PurePosixPath(source).stem
    return stem.startswith("clock") or stem.endswith("_pll")


def _mhz(hz: int) -> str:
    return f"{hz / 1e6:g} MHz" if hz >= 1000 else f"{hz} Hz"
