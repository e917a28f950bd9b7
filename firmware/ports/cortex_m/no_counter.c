/* A board without a tick counter: Cortex-M0 and M0+ have none in the core. */
#include "parts.h"
#include "../port.h"

void et_counter_start(uint32_t core_hz)
{
    (void)core_hz;
}

uint32_t port_ticks(void)
{
    return 0;
}

uint32_t port_tick_hz(void)
{
    return 0;
}
