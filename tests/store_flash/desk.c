/* A device that keeps its state in a simulated flash: for tests that say when it does what. */
#include <stdlib.h>
#include <string.h>

#include "simulator.h"

#define ID 0xED6E1234u
#define NO_TAG (-1)

static et_store_flash geometry;
static et_store store;
static uint8_t *state;
static uint32_t state_bytes;

/* States are known by a number, 0 is the one that the firmware begins with.  Some bytes look as if
 * they were erased. */
static uint8_t byte_of(uint32_t tag, uint32_t i)
{
    uint32_t mixed = (tag * 40503u + i + 1u) * 2654435761u;
    return (uint8_t)(i % 5 ? mixed >> 24 : 0xFF);
}

void desk_learn(uint32_t tag)
{
    for (uint32_t i = 0; i < state_bytes; i++) {
        state[i] = byte_of(tag, i);
    }
}

/* Of what is in memory; NO_TAG where it is no whole state of these. */
int32_t desk_tag(uint32_t tags)
{
    for (uint32_t tag = 0; tag < tags; tag++) {
        uint32_t i = 0;
        while (i < state_bytes && state[i] == byte_of(tag, i)) {
            i++;
        }
        if (i == state_bytes) {
            return (int32_t)tag;
        }
    }
    return NO_TAG;
}

static void set_geometry(uint32_t unit, uint32_t sector, uint32_t sectors)
{
    free(geometry.buffer);
    geometry = (et_store_flash){unit,          sector,      sectors, flash_read,
                                flash_program, flash_erase, NULL,    NULL};
    geometry.buffer = malloc(ET_STORE_BUFFER(unit));
}

uint32_t desk_capacity(uint32_t unit, uint32_t sector, uint32_t sectors)
{
    set_geometry(unit, sector, sectors);
    return et_store_capacity(&geometry);
}

uint32_t desk_new(uint32_t unit, uint32_t sector, uint32_t sectors, uint32_t bytes)
{
    flash_new(unit, sector, sectors);
    free(state);
    state = malloc(bytes);
    state_bytes = bytes;
    return desk_capacity(unit, sector, sectors);
}

/* The slot, whose state is in memory now; or an error. */
int32_t desk_load(int32_t slot)
{
    if (slot < 0) {
        desk_learn(0);
        return slot;
    }
    memset(state, 0xA5, state_bytes);
    return et_store_load(&store, slot, state) == ET_STORE_OK ? slot : ET_STORE_FLASH;
}

int32_t desk_mount(uint32_t id_change)
{
    return et_store_mount(&store, &geometry, ID ^ id_change, state_bytes);
}

int32_t desk_start(void)
{
    return et_store_boot(&store);
}

/* Power-up: the slot that runs now, ET_STORE_NOTHING, or an error. */
int32_t desk_boot(void)
{
    flash_power();
    int32_t status = desk_mount(0);
    return status == ET_STORE_OK ? desk_load(et_store_boot(&store)) : status;
}

int32_t desk_commit(uint32_t score)
{
    return et_store_commit(&store, state, score);
}

int32_t desk_confirm(void)
{
    return et_store_confirm(&store);
}

int32_t desk_rollback(void)
{
    int32_t status = et_store_rollback(&store);
    return status < ET_STORE_NOTHING ? status : desk_load(status);
}

int32_t desk_running(void)
{
    return store.running;
}

const et_store_slot *desk_slot(uint32_t i)
{
    return &store.slots[i];
}
