/* Ticks from the CMSDK APB timer (DDI 0479 4.3), which counts down from its reload value. */
#include "board.h"
#include "../cortex_m/core.h"
#include "../cortex_m/parts.h"
#include "../port.h"

#define TIMER_CTRL ET_REG(ET_COUNTER_BASE + 0x0u)
#define TIMER_VALUE ET_REG(ET_COUNTER_BASE + 0x4u)
#define TIMER_RELOAD ET_REG(ET_COUNTER_BASE + 0x8u)

void et_counter_start(uint32_t core_hz)
{
    (void)core_hz;
    TIMER_RELOAD = UINT32_MAX;
    TIMER_VALUE = UINT32_MAX;
    TIMER_CTRL = 1u;
}

uint32_t port_ticks(void)
{
    return UINT32_MAX - TIMER_VALUE;
}

uint32_t port_tick_hz(void)
{
    return ET_COUNTER_HZ;
}
