/* Where a port's ticks come from; port_start() calls it once the clocks run. */
#ifndef ET_CORTEX_M_COUNTER_H
#define ET_CORTEX_M_COUNTER_H

#include <stdint.h>

void et_counter_start(uint32_t core_hz);

#endif
