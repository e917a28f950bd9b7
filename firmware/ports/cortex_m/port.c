/* Clocks first, because the tick rate and the baud rate follow from them. */
#include "parts.h"
#include "../port.h"

void port_start(void)
{
    et_clocks clocks = et_clock_start();
    et_counter_start(clocks.core_hz);
    et_uart_start(clocks.uart_hz);
}
