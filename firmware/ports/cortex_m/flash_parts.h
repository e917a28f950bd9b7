/* What flash.h is made of, besides et_cache_forget(). The sources of a board's [flash] table bring
 * it. */
#ifndef ET_CORTEX_M_FLASH_PARTS_H
#define ET_CORTEX_M_FLASH_PARTS_H

#include "board.h"
#include "core.h"
#include "parts.h"
#include "../flash.h"

/* Wait until no operation runs, forget old errors and unlock what `address` belongs to. Nothing
 * is unlocked unless it returns ET_FLASH_OK. */
int32_t et_flash_open(uint32_t address);

/* One operation, with the arguments checked and flash open: `sector` counts from the origin. */
int32_t et_flash_erase_sector(uint32_t address, uint32_t sector);
int32_t et_flash_program_unit(uint32_t address, const uint8_t *bytes);

/* Lock again. Not called after ET_FLASH_BUSY. */
void et_flash_close(uint32_t address);

/* Copy from flash: ET_FLASH_UNREADABLE, and no fault, where the error code does not hold.  There
 * is a weak one for memories without such a code. */
int32_t et_flash_copy(void *bytes, const void *from, uint32_t count);

/* The non-maskable interrupt, where a driver's memory raises it; else it is a fault. */
void et_nmi(void);

/* Looks at a register within ET_FLASH_BUSY_MS: one takes four cycles at the very least. */
#define ET_FLASH_PATIENCE (ET_FLASH_BUSY_MS * (ET_CLOCK_HZ / 4000u))

/* Wait until the bits of `mask` read as `value`. */
static inline int32_t et_flash_wait(uint32_t address, uint32_t mask, uint32_t value)
{
    for (uint32_t i = 0; i < ET_FLASH_PATIENCE; i++) {
        if ((ET_REG(address) & mask) == value) {
            return ET_FLASH_OK;
        }
    }
    return ET_FLASH_BUSY;
}

/* What was written before is with flash, or with the controller, before what comes after: the
 * one is memory and the other a device, so the core may turn their order round (DDI 0403 A3.7). */
static inline void et_flash_barrier(void)
{
    __asm volatile("dsb\n isb" ::: "memory");
}

#endif
