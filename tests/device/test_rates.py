"""Rates of real ports: of a pseudo-terminal that garbles as a line does, and of emulated UARTs."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import termios
import threading
import time
import tty
from dataclasses import replace

import pytest
import serial
from emulators import need_emulator
from link_requests import echo_hash, encoded, samples, steps_and_hash
from link_transport import build_server_library
from notes import Notes
from rated_line import OWN, RATES, Chip, heard
from tiny_tflite import ModelBuilder

from edgetune.boards import load_board
from edgetune.device.qemu import QemuDevice
from edgetune.device.serial import SerialDevice
from edgetune.errors import UsageError
from edgetune.learn.recipe import Recipe
from edgetune.link import Client
from edgetune.model.read import read_tflite
from edgetune.plan.plan import make_plan
from edgetune.session.connection import connect
from edgetune.session.firmware import build_firmware

pytestmark = pytest.mark.thorough
INPUT = 64
SPEEDS = {getattr(termios, f"B{rate}"): rate for rate in RATES}


class Port:
    """A serial port, a pseudo-terminal, with ``chip`` behind it."""

    def __init__(self, chip: Chip):
        self.chip = chip
        self._ours, theirs = os.openpty()
        self.path = os.ttyname(theirs)
        os.close(theirs)
        self._ended = False
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Port:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._ended = True
        self._thread.join()
        os.close(self._ours)

    def _rate(self) -> int:
        return SPEEDS.get(termios.tcgetattr(self._ours)[4], OWN)

    def _serve(self) -> None:
        while not self._ended:
            try:
                ready = select.select([self._ours], [], [], 0.02)[0]
                data = os.read(self._ours, 4096) if ready else b""
            except OSError:  # nobody has it open
                time.sleep(0.005)
                continue
            for rate, said in self.chip.hear(data, self._rate()):
                same = rate == self._rate()
                os.write(self._ours, said if same else bytes(heard(said, rate, self._rate)))


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rates")
    build_server_library(folder, f"-DET_INPUT_BYTES={INPUT}", "-DET_RX_RING=512")
    return folder / "echo.so"


def learn(client: Client) -> None:
    data = samples(20, INPUT)
    client.start(1, len(data))
    assert [one.draws for one in client.train_many(encoded(data))] == list(range(20))
    assert steps_and_hash(client) == (20, echo_hash(data))


def until(condition) -> bool:
    end = time.monotonic() + 20
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


@pytest.mark.parametrize("fastest", [0, 460_800, 1_000_000])
def test_a_port_is_raised_and_put_back(library, fastest):
    with Port(Chip(library, fastest)) as port, SerialDevice(port.path, RATES) as device:
        device.open()
        client = Client(device, line=device)
        client.hello()
        assert client.quicken() == port.chip.rate == max(OWN, fastest)
        learn(client)
        client.close()
        assert until(lambda: port.chip.rate == OWN)


def test_a_port_is_opened_again_after_a_kill(library):
    with Port(Chip(library, 1_000_000)) as port:
        for _ in range(2):
            with SerialDevice(port.path, RATES) as device:
                device.open()
                client = Client(device, line=device)
                client.hello()
                assert client.quicken() == 1_000_000
                learn(client)


@pytest.mark.parametrize("refusal", [ValueError, serial.SerialException, termios.error, OSError])
def test_a_driver_that_refuses_a_rate(library, monkeypatch, refusal):
    settle = serial.Serial._reconfigure_port

    def picky(port, *args, **options):
        if port.baudrate > 500_000:
            raise refusal("no such rate")
        settle(port, *args, **options)

    monkeypatch.setattr(serial.Serial, "_reconfigure_port", picky)
    with Port(Chip(library, 1_000_000)) as port, SerialDevice(port.path, RATES) as device:
        device.open()
        client = Client(device, line=device)
        client.hello()
        assert client.quicken() == port.chip.rate == 460_800
        learn(client)


USUAL = (921_600, 460_800, 230_400)


def test_rates_of_a_board():
    nucleo, nordic = load_board("nucleo-f446re"), load_board("nrf52840-dk")
    assert nucleo.rates == (OWN, *USUAL) and nordic.rates == (OWN, 1_000_000, *USUAL)
    assert nordic.with_baud(500_000).rates == (OWN, 500_000, *USUAL[1:])
    assert nordic.with_baud(OWN).rates == (OWN,)
    assert nordic.with_baud(2_000_000).macros() == nordic.macros()  # the same firmware
    with pytest.raises(UsageError, match="9,600"):
        nordic.with_baud(9_600)


@pytest.mark.parametrize("most", ["9600", '"fast"'])
def test_a_most_that_is_none_is_refused(tmp_path, most):
    folder = tmp_path / "mine"
    shutil.copytree(load_board("nrf52840-dk").folder, folder)
    text = (folder / "board.toml").read_text()
    (folder / "board.toml").write_text(text.replace("baud_max = 1000000", f"baud_max = {most}"))
    with pytest.raises(UsageError) as caught:
        load_board(folder)
    assert "uart.baud_max" in caught.value.cause


class RatedQemu(QemuDevice):
    """QEMU, which does not mind rates, on a line that has some."""

    rates = RATES

    def set_rate(self, rate: int) -> bool:
        return True

    def words(self, address: int, count: int) -> list[int]:
        """Registers, as QEMU's monitor reads them."""
        self._monitor.send(f"xp /{count}wx {address:#x}\n".encode())
        said = b""
        while b"0x" not in said.partition(f"{address:016x}:".encode())[2].partition(b"\r")[0]:
            assert select.select([self._monitor], [], [], 20)[0], said
            said += self._monitor.recv(4096)
        line = said.partition(f"{address:016x}:".encode())[2].partition(b"\r")[0]
        return [int(word, 16) for word in line.split()]


