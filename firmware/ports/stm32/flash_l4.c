/* Flash of the STM32L4 (RM0351 chapter 3), G0 (RM0444 chapter 3) and L5 without TrustZone (RM0438
 * chapter 6, the non-secure registers): equal pages in one or two banks, double words. */
#include "flash_keys.h"

#include <string.h>

#define FLASH_KEYR 0x40022008u

#define SR_EOP (1u << 0)
#define SR_WRPERR (1u << 4)
#define SR_ERRORS 0x3FAu   /* OP, PROG, WRP, PGA, SIZ, PGS, MIS and FAST; L5: 8 and 9 read as 0 */
#define SR_BUSY (5u << 16) /* BSY; on the G0 also CFGBSY, which reads as 0 on the others */

#define CR_PG (1u << 0)
#define CR_PER (1u << 1)
#define CR_PNB_SHIFT 3u
#define CR_BKER (1u << 11)
#define CR_STRT (1u << 16)
#define CR_LOCK (1u << 31)

_Static_assert(ET_FLASH_UNIT == 8, "this controller programs double words");
_Static_assert(ET_FLASH_ORIGIN == 0x08000000u, "pages are numbered from the chip's first");

/* On the L5 an option bit chooses one bank or two, and with it the size of a page. */
static int layout_is_known(void)
{
#ifdef ET_FLASH_LAYOUT_REGISTER
    return (ET_REG(ET_FLASH_LAYOUT_REGISTER) & ET_FLASH_LAYOUT_MASK) == ET_FLASH_LAYOUT_MASK;
#else
    return 1;
#endif
}

/* Writing 1 clears a flag; operations are refused while an old one is set. */
int32_t et_flash_open(uint32_t address)
{
    (void)address;
    if (!layout_is_known()) {
        return ET_FLASH_LAYOUT;
    }
    int32_t status = et_flash_wait(ET_FLASH_STATUS_REGISTER, SR_BUSY, 0u);
    if (status == ET_FLASH_OK) {
        status = et_flash_unlock(FLASH_KEYR, ET_FLASH_CONTROL_REGISTER, CR_LOCK);
    }
    if (status == ET_FLASH_OK) {
        ET_REG(ET_FLASH_STATUS_REGISTER) = ET_REG(ET_FLASH_STATUS_REGISTER) & (SR_ERRORS | SR_EOP);
    }
    return status;
}

static int32_t finish(void)
{
    et_flash_barrier();
    int32_t status = et_flash_wait(ET_FLASH_STATUS_REGISTER, SR_BUSY, 0u);
    if (status != ET_FLASH_OK) {
        return status;
    }
    uint32_t flags = ET_REG(ET_FLASH_STATUS_REGISTER);
    ET_REG(ET_FLASH_CONTROL_REGISTER) = 0u;
    if (flags & SR_WRPERR) {
        return ET_FLASH_PROTECTED;
    }
    return flags & SR_ERRORS ? ET_FLASH_REFUSED : ET_FLASH_OK;
}

int32_t et_flash_erase_sector(uint32_t address, uint32_t sector)
{
    (void)address;
    uint32_t bank = sector < ET_FLASH_BANK_PAGES ? 0u : CR_BKER;
    uint32_t choice = CR_PER | bank | ((sector % ET_FLASH_BANK_PAGES) << CR_PNB_SHIFT);
    ET_REG(ET_FLASH_CONTROL_REGISTER) = choice;
    ET_REG(ET_FLASH_CONTROL_REGISTER) = choice | CR_STRT;
    return finish();
}

/* The second word starts the operation, so it must be the second. */
int32_t et_flash_program_unit(uint32_t address, const uint8_t *bytes)
{
    uint32_t words[2];
    memcpy(words, bytes, sizeof words);
    ET_REG(ET_FLASH_CONTROL_REGISTER) = CR_PG;
    et_flash_barrier();
    ET_REG(address) = words[0];
    et_flash_barrier();
    ET_REG(address + 4u) = words[1];
    return finish();
}

void et_flash_close(uint32_t address)
{
    (void)address;
    ET_REG(ET_FLASH_CONTROL_REGISTER) = CR_LOCK;
}

#ifdef ET_STORE
#define ECCR_ECCD (1u << 31) /* two wrong bits; writing 1 clears it */

static volatile uint32_t unreadable;

/* Reading a double word that a power cut left half programmed raises it (RM0351 chapter 3). */
void et_nmi(void)
{
    if (!(ET_REG(ET_FLASH_ECC_REGISTER) & ECCR_ECCD)) {
        et_fault();
    }
    ET_REG(ET_FLASH_ECC_REGISTER) = ECCR_ECCD;
    unreadable = 1;
}

int32_t et_flash_copy(void *bytes, const void *from, uint32_t count)
{
    unreadable = 0;
    memcpy(bytes, from, count);
    et_flash_barrier();
    return unreadable ? ET_FLASH_UNREADABLE : ET_FLASH_OK;
}
#endif
