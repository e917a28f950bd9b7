/* Stellaris LM3S clock (LM3S6965 data sheet, 5.2.4 and 5.3): the main oscillator's crystal, then
 * the PLL's 200 MHz divided; where the PLL does not lock the core runs from the crystal. */
#include "board.h"
#include "../cortex_m/core.h"
#include "../cortex_m/parts.h"

#define SYSCTL_RIS 0x400FE050u
#define SYSCTL_MISC ET_REG(0x400FE058u)
#define SYSCTL_RCC 0x400FE060u

#define PLL_LOCKED (1u << 6) /* of RIS; cleared through MISC */
#define RCC_MOSCDIS (1u << 0)
#define RCC_OSCSRC (3u << 4) /* 0: main oscillator */
#define RCC_XTAL (15u << 6)
#define RCC_BYPASS (1u << 11)
#define RCC_PWRDN (1u << 13)
#define RCC_USESYSDIV (1u << 22)
#define RCC_SYSDIV (15u << 23)

#define CRYSTAL_LOOPS 60000u /* about 10 ms at 12 MHz: nothing reports that it runs */

static void crystal_start(void)
{
    et_set_bits(SYSCTL_RCC, RCC_MOSCDIS, 0u);
    for (uint32_t i = 0; i < CRYSTAL_LOOPS; i++) {
        __asm volatile("nop");
    }
}

/* The five steps of 5.3. */
et_clocks et_clock_start(void)
{
    uint32_t bypassed = RCC_BYPASS | RCC_PWRDN;
    uint32_t divided = ((ET_CLOCK_PLL_DIVIDER - 1u) << 23) | RCC_USESYSDIV;
    et_set_bits(SYSCTL_RCC, bypassed | RCC_USESYSDIV, bypassed);
    crystal_start();
    SYSCTL_MISC = PLL_LOCKED;
    et_set_bits(SYSCTL_RCC, RCC_XTAL | RCC_OSCSRC | RCC_PWRDN, ET_CLOCK_CRYSTAL_CODE << 6);
    et_set_bits(SYSCTL_RCC, RCC_SYSDIV | RCC_USESYSDIV, divided);
    if (et_wait_for(SYSCTL_RIS, PLL_LOCKED, PLL_LOCKED)) {
        et_set_bits(SYSCTL_RCC, RCC_BYPASS, 0u);
        return (et_clocks){ET_CLOCK_HZ, ET_CLOCK_HZ};
    }
    et_set_bits(SYSCTL_RCC, RCC_USESYSDIV, 0u);
    return (et_clocks){ET_CLOCK_CRYSTAL_HZ, ET_CLOCK_CRYSTAL_HZ};
}
