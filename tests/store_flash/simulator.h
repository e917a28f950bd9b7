/* Flash of any geometry that refuses what flash refuses, and loses its power at operation n. */
#ifndef ET_FLASH_SIMULATOR_H
#define ET_FLASH_SIMULATOR_H

#include <stdint.h>

#include "store.h"

/* What the operation leaves that is under way when the power goes. */
enum {
    TEAR_BEFORE,     /* nothing was done */
    TEAR_AFTER,      /* all was done, and nobody was told */
    TEAR_HIDDEN,     /* what reads as erased and is neither erased nor programmed for good */
    TEAR_PART,       /* some bits, or some units of a sector */
    TEAR_UNREADABLE, /* what the memory's error code refuses */
    TEAR_WEAK,       /* something else after each power-up, until it is erased */
    TEARS
};

enum { FLASH_OFF = -100, FLASH_FAILS = -101, FLASH_UNREADABLE = -102, FLASH_ABUSED = -103 };

/* The calls of an et_store_flash; their context is the flash that flash_new made last. */
int32_t flash_read(void *context, uint32_t offset, void *bytes, uint32_t count);
int32_t flash_program(void *context, uint32_t offset, const void *bytes, uint32_t count);
int32_t flash_erase(void *context, uint32_t offset);

/* Erased flash, in place of any before. */
void flash_new(uint32_t unit, uint32_t sector, uint32_t sectors);
/* Switch on; what is weak reads otherwise than before. */
void flash_power(void);
/* The power goes at operation n from now on, an erased sector or a programmed unit; 0: it stays. */
void flash_cut(uint32_t n, uint32_t tear, uint32_t seed);
/* Operation n from now on is done badly, under power; noticed: and says so. */
void flash_spoil(uint32_t n, int noticed, uint32_t seed);
void flash_protect(int is);             /* whether no operation is taken at all */
void flash_unreadable(uint32_t offset); /* the unit there */
uint32_t flash_operations(void);        /* since flash_cut or flash_spoil */
int flash_is_off(void);
/* Programs of units that did not read as erased or were programmed, and calls outside the flash. */
uint32_t flash_abuses(void);
uint32_t flash_erases(uint32_t sector); /* of one, since flash_new */

void flash_save(void); /* the flash as it is, for flash_restore; one is kept */
void flash_restore(void);
void flash_wipe(uint32_t offset, uint32_t count); /* whole units are erased */
uint8_t *flash_bytes(void);                       /* to be changed at will */
void flash_written(int programmed); /* after that: whether all units count as programmed */

#endif
