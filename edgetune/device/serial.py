"""A board behind a serial port."""

import os
import termios
from collections.abc import Sequence

import serial
from serial.tools import list_ports

from edgetune.device.base import Device
from edgetune.errors import DeviceNotFoundError, LinkError

WRITE_SECONDS = 10.0


class SerialDevice(Device):
    """``port``: path of the port, opened for this process alone at the first of ``rates``, in bits
    per second."""

    def __init__(self, port: str, rates: Sequence[int], name: str = ""):
        self.name = name or port
        self._rates = tuple(rates)
        self._port = port
        self._serial: serial.Serial | None = None
        self._lost = ""

    def open(self) -> None:
        try:
            self._serial = serial.Serial(
                self._port, self._rates[0], timeout=0, write_timeout=WRITE_SECONDS, exclusive=True
            )
            _keep_lines_on_close(self._serial.fd)
        except (serial.SerialException, ValueError, OSError, termios.error) as error:
            self.close()
            raise _cannot_open(self._port, error) from error
        self._lost = ""

    def read(self, timeout: float) -> bytes:
        if self._serial is None or self._lost:
            return b""
        try:
            self._serial.timeout = max(0.0, timeout)
            return self._serial.read(1) + self._serial.read(self._serial.in_waiting)
        except (serial.SerialException, OSError, TypeError) as error:
            self._lost = str(error)
            return b""

    def write(self, data: bytes) -> None:
        try:
            if self._serial is None or self._lost:
                raise serial.SerialException(self._lost or "it is not open")
            self._serial.write(data)
        except (serial.SerialException, OSError) as error:
            self._lost = str(error)
            raise LinkError(
                f"The device {self.name} does not take bytes.",
                str(error),
                "Check the cable, then start the command again.",
            ) from error

    @property
    def rates(self) -> tuple[int, ...]:
        return self._rates

    def set_rate(self, rate: int) -> bool:
        try:
            if self._serial is None or self._lost:
                return False
            self._serial.baudrate = rate
        except (serial.SerialException, ValueError, OSError, termios.error):
            return False  # the adapter or its driver has no such rate
        return True

    def close(self) -> None:
        if self._serial is not None:
            self._serial.close()
            self._serial = None

    def alive(self) -> bool:
        return self._serial is not None and not self._lost and os.path.exists(self._port)

    def diagnosis(self) -> str:
        return self._lost


def usb_ports() -> list:
    """Serial ports with a USB device behind them, sorted by path (pyserial's ListPortInfo)."""
    return sorted(
        (port for port in list_ports.comports() if port.vid is not None),
        key=lambda port: port.device,
    )


def find_by_id(serial_number: str) -> str:
    """Path of the port whose USB serial number begins with ``serial_number``.

    Raises:
        DeviceNotFoundError: none or several do.
    """
    found = [
        port
        for port in usb_ports()
        if port.serial_number and port.serial_number.lower().startswith(serial_number.lower())
    ]
    return _only(found, f"No single serial port has the serial number {serial_number}.")


def find_only() -> str:
    """Path of the one USB serial port there is.

    Raises:
        DeviceNotFoundError: there is none, or there are several: a guess could open a port
            that belongs to another program.
    """
    return _only(usb_ports(), "There is no single serial port to choose.")


def _only(ports: list, message: str) -> str:
    if len(ports) == 1:
        return ports[0].device
    listing = ", ".join(f"{port.device} (id:{port.serial_number})" for port in ports)
    cause = f"Several match: {listing}." if ports else "No USB serial port matches."
    step = "Name one: --device id:SERIAL" if ports else "Connect the board, or use --device qemu"
    raise DeviceNotFoundError(message, cause, step)


def _keep_lines_on_close(fd: int) -> None:
    """Leave DTR and RTS as they are when the port closes, since a change resets some boards."""
    settings = termios.tcgetattr(fd)
    settings[2] &= ~termios.HUPCL
    termios.tcsetattr(fd, termios.TCSANOW, settings)


def _cannot_open(port: str, error: Exception) -> DeviceNotFoundError:
    if not os.path.exists(port):
        step = "Check the cable and the name; list the ports: python -m serial.tools.list_ports"
    elif not os.access(port, os.R_OK | os.W_OK):
        step = "Join the port's group, then log in again: sudo usermod -aG dialout $USER"
    else:
        step = f"Close the program that uses it; this names it: fuser {port}"
    return DeviceNotFoundError(f"The serial port {port} cannot be opened.", str(error), step)
