"""A device that runs the firmware we built, and a client that has checked so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from edgetune.codegen.library.write import library_id
from edgetune.device.base import Device
from edgetune.device.faults import Faults
from edgetune.device.select import open_device
from edgetune.device.serial import SerialDevice
from edgetune.errors import LinkError
from edgetune.link.client import Client
from edgetune.link.messages import DeviceInfo
from edgetune.plan.plan import Plan
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
    firmware: Firmware, device: str | None, reporter: Reporter, *, icount: bool = False,
    faults: Faults | None = None,
) -> Iterator[DeviceClient]:
    """Open ``device`` with ``firmware`` and shake hands.

    With ``icount`` the device's counter counts instructions, and the host stays silent while a
    step runs: the interrupts of bytes that arrive would be counted.  ``faults``: of the line.

    Raises:
        DeviceNotFoundError, ToolchainError: the device cannot be opened.
        LinkError: it does not answer, or runs other firmware.
    """
    board, image = firmware.plan.board, firmware.build.elf
    with open_device(device, board, image, icount=icount) as opened:
        if opened.remark:
            reporter.note(opened.remark)
        client = DeviceClient(
            faults.between(opened) if faults else opened,
            line=opened,
            on_log=lambda text: reporter.note(f"device: {text}"),
            accept=partial(check_identity, firmware=firmware),
            **(dict.fromkeys(("nudge", "least_nudge", "timeout"), STEP_SECONDS) if icount else {}),
        )
        _shake_hands(client, opened, firmware)
        try:
            if opened.rates[1:]:
                reporter.note(f"The line runs at {client.quicken():,} bits per second")
            yield client
        finally:
            client.close()


def _shake_hands(client: Client, device: Device, firmware: Firmware):
    try:
        client.hello()
    except LinkError as error:
        write = firmware.write_command
        if isinstance(device, SerialDevice) and write not in error.next_step:
            error.next_step += f"; to write the firmware: {write}"
        said = device.diagnosis()
        if said:
            error.cause = f"{error.cause} It said: {said}"
        raise


def check_identity(info: DeviceInfo, firmware: Firmware) -> None:
    """LinkError unless the device runs this very build of this very model, or a product of its
    owner's with the library of this model, loss and rule.

    Nothing is read by the sizes that a device names before they are those of the plan.
    """
    plan, project = firmware.plan, firmware.project
    if info.model_hash != plan.program.graph.hash32:
        raise LinkError(
            "The device holds another model.",
            f"Its model's hash is {info.model_hash:08x}, this model's is "
            f"{plan.program.graph.hash32:08x}.",
            f"Write this model's firmware to the board: {firmware.write_command}",
        )
    if info.build_id not in (project.build_id, library_id(plan)):
        raise LinkError(
            "The device runs other firmware than was built here.",
            f"Its build id is {info.build_id:08x}, this build's is {project.build_id:08x}.",
            f"Write the present firmware to the board: {firmware.write_command}",
        )
    if wrong := _other_sizes(info, plan):
        raise LinkError(
            "The device names this build, but not its sizes.", f"{wrong}.",
            "It is another device than it says: look at what is connected there",
        )


def _other_sizes(info: DeviceInfo, plan: Plan) -> str:
    planned = {
        "input_bytes": plan.input_bytes, "output_bytes": plan.output_bytes,
        "target_bytes": plan.program.loss.target_bytes, "state_bytes": plan.state_bytes,
        "frame_max": plan.link.frame_max, "reply_max": plan.link.reply_max,
    }
    wrong = {name: (getattr(info, name), size) for name, size in planned.items()
             if getattr(info, name) != size}
    return "; ".join(f"{name}: {theirs:,}, planned {ours:,}" for name, (theirs, ours)
                     in wrong.items())
