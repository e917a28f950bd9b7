#include "store.h"

#include <string.h>

#include "frames.h"

#define KIND_TRIAL 0x4C525445u     /* "ETRL" */
#define KIND_CONFIRMED 0x46435445u /* "ETCF" */

#define RECORD_BYTES ((uint32_t)sizeof(et_store_record))
#define COMMIT_PLACE 0u
#define USED_PLACE 1u
#define CONFIRM_PLACE 2u
#define PLACES (CONFIRM_PLACE + ET_STORE_CONFIRMATIONS)
#define ERASED 0xFFu

typedef char a_record_has_no_gaps[sizeof(et_store_record) == 32 ? 1 : -1];

/* -- geometry ------------------------------------------------------------------------------ */

static uint32_t place_bytes(const et_store_flash *flash)
{
    return ET_STORE_BUFFER(flash->unit);
}

static uint32_t slot_bytes(const et_store_flash *flash)
{
    return flash->sectors / ET_STORE_SLOTS * flash->sector;
}

static uint32_t place(const et_store *store, uint32_t slot, uint32_t number)
{
    return slot * slot_bytes(store->flash) + number * place_bytes(store->flash);
}

static int is_geometry(const et_store_flash *flash)
{
    uint32_t unit = flash->unit, sector = flash->sector, sectors = flash->sectors;
    if (unit == 0 || (unit & (unit - 1u)) != 0 || sector == 0 || sectors == 0) {
        return 0;
    }
    return sector % ET_STORE_BUFFER(unit) == 0 && sectors % ET_STORE_SLOTS == 0 &&
           sector <= 0x7FFFFFFFu / sectors;
}

uint32_t et_store_capacity(const et_store_flash *flash)
{
    if (!is_geometry(flash) || slot_bytes(flash) <= PLACES * place_bytes(flash)) {
        return 0;
    }
    return slot_bytes(flash) - PLACES * place_bytes(flash);
}

/* -- flash --------------------------------------------------------------------------------- */

static int32_t checked(et_store *store, int32_t status)
{
    if (status != 0) {
        store->flash_error = status;
        return ET_STORE_FLASH;
    }
    return ET_STORE_OK;
}

static int32_t read(et_store *store, uint32_t offset, void *bytes, uint32_t count)
{
    const et_store_flash *flash = store->flash;
    return checked(store, flash->read(flash->context, offset, bytes, count));
}

static int32_t program(et_store *store, uint32_t offset, const void *bytes, uint32_t count)
{
    const et_store_flash *flash = store->flash;
    if (count == 0) {
        return ET_STORE_OK;
    }
    return checked(store, flash->program(flash->context, offset, bytes, count));
}

/* The rest of the last unit stays erased. */
static int32_t program_padded(et_store *store, uint32_t offset, const void *bytes, uint32_t count)
{
    const et_store_flash *flash = store->flash;
    uint32_t whole = count / flash->unit * flash->unit;
    int32_t status = program(store, offset, bytes, whole);
    if (status != ET_STORE_OK || whole == count) {
        return status;
    }
    memset(flash->buffer, ERASED, flash->unit);
    memcpy(flash->buffer, (const uint8_t *)bytes + whole, count - whole);
    return program(store, offset + whole, flash->buffer, flash->unit);
}

/* Whether so many bytes, at most a place's, can be read and are erased. */
static int is_erased(et_store *store, uint32_t offset, uint32_t count)
{
    uint8_t *bytes = store->flash->buffer;
    if (read(store, offset, bytes, count) != ET_STORE_OK) {
        return 0;
    }
    while (count > 0 && bytes[count - 1u] == ERASED) {
        count--;
    }
    return count == 0;
}

/* -- records ------------------------------------------------------------------------------- */

static uint32_t record_crc(const et_store_record *record)
{
    return et_crc32(0, (const uint8_t *)record, RECORD_BYTES - 4u);
}

/* Whether a place holds a whole record of this kind. */
static int read_record(et_store *store, uint32_t offset, uint32_t kind, et_store_record *record)
{
    return read(store, offset, record, RECORD_BYTES) == ET_STORE_OK && record->kind == kind &&
           record->crc == record_crc(record);
}

static int32_t write_record(et_store *store, uint32_t offset, et_store_record *record)
{
    et_store_record written;
    record->crc = record_crc(record);
    int32_t status = program_padded(store, offset, record, RECORD_BYTES);
    if (status != ET_STORE_OK) {
        return status;
    }
    int whole = read_record(store, offset, record->kind, &written);
    return whole && written.crc == record->crc ? ET_STORE_OK : ET_STORE_FLASH;
}

/* -- slots --------------------------------------------------------------------------------- */

/* Generations come round: the half behind one is older. */
static int is_newer(uint32_t generation, uint32_t than)
{
    return generation - than - 1u < 0x7FFFFFFFu;
}

/* The newest slot whose state is at least `least`. */
static int32_t newest(const et_store *store, uint8_t least)
{
    int32_t found = ET_STORE_NOTHING;
    for (int32_t i = 0; i < ET_STORE_SLOTS; i++) {
        const et_store_slot *slot = &store->slots[i];
        if (slot->state >= least &&
            (found < 0 ||
             is_newer(slot->record.generation, store->slots[found].record.generation))) {
            found = i;
        }
    }
    return found;
}

