/* Erase and program for every chip: arguments are checked before a register is touched, flash is
 * locked again after each operation, and what was written is read back. */
#include "flash_parts.h"

#include <string.h>

#define ERASED 0xFFFFu

static const struct {
    uint32_t count;
    uint32_t bytes;
} sectors[] = ET_FLASH_SECTORS;

/* An address before the region wraps round to an offset far behind it. */
static int inside(uint32_t address, uint32_t count)
{
    uint32_t offset = address - ET_FLASH_ORIGIN;
    return offset <= ET_FLASH_LENGTH && count <= ET_FLASH_LENGTH - offset;
}

/* Size of the sector that begins at `address`, and its number in `index`; 0 where none does. */
static uint32_t find_sector(uint32_t address, uint32_t *index)
{
    uint32_t start = ET_FLASH_ORIGIN;
    *index = 0;
    for (uint32_t run = 0; run < sizeof sectors / sizeof sectors[0]; run++) {
        uint32_t offset = address - start;
        uint32_t bytes = sectors[run].bytes;
        if (offset < sectors[run].count * bytes) {
            *index += offset / bytes;
            return offset % bytes ? 0u : bytes;
        }
        *index += sectors[run].count;
        start += sectors[run].count * bytes;
    }
    return 0;
}

/* Half-words, because the smallest unit is one. */
static int is_erased(uint32_t address, uint32_t count)
{
    for (uint32_t i = 0; i < count; i += 2u) {
        if (*(volatile uint16_t *)(address + i) != ERASED) {
            return 0;
        }
    }
    return 1;
}

uint32_t et_flash_sector_bytes(uint32_t address)
{
    uint32_t index;
    return find_sector(address, &index);
}

/* Lock again. A controller that is still busy is left alone: it would make its bus wait. */
static int32_t closed(uint32_t address, int32_t status)
{
    if (status != ET_FLASH_BUSY) {
        et_flash_close(address);
    }
    return status;
}

static int32_t erase(uint32_t address, uint32_t index)
{
    int32_t status = et_flash_open(address);
    return status == ET_FLASH_OK ? closed(address, et_flash_erase_sector(address, index)) : status;
}

static int32_t forgotten(uint32_t address, uint32_t count, int32_t status)
{
    if (status != ET_FLASH_BUSY) {
        et_cache_forget(address, count);
    }
    return status;
}

int32_t et_flash_erase(uint32_t address)
{
    uint32_t index;
    uint32_t bytes = find_sector(address, &index);
    if (bytes == 0u) {
        return inside(address, 1u) ? ET_FLASH_MISALIGNED : ET_FLASH_OUT_OF_RANGE;
    }
    int32_t status = forgotten(address, bytes, erase(address, index));
    if (status != ET_FLASH_OK) {
        return status;
    }
    return is_erased(address, bytes) ? ET_FLASH_OK : ET_FLASH_DIFFERS;
}

__attribute__((weak)) int32_t et_flash_copy(void *bytes, const void *from, uint32_t count)
{
    memcpy(bytes, from, count);
    return ET_FLASH_OK;
}

int32_t et_flash_read(uint32_t address, void *bytes, uint32_t count)
{
    if (!inside(address, count)) {
        return ET_FLASH_OUT_OF_RANGE;
    }
    return et_flash_copy(bytes, (const void *)(uintptr_t)address, count);
}

static int32_t program_unit(uint32_t address, const uint8_t *bytes)
{
    int32_t status = et_flash_open(address);
    return status == ET_FLASH_OK ? closed(address, et_flash_program_unit(address, bytes)) : status;
}

static int32_t program(uint32_t address, const uint8_t *bytes, uint32_t count)
{
    int32_t status = ET_FLASH_OK;
    for (uint32_t i = 0; i < count && status == ET_FLASH_OK; i += ET_FLASH_UNIT) {
        status = program_unit(address + i, bytes + i);
    }
    return status;
}

int32_t et_flash_program(uint32_t address, const void *bytes, uint32_t count)
{
    if (!inside(address, count)) {
        return ET_FLASH_OUT_OF_RANGE;
    }
    if (address % ET_FLASH_UNIT || count % ET_FLASH_UNIT) {
        return ET_FLASH_MISALIGNED;
    }
    if (!is_erased(address, count)) {
        return ET_FLASH_NOT_ERASED;
    }
    int32_t status = forgotten(address, count, program(address, bytes, count));
    if (status != ET_FLASH_OK) {
        return status;
    }
    return memcmp((const void *)(uintptr_t)address, bytes, count) ? ET_FLASH_DIFFERS : ET_FLASH_OK;
}
