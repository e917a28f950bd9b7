/* Flash of the nRF52840 (product specification 4.3, NVMC): pages of 4 KB, words. A word may be
 * written twice between erases (n_WRITE): here it is written once. The core stands still while
 * the controller works, as the code lies in the same flash. The cache holds instructions only. What
 * firmware protects with the ACL (4.4) faults: edgetune's protects nothing. */
#include "../cortex_m/flash_parts.h"

#include <string.h>

#define NVMC_READY 0x4001E400u
#define NVMC_CONFIG 0x4001E504u
#define NVMC_ERASEPAGE 0x4001E508u

#define READY 1u
#define CONFIG_READ 0u
#define CONFIG_WRITE 1u
#define CONFIG_ERASE 2u

_Static_assert(ET_FLASH_UNIT == 4, "this controller programs words");

int32_t et_flash_open(uint32_t address)
{
    (void)address;
    return et_flash_wait(NVMC_READY, READY, READY);
}

static void configure(uint32_t mode)
{
    ET_REG(NVMC_CONFIG) = mode;
    et_flash_barrier();
}

int32_t et_flash_erase_sector(uint32_t address, uint32_t sector)
{
    (void)sector;
    configure(CONFIG_ERASE);
    ET_REG(NVMC_ERASEPAGE) = address;
    et_flash_barrier();
    return et_flash_wait(NVMC_READY, READY, READY);
}

int32_t et_flash_program_unit(uint32_t address, const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    configure(CONFIG_WRITE);
    ET_REG(address) = value;
    et_flash_barrier();
    return et_flash_wait(NVMC_READY, READY, READY);
}

void et_flash_close(uint32_t address)
{
    (void)address;
    configure(CONFIG_READ);
}
