"""The Cortex-M cores firmware is built for, and what follows from the core alone."""

from edgetune.dataclass import dataclass


@dataclass(frozen=True)
class Core:
    """One core. ``dsp``: SIMD in general registers (SMLAD); ``mve``: Helium vectors."""

    name: str
    arch: str
    dsp: bool
    mve: bool
    flags: tuple[str, ...]

    @property
    def lanes(self) -> int:
        """Where convolutions keep bytes, a lane a channel, how many of them a turn of their sums
        takes: 16 in vectors, 1 without the DSP extension.  0: they keep pairs of halves."""
        return 16 if self.mve else 0 if self.dsp else 1


def _core(name: str, arch: str, dsp: bool = False, mve: bool = False) -> Core:
    # The firmware has no float: without the FPU an interrupt stacks 8 words, not 26. Only
    # MVE needs the floating-point registers, which are its vectors.
    abi = "hard" if mve else "soft"
    return Core(name, arch, dsp, mve, (f"-mcpu={name}", "-mthumb", f"-mfloat-abi={abi}"))


CORES = {
    core.name: core
    for core in (
        _core("cortex-m0plus", "armv6-m"),
        _core("cortex-m3", "armv7-m"),
        _core("cortex-m4", "armv7e-m", dsp=True),
        _core("cortex-m7", "armv7e-m", dsp=True),
        _core("cortex-m33", "armv8-m.main", dsp=True),
        _core("cortex-m55", "armv8.1-m.main", dsp=True, mve=True),
    )
}
