/* STM32L4 and L5 clock tree (RM0351 chapters 5 and 6, RM0438 chapters 8 and 9). */
#include "hsi_pll.h"
#include "board.h"
#include "../cortex_m/core.h"

#define RCC_APB1ENR1 0x40021058u
#define APB1ENR1_PWREN (1u << 28)
#define PWR_CR2 0x40007004u
#define CR2_IOSV_SHIFT 9

#define PLLCFGR_PLLREN (1u << 24)
#define PLLCFGR_PLLR(divider) (((divider) / 2u - 1u) << 25)
#define CFGR_HALF 0x80u /* HPRE: above 80 MHz the L5 must pass 1 us at half speed */
#define CFGR_SW 3u
#define CFGR_SW_PLL 3u

static const et_hsi_pll family = {
    .output = PLLCFGR_PLLREN | PLLCFGR_PLLR(ET_CLOCK_PLL_OUTPUT_DIVIDER),
    .half = CFGR_HALF,
    .sw = CFGR_SW,
    .sw_pll = CFGR_SW_PLL,
    .sws_shift = 2,
};

/* The pins PG2 to PG15 are cut off until their own supply, VDDIO2, is declared valid. */
et_clocks et_clock_start(void)
{
    et_bus_clock_on(RCC_APB1ENR1, APB1ENR1_PWREN);
    ET_REG(PWR_CR2) |= ET_CLOCK_VDDIO2_USED << CR2_IOSV_SHIFT;
    return et_hsi_pll_start(&family);
}
