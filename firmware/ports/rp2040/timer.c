/* Ticks from the RP2040's microsecond timer (RP2040 datasheet 4.6). Its raw low word reads without
 * the latch that the other pair of registers shares between both cores. */
#include "board.h"
#include "rp2040.h"
#include "../cortex_m/parts.h"
#include "../port.h"

#define TIMERAWL ET_REG(0x40054028u)

void et_counter_start(uint32_t core_hz)
{
    (void)core_hz;
    et_rp2040_unreset(ET_RESET_TIMER);
}

uint32_t port_ticks(void)
{
    return TIMERAWL;
}

uint32_t port_tick_hz(void)
{
    return ET_COUNTER_HZ;
}
