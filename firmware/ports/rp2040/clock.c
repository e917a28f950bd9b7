/* RP2040 clock tree (RP2040 datasheet 2.15 to 2.18, 4.7): crystal, then PLL_SYS. A debugger or
 * port_reset() may find all of it running, so the core first goes back to the ring oscillator.
 *
 * Where the PLL does not lock, core and UART run from the crystal. Where the crystal does not
 * start either, they run from the ring oscillator: clock.rosc_hz is then only its nominal rate,
 * and the baud rate as far off as that. */
#include "board.h"
#include "rp2040.h"
#include "../cortex_m/parts.h"

#define CLK_REF_CTRL 0x40008030u
#define CLK_REF_SELECTED 0x40008038u
#define CLK_SYS_CTRL 0x4000803Cu
#define CLK_SYS_SELECTED 0x40008044u
#define CLK_PERI_CTRL ET_REG(0x40008048u)

#define REF_SOURCE 3u
#define REF_ROSC 0u
#define REF_XOSC 2u
#define SYS_SOURCE 1u /* of SRC; AUXSRC 0 is PLL_SYS */
#define SYS_REF 0u
#define SYS_AUX 1u
#define SYS_AUX_SOURCE (7u << 5)
#define PERI_ENABLE (1u << 11) /* with AUXSRC 0: the UART's clock is the core's */

#define XOSC_CTRL ET_REG(0x40024000u)
#define XOSC_STATUS 0x40024004u
#define XOSC_STARTUP ET_REG(0x4002400Cu)
#define XOSC_1_TO_15_MHZ 0xAA0u
#define XOSC_ENABLE (0xFABu << 12)
#define XOSC_STABLE (1u << 31)
#define XOSC_DELAY (ET_CLOCK_CRYSTAL_HZ / 1000u / 256u + 1u) /* 1 ms, in 256 cycles (2.16.3) */

#define PLL_CS 0x40028000u
#define PLL_PWR 0x40028004u
#define PLL_FBDIV_INT ET_REG(0x40028008u)
#define PLL_PRIM ET_REG(0x4002800Cu)
#define PLL_LOCK (1u << 31)
#define PWR_PD (1u << 0)
#define PWR_POSTDIVPD (1u << 3)
#define PWR_VCOPD (1u << 5)

#define WATCHDOG_TICK ET_REG(0x4005802Cu)
#define TICK_ENABLE (1u << 9)

/* These multiplexers change without a glitch and confirm the source, one bit for each (2.15.3.2).
 * */
static int ref_select(uint32_t source)
{
    et_set_bits(CLK_REF_CTRL, REF_SOURCE, source);
    return et_wait_for(CLK_REF_SELECTED, 1u << source, 1u << source);
}

static int sys_select(uint32_t source)
{
    et_set_bits(CLK_SYS_CTRL, SYS_SOURCE, source);
    return et_wait_for(CLK_SYS_SELECTED, 1u << source, 1u << source);
}

static int crystal_start(void)
{
    XOSC_CTRL = XOSC_1_TO_15_MHZ;
    XOSC_STARTUP = XOSC_DELAY;
    XOSC_CTRL = XOSC_ENABLE | XOSC_1_TO_15_MHZ;
    return et_wait_for(XOSC_STATUS, XOSC_STABLE, XOSC_STABLE) && ref_select(REF_XOSC);
}

/* 2.18.3: dividers before power, the output dividers once the oscillator has locked. */
static int pll_start(void)
{
    et_rp2040_reset(ET_RESET_PLL_SYS);
    ET_REG(PLL_CS) = 1u;
    PLL_FBDIV_INT = ET_CLOCK_PLL_MULTIPLIER;
    et_set_bits(PLL_PWR, PWR_PD | PWR_VCOPD, 0u);
    if (!et_wait_for(PLL_CS, PLL_LOCK, PLL_LOCK)) {
        return 0;
    }
    PLL_PRIM = (ET_CLOCK_PLL_DIVIDER_1 << 16) | (ET_CLOCK_PLL_DIVIDER_2 << 12);
    et_set_bits(PLL_PWR, PWR_POSTDIVPD, 0u);
    et_set_bits(CLK_SYS_CTRL, SYS_AUX_SOURCE, 0u);
    return sys_select(SYS_AUX);
}

/* The timer's microseconds are counted out of the reference clock (4.7.2). */
static et_clocks running(uint32_t core_hz, uint32_t reference_hz)
{
    WATCHDOG_TICK = TICK_ENABLE | ((reference_hz + ET_COUNTER_HZ / 2u) / ET_COUNTER_HZ);
    CLK_PERI_CTRL = PERI_ENABLE;
    return (et_clocks){core_hz, core_hz};
}

et_clocks et_clock_start(void)
{
    (void)sys_select(SYS_REF);
    (void)ref_select(REF_ROSC);
    if (!crystal_start()) {
        (void)ref_select(REF_ROSC);
        return running(ET_CLOCK_ROSC_HZ, ET_CLOCK_ROSC_HZ);
    }
    if (!pll_start()) {
        (void)sys_select(SYS_REF);
        return running(ET_CLOCK_CRYSTAL_HZ, ET_CLOCK_CRYSTAL_HZ);
    }
    return running(ET_CLOCK_HZ, ET_CLOCK_CRYSTAL_HZ);
}
