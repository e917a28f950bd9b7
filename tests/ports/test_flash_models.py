"""The models of flash controllers refuse what the controllers refuse, so that drivers must not."""

import pytest
from registers import flash_f1, flash_f4, flash_h7, flash_l4, flash_nrf52
from registers.flash_controller import Lock

BASE = 0x08000000
PAGES = [(BASE + 0x800 * i, 0x800) for i in range(8)]
KEYS = Lock.KEYS


class Cells:
    """Flash without a core."""

    def __init__(self):
        self.bytes = bytearray(b"\xff" * 0x4000)

    def read(self, address, count):
        return bytes(self.bytes[address % 0x4000 : address % 0x4000 + count])

    def write(self, address, data):
        self.bytes[address % 0x4000 : address % 0x4000 + len(data)] = data


def _open(flash, control=0):
    """``flash`` unlocked, with bits of its control register set and no time passing."""
    flash.memory, flash.busy_reads = Cells(), 0
    for key in KEYS:
        flash.write(flash.KEY, key, 4)
    flash.write(flash.CONTROL, control, 4)
    return flash


def _f4(control=flash_f4.PG | 2 << 8):
    return _open(flash_f4.FlashF4(PAGES), control)


def _l4(control=flash_l4.PG):
    return _open(flash_l4.FlashL4(PAGES), control)


def _h7(control=flash_h7.PG | 0x30):
    return _open(flash_h7.FlashH7Bank(0, PAGES), control)


def _word(flash, address, value=0x12345678):
    flash.store(address, value, 4)
    return flash.flags


@pytest.mark.parametrize(
    "keys", [KEYS[::-1], (KEYS[0], KEYS[0]), (KEYS[1],), (KEYS[0], 0), (*KEYS, KEYS[0])]
)
def test_a_wrong_key_shuts_the_controller_until_reset(keys):
    lock = Lock()
    for key in keys:
        lock.key(key)
    assert lock.dead and not lock.open
    for key in KEYS:
        lock.key(key)
    assert not lock.open


@pytest.mark.parametrize(
    "flash", [flash_f1.FlashF1, flash_f4.FlashF4, flash_l4.FlashL4, flash_l4.FlashL5]
)
def test_the_control_register_is_closed_without_keys(flash):
    with pytest.raises(AssertionError, match="locked"):
        flash(PAGES).write(flash.CONTROL, 1, 4)


def test_a_busy_controller_takes_no_write():
    flash = _f4()
    flash.busy_reads = 2
    flash.store(BASE, 0, 4)
    assert flash.read(flash.STATUS, 4) & flash.BUSY
    with pytest.raises(AssertionError, match="busy"):
        flash.write(flash.CONTROL, 0, 4)


def test_f1_takes_half_words_in_erased_cells():
    flash = _open(flash_f1.FlashF1(PAGES), flash_f1.PG)
    flash.store(BASE, 0x1234, 2)
    flash.store(BASE, 0x1230, 2)
    assert flash.flags == flash_f1.PGERR and flash.memory.read(BASE, 2) == b"\x34\x12"
    flash.store(BASE + 2, 0x1234, 2)
    assert flash.memory.read(BASE + 2, 2) == b"\xff\xff", "the flag was not cleared"
    for address, size in ((BASE + 4, 4), (BASE + 4, 1), (BASE + 5, 2)):
        with pytest.raises(AssertionError, match="half-words"):
            flash.store(address, 0, size)
    with pytest.raises(AssertionError, match="without PG"):
        _open(flash_f1.FlashF1(PAGES)).store(BASE, 0, 2)
    with pytest.raises(AssertionError, match="without an erase"):
        flash.write(flash.CONTROL, flash_f1.STRT, 4)


def test_f4_flags_wrong_stores():
    assert _word(_f4(0), BASE) == flash_f4.PGSERR
    assert _word(_f4(flash_f4.PG), BASE) == flash_f4.PGPERR
    assert _word(_f4(), BASE + 2) == flash_f4.PGAERR
    flash = _f4()
    flash.protected = {BASE}
    assert _word(flash, BASE) == flash_f4.WRPERR
    flash.write(flash.STATUS, flash_f4.WRPERR, 4)
    assert _word(flash, BASE + 0x800) == 0
    assert flash.memory.read(BASE, 4) == b"\xff" * 4
    with pytest.raises(AssertionError, match="without the erase"):
        flash.write(flash.CONTROL, flash_f4.STRT, 4)