# Board, rate registers of its UART: where, how many, divisor of what comes of them.
QEMU = {
    "mps2-an385": (0x10, 1, lambda words, hz: hz / words[0]),
    "stm32f4-discovery": (0x08, 1, lambda words, hz: hz / words[0]),
    "lm3s6965evb": (0x24, 2, lambda words, hz: 4 * hz / (64 * words[0] + words[1])),
}
HZ = {"mps2-an385": 25e6, "stm32f4-discovery": 16e6, "lm3s6965evb": 50e6}


@pytest.mark.parametrize("name", QEMU)
def test_an_emulated_uart_is_raised_and_goes_back(tmp_path, name):
    need_emulator()
    board, (offset, count, rate_of) = load_board(name), QEMU[name]
    firmware = build_firmware(small_plan(board), tmp_path, "small")
    with RatedQemu(board, firmware.build.elf) as device:
        device.open()
        client = Client(device, line=device)
        client.hello()

        def rate() -> float:
            return rate_of(device.words(board.uart["base"] + offset, count), HZ[name])

        own = rate()
        assert abs(own / board.baud - 1) < 0.02
        raised = client.quicken()
        assert raised >= 921_600 and abs(rate() / raised - 1) < 1 / 64
        digests = [client.start(1, 9), *(train(client).digest for _ in range(9))]
        assert abs(rate() / raised - 1) < 1 / 64
        client.close()
        client.hello()
        assert rate() == own
        assert [client.start(1, 9), *(train(client).digest for _ in range(9))] == digests


def train(client: Client):
    info = client.info
    return client.train(bytes(info.input_bytes), bytes(info.target_bytes))


def small_plan(board):
    builder = ModelBuilder((1, 6, 6, 2), 1 / 40, -7, seed=5)
    builder.conv(3, 3, 2, activation="RELU").mean().dense(4).softmax()
    return make_plan(read_tflite(builder.build()), Recipe(), board)


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    plan = small_plan(load_board("nucleo-f446re"))
    return build_firmware(plan, tmp_path_factory.mktemp("native"), "small", native=True)


@pytest.fixture
def terminal(native):
    """Where the firmware answers, as if it were a board on a serial port; what its rate is."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    program = subprocess.Popen([native.build.elf], stdin=ours, stdout=ours)
    yield os.ttyname(theirs), lambda: SPEEDS[termios.tcgetattr(theirs)[4]]
    program.kill()
    program.wait()
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("most, rate", [(None, 921_600), (460_800, 460_800), (OWN, OWN)])
def test_a_verb_raises_the_line_and_puts_it_back(native, terminal, most, rate):
    path, present = terminal
    board = native.plan.board if most is None else native.plan.board.with_baud(most)
    bounded, notes = replace(native, plan=replace(native.plan, board=board)), Notes()
    with connect(bounded, path, notes) as client:
        client.start(1, 2)
        assert client.rate == present() == rate
        assert any(f"{rate:,} bits" in note for note in notes.said) == (rate != OWN)
        train(client)
    assert present() == client.rate == OWN
    with pytest.raises(KeyboardInterrupt), connect(bounded, path, notes):
        raise KeyboardInterrupt
    assert present() == OWN
