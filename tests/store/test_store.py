"""The store's rules, one by one: what it refuses, what it counts, what it keeps sure of."""

import pytest
from flash_desk import (
    CONFIRMED,
    EMPTY,
    FLASH,
    FOREIGN,
    GEOMETRIES,
    NO_TRIAL,
    NOTHING,
    TRIAL,
    USED,
    Desk,
)

PLACES = 8
CONFIRMATION = 2
GEOMETRY = (32, 1024, 2, 77)


@pytest.fixture(name="desk")
def booted_desk(store):
    desk = Desk(store, *GEOMETRY)
    desk.boot()
    return desk


def slots(desk):
    return [desk.c.desk_slot(i).contents for i in range(2)]


def states(desk):
    return [slot.state for slot in slots(desk)]


def place(slot: int, number: int, unit: int = 32, slot_bytes: int = 1024) -> slice:
    """Of the flash's bytes."""
    begin = slot * slot_bytes + number * max(unit, 32)
    return slice(begin, begin + max(unit, 32))


def wipe(desk, where: slice) -> None:
    """These bytes read as erased."""
    desk.c.flash_wipe(where.start, where.stop - where.start)


def confirmed_twice(desk) -> None:
    """States 1 and 2, in slots 0 and 1, the device just booted."""
    for _ in range(2):
        assert desk.commit() == 0 == desk.confirm()
    assert desk.boot() == 2


def test_a_trial_boots_once(desk):
    assert states(desk) == [EMPTY, EMPTY] and desk.running == 0
    assert desk.commit() == 0 and states(desk) == [TRIAL, EMPTY]
    assert desk.boot() == 1 and states(desk) == [USED, EMPTY]
    assert desk.boot() == 0 and states(desk) == [USED, EMPTY]
    assert desk.confirm() == NO_TRIAL == desk.rollback()


def test_a_confirmed_state_stays(desk):
    desk.commit()
    desk.boot()
    assert desk.confirm() == 0 and states(desk) == [CONFIRMED, EMPTY]
    assert [desk.boot() for _ in range(3)] == [1, 1, 1]
    assert desk.confirm() == NO_TRIAL == desk.rollback()


def test_a_rollback_runs_the_confirmed_state_at_once(desk):
    confirmed_twice(desk)
    desk.commit()
    assert desk.rollback() == 1 and desk.running == 2
    assert states(desk) == [USED, CONFIRMED] and desk.boot() == 2
    desk.commit()
    desk.boot()
    assert desk.rollback() == 1 and desk.running == 2 == desk.boot()


def test_generations_and_erases_are_counted(desk):
    for n in range(1, 7):
        assert desk.commit(score=n) == 0 == desk.confirm()
        assert (slots(desk)[(n - 1) % 2].record.generation, desk.c.desk_running()) == (
            n, (n - 1) % 2)
    desk.boot()
    assert [s.record.generation for s in slots(desk)] == [5, 6]
    assert [s.record.score for s in slots(desk)] == [5, 6]
    assert [desk.c.flash_erases(i) for i in range(2)] == [3, 3]
    assert [s.record.erases for s in slots(desk)] == [3, 4]  # rather one too many, see below


def test_a_slot_that_lost_its_count_has_its_neighbours(desk):
    confirmed_twice(desk)
    desk.cut(2, "after")  # the confirmation's renewal, the erase
    desk.commit()
    desk.boot()
    assert states(desk) == [EMPTY, CONFIRMED] and slots(desk)[1].record.erases == 2
    assert desk.commit() == 0 and slots(desk)[0].record.erases == 3


def test_generations_come_round(desk):
    """The record is made anew with the generation before the last."""
    desk.commit()
    record = slots(desk)[0].record
    record.generation = 0xFFFFFFFF
    crc = desk.c.et_crc32(0, bytes(record), 28) & 0xFFFFFFFF
    for i, byte in enumerate(bytes(record)[:28] + crc.to_bytes(4, "little")):
        desk.c.flash_bytes()[i] = byte
    assert desk.boot() == 1 and desk.confirm() == 0 == desk.commit()
    assert slots(desk)[1].record.generation == 0
    assert desk.boot() == 2 and desk.confirm() == 0 == desk.commit()
    assert slots(desk)[0].record.generation == 1 and desk.boot() == 3


def test_a_state_of_another_model_counts_for_nothing(desk):
    confirmed_twice(desk)
    assert desk.c.desk_mount(1) == 0 and states(desk) == [FOREIGN, FOREIGN]
    assert desk.c.desk_load(desk.c.desk_start()) == NOTHING
    assert desk.c.desk_commit(0) == 0
    assert desk.boot() in (1, 2)  # the other model finds what was not overwritten


@pytest.mark.parametrize(
    "unit, sector, sectors",
    [(0, 1024, 2), (3, 1024, 2), (4, 0, 2), (4, 1024, 3), (4, 1024, 0), (4, 1000, 2),
     (2048, 1024, 2), (256, 4096 + 128, 2), (4, 1 << 30, 2)],
)
def test_what_is_no_geometry(store, unit, sector, sectors):
    assert store.desk_capacity(unit, sector, sectors) == 0


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_the_largest_state_fits_and_one_byte_more_does_not(store, geometry):
    unit, sector, sectors, _ = geometry
    largest = store.desk_capacity(unit, sector, sectors)
    assert largest == sectors // 2 * sector - PLACES * max(unit, 32)
    desk = Desk(store, unit, sector, sectors, largest)
    desk.boot()
    for n in (1, 2, 3):
        assert desk.commit() == 0 == desk.confirm() and desk.boot() == n
    store.desk_new(unit, sector, sectors, largest + 1)
    assert store.desk_boot() == -3


