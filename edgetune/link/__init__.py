"""The host's end of the link: frames, messages and the client (see docs/protocol.md)."""

from edgetune.link.client import Client
from edgetune.link.errors import DeviceResetError
from edgetune.link.messages import DeviceInfo, InferResult, Stats, TrainResult

__all__ = ["Client", "DeviceInfo", "DeviceResetError", "InferResult", "Stats", "TrainResult"]
