/* What port_start() is made of. A board's sources bring one file for each of these; caches only
 * where the chip has them. */
#ifndef ET_CORTEX_M_PARTS_H
#define ET_CORTEX_M_PARTS_H

#include "board.h"

#include <stdint.h>

typedef struct {
    uint32_t core_hz; /* what the core really runs at */
    uint32_t uart_hz; /* what the UART's baud rate is divided from */
} et_clocks;

/* Bring the clocks to the board's speed. Every wait is bounded; where a clock does not start,
 * the chip stays on the one it had after reset and that one is reported. */
et_clocks et_clock_start(void);

/* Switch the caches between core and flash on. */
void et_cache_start(void);

/* Drop what the caches hold of `bytes` of flash, which was erased or programmed. */
void et_cache_forget(uint32_t address, uint32_t bytes);

/* Start the counter behind port_ticks(). */
void et_counter_start(uint32_t core_hz);

/* Pins, baud rate and receive interrupt of the UART. Its file has port_baud() and port_baud_set()
 * too, where the rate can be changed. */
void et_uart_start(uint32_t uart_hz);

/* The nearest to `hz` / `baud`, where it is `least` or more and off by 1/64 at the most; else 0, as
 * for rates below the board's own. */
static inline uint32_t et_divisor(uint32_t hz, uint32_t baud, uint32_t least)
{
    uint32_t divisor = baud >= ET_UART_BAUD ? (hz + baud / 2u) / baud : 0u;
    uint32_t made = divisor * baud, off = made > hz ? made - hz : hz - made;
    return divisor >= least && off <= hz / 64u ? divisor : 0u;
}

#endif
