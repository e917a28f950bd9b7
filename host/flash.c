/* Flash of the PC's program: a file, $EDGETUNE_FLASH, with the sectors and units of the board's.
 * $EDGETUNE_FLASH_CUT=N is a power cut at operation N of this process, an erased sector or a
 * programmed unit: half of it is done and the process ends. */
#include "../firmware/ports/flash.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board.h"

#define BYTES (ET_STORE_SECTOR * ET_STORE_SECTORS)
#define FILE_NAME "flash.bin" /* where no other is named */

static uint8_t memory[BYTES];
static int file = -1;
static unsigned long operations, cut;

/* What the file lacks at its end is erased. */
static int open_file(void)
{
    const char *name = getenv("EDGETUNE_FLASH"), *at = getenv("EDGETUNE_FLASH_CUT");
    if (file >= 0) {
        return 1;
    }
    cut = at ? strtoul(at, NULL, 10) : 0;
    memset(memory, 0xFF, BYTES);
    file = open(name ? name : FILE_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    return file >= 0 && pread(file, memory, BYTES, 0) >= 0;
}

static int32_t check(uint32_t address, uint32_t count, uint32_t multiple)
{
    uint32_t offset = address - ET_STORE_ORIGIN;
    if (offset > BYTES || count > BYTES - offset) {
        return ET_FLASH_OUT_OF_RANGE;
    }
    if (offset % multiple || count % multiple) {
        return ET_FLASH_MISALIGNED;
    }
    return open_file() ? ET_FLASH_OK : ET_FLASH_REFUSED;
}

/* Memory, and the file with it; a cut leaves the second half as it was. */
static int32_t change(uint32_t offset, const uint8_t *bytes, uint32_t count)
{
    int cut_now = cut != 0 && ++operations == cut;
    count = cut_now ? count / 2u : count;
    memcpy(memory + offset, bytes, count);
    int whole = pwrite(file, bytes, count, offset) == (ssize_t)count;
    if (cut_now) {
        _exit(1);
    }
    return whole ? ET_FLASH_OK : ET_FLASH_REFUSED;
}

uint32_t et_flash_sector_bytes(uint32_t address)
{
    return check(address, ET_STORE_SECTOR, ET_STORE_SECTOR) == ET_FLASH_OK ? ET_STORE_SECTOR : 0u;
}

int32_t et_flash_read(uint32_t address, void *bytes, uint32_t count)
{
    int32_t status = check(address, count, 1u);
    if (status == ET_FLASH_OK) {
        memcpy(bytes, memory + (address - ET_STORE_ORIGIN), count);
    }
    return status;
}

int32_t et_flash_erase(uint32_t address)
{
    static uint8_t erased[ET_STORE_SECTOR];
    int32_t status = check(address, ET_STORE_SECTOR, ET_STORE_SECTOR);
    memset(erased, 0xFF, sizeof erased);
    return status == ET_FLASH_OK ? change(address - ET_STORE_ORIGIN, erased, sizeof erased)
                                 : status;
}

static int is_erased(uint32_t offset, uint32_t count)
{
    while (count > 0 && memory[offset + count - 1u] == 0xFF) {
        count--;
    }
    return count == 0;
}

int32_t et_flash_program(uint32_t address, const void *bytes, uint32_t count)
{
    uint32_t offset = address - ET_STORE_ORIGIN;
    int32_t status = check(address, count, ET_FLASH_UNIT);
    if (status == ET_FLASH_OK && !is_erased(offset, count)) {
        status = ET_FLASH_NOT_ERASED;
    }
    for (uint32_t i = 0; i < count && status == ET_FLASH_OK; i += ET_FLASH_UNIT) {
        status = change(offset + i, (const uint8_t *)bytes + i, ET_FLASH_UNIT);
    }
    return status;
}
