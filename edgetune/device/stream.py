"""A device whose UART is a file descriptor and whose firmware runs in a process."""

import os
import select
import time

from edgetune.device.base import Device
from edgetune.device.process import Process
from edgetune.errors import LinkError

CHUNK = 65536
WRITE_SECONDS = 10.0  # a device that takes no byte for so long is stuck


class StreamDevice(Device):
    """Subclasses set ``_fd`` (non-blocking) and ``_process`` in `open`."""

    def __init__(self):
        self._fd = -1
        self._process: Process | None = None

    def read(self, timeout: float) -> bytes:
        if self._fd < 0:
            return b""
        ready, _, _ = select.select([self._fd], [], [], max(0.0, timeout))
        try:
            data = os.read(self._fd, CHUNK) if ready else b""
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if ready and not data:
            self._pause(timeout)
        return data

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._write_some(view) :]

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if self._process:
            self._process.stop()

    def alive(self) -> bool:
        return self._process is not None and self._process.alive()

    def diagnosis(self) -> str:
        if self._process is None:
            return ""
        parts = [self._process.ended(), self._process.log()]
        return "\n".join(part for part in parts if part)

    def _write_some(self, view: memoryview) -> int:
        if self._fd < 0 or not self.alive():
            raise self._gone("its process has ended")
        _, ready, _ = select.select([], [self._fd], [], WRITE_SECONDS)
        if not ready:
            raise self._gone(f"it took no byte for {WRITE_SECONDS:g} seconds")
        try:
            return os.write(self._fd, view)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise self._gone(str(error)) from error

    def _gone(self, why: str) -> LinkError:
        said = self.diagnosis()
        return LinkError(
            f"The device {self.name} does not take bytes.",
            f"{why[0].upper()}{why[1:]}." + (f" It said: {said}" if said else ""),
            "Start the command again; if it happens again, look at what the device said.",
        )

    def _pause(self, timeout: float) -> None:
        """At end of file, wait as a silent device would, so that callers do not spin."""
        time.sleep(min(max(0.0, timeout), 0.01))
