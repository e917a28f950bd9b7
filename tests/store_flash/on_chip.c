/* The store on a board's own flash driver, as firmware/store/keeping.c puts it there. */
#include "on_flash.h"

#define STATE_BYTES 301u

static uint8_t state[STATE_BYTES];
static et_store store;

/* In place of the start-up code's. */
void et_fault(void);
void et_fault(void)
{
}

/* The first byte of the state that runs, 0 without one; or an error. */
int32_t chip_boot(void)
{
    int32_t status = et_store_mount(&store, &et_region, 1, STATE_BYTES);
    if (status != ET_STORE_OK) {
        return status;
    }
    int32_t slot = et_store_boot(&store);
    if (slot < 0) {
        return 0;
    }
    status = et_store_load(&store, slot, state);
    return status == ET_STORE_OK ? state[0] : status;
}

int32_t chip_commit(uint32_t first)
{
    for (uint32_t i = 0; i < STATE_BYTES; i++) {
        state[i] = (uint8_t)(first + i);
    }
    return et_store_commit(&store, state, 0);
}

int32_t chip_confirm(void)
{
    return et_store_confirm(&store);
}
