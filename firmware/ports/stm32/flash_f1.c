/* Flash of the STM32F1 up to 512 KB (PM0075 and, for the F100, PM0063): pages, half-words. Their
 * controller works from the internal oscillator, which the clock code leaves running. */
#include "flash_keys.h"

#include <string.h>

#define FLASH_KEYR 0x40022004u
#define FLASH_SR 0x4002200Cu
#define FLASH_CR 0x40022010u
#define FLASH_AR 0x40022014u

#define SR_BSY (1u << 0)
#define SR_PGERR (1u << 2)
#define SR_WRPRTERR (1u << 4)
#define SR_EOP (1u << 5)
#define SR_FLAGS (SR_PGERR | SR_WRPRTERR | SR_EOP) /* writing 1 clears them */

#define CR_PG (1u << 0)
#define CR_PER (1u << 1)
#define CR_STRT (1u << 6)
#define CR_LOCK (1u << 7)

_Static_assert(ET_FLASH_UNIT == 2, "this controller programs half-words");

int32_t et_flash_open(uint32_t address)
{
    (void)address;
    int32_t status = et_flash_wait(FLASH_SR, SR_BSY, 0u);
    if (status == ET_FLASH_OK) {
        status = et_flash_unlock(FLASH_KEYR, FLASH_CR, CR_LOCK);
    }
    if (status == ET_FLASH_OK) {
        ET_REG(FLASH_SR) = SR_FLAGS;
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
    if (flags & SR_WRPRTERR) {
        return ET_FLASH_PROTECTED;
    }
    return flags & SR_PGERR ? ET_FLASH_REFUSED : ET_FLASH_OK;
}

int32_t et_flash_erase_sector(uint32_t address, uint32_t sector)
{
    (void)sector;
    ET_REG(FLASH_CR) = CR_PER;
    ET_REG(FLASH_AR) = address;
    ET_REG(FLASH_CR) = CR_PER | CR_STRT;
    return finish();
}

int32_t et_flash_program_unit(uint32_t address, const uint8_t *bytes)
{
    uint16_t value;
    memcpy(&value, bytes, sizeof value);
    ET_REG(FLASH_CR) = CR_PG;
    et_flash_barrier();
    *(volatile uint16_t *)address = value;
    return finish();
}

void et_flash_close(uint32_t address)
{
    (void)address;
    ET_REG(FLASH_CR) = CR_LOCK;
}
