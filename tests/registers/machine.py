"""An emulated core with a board's memories, register models and one image."""

from pathlib import Path

import pytest

from edgetune.boards import Board
from registers.image import compile_image
from registers.model import Flash, Registers, Write

unicorn = pytest.importorskip("unicorn", reason="unicorn is not installed (extra `test`)")
arm = pytest.importorskip("unicorn.arm_const")

RECORDER = Path(__file__).parent / "recorder.c"

INSTRUCTIONS = 1_000_000

_PAGE = 0x1000
_RETURN = 0x9FFF0000  # a page of ours: the stack of a call, its scratch memory and where it ends
_STACK = 0x4000
_WINDOWS = ((0x40000000, 0x20000000), (0xE0000000, 0x100000))  # peripherals; private ones
_CORES = {
    "cortex-m0plus": arm.UC_CPU_ARM_CORTEX_M0,
    "cortex-m3": arm.UC_CPU_ARM_CORTEX_M3,
    "cortex-m4": arm.UC_CPU_ARM_CORTEX_M4,
    "cortex-m7": arm.UC_CPU_ARM_CORTEX_M7,
    "cortex-m33": arm.UC_CPU_ARM_CORTEX_M33,
}
_ARGUMENTS = (arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2, arm.UC_ARM_REG_R3)


