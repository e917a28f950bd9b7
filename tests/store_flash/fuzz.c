/* Recovery from whatever a flash holds: images made of valid ones, of chance and of hostile
 * records with a right checksum.
 *
 *     fuzz COUNT SEED
 *
 * Each is mounted, booted and used.  The program ends with status 1 where a rule of the store is
 * broken; the sanitizers end it where memory or arithmetic is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "simulator.h"

#define ID 0xED6E1234u
#define LARGEST 768u
#define RECORD 32u
#define PLACES 8u
#define VALID 6u

#define DEMAND(what)                                                                              \
    if (!(what)) {                                                                                \
        printf("case %u: not %s\n", number, #what);                                               \
        exit(1);                                                                                  \
    }

static const struct {
    uint32_t unit, sector, sectors, bytes;
} geometries[] = {{1, 512, 2, 40}, {4, 512, 2, 201}, {8, 512, 4, 300}, {32, 1024, 2, 77}};

static et_store_flash geometry = {0, 0, 0, flash_read, flash_program, flash_erase, NULL, NULL};
static et_store store;
static uint8_t buffer[RECORD], state[LARGEST], valid[VALID][4096];
static uint32_t size, state_bytes, number, random_state;
static int in_circles;
static uint64_t outcomes[8];

static uint32_t chance(uint32_t below)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)random_state * below >> 32);
}

static uint32_t word(void)
{
    static const uint32_t edges[] = {0,           1,           0x7FFFFFFFu, 0x80000000u,
                                     0xFFFFFFFFu, 0xFFFFFFFEu, ID,          31};
    return chance(2) ? edges[chance(8)] : chance(65536) << 16 | chance(65536);
}

static void learn(void)
{
    for (uint32_t i = 0; i < state_bytes; i++) {
        state[i] = (uint8_t)chance(256);
    }
}

static int32_t power_up(void)
{
    flash_power();
    DEMAND(et_store_mount(&store, &geometry, ID, state_bytes) == ET_STORE_OK);
    return et_store_boot(&store);
}

/* Images that the store itself made, after other lives. */
static void make_valid(void)
{
    for (uint32_t v = 0; v < VALID; v++) {
        flash_new(geometry.unit, geometry.sector, geometry.sectors);
        power_up();
        for (uint32_t i = 0; i < v; i++) {
            learn();
            et_store_commit(&store, state, chance(1000));
            if (i != 2) {
                et_store_confirm(&store);
            }
        }
        memcpy(valid[v], flash_bytes(), size);
    }
}

static void choose_geometry(uint32_t i)
{
    geometry.unit = geometries[i].unit;
    geometry.sector = geometries[i].sector;
    geometry.sectors = geometries[i].sectors;
    geometry.buffer = buffer;
    state_bytes = geometries[i].bytes;
    size = geometry.sector * geometry.sectors;
    make_valid();
}

/* A record at a place of a slot, with a word of it changed and its checksum right. */
static void forge_record(uint8_t *bytes)
{
    uint8_t *record = bytes + chance(2) * (size / 2) + chance(PLACES) * RECORD;
    memmove(record, bytes + chance(2) * (size / 2) + chance(PLACES) * RECORD, RECORD);
    if (chance(4)) {
        et_set32(record + 4 + 4 * chance(6), word());
    }
    et_set32(record, chance(2) ? 0x4C525445u : 0x46435445u);
    et_set32(record + 28, et_crc32(0, record, 28));
}

/* A state with a right checksum under a record. */
static void forge_state(uint8_t *bytes)
{
    uint8_t *slot = bytes + chance(2) * (size / 2);
    uint8_t *record = slot + (chance(2) ? 0 : 2) * RECORD;
    uint32_t at = PLACES * RECORD + chance(state_bytes);
    slot[at] = (uint8_t)word();
    et_set32(record + 8, et_get32(record + 8) + chance(3));
    et_set32(record + 12, ID);
    et_set32(record + 16, state_bytes);
    et_set32(record + 20, et_crc32(0, slot + PLACES * RECORD, state_bytes));
    et_set32(record + 28, et_crc32(0, record, 28));
}

