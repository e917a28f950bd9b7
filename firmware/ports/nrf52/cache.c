/* The nRF52840's instruction cache (nRF52840 PS v1.7, 4.3): flash alone takes two wait states. It
 * holds no data, so weights that change in flash need nothing. */
#include "../cortex_m/core.h"
#include "../cortex_m/parts.h"

#define NVMC_ICACHECNF ET_REG(0x4001E540u)
#define CACHEEN 1u

void et_cache_start(void)
{
    NVMC_ICACHECNF = CACHEEN;
}
