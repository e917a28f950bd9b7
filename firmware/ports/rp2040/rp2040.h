/* Inside the RP2040 port (RP2040 datasheet). */
#ifndef ET_RP2040_H
#define ET_RP2040_H

#include "../cortex_m/core.h"

#define ET_RESETS 0x4000C000u
#define ET_RESETS_DONE (ET_RESETS + 8u)

#define ET_RESET_IO_BANK0 (1u << 5)
#define ET_RESET_PADS_BANK0 (1u << 8)
#define ET_RESET_PLL_SYS (1u << 12)
#define ET_RESET_TIMER (1u << 21)
#define ET_RESET_UART0 (1u << 22)

/* Take blocks out of reset (2.14); they may be used once RESET_DONE says so. */
static inline void et_rp2040_unreset(uint32_t blocks)
{
    et_set_bits(ET_RESETS, blocks, 0u);
    (void)et_wait_for(ET_RESETS_DONE, blocks, blocks);
}

/* Give blocks the state they have after power-up, whatever ran before. */
static inline void et_rp2040_reset(uint32_t blocks)
{
    et_set_bits(ET_RESETS, blocks, blocks);
    et_rp2040_unreset(blocks);
}

#endif
