"""A device that runs the firmware we built, and a client that has checked so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from edgetune.device.base import Device
from edgetune.device.select import open_device
from edgetune.device.serial import SerialDevice
from edgetune.errors import LinkError
from edgetune.link.client import Client
from edgetune.session.firmware import Firmware
from edgetune.session.reporter import Reporter

STEP_SECONDS = 300.0  # for one step under an instruction count, which is slow


class DeviceClient(Client):
    """A client that knows the device at its other end."""

    def __init__(self, device: Device, **options):
        super().__init__(device, **options)
        self._device = device

    def executed_instructions(self) -> int | None:
        """All instructions that the device executed since its start; None where nobody counts."""
        return self._device.executed_instructions()


@contextmanager
def connect(
    firmware: Firmware, device: str | None, reporter: Reporter, *, icount: bool = False
) -> Iterator[DeviceClient]:
    """Open ``device`` with ``firmware`` and shake hands.

    With ``icount`` the device's counter counts instructions, and the host stays silent while a
    step runs: the interrupts of bytes that arrive would be counted.

    Raises:
        DeviceNotFoundError, ToolchainError: the device cannot be opened.
        LinkError: it does not answer, or runs other firmware.
    """
    board, image = firmware.plan.board, firmware.build.elf
    with open_device(device, board, image, icount=icount) as opened:
        client = DeviceClient(
            opened,
            on_log=lambda text: reporter.note(f"device: {text}"),
            **({"nudge": STEP_SECONDS, "timeout": STEP_SECONDS} if icount else {}),
        )
        _shake_hands(client, opened, firmware)
        check_identity(client, firmware)
        yield client


def _shake_hands(client: Client, device: Device, firmware: Firmware):
    try:
        client.hello()
    except LinkError as error:
        if isinstance(device, SerialDevice):
            error.next_step += f"; to write the firmware: {firmware.write_command}"
        said = device.diagnosis()
        if said:
            error.cause = f"{error.cause} It said: {said}"
        raise


def check_identity(client: Client, firmware: Firmware):
    """LinkError unless the device runs this very build of this very model."""
    info, plan = client.info, firmware.plan
    expected = plan.program.graph.hash32
    if info.model_hash != expected:
        raise LinkError(
            "The device holds another model.",
            f"Its model's hash is {info.model_hash:08x}, this model's is {expected:08x}.",
            f"Write this model's firmware to the board: {firmware.write_command}",
        )
    if info.build_id != firmware.project.build_id:
        raise LinkError(
            "The device runs other firmware than was built here.",
            f"Its build id is {info.build_id:08x}, this build's is "
            f"{firmware.project.build_id:08x}.",
            f"Write the present firmware to the board: {firmware.write_command}",
        )
