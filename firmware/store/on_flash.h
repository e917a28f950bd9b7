/* The store's flash is the board's: its region, by the driver of firmware/ports/flash.h.  For the
 * one file that owns the store. */
#ifndef ET_STORE_ON_FLASH_H
#define ET_STORE_ON_FLASH_H

#include "board.h"
#include "flash.h"
#include "store.h"

static int32_t et_region_read(void *context, uint32_t offset, void *bytes, uint32_t count)
{
    (void)context;
    return et_flash_read(ET_STORE_ORIGIN + offset, bytes, count);
}

static int32_t et_region_program(void *context, uint32_t offset, const void *bytes, uint32_t count)
{
    (void)context;
    return et_flash_program(ET_STORE_ORIGIN + offset, bytes, count);
}

static int32_t et_region_erase(void *context, uint32_t offset)
{
    (void)context;
    return et_flash_erase(ET_STORE_ORIGIN + offset);
}

static uint8_t et_region_buffer[ET_STORE_BUFFER(ET_FLASH_UNIT)] __attribute__((aligned(4)));

static const et_store_flash et_region = {
    .unit = ET_FLASH_UNIT,
    .sector = ET_STORE_SECTOR,
    .sectors = ET_STORE_SECTORS,
    .read = et_region_read,
    .program = et_region_program,
    .erase = et_region_erase,
    .buffer = et_region_buffer,
};

#endif
