/* What the L4, L5 and G0 clock files share: the internal 16 MHz oscillator through the PLL. */
#ifndef ET_STM32_HSI_PLL_H
#define ET_STM32_HSI_PLL_H

#include <stdint.h>
#include "../cortex_m/parts.h"

typedef struct {
    uint32_t output; /* RCC_PLLCFGR: output R on, and its divider */
    uint32_t half;   /* RCC_CFGR: the core at half the system clock; 0 where that is not needed */
    uint32_t sw;     /* RCC_CFGR: the field that selects the system clock, */
    uint32_t sw_pll; /* and its value for the PLL; */
    uint32_t sws_shift; /* the field that reports it lies so many bits above */
} et_hsi_pll;

/* Voltage, oscillator, PLL, flash and switch, in this order; PWR must have its clock. */
et_clocks et_hsi_pll_start(const et_hsi_pll *family);

#endif
