/* Ticks from a 32-bit timer (RM0444 chapter 22), for cores without a cycle counter. After reset it
 * counts its own clock, which is the core's, from 0 to the last number. Where it stays at 0, as in
 * emulators that do not count so finely, there is no counter. */
#include "board.h"
#include "../cortex_m/core.h"
#include "../cortex_m/parts.h"
#include "../port.h"

#define TIM_CR1 ET_REG(ET_COUNTER_BASE + 0x00u)
#define TIM_CNT_ADDRESS (ET_COUNTER_BASE + 0x24u)
#define TIM_CNT ET_REG(TIM_CNT_ADDRESS)

#define CR1_CEN 1u

static uint32_t tick_hz;

void et_counter_start(uint32_t core_hz)
{
    et_bus_clock_on(ET_COUNTER_ENABLE_REGISTER, ET_COUNTER_ENABLE_MASK);
    TIM_CR1 = CR1_CEN;
    tick_hz = et_counts(TIM_CNT_ADDRESS) ? core_hz : 0u;
}

uint32_t port_ticks(void)
{
    return TIM_CNT;
}

uint32_t port_tick_hz(void)
{
    return tick_hz;
}
