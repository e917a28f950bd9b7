/* The lock of every STM32 flash controller up to the H7: two keys in a row open it. A wrong or
 * repeated key closes it until the next reset, so it is opened only when it is closed. */
#ifndef ET_STM32_FLASH_KEYS_H
#define ET_STM32_FLASH_KEYS_H

#include "../cortex_m/flash_parts.h"

#define ET_FLASH_KEY1 0x45670123u
#define ET_FLASH_KEY2 0xCDEF89ABu

static inline int32_t et_flash_unlock(uint32_t key_register, uint32_t control, uint32_t lock)
{
    if (ET_REG(control) & lock) {
        ET_REG(key_register) = ET_FLASH_KEY1;
        ET_REG(key_register) = ET_FLASH_KEY2;
    }
    return ET_REG(control) & lock ? ET_FLASH_LOCKED : ET_FLASH_OK;
}

#endif