@pytest.mark.parametrize("on, reset", [(1 << 9, 1 << 11), (1 << 10, 1 << 12)])
@pytest.mark.parametrize("make", [_f4, _l4])
def test_a_cache_is_emptied_only_while_it_is_off(make, on, reset):
    with pytest.raises(AssertionError, match="while the cache is on"):
        make().write(0, on | reset, 4)


def test_l4_flags_wrong_stores():
    assert _word(_l4(0), BASE) == flash_l4.PGSERR
    assert _word(_l4(), BASE + 4) == flash_l4.PGAERR
    flash = _l4()
    flash.store(BASE, 0, 2)
    assert flash.flags == flash_l4.SIZERR
    flash = _l4()
    assert _word(flash, BASE) == _word(flash, BASE + 4, 0xFFFFFFFF) == 0
    flash.store(BASE, 0, 4)
    assert _word(flash, BASE + 4) == flash_l4.PROGERR
    flash = _l4()
    flash.store(BASE, 1, 4)
    assert _word(flash, BASE + 12) == flash_l4.PGAERR


def test_l4_erases_only_without_errors_and_without_pg():
    flash = _l4(0)
    flash.fail(flash_l4.SIZERR)
    flash.write(flash.CONTROL, flash_l4.PER | flash_l4.STRT, 4)
    assert flash.flags == flash_l4.SIZERR | flash_l4.PGSERR
    flash = _l4(0)
    flash.write(flash.CONTROL, flash_l4.PER | flash_l4.PG | flash_l4.STRT, 4)
    assert flash.flags == flash_l4.PGSERR


def test_g0_has_no_second_bank_and_tells_it_is_busy_twice():
    with pytest.raises(AssertionError, match="CR has not"):
        _open(flash_l4.FlashG0(PAGES), flash_l4.PER | flash_l4.BKER)
    flash = _open(flash_l4.FlashG0(PAGES))
    flash.busy_reads = 1
    flash.run()
    looks = [flash.read(flash.STATUS, 4) for _ in range(6)]
    assert looks == [flash.BUSY, *[flash.CFGBSY] * 4, 0]


def test_h7_collects_a_whole_flash_word():
    flash = _h7()
    for i in range(7):
        flash.store(BASE + 4 * i, i, 4)
    assert flash.read(flash.STATUS, 4) == flash_h7.WBNE
    assert flash.memory.read(BASE, 32) == b"\xff" * 32
    flash.store(BASE + 28, 7, 4)
    assert flash.read(flash.STATUS, 4) == 0
    assert flash.memory.read(BASE, 32)[::4] == bytes(range(8))
    with pytest.raises(AssertionError, match="error code"):
        for i in range(8):
            flash.store(BASE + 4 * i, i, 4)


def test_h7_flags_wrong_stores():
    assert _word(_h7(0x30), BASE) == flash_h7.PGSERR
    flash = _h7()
    flash.store(BASE, 0, 4)
    assert _word(flash, BASE) == flash_h7.STRBERR
    flash = _h7()
    flash.store(BASE, 0, 4)
    assert _word(flash, BASE + 32) == flash_h7.INCERR
    with pytest.raises(AssertionError, match="SR cannot"):
        flash.write(flash.STATUS, flash_h7.INCERR, 4)
    flash.write(flash_h7.CLEAR, flash_h7.INCERR, 4)
    assert flash.flags == 0


def test_nrf52_faults_unless_writing_is_enabled():
    flash = flash_nrf52.FlashNrf52(PAGES)
    flash.memory, flash.busy_reads = Cells(), 0
    with pytest.raises(AssertionError, match="not enabled"):
        flash.store(BASE, 0, 4)
    with pytest.raises(AssertionError, match="not enabled"):
        flash.write(flash_nrf52.ERASEPAGE, BASE, 4)
    flash.write(flash_nrf52.CONFIG, flash_nrf52.WRITE, 4)
    flash.store(BASE, 0xFFFFFFF0, 4)
    flash.store(BASE, 0xFFFFFF00, 4)
    with pytest.raises(AssertionError, match="too often"):
        flash.store(BASE, 0, 4)
