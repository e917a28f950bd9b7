"""The one interface of all devices: bytes to and from the firmware's UART."""

from abc import ABC, abstractmethod


class Device(ABC):
    """A place where firmware runs. As a context manager it is open inside and closed after."""

    name = "device"
    remark = ""  # of an open device: how it runs otherwise than it should, one sentence

    @abstractmethod
    def open(self) -> None:
        """Launch or connect; on an error nothing stays open or running.

        Raises:
            DeviceNotFoundError: no such device, or it cannot be opened.
            ToolchainError: the emulator is missing or does not start.
        """

    @abstractmethod
    def read(self, timeout: float) -> bytes:
        """What arrived, waiting up to ``timeout`` seconds for the first byte; b"" if none did."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Send all of ``data``.

        Raises:
            LinkError: the device is gone or takes no more bytes.
        """

    @property
    def rates(self) -> tuple[int, ...]:
        """Bits per second of its line: its own, then faster ones, the best first; () where it has
        none."""
        return ()

    def set_rate(self, rate: int) -> bool:
        """Whether this end of its line runs at ``rate`` bits per second from now on."""
        return False

    @abstractmethod
    def close(self) -> None:
        """Disconnect and end every process that `open` started. May be called twice."""

    @abstractmethod
    def alive(self) -> bool:
        """Whether the device is still there."""

    def diagnosis(self) -> str:
        """What the device's process said last, or "" where there is nothing to say."""
        return ""

    def executed_instructions(self) -> int | None:
        """All instructions since the start, where the device counts them; else None."""
        return None

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self.close()
