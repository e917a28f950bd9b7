/* STM32F4 clock tree (RM0090 chapter 7). Tries the crystal, then the internal oscillator, as the
 * PLL's source; where the PLL does not lock the core stays on the internal oscillator. */
#include "board.h"
#include "../cortex_m/core.h"
#include "../cortex_m/parts.h"

#define RCC_CR ET_REG(0x40023800u)
#define RCC_PLLCFGR ET_REG(0x40023804u)
#define RCC_CFGR ET_REG(0x40023808u)
#define FLASH_ACR ET_REG(0x40023C00u)

#define CR_HSION (1u << 0)
#define CR_HSEON (1u << 16)
#define CR_HSERDY (1u << 17)
#define CR_PLLON (1u << 24)
#define CR_PLLRDY (1u << 25)

#define PLLCFGR_SOURCE_HSE (1u << 22)
#define CFGR_SW_MASK 0x3u
#define CFGR_SW_PLL 0x2u
#define CFGR_SWS_MASK 0xCu
#define CFGR_SWS_PLL 0x8u
#define CFGR_BUSES ((5u << 10) | (4u << 13)) /* APB1 = core / 4, APB2 = core / 2 */

#define ACR_CACHES ((1u << 8) | (1u << 9) | (1u << 10)) /* prefetch, instruction, data */
#define ACR_LATENCY_MASK 0xFu

static int hse_start(void)
{
    RCC_CR |= CR_HSEON;
    if (et_wait_for(0x40023800u, CR_HSERDY, CR_HSERDY)) {
        return 1;
    }
    RCC_CR &= ~CR_HSEON;
    return 0;
}

static int pll_start(uint32_t source, uint32_t divider)
{
    RCC_PLLCFGR = divider | (ET_CLOCK_PLL_MULTIPLIER << 6) |
                  ((ET_CLOCK_PLL_SYSTEM_DIVIDER / 2u - 1u) << 16) | source |
                  (ET_CLOCK_PLL_USB_DIVIDER << 24);
    RCC_CR |= CR_PLLON;
    if (et_wait_for(0x40023800u, CR_PLLRDY, CR_PLLRDY)) {
        return 1;
    }
    RCC_CR &= ~CR_PLLON;
    return 0;
}

/* Wait states before the faster clock, as the flash needs them (RM0090 3.5.1). */
static int flash_slow_down(void)
{
    FLASH_ACR = ACR_CACHES | ET_CLOCK_FLASH_WAIT_STATES;
    return et_wait_for(0x40023C00u, ACR_LATENCY_MASK, ET_CLOCK_FLASH_WAIT_STATES);
}

static int pll_select(void)
{
    uint32_t before = RCC_CFGR;
    RCC_CFGR = (before & ~CFGR_SW_MASK) | CFGR_BUSES | CFGR_SW_PLL;
    if (et_wait_for(0x40023808u, CFGR_SWS_MASK, CFGR_SWS_PLL)) {
        return 1;
    }
    RCC_CFGR = before;
    return 0;
}

et_clocks et_clock_start(void)
{
    RCC_CR |= CR_HSION;
    int locked = hse_start() ? pll_start(PLLCFGR_SOURCE_HSE, ET_CLOCK_PLL_HSE_DIVIDER)
                             : pll_start(0u, ET_CLOCK_PLL_HSI_DIVIDER);
    if (locked && flash_slow_down() && pll_select()) {
        return (et_clocks){ET_CLOCK_HZ, ET_CLOCK_HZ / ET_UART_BUS_DIVIDER};
    }
    return (et_clocks){ET_CLOCK_HSI_HZ, ET_CLOCK_HSI_HZ};
}