int32_t et_store_confirmed(const et_store *store)
{
    return newest(store, ET_SLOT_CONFIRMED);
}

/* The newest of the records of a confirmation, and how many there are. */
static void find_confirmations(et_store *store, uint32_t i)
{
    et_store_slot *slot = &store->slots[i];
    et_store_record record;
    for (uint32_t k = 0; k < ET_STORE_CONFIRMATIONS; k++) {
        if (!read_record(store, place(store, i, CONFIRM_PLACE + k), KIND_CONFIRMED, &record)) {
            continue;
        }
        if (slot->confirmations++ == 0 || is_newer(record.generation, slot->record.generation)) {
            slot->record = record;
        }
    }
}

static int state_is_whole(et_store *store, uint32_t i)
{
    const et_store_record *record = &store->slots[i].record;
    const et_store_flash *flash = store->flash;
    uint32_t offset = place(store, i, PLACES), crc = 0, count;
    for (uint32_t left = record->bytes; left > 0; left -= count, offset += count) {
        count = left < place_bytes(flash) ? left : place_bytes(flash);
        if (read(store, offset, flash->buffer, count) != ET_STORE_OK) {
            return 0;
        }
        crc = et_crc32(crc, flash->buffer, count);
    }
    return crc == record->state_crc;
}

static uint8_t state_of(et_store *store, uint32_t i)
{
    const et_store_slot *slot = &store->slots[i];
    if (slot->record.id != store->id || slot->record.bytes != store->bytes) {
        return ET_SLOT_FOREIGN;
    }
    if (!state_is_whole(store, i)) {
        return ET_SLOT_EMPTY;
    }
    if (slot->confirmations) {
        return ET_SLOT_CONFIRMED;
    }
    int unused = is_erased(store, place(store, i, USED_PLACE), store->flash->unit);
    return unused ? ET_SLOT_TRIAL : ET_SLOT_USED;
}

static void examine(et_store *store, uint32_t i)
{
    et_store_slot *slot = &store->slots[i];
    memset(slot, 0, sizeof *slot);
    find_confirmations(store, i);
    if (slot->confirmations ||
        read_record(store, place(store, i, COMMIT_PLACE), KIND_TRIAL, &slot->record)) {
        slot->state = state_of(store, i);
    } else {
        memset(&slot->record, 0, sizeof slot->record);
    }
}

int32_t et_store_mount(et_store *store, const et_store_flash *flash, uint32_t id, uint32_t bytes)
{
    memset(store, 0, sizeof *store);
    store->flash = flash;
    store->id = id;
    store->bytes = bytes;
    store->running = ET_STORE_NOTHING;
    uint32_t capacity = et_store_capacity(flash);
    if (capacity == 0 || bytes > capacity) {
        return capacity == 0 ? ET_STORE_GEOMETRY : ET_STORE_TOO_LARGE;
    }
    for (uint32_t i = 0; i < ET_STORE_SLOTS; i++) {
        examine(store, i);
    }
    return ET_STORE_OK;
}

/* -- boot ---------------------------------------------------------------------------------- */

/* Programs the mark; fails where the unit reads as erased even then. */
static int32_t mark_used(et_store *store, int32_t i)
{
    const et_store_flash *flash = store->flash;
    uint32_t offset = place(store, (uint32_t)i, USED_PLACE);
    memset(flash->buffer, 0, flash->unit);
    program(store, offset, flash->buffer, flash->unit);
    if (is_erased(store, offset, flash->unit)) {
        return ET_STORE_FLASH;
    }
    store->slots[i].state = ET_SLOT_USED;
    return ET_STORE_OK;
}

int32_t et_store_boot(et_store *store)
{
    int32_t i = newest(store, ET_SLOT_TRIAL);
    int trial = i >= 0 && store->slots[i].state == ET_SLOT_TRIAL;
    int runs = trial && mark_used(store, i) == ET_STORE_OK;
    store->running = runs ? i : et_store_confirmed(store);
    return store->running;
}

int32_t et_store_load(et_store *store, int32_t slot, void *state)
{
    int32_t status = read(store, place(store, (uint32_t)slot, PLACES), state, store->bytes);
    uint32_t expected = store->slots[slot].record.state_crc;
    if (status == ET_STORE_OK && et_crc32(0, state, store->bytes) != expected) {
        status = ET_STORE_FLASH;
    }
    return status;
}

/* -- confirm and roll back ----------------------------------------------------------------- */

/* Into the first place that takes it. */
static int32_t write_confirmation(et_store *store, uint32_t i, uint32_t generation)
{
    et_store_slot *slot = &store->slots[i];
    et_store_record record = slot->record;
    int32_t status = ET_STORE_FULL;
    record.kind = KIND_CONFIRMED;
    record.generation = generation;
    for (uint32_t k = 0; k < ET_STORE_CONFIRMATIONS && status != ET_STORE_OK; k++) {
        uint32_t offset = place(store, i, CONFIRM_PLACE + k);
        if (is_erased(store, offset, place_bytes(store->flash))) {
            status = write_record(store, offset, &record);
        }
    }
    if (status == ET_STORE_OK) {
        slot->record = record;
        slot->confirmations++;
        slot->certain = 1;
    }
    return status;
}

