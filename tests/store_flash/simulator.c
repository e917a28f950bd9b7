#include "simulator.h"

#include <stdlib.h>
#include <string.h>

enum { CLEAN, TORN, PROGRAMMED };

/* Of one unit: what it is, whether its error code holds, whether it is weak. */
typedef struct {
    uint8_t condition, unreadable, weak;
} unit_state;

static struct {
    uint32_t unit, sector, sectors, size;
    uint8_t *bytes, *before, *after; /* before, after: of what is weak */
    unit_state *units;
    uint32_t *erases;
} flash, saved;

static uint32_t operations, cut_at, cut_tear, random_state = 1, abuses;
static uint32_t spoil_at;
static int off, protected, spoil_noticed;

static uint32_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static void *fresh(void *old, uint32_t count)
{
    free(old);
    return calloc(count, 1);
}

static void lay_out(uint32_t unit, uint32_t sector, uint32_t sectors)
{
    flash.unit = unit;
    flash.sector = sector;
    flash.sectors = sectors;
    flash.size = sector * sectors;
    flash.bytes = fresh(flash.bytes, flash.size);
    flash.before = fresh(flash.before, flash.size);
    flash.after = fresh(flash.after, flash.size);
    flash.units = fresh(flash.units, flash.size / unit * (uint32_t)sizeof *flash.units);
    flash.erases = fresh(flash.erases, sectors * (uint32_t)sizeof *flash.erases);
}

void flash_new(uint32_t unit, uint32_t sector, uint32_t sectors)
{
    lay_out(unit, sector, sectors);
    memset(flash.bytes, 0xFF, flash.size);
    abuses = 0;
    off = protected = 0;
    flash_cut(0, 0, 1);
}

void flash_cut(uint32_t n, uint32_t tear, uint32_t seed)
{
    operations = spoil_at = 0;
    cut_at = n;
    cut_tear = tear;
    random_state = seed * 2654435761u | 1u;
}

void flash_spoil(uint32_t n, int noticed, uint32_t seed)
{
    flash_cut(0, TEAR_PART, seed);
    spoil_at = n;
    spoil_noticed = noticed;
}

void flash_protect(int is)
{
    protected = is;
}

void flash_unreadable(uint32_t offset)
{
    flash.units[offset / flash.unit].unreadable = 1;
}

uint32_t flash_operations(void)
{
    return operations;
}

int flash_is_off(void)
{
    return off;
}

uint32_t flash_abuses(void)
{
    return abuses;
}

uint32_t flash_erases(uint32_t sector)
{
    return flash.erases[sector];
}

uint8_t *flash_bytes(void)
{
    return flash.bytes;
}

void flash_written(int programmed)
{
    for (uint32_t u = 0; u < flash.size / flash.unit; u++) {
        flash.units[u] = (unit_state){programmed ? PROGRAMMED : CLEAN, 0, 0};
    }
}

static void copy_bytes(uint8_t *to, const uint8_t *from)
{
    memcpy(to, from, flash.size);
}

static void copy_flash(int back)
{
    uint32_t units = flash.size / flash.unit * (uint32_t)sizeof *flash.units;
    copy_bytes(back ? flash.bytes : saved.bytes, back ? saved.bytes : flash.bytes);
    copy_bytes(back ? flash.before : saved.before, back ? saved.before : flash.before);
    copy_bytes(back ? flash.after : saved.after, back ? saved.after : flash.after);
    memcpy(back ? flash.units : saved.units, back ? saved.units : flash.units, units);
}

void flash_save(void)
{
    uint32_t units = flash.size / flash.unit * (uint32_t)sizeof *flash.units;
    saved.bytes = fresh(saved.bytes, flash.size);
    saved.before = fresh(saved.before, flash.size);
    saved.after = fresh(saved.after, flash.size);
    saved.units = fresh(saved.units, units);
    copy_flash(0);
}

void flash_restore(void)
{
    copy_flash(1);
    off = 0;
}

static int outside(uint32_t offset, uint32_t count)
{
    int is = offset > flash.size || count > flash.size - offset;
    abuses += (uint32_t)is;
    return is;
}

/* Bits that are on their way from `before` to `after`. */
static void mix(uint32_t u)
{
    for (uint32_t i = u * flash.unit; i < (u + 1) * flash.unit; i++) {
        uint8_t mask = (uint8_t)random_bits();
        flash.bytes[i] = (uint8_t)((flash.before[i] & mask) | (flash.after[i] & ~mask));
    }
}

static void roll(uint32_t u)
{
    const uint8_t *ends[] = {flash.before, flash.after};
    uint32_t way = random_bits() >> 8 & 3u;
    flash.units[u].unreadable = way == 3;
    if (way < 2) {
        memcpy(flash.bytes + u * flash.unit, ends[way] + u * flash.unit, flash.unit);
    } else {
        mix(u);
    }
}

void flash_power(void)
{
    off = 0;
    for (uint32_t u = 0; u < flash.size / flash.unit; u++) {
        if (flash.units[u].weak) {
            roll(u);
        }
    }
}

/* What becomes of a unit between before and after. */
static void tear_unit(uint32_t u, int erasing)
{
    uint8_t *bytes = flash.bytes + u * flash.unit;
    flash.units[u].condition = TORN;
    if (cut_tear == TEAR_HIDDEN) {
        flash.units[u].unreadable = 0;
        memset(bytes, 0xFF, flash.unit);
    } else if (cut_tear == TEAR_PART) {
        mix(u);
    } else if (cut_tear == TEAR_UNREADABLE) {
        flash.units[u].unreadable = !erasing || (random_bits() >> 9 & 1u);
    } else if (cut_tear == TEAR_WEAK) {
        flash.units[u].weak = 1;
        roll(u);
    }
}

