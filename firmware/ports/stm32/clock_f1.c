/* The clock tree of the STM32F1 (RM0008 chapter 7, RM0041 chapter 6). The PLL takes the external
 * clock, or half of the internal oscillator; where it does not lock the core stays on the internal
 * oscillator. */
#include "rcc.h"
#include "board.h"
#include "../cortex_m/parts.h"

#define RCC_CR 0x40021000u
#define RCC_CFGR 0x40021004u
#define FLASH_ACR 0x40022000u

#define CFGR_PLL_HSE (1u << 16)
#define CFGR_PLL_MULTIPLIER(factor) (((factor) - 2u) << 18)
#define CFGR_SOURCE_PLL 2u
#define CFGR_DIVIDERS                                                                             \
    (ET_RCC_PPRE(ET_CLOCK_APB1_DIVIDER) << 8 | ET_RCC_PPRE(ET_CLOCK_APB2_DIVIDER) << 11)
#define ACR_LATENCY 7u

#define UART_DIVIDER (ET_UART_APB == 1u ? ET_CLOCK_APB1_DIVIDER : ET_CLOCK_APB2_DIVIDER)

/* What the PLL gives, Hz; 0 if it does not lock. Without an external clock hse_hz is 0. */
static uint32_t pll_start(void)
{
    if (ET_CLOCK_HSE_HZ && et_hse_start(RCC_CR, ET_CLOCK_HSE_BYPASS)) {
        ET_REG(RCC_CFGR) = CFGR_PLL_HSE | CFGR_PLL_MULTIPLIER(ET_CLOCK_PLL_HSE_MULTIPLIER);
        return et_pll_start(RCC_CR) ? ET_CLOCK_HSE_HZ * ET_CLOCK_PLL_HSE_MULTIPLIER : 0u;
    }
    ET_REG(RCC_CFGR) = CFGR_PLL_MULTIPLIER(ET_CLOCK_PLL_HSI_MULTIPLIER);
    return et_pll_start(RCC_CR) ? ET_CLOCK_HSI_HZ / 2u * ET_CLOCK_PLL_HSI_MULTIPLIER : 0u;
}

/* Wait states before the faster clock (RM0008 3.3.3). The STM32F100 needs and has none. */
static int flash_slow_down(void)
{
    et_set_bits(FLASH_ACR, ACR_LATENCY, ET_CLOCK_FLASH_WAIT_STATES);
    return et_wait_for(FLASH_ACR, ACR_LATENCY, ET_CLOCK_FLASH_WAIT_STATES);
}

et_clocks et_clock_start(void)
{
    uint32_t hz = pll_start();
    if (hz && flash_slow_down() && et_rcc_select(RCC_CFGR, CFGR_DIVIDERS, CFGR_SOURCE_PLL)) {
        return (et_clocks){hz, hz / UART_DIVIDER};
    }
    return (et_clocks){ET_CLOCK_HSI_HZ, ET_CLOCK_HSI_HZ};
}
