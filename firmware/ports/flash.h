/* Flash that keeps data over a power cut: the memory that also holds the code.
 *
 * board.h says what it looks like, from the [flash] table of the board's board.toml:
 *   ET_FLASH_ORIGIN, ET_FLASH_LENGTH   the region, bytes
 *   ET_FLASH_SECTORS                   initializer of {count, bytes} pairs, from the origin on
 *   ET_FLASH_UNIT                      bytes that are programmed at once, and their alignment
 *   ET_FLASH_BUSY_MS                   longest time one erase or one unit may take
 * Boards whose code lies in RAM have no such table and none of these functions.
 *
 * While flash is erased or programmed nothing can be read from it, so the core stands still or,
 * on chips that would crash instead, spins in RAM with interrupts masked. Either way no interrupt
 * runs for up to ET_FLASH_BUSY_MS: seconds for the large sectors of an STM32F4, F7 or H7. (Where
 * the code lies in another bank than the sector it goes on; nothing relies on that.) A UART keeps
 * one byte or a few meanwhile and loses the others. Therefore the caller must have made the
 * host silent before an erase (a request that the host waits for an answer to does that), and
 * should expect one overrun. Between two units interrupts run as always.
 *
 * A power cut leaves the sector or the unit that was under way in a state that nothing may be
 * concluded from: it can read as erased and yet be neither erased nor programmed for good. Where
 * the memory carries an error code (STM32L4, L5, G0: NMI; H7: bus fault) such a unit may fault
 * when read. Erase before use.
 *
 * Not for use in interrupts, and not from two places at once. */
#ifndef ET_FLASH_H
#define ET_FLASH_H

#include <stdint.h>

enum {
    ET_FLASH_OK = 0,
    ET_FLASH_OUT_OF_RANGE = -1, /* not wholly inside the region */
    ET_FLASH_MISALIGNED = -2,   /* not the first address of a sector, or not whole units */
    ET_FLASH_NOT_ERASED = -3,   /* a byte to be programmed is not 0xFF */
    ET_FLASH_BUSY = -4,         /* still busy after ET_FLASH_BUSY_MS; left as it is */
    ET_FLASH_LOCKED = -5,       /* does not unlock: refused until the next reset */
    ET_FLASH_PROTECTED = -6,    /* write protection is set for the sector */
    ET_FLASH_REFUSED = -7,      /* the controller reports another error */
    ET_FLASH_DIFFERS = -8,      /* done without an error, but it reads back differently */
    ET_FLASH_LAYOUT = -9,       /* the chip's option bytes choose other sectors than board.h */
    ET_FLASH_UNREADABLE = -10   /* the memory's error code does not hold */
};

/* Size in bytes of the sector that begins at `address`; 0 where none does. */
uint32_t et_flash_sector_bytes(uint32_t address);

/* Set every byte of the sector that begins at `address` to 0xFF, and check it. */
int32_t et_flash_erase(uint32_t address);

/* Copy `count` bytes at any address. What a power cut left may be refused by the memory's error
 * code (ET_FLASH_UNREADABLE); then the bytes may be anything. */
int32_t et_flash_read(uint32_t address, void *bytes, uint32_t count);

/* Program `count` bytes, whole units to an address that is a multiple of ET_FLASH_UNIT, and read
 * them back. A range may cross sectors. Every unit may be programmed once after an erase, even
 * when all its bytes are 0xFF. After an error the units before the failing one are programmed. */
int32_t et_flash_program(uint32_t address, const void *bytes, uint32_t count);

#endif
