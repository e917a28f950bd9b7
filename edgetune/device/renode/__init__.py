"""The firmware in Renode: finding it, its scripts, its monitor, and the device."""

from edgetune.device.renode.device import RenodeDevice
from edgetune.device.renode.finding import find_renode, find_renode_test, renode_version

__all__ = ["RenodeDevice", "find_renode", "find_renode_test", "renode_version"]
