/* Inside the STM32 ports: what the clock controllers (RCC) of the families have in common. */
#ifndef ET_STM32_RCC_H
#define ET_STM32_RCC_H

#include "../cortex_m/core.h"

/* The register RCC_CR. */
#define ET_RCC_HSEON (1u << 16)
#define ET_RCC_HSERDY (1u << 17)
#define ET_RCC_HSEBYP (1u << 18)
#define ET_RCC_PLLON (1u << 24)
#define ET_RCC_PLLRDY (1u << 25)

/* The code of a bus divider 1, 2, 4, 8 or 16 in the fields PPRE1 and PPRE2 of RCC_CFGR. */
#define ET_RCC_PPRE(divider)                                                                      \
    ((divider) == 1u   ? 0u                                                                       \
     : (divider) == 2u ? 4u                                                                       \
     : (divider) == 4u ? 5u                                                                       \
     : (divider) == 8u ? 6u                                                                       \
                       : 7u)

/* Set `on` in RCC_CR; 0, and off again, if `ready` does not follow. */
static inline int et_rcc_start(uint32_t control, uint32_t on, uint32_t ready)
{
    ET_REG(control) |= on;
    if (et_wait_for(control, ready, ready)) {
        return 1;
    }
    ET_REG(control) &= ~on;
    return 0;
}

/* The external clock: a crystal, or with `bypass` a clock signal. 0 if it does not start.
 * `control` is the address of RCC_CR. */
static inline int et_hse_start(uint32_t control, int bypass)
{
    ET_REG(control) |= bypass ? ET_RCC_HSEBYP : 0u;
    return et_rcc_start(control, ET_RCC_HSEON, ET_RCC_HSERDY);
}

/* The PLL, whose source and factors are set already. 0 if it does not lock. */
static inline int et_pll_start(uint32_t control)
{
    return et_rcc_start(control, ET_RCC_PLLON, ET_RCC_PLLRDY);
}

/* Make `source` the system clock, with the bus dividers in place before the faster clock. 0 and
 * all as it was if the switch does not happen. `configuration` is the address of RCC_CFGR. */
static inline int et_rcc_select(uint32_t configuration, uint32_t dividers, uint32_t source)
{
    uint32_t before = ET_REG(configuration);
    ET_REG(configuration) = before | dividers;
    ET_REG(configuration) = before | dividers | source;
    if (et_wait_for(configuration, 3u << 2, source << 2)) {
        return 1;
    }
    ET_REG(configuration) = before;
    return 0;
}

#endif
