/* Flash of the STM32H742/743/753 (RM0433 chapter 4): two banks with registers of their own,
 * sectors of 128 KB, flash words of 256 bits with an error code. */
#include "flash_keys.h"

#include <string.h>

/* Registers of the first bank; those of the second lie 0x100 higher. */
#define FLASH_KEYR 0x52002004u
#define FLASH_CR 0x5200200Cu
#define FLASH_SR 0x52002010u
#define FLASH_CCR 0x52002014u
#define BANK_STEP 0x100u
#define BANK_SECTORS 8u
#define BANK_BYTES 0x100000u

#define CR_LOCK (1u << 0)
#define CR_PG (1u << 1)
#define CR_SER (1u << 2)
#define CR_PSIZE (3u << 4) /* how much is programmed in parallel: as after reset */
#define CR_START (1u << 7)
#define CR_SNB_SHIFT 8u

#define SR_WBNE (1u << 1) /* the flash word in the buffer is not whole */
#define SR_BUSY 5u        /* BSY, and QW: an operation waits or runs */
#define SR_EOP (1u << 16)
#define SR_WRPERR (1u << 17)
#define SR_ERRORS 0x6E0000u    /* WRP, PGS, STRB, INC, OP */
#define SR_DBECCERR (1u << 26) /* a word with two wrong bits was read */

#define SCB_CCR 0xE000ED14u
#define CCR_BFHFNMIGN (1u << 8) /* with FAULTMASK set a bus error on data is no fault */

_Static_assert(ET_FLASH_UNIT == 32, "this controller programs words of 256 bits");
_Static_assert(ET_FLASH_ORIGIN == 0x08000000u, "sectors are numbered from the chip's first");

static uint32_t bank_of(uint32_t address)
{
    return address - ET_FLASH_ORIGIN < BANK_BYTES ? 0u : BANK_STEP;
}

int32_t et_flash_open(uint32_t address)
{
    uint32_t bank = bank_of(address);
    int32_t status = et_flash_wait(FLASH_SR + bank, SR_BUSY, 0u);
    if (status == ET_FLASH_OK) {
        status = et_flash_unlock(FLASH_KEYR + bank, FLASH_CR + bank, CR_LOCK);
    }
    if (status == ET_FLASH_OK) {
        ET_REG(FLASH_CCR + bank) = SR_ERRORS | SR_EOP;
    }
    return status;
}

static void control(uint32_t bank, uint32_t bits)
{
    ET_REG(FLASH_CR + bank) = (ET_REG(FLASH_CR + bank) & CR_PSIZE) | bits;
}

static int32_t finish(uint32_t bank)
{
    et_flash_barrier();
    int32_t status = et_flash_wait(FLASH_SR + bank, SR_BUSY, 0u);
    if (status != ET_FLASH_OK) {
        return status;
    }
    uint32_t flags = ET_REG(FLASH_SR + bank);
    control(bank, 0u);
    if (flags & SR_WRPERR) {
        return ET_FLASH_PROTECTED;
    }
    return flags & (SR_ERRORS | SR_WBNE) ? ET_FLASH_REFUSED : ET_FLASH_OK;
}

int32_t et_flash_erase_sector(uint32_t address, uint32_t sector)
{
    uint32_t bank = bank_of(address);
    uint32_t choice = CR_SER | ((sector % BANK_SECTORS) << CR_SNB_SHIFT);
    control(bank, choice);
    control(bank, choice | CR_START);
    return finish(bank);
}

/* The eighth word completes the flash word in the buffer and starts the operation. */
int32_t et_flash_program_unit(uint32_t address, const uint8_t *bytes)
{
    uint32_t bank = bank_of(address);
    control(bank, CR_PG);
    et_flash_barrier();
    for (uint32_t i = 0; i < ET_FLASH_UNIT; i += 4u) {
        uint32_t word;
        memcpy(&word, bytes + i, sizeof word);
        ET_REG(address + i) = word;
    }
    return finish(bank);
}

void et_flash_close(uint32_t address)
{
    control(bank_of(address), CR_LOCK);
}

#ifdef ET_STORE
/* Reading a flash word that a power cut left half programmed is a bus error (RM0433 chapter 4). */
int32_t et_flash_copy(void *bytes, const void *from, uint32_t count)
{
    uint32_t bank = bank_of((uint32_t)(uintptr_t)from);
    ET_REG(FLASH_CCR + bank) = SR_DBECCERR;
    __asm volatile("cpsid f" ::: "memory");
    et_set_bits(SCB_CCR, CCR_BFHFNMIGN, CCR_BFHFNMIGN);
    et_flash_barrier();
    memcpy(bytes, from, count);
    et_flash_barrier();
    et_set_bits(SCB_CCR, CCR_BFHFNMIGN, 0u);
    __asm volatile("cpsie f" ::: "memory");
    return ET_REG(FLASH_SR + bank) & SR_DBECCERR ? ET_FLASH_UNREADABLE : ET_FLASH_OK;
}
#endif
