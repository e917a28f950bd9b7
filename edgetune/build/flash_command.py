"""`make flash`: the command line by which a board's default flasher writes the image."""

from collections.abc import Callable

from edgetune.boards import Board, board_argument
from edgetune.build.words import shell_word

_PROGRAM = "program $< verify reset exit"
_BIN = "$(<:.elf=.bin)"


def flash_command(board: Board) -> str:
    """What the Makefile runs for ``$<``, the ELF file; it says why where nothing writes it."""
    if not board.flasher["tools"]:
        why = f"{board.title} {board.flasher['note']}."
        return f"@echo {shell_word(why)} >&2; exit 1"
    tool = board.flasher["tools"][0]
    return _COMMANDS[tool](board, board.flasher.get(tool, {}))


def _pyocd(board: Board, facts: dict) -> str:
    return f"pyocd flash --target {shell_word(facts['target'])} $<"


def _openocd(board: Board, facts: dict) -> str:
    scripts = " ".join(f"-f {shell_word(name)}" for name in facts["scripts"])
    return f"openocd {scripts} -c '{_PROGRAM}'"


def _st_flash(board: Board, facts: dict) -> str:
    to_bin = f"$(CROSS)objcopy -O binary $< {_BIN}"
    return f"{to_bin} && st-flash --reset write {_BIN} 0x{board.flash.origin:08x}"


def _jlink(board: Board, facts: dict) -> str:
    script = r"printf 'r\nloadfile %s\nr\ng\nexit\n' $<"
    options = "-NoGui 1 -ExitOnError 1 -if SWD -speed 4000 -autoconnect 1"
    return f"{script} | JLinkExe {options} -device {shell_word(facts['device'])}"


def _uf2(board: Board, facts: dict) -> str:
    name = shell_word(board_argument(board, anywhere=True))
    return f"edgetune flash --board {name} --tool uf2 --image $<"


def _picotool(board: Board, facts: dict) -> str:
    return "picotool load -v -x $< -t elf"


_COMMANDS: dict[str, Callable[[Board, dict], str]] = {
    "pyocd": _pyocd,
    "openocd": _openocd,
    "st-flash": _st_flash,
    "jlink": _jlink,
    "uf2": _uf2,
    "picotool": _picotool,
}