static int goes_now(void)
{
    operations++;
    off = cut_at != 0 && operations == cut_at;
    return off;
}

/* -- program ------------------------------------------------------------------------------- */

static int reads_erased(uint32_t u)
{
    for (uint32_t i = u * flash.unit; i < (u + 1) * flash.unit; i++) {
        if (flash.bytes[i] != 0xFF) {
            return 0;
        }
    }
    return !flash.units[u].unreadable;
}

/* A unit that a cut left may take a program badly, and the controller may notice it or not. */
static int32_t program_torn(uint32_t u)
{
    uint32_t luck = random_bits() >> 10 & 3u;
    flash.units[u].condition = PROGRAMMED;
    flash.units[u].weak = 0;
    if (luck < 2) {
        memcpy(flash.bytes + u * flash.unit, flash.after + u * flash.unit, flash.unit);
        return 0;
    }
    mix(u);
    return luck == 2 ? 0 : FLASH_FAILS;
}

static int32_t program_unit(uint32_t u, const uint8_t *bytes)
{
    unit_state *unit = &flash.units[u];
    if (unit->condition == PROGRAMMED || !reads_erased(u)) {
        abuses++;
        return FLASH_ABUSED;
    }
    memset(flash.before + u * flash.unit, 0xFF, flash.unit);
    memcpy(flash.after + u * flash.unit, bytes, flash.unit);
    int torn = goes_now();
    if (torn && cut_tear == TEAR_BEFORE) {
        return FLASH_OFF;
    }
    if (torn && cut_tear != TEAR_AFTER) {
        tear_unit(u, 0);
        return FLASH_OFF;
    }
    if (unit->condition == TORN) {
        return program_torn(u);
    }
    if (operations == spoil_at) {
        unit->condition = PROGRAMMED;
        mix(u);
        return spoil_noticed ? FLASH_FAILS : 0;
    }
    memcpy(flash.bytes + u * flash.unit, bytes, flash.unit);
    unit->condition = PROGRAMMED;
    return torn ? FLASH_OFF : 0;
}

int32_t flash_program(void *context, uint32_t offset, const void *bytes, uint32_t count)
{
    (void)context;
    if (outside(offset, count) || offset % flash.unit || count % flash.unit) {
        abuses++;
        return FLASH_ABUSED;
    }
    if (protected) {
        return FLASH_FAILS;
    }
    for (uint32_t i = 0; i < count; i += flash.unit) {
        int32_t status =
            off ? FLASH_OFF : program_unit((offset + i) / flash.unit, (const uint8_t *)bytes + i);
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

/* -- erase and read ------------------------------------------------------------------------ */

/* Which units an erase reached when the power went: those before a place, those behind it, or
 * any. */
static int is_reached(uint32_t number, uint32_t count, uint32_t way, uint32_t where)
{
    if (way == 0) {
        return number < where % (count + 1u);
    }
    return way == 1 ? number >= where % (count + 1u) : (int)(random_bits() >> 7 & 1u);
}

static void tear_sector(uint32_t first, uint32_t count)
{
    uint32_t way = random_bits() >> 5 & 3u, where = random_bits();
    for (uint32_t u = first; u < first + count; u++) {
        int whole = cut_tear == TEAR_PART && way != 3;
        if (!whole) {
            tear_unit(u, 1);
        } else if (is_reached(u - first, count, way, where)) {
            memset(flash.bytes + u * flash.unit, 0xFF, flash.unit);
            flash.units[u] = (unit_state){TORN, 0, 0};
        } else {
            flash.units[u].condition = reads_erased(u) ? TORN : flash.units[u].condition;
        }
    }
}

void flash_wipe(uint32_t offset, uint32_t count)
{
    memset(flash.bytes + offset, 0xFF, count);
    memset(flash.units + offset / flash.unit, 0, count / flash.unit * sizeof *flash.units);
}

int32_t flash_erase(void *context, uint32_t offset)
{
    uint32_t first = offset / flash.unit, count = flash.sector / flash.unit;
    (void)context;
    if (outside(offset, flash.sector) || offset % flash.sector) {
        abuses++;
        return FLASH_ABUSED;
    }
    if (off || protected) {
        return off ? FLASH_OFF : FLASH_FAILS;
    }
    memcpy(flash.before + offset, flash.bytes + offset, flash.sector);
    memset(flash.after + offset, 0xFF, flash.sector);
    int torn = goes_now();
    flash.erases[offset / flash.sector]++;
    if (torn && cut_tear != TEAR_AFTER) {
        if (cut_tear != TEAR_BEFORE) {
            tear_sector(first, count);
        }
        return FLASH_OFF;
    }
    if (operations == spoil_at) {
        tear_sector(first, count);
        return FLASH_FAILS;
    }
    flash_wipe(offset, flash.sector);
    return torn ? FLASH_OFF : 0;
}

int32_t flash_read(void *context, uint32_t offset, void *bytes, uint32_t count)
{
    (void)context;
    if (outside(offset, count)) {
        return FLASH_ABUSED;
    }
    for (uint32_t u = offset / flash.unit; u * flash.unit < offset + count; u++) {
        if (off || flash.units[u].unreadable) {
            return off ? FLASH_OFF : FLASH_UNREADABLE;
        }
    }
    memcpy(bytes, flash.bytes + offset, count);
    return 0;
}
