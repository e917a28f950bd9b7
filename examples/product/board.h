/* The product's board, an MPS2 with the Cortex-M4 image AN386: a clock, a console, a sensor and a
 * memory that stays over a reset. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

#define TICKS_PER_MS 25000u

void board_start(void);
uint32_t board_ticks(void); /* 25 MHz, wraps at 2^32 */
void board_reset(void) __attribute__((noreturn));

void console_text(const char *text);
void console_number(uint32_t value);
int32_t console_byte(void); /* that came first, or -1 */

/* The sensor sends its counts one byte each.  Whether `count` of them are there; they then lie in
 * the array, and the sensor is read on only after sensor_next(). */
int sensor_is_full(uint32_t count);
const uint8_t *sensor_counts(void);
void sensor_next(void);

/* What stands for a flash: the board has none that firmware can write.  Erased bytes are 0xFF, and a
 * program only clears bits. */
#define FLASH_SECTOR 4096u
#define FLASH_SECTORS 4u
#define FLASH_UNIT 8u
int32_t flash_read(uint32_t offset, void *bytes, uint32_t count);
int32_t flash_program(uint32_t offset, const void *bytes, uint32_t count);
int32_t flash_erase(uint32_t offset);

#endif