static int runs_trial(const et_store *store)
{
    uint8_t state = store->running < 0 ? ET_SLOT_EMPTY : store->slots[store->running].state;
    return state == ET_SLOT_TRIAL || state == ET_SLOT_USED;
}

int32_t et_store_confirm(et_store *store)
{
    if (!runs_trial(store)) {
        return ET_STORE_NO_TRIAL;
    }
    et_store_slot *slot = &store->slots[store->running];
    int32_t status = write_confirmation(store, (uint32_t)store->running, slot->record.generation);
    if (status == ET_STORE_OK) {
        slot->state = ET_SLOT_CONFIRMED;
    }
    return status;
}

int32_t et_store_rollback(et_store *store)
{
    if (!runs_trial(store)) {
        return ET_STORE_NO_TRIAL;
    }
    if (store->slots[store->running].state == ET_SLOT_TRIAL) {
        int32_t status = mark_used(store, store->running);
        if (status != ET_STORE_OK) {
            return status;
        }
    }
    store->running = et_store_confirmed(store);
    return store->running;
}

/* -- commit -------------------------------------------------------------------------------- */

/* The slot that is not needed: the one beside the state that the next boot falls back to. */
static uint32_t choose(const et_store *store)
{
    int32_t kept = et_store_confirmed(store);
    kept = kept < 0 ? newest(store, ET_SLOT_TRIAL) : kept;
    return kept < 0 ? 0u : 1u - (uint32_t)kept;
}

/* Makes sure of the confirmed state, if there is one, before slot `target` is erased.  That no
 * place is left for it, after six trials in a row that were given up, is no reason to stop. */
static void make_sure(et_store *store, uint32_t target)
{
    et_store_slot *kept = &store->slots[1u - target], *other = &store->slots[target];
    if (kept->state != ET_SLOT_CONFIRMED) {
        return;
    }
    uint32_t generation = kept->record.generation;
    int outdated = other->state == ET_SLOT_USED && is_newer(other->record.generation, generation);
    if (outdated) {
        write_confirmation(store, 1u - target, other->record.generation + 1u);
    } else if (!kept->certain && kept->confirmations < 2) {
        write_confirmation(store, 1u - target, generation);
    }
}

/* Later than what stays; the target's own is about to go. */
static uint32_t next_generation(const et_store *store, uint32_t target)
{
    const et_store_record *own = &store->slots[target].record;
    const et_store_record *other = &store->slots[1u - target].record;
    return (other->kind ? other->generation : own->generation) + 1u;
}

/* A slot without a record was erased as often as its neighbour: they take turns. */
static uint32_t erases_of(const et_store *store, uint32_t i)
{
    const et_store_slot *slot = &store->slots[i], *other = &store->slots[1u - i];
    return slot->record.kind ? slot->record.erases : other->record.erases;
}

static int32_t erase_slot(et_store *store, uint32_t i)
{
    const et_store_flash *flash = store->flash;
    uint32_t begin = place(store, i, 0), end = place(store, i, PLACES) + store->bytes;
    memset(&store->slots[i], 0, sizeof store->slots[i]);
    for (uint32_t at = begin; at < end; at += flash->sector) {
        int32_t status = checked(store, flash->erase(flash->context, at));
        if (status != ET_STORE_OK) {
            return status;
        }
    }
    return ET_STORE_OK;
}

static int32_t write_state(et_store *store, uint32_t i, const void *state)
{
    int32_t status = program_padded(store, place(store, i, PLACES), state, store->bytes);
    if (status != ET_STORE_OK) {
        return status;
    }
    return state_is_whole(store, i) ? ET_STORE_OK : ET_STORE_FLASH;
}

int32_t et_store_commit(et_store *store, const void *state, uint32_t score)
{
    uint32_t i = choose(store);
    et_store_slot *slot = &store->slots[i];
    make_sure(store, i);
    et_store_record record = {
        .kind = KIND_TRIAL,
        .generation = next_generation(store, i),
        .erases = erases_of(store, i) + 1u,
        .id = store->id,
        .bytes = store->bytes,
        .state_crc = et_crc32(0, state, store->bytes),
        .score = score,
    };
    store->running = store->running == (int32_t)i ? ET_STORE_NOTHING : store->running;
    int32_t status = erase_slot(store, i);
    slot->record = record; /* empty still */
    if (status == ET_STORE_OK) {
        status = write_state(store, i, state);
    }
    if (status == ET_STORE_OK) {
        status = write_record(store, place(store, i, COMMIT_PLACE), &record);
    }
    if (status == ET_STORE_OK) {
        slot->record = record;
        slot->state = ET_SLOT_TRIAL;
        store->running = (int32_t)i;
    }
    return status;
}
