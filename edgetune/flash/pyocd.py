"""pyOCD, the default: in this process, by its Python API, so that progress is seen."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from edgetune.boards import Board
from edgetune.errors import EdgetuneError, ToolchainError, UsageError
from edgetune.flash import faults
from edgetune.flash.base import Flasher, Progress, Written, no_progress
from edgetune.flash.image import FlashImage
from edgetune.flash.pyocd_faults import explain, target_unknown
from edgetune.installation import install_command
from edgetune.packs import PackStore

READ = 4096  # bytes compared at a time


class PyocdFlasher(Flasher):
    """Takes the board's ``target``; ``probe`` is the unique id that `pyocd list` shows."""

    name = "pyocd"
    probe_kinds = ("stlink", "jlink", "cmsis-dap")

    def check(self) -> None:
        try:
            import pyocd.core.session  # noqa: F401
        except ImportError as error:
            raise ToolchainError(
                "pyOCD is not installed.",
                f"{error}.",
                f"Install it: {install_command('flash')}",
            ) from None

    def write(self, image: FlashImage, progress: Progress = no_progress) -> Written:
        self.check()
        with _warnings() as said, self._explained(said):
            probe = self._choose(_find_probes(self.probe), said)
            with self._session(probe) as session:
                self._check_chip(session)
                _program(session, image, progress)
                _compare(session, image, self.board)
                session.target.reset()
        return Written(self.name, probe.unique_id, image.size, True)

    @contextmanager
    def _explained(self, said: list[str]) -> Iterator[None]:
        """Turns whatever pyOCD raises into ours: its own errors, libusb's, and its defects."""
        try:
            yield
        except EdgetuneError:
            raise
        except Exception as error:
            raise explain(error, said, self.board) from error

    def _choose(self, probes: list, said: list[str]):
        if len(probes) == 1:
            return probes[0]
        if probes:
            listing = [f"{probe.unique_id}  {probe.description}" for probe in probes]
            raise faults.several_probes(self.name, listing)
        raise self._none(said)

    def _none(self, said: list[str]) -> EdgetuneError:
        text = "\n".join(said)
        if "udev" in text or "Access denied" in text or "ermission" in text:
            return faults.no_permission("pyOCD", self.board, text)
        wanted = f" with the id {self.probe}" if self.probe else ""
        return faults.no_probe("pyOCD", self.board, text or f"No probe{wanted} is connected.")

    def _session(self, probe):
        """A session that erases nothing unasked: pyOCD would unlock a chip by a mass erase."""
        from pyocd.core.exceptions import TargetSupportError
        from pyocd.core.session import Session

        options = {
            "target_override": self.facts["target"],
            "auto_unlock": False,
            "hide_programming_progress": True,
            **_pack_option(self.facts),
        }
        try:
            return Session(probe, options=options)
        except TargetSupportError as error:
            raise target_unknown(self.facts, self.board, str(error)) from error

    def _check_chip(self, session) -> None:
        """The wrong board on the right probe: by its core, then by the chip's own number."""
        found = session.target.cores[0].name
        if _core_name(found) != _core_name(self.board.core.name):
            said = f"It has a {found}; a {self.board.chip} has a {self.board.core.name}."
            raise faults.wrong_chip("pyOCD", self.board, said)
        if identity := self.board.flasher.get("identity"):
            self._check_identity(session, **identity)

    def _check_identity(self, session, address: int, mask: int, value: int) -> None:
        """0, or no answer, says nothing: some chips hide the word while they are locked."""
        from pyocd.core.exceptions import TransferError

        try:
            found = session.target.read32(address) & mask
        except TransferError:
            return
        if found not in (0, value):
            said = f"At 0x{address:08X} it has 0x{found:X}; a {self.board.chip} has 0x{value:X}."
            raise faults.wrong_chip("pyOCD", self.board, said)


def _pack_option(facts: dict) -> dict:
    """The pack that brings the target, where edgetune holds it; else pyOCD looks by itself."""
    store = PackStore()
    try:
        return {"pack": str(store.pack_file(store.find(facts["pack"])))}
    except (KeyError, UsageError):
        return {}


def _find_probes(unique_id: str | None) -> list:
    """All probes whose id holds ``unique_id``; never waits and never asks on the terminal."""
    from pyocd.core.helpers import ConnectHelper

    return ConnectHelper.get_all_connected_probes(blocking=False, unique_id=unique_id)


def _program(session, image: FlashImage, progress: Progress) -> None:
    """Erase the sectors that the image needs, and program them."""
    from pyocd.flash.file_programmer import FileProgrammer

    programmer = FileProgrammer(session, progress=_halves(image.size, progress))
    programmer.program(str(image.path), file_format="elf")


def _halves(size: int, progress: Progress) -> Callable[[float], None]:
    """pyOCD's callback, which runs from 0 to 1 twice: half for erasing, half for programming."""
    half, last = 0, 0.0

    def report(share: float) -> None:
        nonlocal half, last
        if share < last:
            half = 1
        last = share
        progress(round((half + share) / 2 * size), size)

    return report


def _compare(session, image: FlashImage, board: Board) -> None:
    """Read all back: pyOCD only logs a segment that it has no memory for."""
    session.target.reset_and_halt()
    for start, data in image.segments:
        for at in range(0, len(data), READ):
            wanted = data[at : at + READ]
            if bytes(session.target.read_memory_block8(start + at, len(wanted))) != wanted:
                said = f"Reading back, bytes differ from 0x{start + at:08X} on."
                raise faults.not_verified("pyOCD", board, said)


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """What pyOCD warns of meanwhile: there it says why a probe or a chip stays silent."""
    said: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: said.append(record.getMessage())
    logger = logging.getLogger("pyocd")
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)


def _core_name(name: str) -> str:
    """ "Cortex-M0+" and "cortex-m0plus" as one."""
    return name.lower().replace("+", "plus")
