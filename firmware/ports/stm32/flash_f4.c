/* Flash of the STM32F4 (RM0090, RM0368, RM0390: chapter 3) and F7 (RM0385 chapter 3): sectors of
 * unequal size, words. Words need a supply of 2.7 V or more, as the boards have. */
#include "flash_keys.h"

#include <string.h>

#define FLASH_KEYR 0x40023C04u
#define FLASH_SR 0x40023C0Cu
#define FLASH_CR 0x40023C10u

#define SR_EOP (1u << 0)
#define SR_OPERR (1u << 1)
#define SR_WRPERR (1u << 4)
#define SR_ERRORS (SR_OPERR | (15u << 4)) /* WRP, PGA, PGP; bit 7 is PGSERR, on the F7 ERSERR */
#define SR_BSY (1u << 16)

#define CR_PG (1u << 0)
#define CR_SER (1u << 1)
#define CR_SNB_SHIFT 3u
#define CR_PSIZE_WORD (2u << 8)
#define CR_STRT (1u << 16)
#define CR_LOCK (1u << 31)

_Static_assert(ET_FLASH_UNIT == 4, "this controller programs words");
_Static_assert(ET_FLASH_ORIGIN == 0x08000000u, "sectors are numbered from the chip's first");

int32_t et_flash_open(uint32_t address)
{
    (void)address;
    int32_t status = et_flash_wait(FLASH_SR, SR_BSY, 0u);
    if (status == ET_FLASH_OK) {
        status = et_flash_unlock(FLASH_KEYR, FLASH_CR, CR_LOCK);
    }
    if (status == ET_FLASH_OK) {
        ET_REG(FLASH_SR) = SR_ERRORS | SR_EOP; /* writing 1 clears them */
    }
    return status;
}

static int32_t finish(void)
{
    et_flash_barrier();
    int32_t status = et_flash_wait(FLASH_SR, SR_BSY, 0u);
    if (status != ET_FLASH_OK) {
        return status;
    }
    uint32_t flags = ET_REG(FLASH_SR);
    ET_REG(FLASH_CR) = 0u;
    if (flags & SR_WRPERR) {
        return ET_FLASH_PROTECTED;
    }
    return flags & SR_ERRORS ? ET_FLASH_REFUSED : ET_FLASH_OK;
}

int32_t et_flash_erase_sector(uint32_t address, uint32_t sector)
{
    (void)address;
    uint32_t choice = CR_PSIZE_WORD | CR_SER | (sector << CR_SNB_SHIFT);
    ET_REG(FLASH_CR) = choice;
    ET_REG(FLASH_CR) = choice | CR_STRT;
    return finish();
}

int32_t et_flash_program_unit(uint32_t address, const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    ET_REG(FLASH_CR) = CR_PSIZE_WORD | CR_PG;
    et_flash_barrier();
    ET_REG(address) = value;
    return finish();
}

void et_flash_close(uint32_t address)
{
    (void)address;
    ET_REG(FLASH_CR) = CR_LOCK;
}
