/* STM32F4: clocks first, because the baud rate and the tick rate follow from them. */
#include "stm32f4.h"
#include "../cortex_m/counter.h"
#include "../port.h"

void port_start(void)
{
    et_stm32f4_clocks clocks = et_stm32f4_clock_start();
    et_counter_start(clocks.core_hz);
    et_stm32f4_uart_start(clocks.uart_hz);
}