class Machine:
    """See the package's docstring.

    Args:
        folder: an empty folder to compile in.
        board: whose flags, facts and memories hold.
        sources: C files relative to firmware/ports, or absolute.
        models: the peripherals; their address ranges must not overlap.
        extra: further C files, such as `RECORDER`.
        defines: preprocessor macros.
        code_at: where the code lies, if not at the start of flash; 64 KB.
    """

    scratch = _RETURN + _PAGE

    def __init__(
        self, folder: Path, board: Board, sources, models=(), extra=(), defines=None, code_at=None
    ):
        self.board = board
        self.models: list[Registers] = list(models)
        self.writes: list[Write] = []
        self.image = compile_image(folder, board, [*sources, *extra], defines or {}, code_at)
        self._failure: BaseException | None = None
        self._windows: list[tuple[int, int]] = []
        self._core = unicorn.Uc(
            unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS
        )
        self._core.ctl_set_cpu_model(_CORES[board.core.name])
        self._map_memories()
        if code_at is not None:
            self._core.mem_map(code_at, 16 * _PAGE)
        self._map_peripherals()
        self._load()

    def restart(self, models) -> None:
        """Flash as it was, an empty log, and other models."""
        self.models = list(models)
        self.writes.clear()
        flash = self.board.flash
        self.write(flash.origin, b"\xff" * flash.length)
        self._load()
        self._join()

    def call(self, function: str, *arguments: int, instructions: int = INSTRUCTIONS) -> int:
        """Call a C function with up to four integers; its r0 as an unsigned number."""
        for register, value in zip(_ARGUMENTS, arguments, strict=False):
            self._core.reg_write(register, value & 0xFFFFFFFF)
        self._core.reg_write(arm.UC_ARM_REG_SP, _RETURN + 2 * _PAGE + _STACK)
        self._core.reg_write(arm.UC_ARM_REG_LR, _RETURN | 1)
        start = self.image.symbols[function] | 1
        try:
            self._core.emu_start(start, _RETURN, count=instructions)
        except unicorn.UcError as error:
            raise AssertionError(f"{function} stopped at {self.pc:#x}: {error}") from error
        finally:
            failure, self._failure = self._failure, None
            if failure:
                raise failure
        assert self.pc == _RETURN, f"{function} did not return in {instructions} instructions"
        return self._core.reg_read(arm.UC_ARM_REG_R0)

    @property
    def pc(self) -> int:
        """Where the core is; in a model: the instruction that reads or writes."""
        return self._core.reg_read(arm.UC_ARM_REG_PC)

    def address(self, symbol: str) -> int:
        """The address of a function or variable of the image."""
        return self.image.symbols[symbol]

    def read(self, address: int, count: int) -> bytes:
        """Bytes of a memory, past every model."""
        return bytes(self._core.mem_read(address, count))

    def write(self, address: int, data: bytes) -> None:
        """Change a memory, past every model."""
        self._core.mem_write(address, bytes(data))

    def words(self, address: int, count: int) -> list[int]:
        """Little-endian 32-bit words of a memory."""
        data = self.read(address, 4 * count)
        return [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]

    def recorded(self) -> bytes:
        """What reached et_rx_byte() of `RECORDER`, at most 256 bytes."""
        (count,) = self.words(self.address("et_recorded_count"), 1)
        return self.read(self.address("et_recorded"), count)

    def values(self, name: str, offset: int) -> list[int]:
        """Every value written to one register, in order."""
        return [w.value for w in self.writes if (w.name, w.offset) == (name, offset)]

    def order(self, *registers: tuple[str, int]) -> bool:
        """Whether the last writes to these (name, offset) came in this order, none missing."""
        places = [(w.name, w.offset) for w in self.writes]
        if not all(register in places for register in registers):
            return False
        last = [len(places) - places[::-1].index(register) for register in registers]
        return last == sorted(last)

    def trap(self, address: int, function) -> None:
        """Call ``function(r0, r1, r2, r3)`` before code at ``address`` runs; it may return r0."""

        def enter(*_):
            try:
                result = function(*(self._core.reg_read(register) for register in _ARGUMENTS))
                if result is not None:
                    self._core.reg_write(arm.UC_ARM_REG_R0, result)
            except BaseException as error:
                self.stop(error)

        self._core.hook_add(unicorn.UC_HOOK_CODE, enter, begin=address, end=address)

    def watch(self, address: int, count: int, function) -> None:
        """Call ``function(address)`` before code in a range runs and before the range is read."""

        def look(_core, place, *_):
            try:
                function(place)
            except BaseException as error:
                self.stop(error)

        def look_at(_core, _access, place, *_):
            look(None, place)

        end = address + count - 1
        self._core.hook_add(unicorn.UC_HOOK_CODE, look, begin=address, end=end)
        self._core.hook_add(unicorn.UC_HOOK_MEM_READ, look_at, begin=address, end=end)

    def map(self, address: int, data: bytes) -> None:
        """A further memory, whole pages of 4 KB."""
        self._core.mem_map(address, len(data))
        self.write(address, data)

    @property
    def masked(self) -> bool:
        """Whether the core masks interrupts."""
        return bool(self._core.reg_read(arm.UC_ARM_REG_PRIMASK))

    def stop(self, failure: BaseException) -> None:
        """End the running call with ``failure``, as models do by raising it."""
        self._failure = self._failure or failure
        self._core.emu_stop()

    def _map_memories(self) -> None:
        self._core.mem_map(_RETURN, 2 * _PAGE + _STACK)
        for region in (self.board.flash, self.board.ram):
            start = region.origin // _PAGE * _PAGE
            self._core.mem_map(start, -(-(region.end - start) // _PAGE) * _PAGE)
        flash = self.board.flash
        start = flash.origin // _PAGE * _PAGE
        size = -(-(flash.end - start) // _PAGE) * _PAGE
        self.write(start, b"\xff" * size)
        self._core.mem_protect(start, size, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
        self._core.hook_add(unicorn.UC_HOOK_MEM_WRITE_PROT, self._store)

    def _map_peripherals(self) -> None:
        for base, size in _WINDOWS:
            self._map_window(base, size)
        self._join()

    def _map_window(self, base: int, size: int) -> None:
        self._core.mmio_map(base, size, self._read, base, self._write, base)
        self._windows.append((base, size))

    def _join(self) -> None:
        """Give the models their places."""
        for model in self.models:
            if isinstance(model, Flash):
                model.memory = self
            if not any(base <= model.base < base + size for base, size in self._windows):
                base = model.base // _PAGE * _PAGE
                size = model.base + model.size - base
                self._map_window(base, -(-size // _PAGE) * _PAGE)

    def _load(self) -> None:
        for run, load, data in self.image.segments:
            self.write(load, data)
            self.write(run, data)

    def _model(self, address: int) -> Registers:
        for model in self.models:
            if model.base <= address < model.base + model.size:
                return model
        raise AssertionError(f"no model for address {address:#010x}, touched at {self.pc:#x}")

    def _read(self, _core, offset: int, size: int, window: int) -> int:
        try:
            model = self._model(window + offset)
            return model.read(window + offset - model.base, size)
        except BaseException as error:
            self.stop(error)
            return 0

    def _write(self, _core, offset: int, size: int, value: int, window: int) -> None:
        try:
            model = self._model(window + offset)
            place = window + offset - model.base
            self.writes.append(Write(model.name, place, value, size))
            model.write(place, value, size)
        except BaseException as error:
            self.stop(error)

    def _store(self, _core, _access, address: int, size: int, value: int, _data) -> bool:
        """A store to flash: the controller writes what it takes, the core's store is dropped."""
        flash = next((model for model in self.models if isinstance(model, Flash)), None)
        try:
            assert flash, f"a store to flash at {address:#x}, made at {self.pc:#x}"
            flash.store(address, value & (1 << 8 * size) - 1, size)
        except BaseException as error:
            self.stop(error)
        return True
