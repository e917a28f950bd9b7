"""The host's end of the link: frames, messages and the client (see docs/protocol.md)."""

from typing import TYPE_CHECKING

from edgetune.homes import at_first_use

if TYPE_CHECKING:
    from edgetune.link.client import Client
    from edgetune.link.errors import DeviceResetError
    from edgetune.link.messages import DeviceInfo, InferResult, Stats, TrainResult

__all__ = ["Client", "DeviceInfo", "DeviceResetError", "InferResult", "Stats", "TrainResult"]

__getattr__ = at_first_use(__name__, {
    "client": ("Client",),
    "errors": ("DeviceResetError",),
    "messages": ("DeviceInfo", "InferResult", "Stats", "TrainResult",),
})  # fmt: skip
