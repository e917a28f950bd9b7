/* The clock tree of STM32F4 and F7 (RM0090 chapter 7, RM0368 and RM0390 chapter 6, RM0385 chapter
 * 5), whose registers agree. Tries the external clock, then the internal oscillator, as the PLL's
 * source; where the PLL does not lock the core stays on the internal oscillator.
 *
 * The voltage regulator needs no change: after reset it is at the scale that the fastest clock of
 * the chip needs (the VOS bits of PWR_CR). */
#include "rcc.h"
#include "board.h"
#include "../cortex_m/parts.h"

#define RCC_CR 0x40023800u
#define RCC_PLLCFGR 0x40023804u
#define RCC_CFGR 0x40023808u
#define RCC_APB1ENR 0x40023840u
#define FLASH_ACR 0x40023C00u
#define PWR_CR 0x40007000u
#define PWR_CSR 0x40007004u

#define PLLCFGR_RESERVED 0xF0BC8000u /* and PLLR, which a chip that has it must not leave at 0 */
#define PLLCFGR_SOURCE_HSE (1u << 22)
#define CFGR_SOURCE_PLL 2u
#define CFGR_DIVIDERS                                                                             \
    (ET_RCC_PPRE(ET_CLOCK_APB1_DIVIDER) << 10 | ET_RCC_PPRE(ET_CLOCK_APB2_DIVIDER) << 13)
#define ACR_LATENCY 0xFu
#define APB1ENR_PWREN (1u << 28)
#define POWER_OVERDRIVE (1u << 16)        /* PWR_CR ODEN, PWR_CSR ODRDY */
#define POWER_OVERDRIVE_SWITCH (1u << 17) /* PWR_CR ODSWEN, PWR_CSR ODSWRDY */

#define UART_DIVIDER (ET_UART_APB == 1u ? ET_CLOCK_APB1_DIVIDER : ET_CLOCK_APB2_DIVIDER)

/* A board without an external clock has clock.hse_hz = 0. */
static int pll_start(void)
{
    int external = ET_CLOCK_HSE_HZ && et_hse_start(RCC_CR, ET_CLOCK_HSE_BYPASS);
    uint32_t factors =
        (external ? PLLCFGR_SOURCE_HSE | ET_CLOCK_PLL_HSE_DIVIDER : ET_CLOCK_PLL_HSI_DIVIDER) |
        ET_CLOCK_PLL_MULTIPLIER << 6 | (ET_CLOCK_PLL_SYSTEM_DIVIDER / 2u - 1u) << 16 |
        ET_CLOCK_PLL_USB_DIVIDER << 24;
    et_set_bits(RCC_PLLCFGR, ~PLLCFGR_RESERVED, factors);
    return et_pll_start(RCC_CR);
}

/* The regulator's over-drive, which the fastest clocks need (RM0385 4.1.4). */
static int overdrive_step(uint32_t bit)
{
    ET_REG(PWR_CR) |= bit;
    return et_wait_for(PWR_CSR, bit, bit);
}

static int overdrive_start(void)
{
    et_bus_clock_on(RCC_APB1ENR, APB1ENR_PWREN);
    return overdrive_step(POWER_OVERDRIVE) && overdrive_step(POWER_OVERDRIVE_SWITCH);
}

/* Wait states before the faster clock, as the flash needs them (RM0090 3.5.1). */
static int flash_slow_down(void)
{
    ET_REG(FLASH_ACR) = ET_CLOCK_FLASH_ACCELERATOR | ET_CLOCK_FLASH_WAIT_STATES;
    return et_wait_for(FLASH_ACR, ACR_LATENCY, ET_CLOCK_FLASH_WAIT_STATES);
}

et_clocks et_clock_start(void)
{
    if (pll_start() && (!ET_CLOCK_OVERDRIVE || overdrive_start()) && flash_slow_down() &&
        et_rcc_select(RCC_CFGR, CFGR_DIVIDERS, CFGR_SOURCE_PLL)) {
        return (et_clocks){ET_CLOCK_HZ, ET_CLOCK_HZ / UART_DIVIDER};
    }
    return (et_clocks){ET_CLOCK_HSI_HZ, ET_CLOCK_HSI_HZ};
}
