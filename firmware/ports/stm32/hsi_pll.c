/* The PLL on the internal 16 MHz oscillator, whose 1 % is enough for a UART and which every board
 * has: RM0351 (L4), RM0438 (L5) and RM0444 (G0), chapters PWR, RCC and FLASH. The oscillator's
 * trimming is left as the factory set it. Where a step fails, the chip stays on the clock it had
 * after reset. */
#include "hsi_pll.h"
#include "board.h"
#include "rcc.h"

#define PWR_CR1 0x40007000u
#define PWR_SR2 0x40007014u
#define RCC_CR 0x40021000u
#define RCC_CFGR 0x40021008u
#define RCC_PLLCFGR 0x4002100Cu
#define FLASH_ACR 0x40022000u

#define CR1_VOS_SHIFT 9
#define CR1_VOS_MASK (3u << CR1_VOS_SHIFT)
#define SR2_VOSF (1u << 10) /* the voltage still changes */

#define CR_HSION (1u << 8)
#define CR_HSIRDY (1u << 10)
#define PLLCFGR_SOURCE_HSI16 2u
#define ACR_LATENCY_MASK 0xFu

/* Cycles at half speed, for 1 us at any speed that these chips reach. */
#define SETTLE 64u

static int voltage_raise(void)
{
    et_set_bits(PWR_CR1, CR1_VOS_MASK, ET_CLOCK_VOLTAGE_RANGE << CR1_VOS_SHIFT);
    return et_wait_for(PWR_SR2, SR2_VOSF, 0u);
}

static int pll_start(uint32_t output)
{
    ET_REG(RCC_PLLCFGR) = PLLCFGR_SOURCE_HSI16 | ((ET_CLOCK_PLL_INPUT_DIVIDER - 1u) << 4) |
                          (ET_CLOCK_PLL_MULTIPLIER << 8) | output;
    return et_pll_start(RCC_CR);
}

static int flash_slow_down(void)
{
    et_set_bits(FLASH_ACR, ACR_LATENCY_MASK, ET_CLOCK_FLASH_CACHES | ET_CLOCK_FLASH_WAIT_STATES);
    return et_wait_for(FLASH_ACR, ACR_LATENCY_MASK, ET_CLOCK_FLASH_WAIT_STATES);
}

static int pll_select(const et_hsi_pll *family)
{
    uint32_t before = ET_REG(RCC_CFGR);
    uint32_t after = (before & ~family->sw) | family->sw_pll;
    ET_REG(RCC_CFGR) = before | family->half;
    ET_REG(RCC_CFGR) = after | family->half;
    if (!et_wait_for(RCC_CFGR, family->sw << family->sws_shift,
                     family->sw_pll << family->sws_shift)) {
        ET_REG(RCC_CFGR) = before;
        return 0;
    }
    for (uint32_t i = 0; i < SETTLE; i++) {
        __asm volatile("nop");
    }
    ET_REG(RCC_CFGR) = after;
    return 1;
}

et_clocks et_hsi_pll_start(const et_hsi_pll *family)
{
    int fast = voltage_raise() && et_rcc_start(RCC_CR, CR_HSION, CR_HSIRDY) &&
               pll_start(family->output) && flash_slow_down() && pll_select(family);
    uint32_t hz = fast ? ET_CLOCK_HZ : ET_CLOCK_RESET_HZ;
    return (et_clocks){hz, hz}; /* no bus is slower than the core */
}
