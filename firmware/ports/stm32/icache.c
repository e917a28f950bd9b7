/* The STM32L5's instruction cache, which also holds constants (RM0438, chapter ICACHE). Without it
 * every jump waits for the flash. */
#include "../cortex_m/core.h"
#include "../cortex_m/parts.h"

#define ICACHE_CR 0x40030400u
#define ICACHE_SR 0x40030404u

#define CR_EN (1u << 0)
#define CR_CACHEINV (1u << 1)
#define SR_BUSYF (1u << 0)

/* After reset the cache empties itself. */
void et_cache_start(void)
{
    if (et_wait_for(ICACHE_SR, SR_BUSYF, 0u)) {
        ET_REG(ICACHE_CR) |= CR_EN;
    }
}

/* It can only be emptied as a whole. */
void et_cache_forget(uint32_t address, uint32_t bytes)
{
    (void)address;
    (void)bytes;
    ET_REG(ICACHE_CR) |= CR_CACHEINV;
    (void)et_wait_for(ICACHE_SR, SR_BUSYF, 0u);
}
