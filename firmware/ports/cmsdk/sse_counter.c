/* Ticks from the system counter of Arm's SSE-300 subsystem; the low word is enough. */
#include "board.h"
#include "../cortex_m/core.h"
#include "../cortex_m/parts.h"
#include "../port.h"

#define COUNTER_ENABLE ET_REG(ET_COUNTER_CONTROL_BASE)
#define COUNTER_LOW ET_REG(ET_COUNTER_STATUS_BASE)

void et_counter_start(uint32_t core_hz)
{
    (void)core_hz;
    COUNTER_ENABLE = 1u;
}

uint32_t port_ticks(void)
{
    return COUNTER_LOW;
}

uint32_t port_tick_hz(void)
{
    return ET_COUNTER_HZ;
}