static void mutate(uint8_t *bytes)
{
    uint32_t at = chance(2) ? chance(size) : chance(2) * (size / 2) + chance(PLACES * RECORD);
    switch (chance(6)) {
    case 0:
        bytes[at] ^= (uint8_t)(1u << chance(8));
        break;
    case 1:
        bytes[at] = (uint8_t)word();
        break;
    case 2:
        memset(bytes + at, chance(2) ? 0xFF : 0, chance(size - at));
        break;
    case 3:
        memmove(bytes + chance(2) * (size / 2), bytes + chance(2) * (size / 2), RECORD * 4);
        break;
    case 4:
        forge_record(bytes);
        break;
    default:
        forge_state(bytes);
    }
}

/* Whether a record that counts has a generation that no store comes to. */
static int has_strange_generation(const uint8_t *bytes)
{
    for (uint32_t i = 0; i < ET_STORE_SLOTS * PLACES; i++) {
        const uint8_t *record = bytes + i / PLACES * (size / 2) + i % PLACES * RECORD;
        int counts = et_crc32(0, record, 28) == et_get32(record + 28);
        if (counts && et_get32(record + 4) > 1000) {
            return 1;
        }
    }
    return 0;
}

static void make_image(void)
{
    uint8_t *bytes = flash_bytes();
    memcpy(bytes, valid[chance(VALID)], size);
    if (chance(64) == 0) {
        for (uint32_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)chance(256);
        }
    }
    for (uint32_t i = chance(6); i > 0; i--) {
        mutate(bytes);
    }
    in_circles = has_strange_generation(bytes);
    for (uint32_t u = 0; u < size / geometry.unit && chance(16) == 0; u += 1 + chance(64)) {
        flash_unreadable(u * geometry.unit);
    }
}

static int32_t run(int32_t slot)
{
    outcomes[slot < 0 ? 0 : 1 + store.slots[slot].state]++;
    DEMAND(slot >= ET_STORE_NOTHING && slot < ET_STORE_SLOTS);
    if (slot >= 0) {
        DEMAND(store.slots[slot].state >= ET_SLOT_USED);
        DEMAND(et_store_load(&store, slot, state) == ET_STORE_OK);
    }
    return slot;
}

/* Whatever was there: a state that is committed is the one that runs next.  Only where
 * generations are forged, and one may be older and newer at once, it may be another whole one. */
static void use(void)
{
    static uint8_t kept[LARGEST];
    int32_t slot = run(power_up());
    if (slot >= 0 && chance(3) == 0) {
        chance(2) ? et_store_confirm(&store) : et_store_rollback(&store);
        run(power_up());
    }
    learn();
    memcpy(kept, state, state_bytes);
    DEMAND(et_store_commit(&store, state, word()) == ET_STORE_OK);
    DEMAND(chance(2) || et_store_confirm(&store) == ET_STORE_OK);
    DEMAND(run(power_up()) >= 0);
    DEMAND(in_circles || memcmp(kept, state, state_bytes) == 0);
    DEMAND(flash_abuses() == 0);
}

int main(int count, char **arguments)
{
    uint32_t cases = count > 1 ? (uint32_t)strtoul(arguments[1], NULL, 0) : 100000u;
    random_state = count > 2 ? (uint32_t)strtoul(arguments[2], NULL, 0) : 1u;
    for (number = 0; number < cases; number++) {
        if (number % 4096 == 0) {
            choose_geometry(number / 4096 % 4);
        }
        flash_written(0);
        make_image();
        use();
    }
    printf("%u cases; booted: nothing %llu, trials %llu, confirmed %llu\n", cases,
           (unsigned long long)outcomes[0], (unsigned long long)outcomes[1 + ET_SLOT_USED],
           (unsigned long long)outcomes[1 + ET_SLOT_CONFIRMED]);
    return 0;
}