def test_there_is_no_record_before_its_state_is_whole(desk):
    confirmed_twice(desk)
    desk.c.flash_save()
    desk.cut(0, "before")
    desk.commit()
    count = desk.operations()
    for at in range(1, count):
        desk.c.flash_restore()
        desk.cut(at, "after")
        desk.c.desk_boot()
        desk.c.desk_commit(0)
        assert desk.off
        desk.c.desk_boot()
        assert slots(desk)[0].record.generation in ((1,) if at == 1 else (0,))


def test_a_trial_that_was_given_up_stays_so_when_an_erase_leaves_its_mark_out(desk):
    desk.commit()
    desk.confirm()
    desk.commit()
    desk.boot()
    assert desk.boot() == 1 and states(desk) == [CONFIRMED, USED]
    desk.cut(2, "before")  # the first is the confirmation's renewal
    desk.commit()
    wipe(desk, place(1, 1))
    assert desk.boot() == 1 and desk.boot() == 1 and not desk.trial
    assert desk.commit() == 0 and desk.boot() == 4


def test_a_confirmation_is_written_again_before_the_other_slot_is_erased(desk):
    """It may have been cut, and be whole today and not tomorrow."""
    confirmed_twice(desk)
    desk.cut(2, "after")  # the renewal, the erase
    desk.commit()
    desk.boot()
    assert states(desk) == [EMPTY, CONFIRMED] and slots(desk)[1].confirmations == 2
    wipe(desk, place(1, CONFIRMATION))
    assert desk.boot() == 2 and not desk.trial
    assert desk.commit() == 0  # certain by now
    desk.boot()
    assert slots(desk)[1].confirmations == 2


def test_a_confirmation_of_this_boot_is_certain(desk):
    for _ in range(5):
        assert desk.commit() == 0 == desk.confirm()
    assert [slot.confirmations for slot in slots(desk)] == [1, 1]


def test_renewals_have_an_end(desk):
    """Eight trials in a row that were given up: the confirmed state is there as before."""
    desk.commit()
    desk.confirm()
    for _ in range(8):
        assert desk.commit() == 0 and desk.boot() == desk.tags - 1 and desk.boot() == 1
    assert slots(desk)[0].confirmations == 6


@pytest.mark.parametrize("noticed", [False, True])
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_flash_that_fails_costs_no_more_than_the_new_state(store, geometry, noticed):
    """Each operation once, done badly under power; the last ones are the confirmation."""
    desk = Desk(store, *geometry)
    desk.boot()
    confirmed_twice(desk)
    desk.c.flash_save()
    desk.cut(0, "before")
    assert desk.commit() == 0 == desk.confirm()
    count, held = desk.operations(), ({(2, None)}, 3)
    confirmation = -(-32 // geometry[0])
    for at in sorted({*range(1, count, 1 + count // 50), *range(count - confirmation, count + 1)}):
        desk.c.flash_restore()
        desk.possible, desk.tags = held
        desk.boot()
        desk.c.flash_spoil(at, noticed, at)
        status = desk.commit()
        assert status in (0, FLASH)
        if at > count - confirmation:
            assert status == 0 == desk.confirm()  # in another place
        assert desk.boot() == (2 if status else 3)
        assert desk.commit() == 0 == desk.confirm() and desk.boot() == desk.tags - 1


def test_a_trial_that_cannot_be_marked_does_not_run(desk):
    confirmed_twice(desk)
    desk.commit()
    desk.c.flash_protect(1)
    assert desk.c.desk_boot() == 1 and states(desk) == [TRIAL, CONFIRMED]
    desk.c.flash_protect(0)
    assert desk.boot() == 3


def test_a_state_is_checked_as_it_is_loaded(desk):
    confirmed_twice(desk)
    desk.c.flash_bytes()[1024 + PLACES * 32] ^= 1
    assert desk.c.desk_load(1) == FLASH and desk.c.desk_load(0) == 0


def test_after_a_commit_that_failed_nothing_kept_runs(desk):
    desk.commit()
    desk.c.flash_protect(1)
    desk.commit()
    desk.c.flash_protect(0)
    assert desk.c.desk_running() == 0  # the other slot was to take it
    desk.confirm()
    desk.commit()
    desk.c.flash_protect(1)
    assert desk.commit() == FLASH and desk.c.desk_running() == NOTHING
    assert desk.confirm() == NO_TRIAL


def test_what_cannot_be_read_is_not_there(desk):
    confirmed_twice(desk)
    desk.c.flash_unreadable(1024 + PLACES * 32)
    desk.possible = {(1, None)}
    assert desk.boot() == 1 and states(desk) == [CONFIRMED, EMPTY]
    desk.c.flash_unreadable(PLACES * 32)
    desk.possible = {(0, None)}
    assert desk.boot() == 0 and desk.c.desk_running() == NOTHING
