/* The Pico's serial flash through the boot ROM's functions (RP2040 datasheet 2.8.3.1.3): sectors
 * of 4 KB, pages of 256 bytes. Flash cannot be read meanwhile, code included, so what runs then is
 * in RAM or in the ROM and interrupts are masked. The ROM asks the flash chip for its end without
 * a bound of its own. */
#include "../cortex_m/flash_parts.h"
#include "../port.h"

#include <string.h>

#define ROM_FUNCTIONS 0x14u /* half-words that point to the table and to the function for it */
#define ROM_LOOKUP 0x18u
#define ROM_CODE(first, second) ((uint32_t)(first) | ((uint32_t)(second) << 8))

#define SSI_SSIENR ET_REG(0x18000008u)
#define SSI_BAUDR ET_REG(0x18000014u)

#define BLOCK_BYTES 0x10000u
#define BLOCK_ERASE 0xD8u

/* The linker puts it with the variables, which startup copies to RAM. */
#define IN_RAM __attribute__((section(".ram_code"), noinline))

_Static_assert(ET_FLASH_UNIT == 256, "the flash chip programs pages");

typedef void (*rom_step)(void);

static struct {
    rom_step connect, exit_xip, flush, enter_xip;
    void (*erase)(uint32_t offset, uint32_t count, uint32_t block, uint8_t command);
    void (*program)(uint32_t offset, const uint8_t *bytes, uint32_t count);
} rom;

static uint8_t page[ET_FLASH_UNIT]; /* what is to be programmed may itself lie in flash */

static uintptr_t rom_pointer(uintptr_t address)
{
    __asm("" : "+r"(address)); /* so low an address is an object after all */
    return *(const volatile uint16_t *)address;
}

static uintptr_t find(uint32_t code)
{
    uintptr_t (*lookup)(uintptr_t, uint32_t) =
        (uintptr_t (*)(uintptr_t, uint32_t))rom_pointer(ROM_LOOKUP);
    return lookup(rom_pointer(ROM_FUNCTIONS), code);
}

int32_t et_flash_open(uint32_t address)
{
    (void)address;
    rom.connect = (rom_step)find(ROM_CODE('I', 'F'));
    rom.exit_xip = (rom_step)find(ROM_CODE('E', 'X'));
    rom.flush = (rom_step)find(ROM_CODE('F', 'C'));
    rom.enter_xip = (rom_step)find(ROM_CODE('C', 'X'));
    rom.erase = (void (*)(uint32_t, uint32_t, uint32_t, uint8_t))find(ROM_CODE('R', 'E'));
    rom.program = (void (*)(uint32_t, const uint8_t *, uint32_t))find(ROM_CODE('R', 'P'));
    int found =
        rom.connect && rom.exit_xip && rom.flush && rom.enter_xip && rom.erase && rom.program;
    return found ? ET_FLASH_OK : ET_FLASH_REFUSED;
}

/* Erase `erase` bytes or, where that is 0, program the page. The ROM leaves reads as slow as it
 * needs them for any board: the divider before is put back. */
IN_RAM static void run(uint32_t offset, uint32_t erase)
{
    uint32_t divider = SSI_BAUDR;
    rom.connect();
    rom.exit_xip();
    if (erase) {
        rom.erase(offset, erase, BLOCK_BYTES, BLOCK_ERASE);
    } else {
        rom.program(offset, page, sizeof page);
    }
    rom.flush();
    rom.enter_xip();
    SSI_SSIENR = 0u; /* BAUDR is writable while the controller is off */
    SSI_BAUDR = divider;
    SSI_SSIENR = 1u;
}

static int32_t masked(uint32_t offset, uint32_t erase)
{
    uint32_t state = port_lock();
    run(offset, erase);
    port_unlock(state);
    return ET_FLASH_OK;
}

int32_t et_flash_erase_sector(uint32_t address, uint32_t sector)
{
    (void)sector;
    return masked(address - ET_FLASH_ORIGIN, et_flash_sector_bytes(address));
}

int32_t et_flash_program_unit(uint32_t address, const uint8_t *bytes)
{
    memcpy(page, bytes, sizeof page);
    return masked(address - ET_FLASH_ORIGIN, 0u);
}

/* The flash chip forgets the permission to write after each operation. */
void et_flash_close(uint32_t address)
{
    (void)address;
}
