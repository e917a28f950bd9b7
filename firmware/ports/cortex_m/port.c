/* Clocks first, because the tick rate and the baud rate follow from them. */
#include "parts.h"
#include "../port.h"

/* Most chips have no caches, or have them on after reset. */
__attribute__((weak)) void et_cache_start(void)
{
}

__attribute__((weak)) void et_cache_forget(uint32_t address, uint32_t bytes)
{
    (void)address;
    (void)bytes;
}

/* A UART whose rate stays as it is. */
__attribute__((weak)) uint32_t port_baud(uint32_t baud)
{
    (void)baud;
    return 0;
}

__attribute__((weak)) void port_baud_set(uint32_t setting)
{
    (void)setting;
}

void port_start(void)
{
    et_clocks clocks = et_clock_start();
    et_cache_start();
    et_counter_start(clocks.core_hz);
    et_uart_start(clocks.uart_hz);
}
