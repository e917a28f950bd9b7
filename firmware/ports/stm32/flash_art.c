/* The caches in the flash interface of the STM32F4, L4 and G0 (ART: RM0090 3.5.2, RM0351 3.3.4,
 * RM0444 3.3.5). They cannot drop a single line, and may only be emptied while they are off. */
#include "../cortex_m/flash_parts.h"

#define ACR_CACHES ET_FLASH_ACCESS_CACHES /* ICEN, DCEN; on the G0 the latter is reserved, and 1 */
#define ACR_TO_RESET 2u                   /* ICRST and DCRST lie two bits higher */

void et_cache_forget(uint32_t address, uint32_t bytes)
{
    (void)address;
    (void)bytes;
    uint32_t before = ET_REG(ET_FLASH_ACCESS_REGISTER);
    uint32_t caches = before & ACR_CACHES;
    ET_REG(ET_FLASH_ACCESS_REGISTER) = before & ~ACR_CACHES;
    ET_REG(ET_FLASH_ACCESS_REGISTER) = (before & ~ACR_CACHES) | (caches << ACR_TO_RESET);
    ET_REG(ET_FLASH_ACCESS_REGISTER) = before & ~ACR_CACHES;
    ET_REG(ET_FLASH_ACCESS_REGISTER) = before;
    et_flash_barrier();
}
