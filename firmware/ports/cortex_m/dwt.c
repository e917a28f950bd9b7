/* Ticks from the cycle counter of the debug unit (DDI 0403 C1.8). Where it stays at 0, as in
 * emulators that do not model it, there is no counter. */
#include "core.h"
#include "parts.h"
#include "../port.h"

#define DWT_CTRL ET_REG(0xE0001000u)
#define DWT_CYCCNT_ADDRESS 0xE0001004u
#define DWT_CYCCNT ET_REG(DWT_CYCCNT_ADDRESS)
#define DWT_LAR ET_REG(0xE0001FB0u) /* the lock of CoreSight units (ARM IHI 0029) */
#define LAR_UNLOCK 0xC5ACCE55u
#define DEMCR_TRCENA (1u << 24)
#define DWT_CTRL_CYCCNTENA 1u

static uint32_t tick_hz;

void et_counter_start(uint32_t core_hz)
{
    ET_DEMCR |= DEMCR_TRCENA;
    DWT_LAR = LAR_UNLOCK; /* a Cortex-M7 locks the unit; the others ignore it */
    DWT_CYCCNT = 0;
    DWT_CTRL |= DWT_CTRL_CYCCNTENA;
    tick_hz = et_counts(DWT_CYCCNT_ADDRESS) ? core_hz : 0u;
}

uint32_t port_ticks(void)
{
    return DWT_CYCCNT;
}

uint32_t port_tick_hz(void)
{
    return tick_hz;
}
