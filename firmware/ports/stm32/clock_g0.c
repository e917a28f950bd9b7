/* STM32G0 clock tree (RM0444 chapters 4 and 5). */
#include "hsi_pll.h"
#include "board.h"
#include "../cortex_m/core.h"

#define RCC_APBENR1 0x4002103Cu
#define APBENR1_PWREN (1u << 28)

#define PLLCFGR_PLLREN (1u << 28)
#define PLLCFGR_PLLR(divider) (((divider) - 1u) << 29)
#define CFGR_SW 7u
#define CFGR_SW_PLL 2u

static const et_hsi_pll family = {
    .output = PLLCFGR_PLLREN | PLLCFGR_PLLR(ET_CLOCK_PLL_OUTPUT_DIVIDER),
    .sw = CFGR_SW,
    .sw_pll = CFGR_SW_PLL,
    .sws_shift = 3,
};

et_clocks et_clock_start(void)
{
    et_bus_clock_on(RCC_APBENR1, APBENR1_PWREN);
    return et_hsi_pll_start(&family);
}
