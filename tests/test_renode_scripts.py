"""What edgetune tells Renode, and how it reads what Renode's monitor says."""

import socket

import pytest

from edgetune.boards import load_board
from edgetune.device.renode.monitor import Monitor, failure, readable
from edgetune.device.renode.scripts import machine_text, platform_text, pty, run_text, write_scripts

DISCOVERY = load_board("stm32f4-discovery")


def test_platform_adds_counters_of_instructions():
    text = platform_text(DISCOVERY)
    assert 'using "platforms/boards/stm32f4_discovery-kit.repl"\n' in text
    assert "dwt: Miscellaneous.DWT @ sysbus 0xE0001000\n    frequency: 250000000\n" in text
    assert text.endswith("cpu:\n    PerformanceInMips: 250\n")


def test_scripts_are_left_for_people(tmp_path):
    image = tmp_path / "firm ware.elf"
    script = write_scripts(DISCOVERY, image)
    assert script.name == "firm ware.resc" and (image.parent / "firm ware.repl").is_file()
    lines = machine_text(DISCOVERY, image.name, "firm ware.repl").splitlines()
    assert script.read_text().splitlines() == lines
    assert "machine LoadPlatformDescription $ORIGIN/firm\\ ware.repl" in lines
    assert "sysbus LoadELF $ORIGIN/firm\\ ware.elf" in lines


def test_the_run_joins_the_uart_before_it_starts():
    lines = run_text(DISCOVERY, "firmware.resc", "board-1", pty('/tmp/"x"/uart')).splitlines()
    assert lines == [
        '$name="board-1"', "include $ORIGIN/firmware.resc",
        'emulation CreateUartPtyTerminal "edgetune" "/tmp/\\"x\\"/uart" true',
        "connector Connect sysbus.usart2 edgetune", "start",
    ]


def test_telnet_and_steering_are_left_out():
    said = b"\xff\xfd\x00\xff\xfb\x01\x1b[33;1m(board-1) \x1b[0m\r\n"
    said += b"\xff\xff\xff\xfa\x18\x01\xff\xf0x\r"
    assert readable(said) == "(board-1) \n\ufffdx\n"


def test_failures_are_found_in_what_it_says():
    assert failure("Renode, version 1.16\n(monitor) include @x\n(board) ") == ""
    said = failure("(monitor) include @x\nThere was an error executing command 'x'\nNo  file\n")
    assert said == "There was an error executing command 'x' No file"
    assert failure("No such command or device: lode\n(monitor) ")


def test_a_foreign_monitor_is_not_spoken_to():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        monitor = Monitor(server.getsockname()[1], "ours")
        monitor.poll()
        theirs, _ = server.accept()
        with theirs:
            theirs.sendall(b"\xff\xfd\x00(theirs) ")
            theirs.settimeout(0.2)
            while "theirs" not in monitor.text:
                monitor.poll()
            assert not monitor.ready and not monitor.send("quit")
            assert monitor.ask("emulation IsStarted", "(True|False)", 5.0) is None
            with pytest.raises(TimeoutError):
                theirs.recv(1)
        monitor.close()


def test_a_timer_can_count_instructions():
    text = platform_text(load_board("nucleo-g071rb"))
    assert "\ntimer2:\n    frequency: 250000000\n" in text and "dwt" not in text
