"""What edgetune tells Renode, and how it reads what Renode's monitor says."""

import re
import shutil
import socket
from functools import partial

import pytest

from edgetune.boards import list_boards, load_board
from edgetune.boards.own import own_file
from edgetune.device.renode import RenodeDevice
from edgetune.device.renode.monitor import Monitor, failure, readable
from edgetune.device.renode.scripts import machine_text, platform_text, pty, run_text, write_scripts
from edgetune.errors import UsageError
from edgetune.session.renode_suite import check_renode_suite

DISCOVERY = load_board("stm32f4-discovery")
NUCLEO_L4 = load_board("nucleo-l476rg")
OWN = [b for b in map(load_board, list_boards())
       if own_file(b.folder, b.emulators.get("renode", {}).get("platform", ""))]


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


def test_the_plain_machine_is_renode_s_own(tmp_path):
    script = write_scripts(DISCOVERY, tmp_path / "firmware.elf", plain=True)
    commands = [line for line in script.read_text().splitlines() if not line.startswith("#")]
    assert commands == [
        '$name?="stm32f4-discovery"', "mach create $name",
        "machine LoadPlatformDescription $ORIGIN/firmware.plain.repl",
        "sysbus LoadELF $ORIGIN/firmware.elf",
    ]
    platform = (tmp_path / "firmware.plain.repl").read_text().splitlines()
    assert platform[1:] == ['using "platforms/boards/stm32f4_discovery-kit.repl"']


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


def test_a_platform_of_the_board_s_own_stands_for_renode_s():
    text = platform_text(NUCLEO_L4)
    own = (NUCLEO_L4.folder / "stm32l476.repl").read_text()
    assert own in text and "using" not in text
    dwt, cpu = text[text.index(own) + len(own) :].split("\ncpu:\n")
    assert "dwt: Miscellaneous.DWT @ sysbus 0xE0001000\n" in dwt and "PerformanceInMips" in cpu


@pytest.mark.parametrize("board", OWN, ids=lambda board: board.name)
def test_a_platform_of_the_board_s_own_has_what_the_board_has(board):
    facts = board.emulators["renode"]
    text = own_file(board.folder, facts["platform"]).read_text()
    memory = r"MappedMemory @ sysbus (\w+)\n    size: (\w+)\n"
    memories = [(int(base, 0), int(size, 0)) for base, size in re.findall(memory, text)]
    assert memories == [(region.origin, region.length) for region in board.regions]
    uart = rf"(?m)^{facts['uart']}: UART\.\w+ @ sysbus (\w+)\n(?:    .*\n)*    IRQ -> nvic@(\d+)$"
    assert [(int(base, 0), int(irq)) for base, irq in re.findall(uart, text)] == [
        (board.uart["base"], board.uart["irq"])
    ]
    assert f'cpuType: "{board.core.name}"' in text


def test_a_platform_that_is_missing_is_named_before_anything_is_built(tmp_path):
    shutil.copytree(NUCLEO_L4.folder, tmp_path / "mine")
    platform = tmp_path / "mine" / "stm32l476.repl"
    for spoil in (lambda: platform.write_bytes(b"\xff"), platform.unlink):
        spoil()
        board = load_board(tmp_path / "mine")
        for use in (partial(RenodeDevice, board, tmp_path / "firmware.elf"),
                    partial(check_renode_suite, board, native=False)):
            with pytest.raises(UsageError) as caught:
                use()
            assert str(platform) in caught.value.cause
            assert "board/" in caught.value.next_step
